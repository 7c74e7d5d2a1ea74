// name: count_class
// access: read
// params: class: int
// columns: activations: int, activationSum: int, kept: int, influences: int, influenceSum: int, attributes: int, attributeSum: int
// What the database holds of a class: numbers of relationships and sums of their counts.
MATCH (class:Class {key: $class})
CALL (class) {
  OPTIONAL MATCH (class)-[active:ACTIVATES]->()
  RETURN
    count(active) AS activations,
    sum(active.count) AS activationSum,
    count(CASE WHEN active.kept THEN 1 END) AS kept
}
CALL () {
  OPTIONAL MATCH ()-[edge:INFLUENCES {class: $class}]->()
  RETURN count(edge) AS influences, sum(edge.count) AS influenceSum
}
CALL () {
  OPTIONAL MATCH ()-[edge:ATTRIBUTES {class: $class}]->()
  RETURN count(edge) AS attributes, sum(edge.count) AS attributeSum
}
RETURN activations, activationSum, kept, influences, influenceSum, attributes, attributeSum

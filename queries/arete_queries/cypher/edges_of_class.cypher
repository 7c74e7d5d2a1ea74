// name: edges_of_class
// access: read
// params: class: int
// columns: sourceLayers: list<int>, sources: list<int>, targetLayers: list<int>, targets: list<int>, counts: list<int>
// Influence edges of a class, as the loader wrote them: some 1.5 s for 200,000.
MATCH (source)-[edge:INFLUENCES {class: $class}]->(target)
USING INDEX edge:INFLUENCES(class)
RETURN
  collect(source.layerIndex) AS sourceLayers,
  collect(source.index) AS sources,
  collect(target.layerIndex) AS targetLayers,
  collect(target.index) AS targets,
  collect(edge.count) AS counts

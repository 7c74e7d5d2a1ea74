// name: counts_of_class
// access: read
// params: class: int
// columns: layers: list<int>, channels: list<int>, counts: list<int>
// Activation counts of a class, as the loader wrote them.
MATCH (:Class {key: $class})-[active:ACTIVATES]->(channel)
RETURN collect(channel.layerIndex) AS layers, collect(channel.index) AS channels, collect(active.count) AS counts

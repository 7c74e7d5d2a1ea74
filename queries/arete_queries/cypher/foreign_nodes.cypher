// name: foreign_nodes
// access: read
// params: known: list<string>
// columns: what: string, nodes: int
// What no run folder holds: nodes that carry none of the known labels, and channels that a person gave a name.
MATCH (node)
WHERE none(label IN labels(node) WHERE label IN $known)
WITH labels(node) AS labels, count(*) AS nodes
RETURN reduce(text = 'nodes labelled', label IN labels | text + ' ' + label) AS what, nodes
ORDER BY what
UNION ALL
MATCH (channel:Channel)
WHERE 'label' IN keys(channel)
WITH count(*) AS nodes
WHERE nodes > 0
RETURN 'channels with a label' AS what, nodes

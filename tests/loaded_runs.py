"""What integration tests load, and what the database must answer then, worked out from the run folders alone."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import neo4j
import numpy as np

from arete_core.class_data import ClassData, RunData
from arete_core.run_folder import RunFolder
from run_builder import ClassSpec, LayerSpec, build_run

Dump = dict[str, Any]


@dataclass(frozen=True)
class Loaded:
    """What the database holds: run folders by run id, and each class's numbers as computed from the folder alone."""

    folders: dict[str, RunFolder]
    data: dict[str, RunData]
    classes: dict[str, ClassData]

    def channel_ids(self, run: str) -> list[str]:
        layers = self.data[run].layers.to_pylist()
        return [f"{run}/{layer['name']}/{index}" for layer in layers for index in range(layer["channels"])]

    def kept(self, class_id: str, mass: float) -> set[str]:
        """Kept channels, by the definition of extraction and not by the entries that are stored."""
        one, run = self.classes[class_id], class_id.partition("/")[0]
        layout, ids = self.data[run].layout, self.channel_ids(run)
        kept: set[str] = set()
        for layer in range(len(layout.sizes)):
            channels = np.flatnonzero(layout.layer == layer)
            ranks = one.ranks[channels]
            reached = 0.0
            for place in np.lexsort((channels, -ranks)):
                if ranks[place] == 0 or reached / ranks.sum() >= mass:
                    break
                kept.add(ids[channels[place]])
                reached += ranks[place]
        return kept

    def edges(self, class_id: str, mass: float, min_share: float = 0.0) -> dict[tuple[str, str], int]:
        """Edges between kept channels, source and target to count."""
        one, run = self.classes[class_id], class_id.partition("/")[0]
        ids, kept = self.channel_ids(run), self.kept(class_id, mass)
        floor = min_share * self.data[run].classes.column("images").to_pylist()[one.index]
        return {
            (ids[source], ids[target]): int(count)
            for source, target, count in zip(one.sources, one.targets, one.weights, strict=True)
            if ids[source] in kept and ids[target] in kept and count >= floor
        }


def compute(folder: RunFolder) -> tuple[RunData, list[ClassData]]:
    data = RunData(folder, min_share=0.0)
    return data, list(data.each(np.ones(data.class_count, np.bool_)))


def without_graph(path: Path) -> RunFolder:
    """A run whose only class has rank mass in a layer that no edge reaches."""
    layers = [LayerSpec("a", 2), LayerSpec("b", 2, [0]), LayerSpec("c", 2, [1])]
    spec = ClassSpec("cut off", 10, {(0, 0): 5, (1, 0): 5, (2, 0): 5}, [(0, 0, 1, 0, 4)])
    return build_run(path, layers, [spec], run_id="cut-off")


def read_dump(driver: neo4j.Driver) -> Dump:
    """Reads everything in the database with statements of its own; class keys are replaced by class ids."""

    def rows(text: Any) -> list[tuple[Any, ...]]:
        records, _, _ = driver.execute_query(text)
        # A store gives properties in any order.
        return sorted((tuple(map(_ordered, record.values())) for record in records), key=repr)

    return {
        "nodes": rows("MATCH (n) WHERE NOT n:Class RETURN labels(n), properties(n)"),
        "classes": rows("MATCH (n:Class) RETURN properties(n {.*, key: null})"),
        "parts": rows("MATCH (a)-[r:HAS_LAYER|HAS_CHANNEL|HAS_CLASS]->(b) RETURN type(r), a.id, b.id"),
        "activations": rows("MATCH (c:Class)-[r:ACTIVATES]->(n) RETURN c.id, n.id, r.count, r.rank, r.entry, r.kept"),
        "influences": rows(
            "MATCH (a)-[r:INFLUENCES]->(b) MATCH (c:Class {key: r.class}) RETURN c.id, a.id, b.id, r.count"
        ),
        "attributes": rows(
            "MATCH (a)-[r:ATTRIBUTES]->(b) MATCH (c:Class {key: r.class}) RETURN c.id, a.id, b.id, r.count"
        ),
        "scores": rows("MATCH (c:Class)-[r:SCORES]->(n) RETURN c.id, n.id, r.name, r.value"),
        "places": rows("MATCH (c:Class)-[r:PLACED_IN]->(l:Layer) RETURN c.id, l.id, r.x, r.y"),
        "examples": rows("MATCH (c:Channel)-[r:EXAMPLE]->(i:Image) RETURN c.id, i.id, r.rank, r.activation"),
        "relationships": rows("MATCH ()-[r]->() RETURN type(r), count(*)"),
        "relationship types": rows(
            "MATCH ()-[r]->() UNWIND keys(r) AS key RETURN DISTINCT type(r), key, valueType(r[key])"
        ),
        "node types": rows("MATCH (n) UNWIND keys(n) AS key RETURN DISTINCT labels(n), key, valueType(n[key])"),
    }


def _ordered(value: Any) -> Any:
    return dict(sorted(value.items())) if isinstance(value, dict) else value


def read_schema(driver: neo4j.Driver) -> list[tuple[Any, ...]]:
    """Reads indexes and constraints: name, kind, what they are on, whether they are ready."""
    found: list[tuple[Any, ...]] = []
    indexes: Any = (
        "SHOW INDEXES YIELD name, type, entityType, labelsOrTypes, properties, state "
        "WHERE type <> 'LOOKUP' RETURN name, type, entityType, labelsOrTypes, properties, state"
    )
    constraints: Any = (
        "SHOW CONSTRAINTS YIELD name, type, entityType, labelsOrTypes, properties "
        "RETURN name, type, entityType, labelsOrTypes, properties"
    )
    for text in (indexes, constraints):
        records, _, _ = driver.execute_query(text)
        found += [tuple(record.values()) for record in records]
    return sorted(found, key=repr)

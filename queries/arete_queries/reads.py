"""Every question that the service, the command line and notebooks ask; the runner comes first.

Only complete classes of complete runs are seen. Ids that name nothing raise `NotFoundError`, arguments that cannot be
`BadInput`, a database that fails `DatabaseError`.
"""

from arete_queries.gds_rank import gds_rank
from arete_queries.graphs import channel_in_class, class_graph, compare_classes
from arete_queries.lists import (
    get_channel,
    get_class,
    get_run,
    list_channels,
    list_classes,
    list_layers,
    list_runs,
)
from arete_queries.results import ClassOrder

__all__ = [
    "ClassOrder",
    "channel_in_class",
    "class_graph",
    "compare_classes",
    "gds_rank",
    "get_channel",
    "get_class",
    "get_run",
    "list_channels",
    "list_classes",
    "list_layers",
    "list_runs",
]

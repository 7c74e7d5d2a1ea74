"""Every question that the service, the command line and notebooks ask; the runner comes first.

Only complete classes of complete runs are seen. Ids that name nothing raise `NotFoundError`, arguments that cannot be
`BadInput`, a database that fails `DatabaseError`.
"""

from arete_core.rank import RankMode
from arete_queries.channel_page import (
    ClassUseOrder,
    channel_over_classes,
    get_channels,
    label_channel,
    list_channel_classes,
)
from arete_queries.channel_use import UseOrder, channel_communities, channel_uses
from arete_queries.data_version import data_state
from arete_queries.embeddings import layer_embedding
from arete_queries.exclusion import exclusion_state
from arete_queries.gds_rank import class_scores, gds_rank
from arete_queries.graphs import channel_in_class, class_graph, compare_classes
from arete_queries.group_results import OverlapOperation
from arete_queries.groups import (
    create_group,
    delete_group,
    expand_groups,
    get_group,
    list_group_classes,
    list_groups,
    update_group,
)
from arete_queries.images import channel_examples, get_classes, list_images
from arete_queries.instances import image_activations, layer_instances
from arete_queries.lists import (
    get_channel,
    get_class,
    get_layer,
    get_run,
    layers_of_runs,
    list_channels,
    list_classes,
    list_layers,
    list_runs,
)
from arete_queries.matrix import MatrixOrder, channel_matrix
from arete_queries.motif_results import MotifPattern
from arete_queries.motifs import find_common_motifs, shared_path
from arete_queries.neighbors import class_neighbors, class_similarity
from arete_queries.overlap import overlap_classes
from arete_queries.ranking import rank_channels
from arete_queries.remainder import less_contributing
from arete_queries.results import ClassOrder
from arete_queries.search import SearchKind, search_run

__all__ = [
    "ClassOrder",
    "ClassUseOrder",
    "MatrixOrder",
    "MotifPattern",
    "OverlapOperation",
    "RankMode",
    "SearchKind",
    "UseOrder",
    "channel_communities",
    "channel_examples",
    "channel_in_class",
    "channel_matrix",
    "channel_over_classes",
    "channel_uses",
    "class_graph",
    "class_neighbors",
    "class_scores",
    "class_similarity",
    "compare_classes",
    "create_group",
    "data_state",
    "delete_group",
    "exclusion_state",
    "expand_groups",
    "find_common_motifs",
    "gds_rank",
    "get_channel",
    "get_channels",
    "get_class",
    "get_classes",
    "get_group",
    "get_layer",
    "get_run",
    "image_activations",
    "label_channel",
    "layer_embedding",
    "layer_instances",
    "layers_of_runs",
    "less_contributing",
    "list_channel_classes",
    "list_channels",
    "list_classes",
    "list_group_classes",
    "list_groups",
    "list_images",
    "list_layers",
    "list_runs",
    "overlap_classes",
    "rank_channels",
    "search_run",
    "shared_path",
    "update_group",
]

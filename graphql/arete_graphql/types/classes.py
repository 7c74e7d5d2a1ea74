"""Classes."""

from typing import TYPE_CHECKING, Annotated, Any, Self, cast

import strawberry
from graphql import FieldNode, Undefined, value_from_ast_untyped
from strawberry import ID

from arete_graphql.context import GraphKey, Info
from arete_graphql.limits import check_edges
from arete_graphql.picture_tables import pictures_of
from arete_graphql.types.common import After, Connection, First, Mass, MinShare, describe_enum, layer_name, mirror
from arete_graphql.types.images import Image, Tile
from arete_queries import reads
from arete_queries.image_results import ImageFilter, ThumbnailInfo
from arete_queries.results import ClassInfo, ClassKind, ClassOrder

if TYPE_CHECKING:
    from arete_graphql.types.graphs import AttributionGraph
    from arete_graphql.types.overlaps import Neighborhood
    from arete_graphql.types.uses import LessContributing

describe_enum(
    ClassOrder,
    "How a list of classes is sorted; classes that are equal in it come by index.",
    {
        "INDEX": "As in the run folder.",
        "NAME": "By name, A to Z.",
        "NAME_DESC": "By name, Z to A.",
        "ACCURACY_DESC": "The classes that the model knows best first; unknown accuracy last.",
        "ACCURACY_ASC": "The classes that the model knows worst first; unknown accuracy last.",
        "IMAGES_DESC": "The classes with the most images first.",
        "SIMILARITY": "The classes that `layer` sees most like `similarTo` first, that one leading.",
    },
)
describe_enum(
    ClassKind,
    "What the images of a class are.",
    {
        "LABEL": "All images with one label.",
        "SUBSET": "A set of images that a user named.",
        "SUPERCLASS": "The images of several labels.",
        "IMAGE": "A single image.",
    },
)


@strawberry.type(description="A class, or any other named set of images with counts of its own.")
class Class:
    """A class."""

    id: ID = strawberry.field(description="`run/index`.")
    key: int = strawberry.field(description="The small integer that stands for it on edges in the database.")
    index: int = strawberry.field(description="Its row in the run folder, from 0.")
    name: str = strawberry.field(description="Its name, for labels the folder's.")
    kind: ClassKind = strawberry.field(description="What its images are.")
    images: int = strawberry.field(description="Images that were counted.")
    failed: int = strawberry.field(description="Images left out because they could not be read.")
    accuracy: float | None = strawberry.field(
        description="Share of its images that the model assigns to it; null where its outputs match no classes."
    )
    histogram: list[int] | None = strawberry.field(
        description="Images by predicted probability of this class, ten equal bins from 0 to 1; null like `accuracy`."
    )
    mass: float | None = strawberry.field(
        description="Kept share of rank mass that its attribution graph settled on; null where it has no graph."
    )
    edge_count: int = strawberry.field(description="Edges that the database holds for it.")
    dropped_share: float = strawberry.field(
        description="Share of its influence counts that were left out when it was loaded, 0 to 1."
    )
    run_id: ID = strawberry.field(description="Of its run.")

    @classmethod
    def of(cls, info: ClassInfo) -> Self:
        """Maps a result of the query layer."""
        return mirror(
            cls,
            info,
            id=ID(info.id),
            kind=ClassKind(info.kind),
            histogram=None if info.histogram is None else list(info.histogram),
            run_id=ID(info.run),
        )

    @strawberry.field(description="Whether single images of it were measured: `arete instances` does it.")
    def has_instances(self) -> bool:
        """Looks into the run's pictures."""
        return self._thumbnail() is not None

    @strawberry.field(description="A small picture of one image of it, as the model saw it; null where none was made.")
    def thumbnail(self) -> Tile | None:
        """Looks into the run's pictures."""
        found = self._thumbnail()
        return None if found is None else Tile.thumbnail(self.run_id, found)

    def _thumbnail(self) -> ThumbnailInfo | None:
        pictures = pictures_of(self.run_id)
        return None if pictures is None else pictures.class_thumbnails.get(self.index)

    @strawberry.field(description="Its images that could be read, by number; none in a run without images.")
    async def image_list(
        self,
        info: Info,
        where: Annotated[
            ImageFilter, strawberry.argument(description="All, or those that the model gets right, or wrong.")
        ] = ImageFilter.ALL,
        first: First = 50,
        after: After = None,
    ) -> Connection[Image]:
        """Reads a page of the class's images."""
        page = await info.context.read(reads.list_images, self.id, where=where, first=first, after=after)
        return Connection[Image].of(page, Image.of)

    @strawberry.field(description="Its attribution graph: the channels that it excites, and which caused which.")
    async def graph(
        self, info: Info, mass: Mass = None, min_share: MinShare = 0.0
    ) -> Annotated["AttributionGraph", strawberry.lazy("arete_graphql.types.graphs")] | None:
        """Reads the class's graph."""
        from arete_graphql.types.graphs import AttributionGraph

        graph = await info.context.graphs.load(GraphKey(self.id, mass, min_share))
        check_edges(len(graph.edges), info.context.limits)
        return AttributionGraph.of(graph)

    @strawberry.field(
        description="The channels that it excites but its attribution graph leaves out, the largest ranks first."
    )
    async def less_contributing(
        self,
        info: Info,
        mass: Mass = None,
        min_share: Annotated[
            float,
            strawberry.argument(
                description="Leave out channels that are active in less than this share of the class's images, 0 to 1."
            ),
        ] = 0.0,
        first: First = 50,
    ) -> Annotated["LessContributing", strawberry.lazy("arete_graphql.types.uses")] | None:
        """Reads the complement of the class's graph."""
        from arete_graphql.types.uses import LessContributing

        return LessContributing.of(
            await info.context.read(reads.less_contributing, self.id, mass=mass, min_share=min_share, first=first)
        )

    @strawberry.field(description="Its nearest other classes, layer by layer.")
    async def neighbors(
        self,
        info: Info,
        layers: Annotated[
            list[ID] | None,
            strawberry.argument(
                description="Ids of layers; absent: all. Each is compared with the one before it, from the input on."
            ),
        ] = None,
        first: First = 10,
    ) -> Annotated["Neighborhood", strawberry.lazy("arete_graphql.types.overlaps")] | None:
        """Reads the class's neighbours in each layer."""
        from arete_graphql.types.overlaps import Neighborhood

        names = None if layers is None else [layer_name(self.run_id, id_) for id_ in layers]
        return Neighborhood.of(await info.context.read(reads.class_neighbors, self.id, layers=names, first=first))

    @strawberry.field(
        description="Names of the further scores of channels that its run has for it; a ranking can start from them."
    )
    async def scores(self, info: Info) -> list[str]:
        """Reads the names of the class's scores."""
        return list(await info.context.read(reads.class_scores, self.id))


def graph_key(info: Info, class_id: str) -> GraphKey | None:
    """Finds out whether a class is asked for together with its graph, so that one read will do for both.

    Args:
        info: Of the field that answers with the class.
        class_id: The class's id.

    Returns:
        Which graph; None where none is asked for in plain sight (a fragment's, or under a condition), or several are.
    """
    raw = info._raw_info  # Strawberry's own description of what is selected leaves out variables that are null
    selections = [one for node in raw.field_nodes if node.selection_set for one in node.selection_set.selections]
    graphs = [one for one in selections if isinstance(one, FieldNode) and one.name.value == "graph"]
    if len(graphs) != 1 or graphs[0].directives:
        return None
    # graphql-core types them as another thing than the mapping that its resolvers get.
    variables = cast("dict[str, Any]", raw.variable_values)
    given = {one.name.value: value_from_ast_untyped(one.value, variables) for one in graphs[0].arguments or ()}
    given = {name: value for name, value in given.items() if value is not Undefined}
    mass, min_share = given.get("mass"), given.get("minShare", 0.0)
    if not isinstance(mass, int | float | None) or not isinstance(min_share, int | float):
        return None  # validation has something to say of it
    return GraphKey(class_id, mass, min_share)

"""The service as an ASGI application: GraphQL, pictures, health and the viewer."""

import contextlib
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from arete_core.errors import AreteError
from arete_graphql.answer_cache import GZIP_FROM_BYTES, GZIP_LEVEL
from arete_graphql.context import Database, RunnerFactory
from arete_graphql.endpoint import GraphQLEndpoint
from arete_graphql.errors import error_response, json_response
from arete_graphql.limits import Gate
from arete_graphql.metrics import Metrics
from arete_graphql.middleware import Envelope, HostGuard, OriginGuard
from arete_graphql.operations import Operations
from arete_graphql.pictures import Pictures
from arete_graphql.schema import make_schema
from arete_graphql.settings import ApiSettings
from arete_graphql.types.mutations import Mutation
from arete_graphql.viewer import Viewer, viewer_folder
from arete_graphql.warm_up import WarmUp
from arete_queries import reads


def create_app(settings: ApiSettings, runner_factory: RunnerFactory) -> Starlette:
    """Builds the service.

    Args:
        settings: Where it listens and what it allows.
        runner_factory: Connects to the database and returns a runner; called at start, and again whenever the
            connection was lost.

    Returns:
        The application. It starts without a database and answers DATABASE_UNAVAILABLE until there is one.

    Raises:
        SettingError: If the viewer's operations alone are to be answered and their list is not there.
    """
    viewer = settings.viewer or viewer_folder()
    metrics = Metrics()
    database = Database(runner_factory, metrics)
    gate = Gate(settings.limits)
    schema = make_schema(
        settings.limits, mutation=None if settings.read_only else Mutation, introspection=settings.introspection
    )
    operations = Operations(viewer, only=settings.viewer_operations_only)
    graphql = GraphQLEndpoint(schema, database, gate, settings, operations, metrics)
    pictures = Pictures(database, gate)
    warm_up = WarmUp(graphql, database, gate, schema, operations.texts if settings.warm_up else {}, metrics)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await database.start()
        warm_up.start()
        try:
            yield
        finally:
            await database.close()

    async def ready(_: Request) -> Response:
        await database.read(reads.list_runs)
        return json_response({"status": "ready", "warmUp": warm_up.state.value})

    return Starlette(
        routes=[
            Route("/graphql", graphql.answer, methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]),
            Route("/images/{run}/classes/{class}/{name}", pictures.answer_for_class, methods=["GET"]),
            Route("/images/{run}/{kind}/{name}", pictures.answer, methods=["GET"]),
            Route("/healthz", _alive),
            Route("/readyz", ready),
            Route("/metrics", metrics.answer),
            # Below these two nothing is the viewer's, so that a mistyped address is no page.
            Mount("/graphql", _missing),
            Mount("/images", _missing),
            Mount("/", Viewer(viewer)),
        ],
        middleware=[
            Middleware(
                Envelope,
                timeout_s=settings.limits.timeout_s,
                metrics=metrics,
                in_flight=settings.limits.in_flight,
                log_requests=settings.access_log,
                on_request=gate.note,
            ),
            Middleware(HostGuard, hosts=settings.host_names()),
            Middleware(OriginGuard, hosts=settings.host_names()),
            Middleware(GZipMiddleware, minimum_size=GZIP_FROM_BYTES, compresslevel=GZIP_LEVEL),
        ],
        exception_handlers={AreteError: _on_error, HTTPException: _on_error},
        lifespan=lifespan,
    )


async def _alive(_: Request) -> Response:
    return json_response({"status": "alive"})


async def _missing(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise HTTPException(404, "there is nothing at this address")


async def _on_error(request: Request, error: Exception) -> Response:
    return error_response(error, request.state.request_id)

"""The model of a run, made again: the same weights and the same traced graph, or an error."""

from pathlib import Path

from arete_core.errors import CapabilityError, RunConflictError, SettingError
from arete_core.run_folder import RunFolder
from arete_ingest.layer_graph import LayerGraph
from arete_ingest.models import load_model
from arete_ingest.tracing import trace_model
from arete_ingest.transform import ImageTransform

_NAMED = ("DEFAULT", "random", "factory")
"""Weights that need no file."""


def remake_model(folder: RunFolder, model: str | None, weights: str | None) -> tuple[LayerGraph, ImageTransform]:
    """Makes and traces the model that a run was counted with.

    Args:
        folder: The run folder.
        model: Its name as at ingest; the manifest's when None.
        weights: As at ingest; may be None where the manifest says that no file is needed.

    Returns:
        The traced model, and the transform that belongs to it.

    Raises:
        SettingError: If the run needs a weight file and none is given.
        RunConflictError: If model or weights are not the run's.
        ModelError: If the model cannot be made or traced.
        CapabilityError: If the run was imported without its model.
    """
    was = folder.manifest.model
    if not was.weights_sha256:
        raise CapabilityError(
            f"run {folder.manifest.id!r} was imported without its model, which feature visualizations are made of",
            hint="ingest images with the model: arete ingest --model NAME --weights FILE --data FOLDER --out RUN",
        )
    if weights is None and was.weights not in _NAMED:
        raise SettingError(
            f"run {folder.manifest.id!r} was made with the weights {was.weights}: --weights is needed",
            hint=f"pass the same file as to `arete ingest`: --weights …/{was.weights}",
        )
    if weights is None and was.weights != "factory":
        weights = was.weights
    settings = folder.manifest.settings
    loaded = load_model(model or was.name, weights, image_size=was.image_size, seed=int(settings.get("seed", 0)))
    if loaded.weights_sha256 != was.weights_sha256:
        given = Path(weights).name if weights else "the factory's own"
        raise RunConflictError(
            f"run {folder.manifest.id!r} was made with other weights: sha256 {was.weights_sha256[:12]}… expected, "
            f"{given} has {loaded.weights_sha256[:12]}…",
            hint=f"pass the file that was given to `arete ingest`, {was.weights}",
        )
    graph = trace_model(loaded.module, was.image_size, layers=settings.get("layers"))
    if graph.graph_sha256 != was.graph_sha256:
        raise RunConflictError(
            f"run {folder.manifest.id!r} was made with another structure of {was.name}: "
            f"sha256 {was.graph_sha256[:12]}… expected, {graph.graph_sha256[:12]}… found",
            hint="the model's code has changed since; check it out as it was, or make the run again",
        )
    return graph, loaded.transform

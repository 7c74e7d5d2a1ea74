"""A model by name, with its weights and the transform that belongs to them.

Names: a torchvision classifier (`googlenet`), `timm:NAME`, or `package.module:factory`, where the factory is a
function without required arguments (or the module's class) that returns a `torch.nn.Module`.

Weights: a file, `DEFAULT` (the published ones, fetched by torchvision or timm), `random` (for trying things out), or
nothing where a factory brings its own. A transform comes, in this order, from the weight file's metadata, from the
published weights, from attributes of the factory's model, or is ImageNet's.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from arete_core.errors import ModelError, SettingError, WeightsError
from arete_core.files import sha256_of
from arete_ingest.execution import class_scores_of
from arete_ingest.model_sources import ModelSource, find_source, make_model, published_weights
from arete_ingest.model_transform import (
    changed_transform,
    output_names,
    transform_of_attributes,
    transform_of_preset,
    transform_of_timm,
)
from arete_ingest.transform import ImageTransform
from arete_ingest.weights import WeightFile, metadata_value, put_weights, read_weights, state_sha256

_AUX_PREFIXES = ("aux", "AuxLogits.")  # heads of GoogLeNet and Inception v3 that only training uses


@dataclass(frozen=True)
class LoadedModel:
    """A model that is ready to be traced: in evaluation mode, on the CPU, without gradients.

    Attributes:
        module: The network.
        name: As it was asked for.
        weights: File name, `DEFAULT`, `random` or `factory`; never a path.
        weights_sha256: Of the weight file, or of the state dict where there is no file.
        outputs: Number of classes that the model tells apart; 0 where it is no classifier.
        transform: How a picture becomes its input.
        categories: Names of its outputs, where the weights bring them.
        notes: What is worth telling, one sentence each.
    """

    module: nn.Module
    name: str
    weights: str
    weights_sha256: str
    outputs: int
    transform: ImageTransform
    categories: tuple[str, ...] | None
    notes: tuple[str, ...]


def load_model(name: str, weights: str | None = None, *, image_size: int | None = None, seed: int = 0) -> LoadedModel:
    """Makes a model and gives it its weights.

    Args:
        name: `googlenet` or another torchvision classifier, `timm:NAME`, or `package.module:factory`, found on the
            import path or in the current folder.
        weights: A safetensors file or a state dict; `DEFAULT`; `random`; or None for a factory's own.
        image_size: Side of the square input in pixels; the weights' own when None.
        seed: For random weights.

    Returns:
        The model. Memory: the weights twice while they are copied, once afterwards.

    Raises:
        ModelError: If there is no such model, or making it fails.
        WeightsError: If the weights do not fit, are not safe to open, or cannot be fetched.
        SettingError: If weights are needed and none are given, or the image size cannot work.
    """
    source = find_source(name)
    if weights is None and source.kind != "factory":
        raise SettingError(
            f"model {name} has no weights of its own: --weights is needed",
            hint="pass --weights FILE, --weights DEFAULT for the published ones, or --weights random to try things out",
        )
    if weights is None:
        loaded = _loaded(source, make_model(source), weights="factory")
    elif weights == "random":
        loaded = _with_random_weights(source, seed)
    elif weights == "DEFAULT":
        loaded = _with_published_weights(source)
    else:
        loaded = _with_weight_file(source, read_weights(Path(weights)))
    transform = loaded.transform if image_size is None else loaded.transform.at_size(image_size)
    loaded.module.eval().requires_grad_(requires_grad=False)
    outputs = _count_outputs(loaded.module, name, transform)
    no_classes = () if outputs else (f"{name} gives no scores of classes: counts do not need them, accuracy does",)
    return replace(loaded, transform=transform, outputs=outputs, notes=(*loaded.notes, *no_classes))


def _loaded(source: ModelSource, module: nn.Module, *, weights: str, sha256: str | None = None) -> LoadedModel:
    transform, categories = transform_of_attributes(module, source.name)
    return LoadedModel(module, source.name, weights, sha256 or state_sha256(module), 0, transform, categories, notes=())


def _with_random_weights(source: ModelSource, seed: int) -> LoadedModel:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = make_model(source, init_weights=True)
    note = f"{source.name} has random weights (seed {seed}): its attribution graphs mean nothing"
    return replace(_loaded(source, module, weights="random"), notes=(note,))


def _with_published_weights(source: ModelSource) -> LoadedModel:
    if source.kind == "factory":
        raise SettingError(
            f"{source.name} has no published weights: DEFAULT is for torchvision and timm",
            hint="leave --weights out if the factory loads its own, or pass --weights FILE",
        )
    if source.kind == "timm":
        module = _fetched(replace(source, accepts=source.accepts | {"pretrained"}), "", pretrained=True)
        loaded = _loaded(source, module, weights="DEFAULT")
        return replace(loaded, transform=transform_of_timm(module, source.name))
    entry = next(iter(published_weights(source)))
    entry = getattr(type(entry), "DEFAULT", entry)
    module = _fetched(source, f" from {entry.url}", weights=entry)
    file = Path(torch.hub.get_dir()) / "checkpoints" / Path(entry.url).name
    digest = sha256_of(file) if file.is_file() else None
    return _with_published_transform(_loaded(source, module, weights="DEFAULT", sha256=digest), entry)


def _fetched(source: ModelSource, where: str, **arguments: Any) -> nn.Module:
    try:
        return make_model(source, **arguments)
    except OSError as error:  # URLError is one; timm's hub raises others
        raise WeightsError(
            f"the published weights of {source.name} could not be fetched{where}: {error}",
            hint="fetch the file on a machine with access and pass it: --weights FILE",
        ) from error


def _with_weight_file(source: ModelSource, weights: WeightFile) -> LoadedModel:
    published = _published_entry(source, weights)
    has_aux = any(key.startswith(_AUX_PREFIXES) for key in weights.tensors)
    module = make_model(
        source,
        # The published weights of GoogLeNet and Inception v3 were trained on other means than the transform gives.
        transform_input=published is not None or metadata_value(weights.metadata, "transform_input", name="") is True,
        aux_logits=has_aux,
        init_weights=False,
        **_class_count(source, weights, has_aux),
    )
    put_weights(module, weights, model_name=source.name)
    if has_aux and hasattr(module, "aux_logits"):
        module.aux_logits = False  # type: ignore[assignment]
        for head in ("aux1", "aux2", "AuxLogits"):
            if hasattr(module, head):
                setattr(module, head, None)
    loaded = _loaded(source, module, weights=weights.name, sha256=weights.sha256)
    if published is not None:
        loaded = _with_published_transform(loaded, published)
    elif source.kind == "timm":
        loaded = replace(loaded, transform=transform_of_timm(module, source.name))
    return _with_metadata(loaded, weights)


def _class_count(source: ModelSource, weights: WeightFile, has_aux: bool) -> dict[str, int]:
    """Finds the number of classes in the file: the size of what changes when the architecture is asked for one more."""
    if "num_classes" not in source.accepts:
        return {}
    default, other = 1000, 1001
    try:
        with torch.device("meta"):
            shapes = [
                {
                    key: value.shape
                    for key, value in make_model(source, num_classes=count, aux_logits=has_aux, init_weights=False)
                    .state_dict()
                    .items()
                }
                for count in (default, other)
            ]
    except (ModelError, NotImplementedError):
        return {}
    heads = [key for key, shape in shapes[0].items() if shapes[1].get(key) != shape and not key.startswith("aux")]
    counts = {weights.tensors[key].shape[0] for key in heads if key in weights.tensors and weights.tensors[key].ndim}
    return {"num_classes": int(counts.pop())} if len(counts) == 1 else {}


def _published_entry(source: ModelSource, weights: WeightFile) -> Any | None:
    """Finds the published weights that a file is a copy of: their URLs end in the first 8 digits of the sha256."""
    if source.kind != "torchvision":
        return None
    for entry in published_weights(source):
        if Path(entry.url).stem.rpartition("-")[2] == weights.sha256[:8]:
            return entry
    return None


def _with_published_transform(loaded: LoadedModel, entry: Any) -> LoadedModel:
    return replace(
        loaded,
        transform=transform_of_preset(entry.transforms(), loaded.name),
        categories=tuple(entry.meta["categories"]) if "categories" in entry.meta else None,
    )


def _with_metadata(loaded: LoadedModel, weights: WeightFile) -> LoadedModel:
    values = {
        key: metadata_value(weights.metadata, key, name=weights.name)
        for key in ("image_size", "mean", "std", "categories")
        if key in weights.metadata
    }
    try:
        return replace(
            loaded,
            transform=changed_transform(loaded.transform, values, weights.name),
            categories=output_names(values.get("categories"), weights.name) or loaded.categories,
        )
    except (ModelError, SettingError) as error:
        raise WeightsError(f"metadata of {weights.name}: {error.message}", hint=error.hint) from error


def _count_outputs(module: nn.Module, name: str, transform: ImageTransform) -> int:
    """Counts the classes that a model tells apart; 0 where it is no classifier.

    Runs the model once on a black picture: 1 image, some 20 ms to seconds, and the clearest place to fail.
    """
    size = transform.image_size
    try:
        with torch.inference_mode():
            output = module(torch.zeros(1, 3, size, size))
    except Exception as error:  # whatever the user's own model raises
        raise ModelError(
            f"{name} cannot be run on a picture of {size} x {size}: {type(error).__name__}: {str(error)[:300]}",
            hint="pass the size it was made for: --image-size PIXELS",
        ) from error
    return int(class_scores_of(output, 1).shape[1])

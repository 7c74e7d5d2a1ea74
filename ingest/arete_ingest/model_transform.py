"""The transform that belongs to a model: of published weights, of timm, of the model's attributes or of metadata."""

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from torch import nn

from arete_core.errors import ModelError
from arete_ingest.transform import ImageTransform


def transform_of_preset(preset: Any, name: str) -> ImageTransform:
    """Makes a transform of torchvision's `ImageClassification`.

    Args:
        preset: What the published weights, or a model's attribute `transform`, hold.
        name: The model's, for errors.

    Returns:
        The same transform.

    Raises:
        ModelError: If it is something else.
    """
    try:
        return ImageTransform(
            image_size=int(preset.crop_size[0]),
            resize=int(preset.resize_size[0]),
            interpolation=preset.interpolation.value,
            mean=_three(preset.mean, name),
            std=_three(preset.std, name),
        )
    except (AttributeError, TypeError, IndexError) as error:
        raise ModelError(
            f"the transform of {name} is a {type(preset).__name__}; "
            "torchvision.transforms._presets.ImageClassification is what can be used",
            hint="set image_size, mean and std on the model instead",
        ) from error


def transform_of_attributes(module: nn.Module, name: str) -> tuple[ImageTransform, tuple[str, ...] | None]:
    """Reads a model's attributes `transform`, `image_size`, `mean`, `std` and `categories`, where it has them.

    Args:
        module: The model.
        name: The model's, for errors.

    Returns:
        The transform, ImageNet's where nothing is said, and the names of its outputs, None where it has none.

    Raises:
        ModelError: If one of them is not what it should be.
        SettingError: If the image size cannot work.
    """
    transform = ImageTransform()
    preset = getattr(module, "transform", None)
    # torchvision's detectors have submodules of that name; only a preset is a transform of pictures.
    if preset is not None and hasattr(preset, "crop_size"):
        transform = transform_of_preset(preset, name)
    values = {key: getattr(module, key) for key in ("image_size", "mean", "std", "categories") if hasattr(module, key)}
    return changed_transform(transform, values, name), output_names(values.get("categories"), name)


def transform_of_timm(module: nn.Module, name: str) -> ImageTransform:
    """Returns the transform that timm keeps for a model of its own."""
    config = importlib.import_module("timm.data").resolve_model_data_config(module)
    size = int(config["input_size"][-1])
    return ImageTransform(
        image_size=size,
        resize=int(size / config.get("crop_pct", 1.0)),
        interpolation=config["interpolation"],
        mean=_three(config["mean"], name),
        std=_three(config["std"], name),
    )


def changed_transform(transform: ImageTransform, values: Mapping[str, Any], name: str) -> ImageTransform:
    """Puts `image_size`, `mean` and `std` in a transform, where `values` has them; errors as above."""
    # A model may have attributes of these names that mean something else (an `image_size` pair in transformers).
    size = values.get("image_size")
    if isinstance(size, list | tuple) and len(set(size)) == 1:
        size = size[0]
    if isinstance(size, int | float):
        transform = transform.at_size(int(size))
    for key in ("mean", "std"):
        if values.get(key) is not None:
            transform = replace(transform, **{key: _three(values[key], name)})
    return transform


def _three(values: Any, name: str) -> tuple[float, float, float]:
    try:
        red, green, blue = (float(value) for value in values)
    except (TypeError, ValueError) as error:
        raise ModelError(f"mean and deviation of {name} should be three numbers, found {values!r}") from error
    return red, green, blue


def output_names(values: Any, name: str) -> tuple[str, ...] | None:
    """Checks names of outputs; None stays None.

    Raises:
        ModelError: If they are no list of texts.
    """
    if values is None:
        return None
    if (
        isinstance(values, str)
        or not isinstance(values, Sequence)
        or not all(isinstance(value, str) for value in values)
    ):
        raise ModelError(f"categories of {name} should be a list of names, found {str(values)[:60]!r}")
    return tuple(values)

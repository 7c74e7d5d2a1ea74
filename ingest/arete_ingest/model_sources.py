"""Finds and makes a model by its name: torchvision's, timm's, or what a factory of the user's own returns.

torchvision is loaded where one of its models is asked for: it takes longer than torch itself, as it brings the
compiler of torch along.
"""

import difflib
import importlib
import importlib.util
import inspect
import sys
import typing
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from arete_core.errors import ModelError


@dataclass(frozen=True)
class ModelSource:
    """Where a model comes from.

    Attributes:
        name: As it was asked for.
        kind: `torchvision`, `timm` or `factory`.
        make: Takes keyword arguments of the architecture.
        accepts: Those it knows.
    """

    name: str
    kind: str
    make: Callable[..., Any]
    accepts: frozenset[str]


def find_source(name: str) -> ModelSource:
    """Finds what makes a model.

    Args:
        name: `googlenet` or another torchvision classifier, `timm:NAME`, or `package.module:factory`.

    Returns:
        Its source; nothing is made yet.

    Raises:
        ModelError: If there is no such model, or importing a factory's module fails.
    """
    if name.startswith("timm:"):
        return _timm_source(name)
    if ":" in name:
        return _factory_source(name)
    import torchvision

    known = torchvision.models.list_models(module=torchvision.models)
    if name not in known:
        near = difflib.get_close_matches(name.lower(), known, n=4, cutoff=0.4)
        raise ModelError(
            f"torchvision has no classifier called {name!r}",
            hint=(f"the nearest are {', '.join(near)}; " if near else "")
            + "or pass package.module:factory for a model of your own",
        )
    builder = torchvision.models.get_model_builder(name)
    architecture = typing.get_type_hints(builder)["return"]
    return ModelSource(name, "torchvision", builder, frozenset(inspect.signature(architecture.__init__).parameters))


def published_weights(source: ModelSource) -> Iterable[Any]:
    """Lists the weights that torchvision has published for a model of its own, in the order of their publication."""
    import torchvision

    return torchvision.models.get_model_weights(source.name)


def _timm_source(name: str) -> ModelSource:
    if importlib.util.find_spec("timm") is None:
        raise ModelError(f"{name} needs timm, which is not installed", hint="pip install timm")
    timm = importlib.import_module("timm")
    known = timm.list_models()
    wanted = name.removeprefix("timm:")
    if wanted not in known:
        near = difflib.get_close_matches(wanted, known, n=4, cutoff=0.4)
        raise ModelError(
            f"timm has no model called {wanted!r}", hint=f"the nearest are {', '.join(near)}" if near else ""
        )

    def make(**arguments: Any) -> nn.Module:
        return timm.create_model(wanted, **arguments)

    return ModelSource(name, "timm", make, frozenset({"num_classes"}))


def _factory_source(name: str) -> ModelSource:
    module_name, _, attribute = name.partition(":")
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))  # last, so that a file here never hides an installed package
    importlib.invalidate_caches()
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is not None and (module_name == error.name or module_name.startswith(error.name + ".")):
            raise ModelError(
                f"there is no module {module_name!r} on the import path or in {Path.cwd()}",
                hint="a model of your own is given as package.module:factory",
            ) from error
        raise ModelError(f"importing {module_name} failed: {error}") from error
    except Exception as error:  # whatever the user's own code raises
        raise ModelError(f"importing {module_name} failed: {type(error).__name__}: {error}") from error
    factory = getattr(module, attribute, None)
    if not callable(factory):
        known = [key for key in vars(module) if not key.startswith("_")]
        near = difflib.get_close_matches(attribute, known, n=4, cutoff=0.5)
        raise ModelError(
            f"{module_name} has no function {attribute!r}", hint=f"the nearest are {', '.join(near)}" if near else ""
        )
    try:
        accepts = frozenset(inspect.signature(factory).parameters)
    except (TypeError, ValueError):
        accepts = frozenset()
    return ModelSource(name, "factory", factory, accepts)


def make_model(source: ModelSource, **wanted: Any) -> nn.Module:
    """Makes a model.

    Args:
        source: What makes it.
        **wanted: Arguments of the architecture; those it does not know are left out.

    Returns:
        The model.

    Raises:
        ModelError: If making it fails, or gives something else.
        OSError: If published weights cannot be fetched.
    """
    arguments = {key: value for key, value in wanted.items() if key in source.accepts or key == "weights"}
    if source.kind == "torchvision":
        if "aux_logits" in source.accepts:
            arguments.setdefault("aux_logits", False)
        arguments["progress"] = False
    try:
        module = source.make(**arguments)
    except Exception as error:  # whatever the user's own factory raises
        if isinstance(error, OSError) and source.kind != "factory":
            raise  # weights that cannot be fetched
        raise ModelError(f"making {source.name} failed: {type(error).__name__}: {error}") from error
    if not isinstance(module, nn.Module):
        raise ModelError(f"{source.name} returned {type(module).__name__}, a torch.nn.Module was expected")
    return module

"""What records a model with torch.fx, module by module; also one whose forward computes with the sizes of its maps.

torch.fx stands for every value by a placeholder, also for sizes, so that an `if` or a `max` over them cannot be
followed ("same" padding, for instance). For one image size all sizes but that of the batch are known: here each
placeholder also carries the value that it has for one blank image, and gives its sizes as plain numbers. What depends
on the values themselves stays unknown and is refused as before.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.fx
from torch import Tensor, nn
from torch.fx.node import map_aggregate
from torch.fx.proxy import Attribute


class WholeModulesTracer(torch.fx.Tracer):
    """Keeps convolutions, normalizations and the like whole, also where subclasses only change the constructor."""

    _WHOLE = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear, nn.BatchNorm2d, nn.LayerNorm, nn.GroupNorm)

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Returns whether a module is one operation."""
        if any(isinstance(m, base) and type(m).forward is base.forward for base in self._WHOLE):
            return True
        return super().is_leaf_module(m, module_qualified_name)


class SizedProxy(torch.fx.Proxy):
    """Stands for a value and knows its sizes.

    Attributes:
        value: What it is for one blank image.
        constant: Whether it is the same for every image.
    """

    value: Any
    constant: bool

    @property
    def shape(self) -> Any:
        """The sizes as numbers; that of the batch, the first of what is made from the image, as a placeholder."""
        if not isinstance(self.value, Tensor):
            return Attribute(self, "shape")
        sizes = tuple(self.value.shape)
        if self.constant or not sizes:
            return sizes
        whole: Any = Attribute(self, "shape")
        return (whole[0], *sizes[1:])

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.value.ndim

    @property
    def dtype(self) -> Any:
        """Type of the numbers."""
        return self.value.dtype

    def dim(self) -> int:
        """Returns the number of axes."""
        return self.value.ndim

    def size(self, axis: int | None = None) -> Any:
        """Returns all sizes or one."""
        return self.shape if axis is None else self.shape[axis]

    def is_contiguous(self, **_: Any) -> bool:
        """Returns True: how values lie in memory changes none."""
        return True


class SizedTracer(WholeModulesTracer):
    """Records operations and computes them on the way.

    Args:
        image: One blank image (1, channel, height, width).
    """

    def __init__(self, image: Tensor) -> None:
        super().__init__()
        self._image = image
        self._computing = False  # then modules and parameters are themselves and not recorded

    def call_module(
        self, m: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Records a module's call, or does it while a value is computed."""
        return forward(*args, **kwargs) if self._computing else super().call_module(m, forward, args, kwargs)

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
        """Gives a module's attribute: a placeholder for a parameter, or itself while a value is computed."""
        return attr_val if self._computing else super().getattr(attr, attr_val, parameter_proxy_cache)

    def create_proxy(
        self,
        kind: str,
        target: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        name: str | None = None,
        type_expr: Any = None,
        proxy_factory_fn: Any = None,  # noqa: ARG002 - this tracer's placeholders are of one kind
        *_: Any,
    ) -> torch.fx.Proxy:
        """Records an operation, as torch.fx asks for it, and computes it."""
        proxy: Any = super().create_proxy(
            kind, target, args, kwargs, name, type_expr, lambda node: SizedProxy(node, self)
        )
        proxy.constant = kind == "get_attr" or (kind != "placeholder" and _constant((args, kwargs)))
        self._computing = True
        try:
            with torch.no_grad():
                proxy.value = self._computed(kind, target, args, kwargs)
        finally:
            self._computing = False
        return proxy

    def _computed(self, kind: str, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if kind == "placeholder":
            return args[0] if args else self._image
        if kind == "get_attr":
            found: Any = self.root
            for part in str(target).split("."):
                found = getattr(found, part)
            return found
        given, named = map_aggregate(args, _value), map_aggregate(kwargs, _value)
        if kind == "call_module":
            return self.root.get_submodule(target)(*given, **named)
        if kind == "call_method":
            return getattr(given[0], target)(*given[1:], **named)
        return target(*given, **named)


def _value(given: Any) -> Any:
    if isinstance(given, SizedProxy):
        return given.value
    if isinstance(given, Attribute):
        return getattr(_value(given.root), given.attr)
    return given


def _constant(given: Any) -> bool:
    """Whether nothing of it was made from the image, and something from the model's own tensors."""
    proxies: list[Any] = []
    map_aggregate(given, lambda value: proxies.append(value) if isinstance(value, torch.fx.Proxy) else None)
    return bool(proxies) and all(isinstance(proxy, SizedProxy) and proxy.constant for proxy in proxies)

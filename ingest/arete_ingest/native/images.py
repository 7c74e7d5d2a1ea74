"""Hands tensors to the kernels."""

import ctypes
from typing import Any

from jaxtyping import Float
from torch import Tensor


class NotFinite(ArithmeticError):  # noqa: N818  (a fact about the data, to be turned into an error that names the layer)
    """An image's map holds NaN or infinity.

    Attributes:
        image: Index of the first such image in the batch.
    """

    def __init__(self, image: int) -> None:
        super().__init__(f"image {image} holds NaN or infinity")
        self.image = image


def described(images: Float[Tensor, "image channel height width"]) -> tuple[Any, Any, Any]:
    """Describes a tensor to the kernels: address, shape, and strides in numbers.

    Args:
        images: On the processor; must live on until the kernel returns.
    """
    four = ctypes.c_int64 * 4
    return images.data_ptr(), four(*images.shape), four(*images.stride())


def require_float32(tensor: Tensor, what: str) -> None:
    """Checks that a tensor is what the kernels read.

    Args:
        tensor: Any tensor.
        what: Its name, for the message.

    Raises:
        TypeError: If it is no float32 tensor in the processor's memory.
    """
    if str(tensor.dtype) != "torch.float32" or tensor.device.type != "cpu":
        raise TypeError(f"{what} is {tensor.dtype} on {tensor.device}, float32 on the cpu was expected")


def checked(result: int) -> None:
    """Turns what a kernel returned into an error.

    Args:
        result: -1 for success, -2 without memory, otherwise the image that is not finite.

    Raises:
        NotFinite: If an image holds NaN or infinity.
        MemoryError: If memory ran out.
    """
    if result >= 0:
        raise NotFinite(result)
    if result == -2:
        raise MemoryError("no memory for the counting kernel's working space")

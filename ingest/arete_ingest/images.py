"""Image files to upright RGB pictures, or a reason why not.

What is read: JPEG (CMYK too), PNG (16-bit, palette and alpha too) and WebP, told apart by their content and never by
their name. Of an animation the first frame. What is done to it, in this order:

1. EXIF orientation is applied; a broken EXIF block counts as none.
2. 16 bits a channel are scaled to 8, so that half grey stays half grey.
3. Transparency is laid over white, the background that such pictures are usually seen on.
4. Anything else (grey, CMYK, palette) is turned into RGB. Colour profiles are not applied, as in torchvision.

A file is refused, never mended: a truncated one would be half grey, one with too many pixels would fill the memory.
Pillow's own switch for reading truncated files is left off. This module does not import torch.
"""

import contextlib
import io
import struct
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

MAX_PIXELS = 50_000_000
"""Larger pictures are refused before they are decoded: 50 MP are 150 MB as RGB."""

MAX_BYTES = 50_000_000
"""Larger files are refused before they are read."""

FORMATS = ("JPEG", "PNG", "WEBP")
"""Decoders that may run; Pillow has more, some of which start other programs (EPS)."""

_TURNED_BY = frozenset({"exif", "xmp"})
"""Where a JPEG may say which way is up; most say nothing, and need not be searched."""

# Pillow only warns between one and two times its limit; here that is as much a refusal as above it.
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)
# Remarks on broken EXIF blocks, which are ignored here, would drown the progress of a long job.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


class UnreadableImageError(Exception):
    """A file cannot be used as an image. The text is a short reason without the path, fit for `images.parquet`.

    Not an `AreteError`: whoever decodes many files records it and goes on.
    """


def read_image(path: Path) -> Image.Image:
    """Reads an image file.

    Args:
        path: The file.

    Returns:
        An RGB picture, upright, at its own size.

    Raises:
        UnreadableImageError: If it cannot be read, is no JPEG, PNG or WebP, is damaged, or is larger than `MAX_BYTES`
            or `MAX_PIXELS`.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise UnreadableImageError(f"file of {size:,} bytes, at most {MAX_BYTES:,} are read")
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableImageError(f"cannot be read: {error.strerror}") from error
    return decode_image(data)


def decode_image(data: bytes) -> Image.Image:
    """Decodes an image file's content; see `read_image`.

    Args:
        data: The whole file.

    Returns:
        An RGB picture, upright, at its own size.

    Raises:
        UnreadableImageError: As `read_image`.
    """
    if not data:
        raise UnreadableImageError("empty file")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            # The header is parsed, no pixel is decoded yet.
            if image.width * image.height > MAX_PIXELS:
                raise UnreadableImageError(
                    f"{image.width} x {image.height} pixels, at most {MAX_PIXELS // 1_000_000} million are decoded"
                )
            image.load()
            return _to_rgb(_upright(image))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UnreadableImageError(
            f"far too many pixels, at most {MAX_PIXELS // 1_000_000} million are decoded"
        ) from error
    except Image.UnidentifiedImageError as error:
        raise UnreadableImageError("no JPEG, PNG or WebP image") from error
    except MemoryError as error:
        raise UnreadableImageError("not enough memory to decode it") from error
    # A damaged file makes Pillow's decoders raise any of these.
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, struct.error) as error:
        raise UnreadableImageError(f"damaged: {_one_line(error)}") from error


def _upright(image: Image.Image) -> Image.Image:
    if image.format == "JPEG" and image.info.keys().isdisjoint(_TURNED_BY):
        return image
    # A broken EXIF block says nothing about the pixels; ImageNet has several such files.
    with contextlib.suppress(OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, struct.error, Warning):
        ImageOps.exif_transpose(image, in_place=True)
    return image


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":
        return _from_16_bits(image)
    if image.has_transparency_data:
        picture = image.convert("RGBA")
        white = Image.new("RGBA", picture.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, picture).convert("RGB")
    # No copy: the pixels are decoded, and only the file goes when the picture is closed.
    return image if image.mode == "RGB" else image.convert("RGB")


def _from_16_bits(image: Image.Image) -> Image.Image:
    # Pillow's own conversion cuts off everything above 255, which turns most 16-bit pictures white.
    values = np.asarray(image).astype(np.float64)
    grey = np.rint(values / 257.0).clip(0, 255).astype(np.uint8)  # 65535 / 255 = 257
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        grey[values == transparent] = 255
    return Image.fromarray(grey, mode="L").convert("RGB")


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__

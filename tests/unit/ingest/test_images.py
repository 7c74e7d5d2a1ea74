"""Every way in which a file may not be a plain RGB picture, with real files."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from image_folders import as_nobody, make_picture
from PIL import Image

from arete_ingest import images
from arete_ingest.images import UnreadableImageError, decode_image, read_image


def encoded(picture: Image.Image, format_: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format_, **options)
    return buffer.getvalue()


def colour(picture: Image.Image) -> tuple[float, ...]:
    assert picture.mode == "RGB"
    return tuple(np.asarray(picture).reshape(-1, 3).mean(axis=0))


@pytest.mark.parametrize("format_", ["PNG", "WEBP"])
def test_lossless_pictures_come_back_exactly(format_: str) -> None:
    picture = make_picture((200, 100, 50), seed=1)
    found = decode_image(encoded(picture, format_, **({"lossless": True} if format_ == "WEBP" else {})))
    assert np.array_equal(np.asarray(found), np.asarray(picture))


def test_content_and_not_the_name_chooses_the_decoder(tmp_path: Path) -> None:
    path = tmp_path / "picture.jpg"
    path.write_bytes(encoded(make_picture((10, 20, 30), seed=1), "PNG"))
    assert read_image(path).size == (20, 18)


@pytest.mark.parametrize("format_", ["GIF", "BMP", "TIFF", "EPS"])
def test_other_formats_are_refused(format_: str) -> None:
    with pytest.raises(UnreadableImageError, match="no JPEG, PNG or WebP"):
        decode_image(encoded(make_picture((10, 20, 30), seed=1), format_))


def test_text_is_no_image(tmp_path: Path) -> None:
    path = tmp_path / "picture.jpg"
    path.write_text("<html>404 not found</html>")
    with pytest.raises(UnreadableImageError, match="no JPEG, PNG or WebP"):
        read_image(path)


def test_empty_and_missing_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    with pytest.raises(UnreadableImageError, match="empty file"):
        read_image(tmp_path / "empty.jpg")
    with pytest.raises(UnreadableImageError, match="No such file"):
        read_image(tmp_path / "missing.jpg")


def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret.png"
    path.write_bytes(encoded(make_picture((1, 2, 3), seed=1), "PNG"))
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    path.chmod(0)
    with as_nobody(), pytest.raises(UnreadableImageError, match="Permission denied"):
        read_image(path)


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("kept", [0.3, 0.7, 0.95])
def test_a_truncated_file_is_refused_and_not_half_grey(format_: str, kept: float) -> None:
    data = encoded(make_picture((200, 100, 50), seed=1, size=(120, 120)), format_)
    with pytest.raises(UnreadableImageError):
        decode_image(data[: int(len(data) * kept)])


def test_damaged_pixels_are_refused() -> None:
    data = bytearray(encoded(make_picture((200, 100, 50), seed=1, size=(60, 60)), "PNG"))
    data[len(data) // 2] ^= 0xFF
    with pytest.raises(UnreadableImageError, match="damaged"):
        decode_image(bytes(data))


def test_cmyk_jpeg_keeps_its_colours() -> None:
    picture = Image.new("RGB", (16, 16), (200, 60, 20)).convert("CMYK")
    assert colour(decode_image(encoded(picture, "JPEG", quality=95))) == pytest.approx((200, 60, 20), abs=4)


def test_sixteen_bits_are_scaled_and_not_cut_off() -> None:
    ramp = np.linspace(0, 65535, 256, dtype=np.uint16).reshape(16, 16)
    found = np.asarray(decode_image(encoded(Image.fromarray(ramp), "PNG")))
    assert np.array_equal(found[:, :, 0], np.rint(ramp / 257).astype(np.uint8))
    assert found.min() == 0
    assert found.max() == 255
    assert found[8, 0, 0] == pytest.approx(128, abs=1)


def sixteen_bit_rgb(value: int) -> bytes:
    """A 2 x 2 PNG of 16 bits a channel, which Pillow can read but not write."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = (b"\0" + struct.pack(">6H", *[value] * 6)) * 2
    header = struct.pack(">IIBBBBB", 2, 2, 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_sixteen_bit_colour_is_scaled_too() -> None:
    assert colour(decode_image(sixteen_bit_rgb(0x8000))) == pytest.approx((128, 128, 128), abs=1)


@pytest.mark.parametrize(("mode", "value"), [("L", 90), ("1", 255), ("P", 90)])
def test_grey_and_palette_become_rgb(mode: str, value: int) -> None:
    picture = Image.new("L", (8, 8), value).convert(mode)
    expected = 255 if mode == "1" else value
    assert colour(decode_image(encoded(picture, "PNG"))) == pytest.approx((expected,) * 3, abs=1)


def test_alpha_is_laid_over_white() -> None:
    half_red = Image.new("RGBA", (8, 8), (255, 0, 0, 128))
    assert colour(decode_image(encoded(half_red, "PNG"))) == pytest.approx((255, 127, 127), abs=1)
    hidden = Image.new("LA", (8, 8), (0, 0))
    assert colour(decode_image(encoded(hidden, "PNG"))) == (255, 255, 255)
    assert colour(decode_image(encoded(half_red, "WEBP", lossless=True))) == pytest.approx((255, 127, 127), abs=1)


def test_palette_with_alpha_is_laid_over_white() -> None:
    picture = Image.new("P", (8, 8), 1)
    picture.putpalette([0, 0, 0, 0, 0, 255])
    data = encoded(picture, "PNG", transparency=bytes([255, 0]))
    assert colour(decode_image(data)) == (255, 255, 255)
    assert colour(decode_image(encoded(picture, "PNG"))) == (0, 0, 255)


def test_sixteen_bit_grey_with_a_transparent_value() -> None:
    picture = Image.fromarray(np.full((4, 4), 1000, np.uint16))
    assert colour(decode_image(encoded(picture, "PNG", transparency=1000))) == (255, 255, 255)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation: int) -> None:
    upright = Image.new("RGB", (24, 16), "white")
    upright.paste((255, 0, 0), (0, 0, 12, 8))  # red corner at the top left
    # What a camera stores so that this orientation turns it upright again.
    stored = {
        1: upright,
        2: upright.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        3: upright.transpose(Image.Transpose.ROTATE_180),
        4: upright.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
        5: upright.transpose(Image.Transpose.TRANSPOSE),
        6: upright.transpose(Image.Transpose.ROTATE_90),
        7: upright.transpose(Image.Transpose.TRANSVERSE),
        8: upright.transpose(Image.Transpose.ROTATE_270),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    found = decode_image(encoded(stored, "JPEG", exif=exif, quality=95))
    assert found.size == (24, 16)
    pixels = np.asarray(found).astype(int)
    assert pixels[3, 4, 1] < 60, "the red corner is at the top left again"
    assert pixels[3, 20, 1] > 200
    assert pixels[13, 4, 1] > 200


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data:UserWarning")
def test_a_broken_exif_block_is_ignored() -> None:
    exif = b"Exif\0\0" + b"II*\0\xff\xff\xff\x7f" + b"\0" * 8
    assert decode_image(encoded(make_picture((9, 9, 9), seed=1), "JPEG", exif=exif)).size == (20, 18)


def test_one_pixel_is_a_picture() -> None:
    assert decode_image(encoded(Image.new("RGB", (1, 1), (5, 6, 7)), "PNG")).getpixel((0, 0)) == (5, 6, 7)


def test_the_first_frame_of_an_animation_is_taken() -> None:
    frames = [Image.new("RGB", (8, 8), fill) for fill in ((255, 0, 0), (0, 255, 0))]
    for format_, options in (("PNG", {}), ("WEBP", {"lossless": True})):
        data = encoded(frames[0], format_, save_all=True, append_images=frames[1:], duration=100, **options)
        assert colour(decode_image(data)) == (255, 0, 0)


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few kilobytes that says it is huge: rows of zeros compress a thousandfold."""
    return encoded(Image.new("1", (width, height)), "PNG")


@pytest.mark.parametrize("side", [7_200, 9_600, 13_500])  # above our limit, Pillow's warning, Pillow's error
def test_a_decompression_bomb_is_refused_before_it_is_decoded(side: int, monkeypatch: pytest.MonkeyPatch) -> None:
    data = bomb(side, side)
    assert len(data) < 300_000

    def never(*_: object) -> None:
        raise AssertionError("a pixel was decoded")

    monkeypatch.setattr(Image.Image, "load", never)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", never)
    with pytest.raises(UnreadableImageError, match="at most 50 million"):
        decode_image(data)


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.jpg"
    with path.open("wb") as file:
        file.truncate(images.MAX_BYTES + 1)
    with pytest.raises(UnreadableImageError, match="at most 50,000,000"):
        read_image(path)

"""How fast images are read: `python benchmarks/decode.py [--images 200] [--size 224] [--threads 1 2]`.

Draws JPEGs of 500 x 375 pixels, as large as ImageNet's, and decodes and resizes them from the disk's cache, in batches
of 32 as a job does. Prints images a second by number of threads, and for each step its processor time an image on one
thread and how much faster two threads do it: near 2 the step lets other threads run, near 1 it holds Python's lock, or
the machine has no second core free.

Caveats: made-up pictures compress otherwise than photographs; other work on the machine changes everything.
"""

import argparse
import io
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from arete_ingest.images import FORMATS, decode_image
from arete_ingest.reading import Batch, decode_ahead
from arete_ingest.transform import ImageTransform

BATCH = 32
ROUNDS = 3


def draw(folder: Path, count: int) -> list[Path]:
    """Writes smooth noise with some grain, which takes about as many bytes as a photograph."""
    rng = np.random.default_rng(0)
    files: list[Path] = []
    for number in range(count):
        coarse = Image.fromarray(rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)).resize((500, 375))
        grain = rng.normal(0, 12, (375, 500, 1))
        path = folder / f"{number:04d}.jpg"
        Image.fromarray((np.asarray(coarse) + grain).clip(0, 255).astype(np.uint8)).save(path, quality=90)
        files.append(path)
    return files


def rate(files: Sequence[Path], transform: ImageTransform, threads: int) -> float:
    """Returns images a second through the job's own reader."""
    batches = [
        (Batch(0, tuple(range(first, first + len(part))), tuple(str(file) for file in part)), True)
        for first in range(0, len(files), BATCH)
        if (part := files[first : first + BATCH])
    ]
    started = time.perf_counter()
    for batch in decode_ahead(Path("/"), batches, transform, threads=threads):
        assert not batch.errors
    return len(files) / (time.perf_counter() - started)


def opened(data: bytes) -> Image.Image:
    """Decodes without anything around it."""
    image = Image.open(io.BytesIO(data), formats=FORMATS)
    image.load()
    return image


def steps(files: Sequence[Path], transform: ImageTransform) -> dict[str, dict[str, float]]:
    """Returns each step's milliseconds an image, and how much faster two threads are."""
    contents = [file.read_bytes() for file in files]
    pictures = [decode_image(data) for data in contents]
    short = (int(transform.resize * 500 / 375), transform.resize)
    small = [picture.resize(short, Image.Resampling.BILINEAR) for picture in pictures]
    work: dict[str, tuple[Callable[[Any], object], Sequence[Any]]] = {
        "read": (lambda file: file.read_bytes(), files),
        "open and decode": (opened, contents),
        "all of decode_image": (decode_image, contents),
        "resize": (lambda picture: picture.resize(short, Image.Resampling.BILINEAR), pictures),
        "to array": (np.asarray, small),
        "all of transform.pixels": (transform.pixels, pictures),
    }
    found: dict[str, dict[str, float]] = {}
    for name, (step, items) in work.items():
        one, two = (statistics.median(_seconds(step, items, threads) for _ in range(ROUNDS)) for threads in (1, 2))
        started = time.thread_time()
        for item in items:
            step(item)
        busy = (time.thread_time() - started) / len(items)
        found[name] = {"cpu_ms": round(1000 * busy, 3), "two_threads": round(one / two, 2)}
    return found


def _seconds(step: Callable[[Any], object], items: Sequence[Any], threads: int) -> float:
    def run(part: Sequence[Any]) -> None:
        for item in part:
            step(item)

    with ThreadPoolExecutor(threads) as pool:
        started = time.perf_counter()
        list(pool.map(run, [items[place::threads] for place in range(threads)]))
        return time.perf_counter() - started


def main() -> None:
    """Prints one JSON object."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    options = parser.parse_args()
    transform = ImageTransform(options.size, options.size)
    with tempfile.TemporaryDirectory() as folder:
        files = draw(Path(folder), options.images)
        rates = {
            threads: round(statistics.median(rate(files, transform, threads) for _ in range(ROUNDS)))
            for threads in options.threads
        }
        kilobytes = round(statistics.mean(file.stat().st_size for file in files) / 1000)
        print(json.dumps({"kilobytes": kilobytes, "images_per_s": rates, "steps": steps(files, transform)}, indent=2))


if __name__ == "__main__":
    main()

"""What a job is going to be, before it begins: the layer graph, and the work, memory and disk to expect."""

import time
from dataclasses import dataclass, replace

import torch

from arete_core.progress import Progress
from arete_ingest import native
from arete_ingest.class_examples import CLASS_TILE_PX
from arete_ingest.counter import Counter
from arete_ingest.kernels import why_slow
from arete_ingest.memory import expected_bytes
from arete_ingest.planning import Job, prepare, units_of
from arete_ingest.processes import Process
from arete_ingest.reading import decode_batch
from arete_ingest.settings import IngestSettings
from arete_ingest.unit_count import model_input

_SAMPLE = 8
"""Images that are counted to see how long one takes."""


@dataclass(frozen=True)
class LayerLine:
    """A shown layer, in words.

    Attributes:
        name: Its name.
        kind: `conv`, `concat` or `sum`.
        channels: Its channels.
        height: Of its activation map.
        width: Of its activation map.
        parents: Names of the layers whose channels are joined to its own by edges.
    """

    name: str
    kind: str
    channels: int
    height: int
    width: int
    parents: tuple[str, ...]


@dataclass(frozen=True)
class Forecast:
    """What a job is going to be. Nothing was written to find out.

    Attributes:
        run_id: The run's id.
        model: As it was asked for.
        image_size: Side of the square input, in pixels.
        outputs: Classes that the model tells apart.
        device: Where it will be counted.
        kernels: What counts there.
        layers: The shown layers, nearest the input first.
        unshown: Further names that `--layers` takes.
        channels: Vertices of the graph.
        pairs: Pairs (output channel, input channel) that are ranked in each image.
        class_sets: How many there are.
        images: Images to compute; one in several class sets may be computed several times.
        units: Units of work: what a killed job loses is at most one a thread.
        batch_size: Images computed at once.
        threads: Units counted beside each other.
        ms_per_image: One thread's time for one image, measured on a few of them; None where none could be read.
        seconds: For all images, decoding and joining not counted; None where it was not measured.
        memory_mb: Main memory that the job will take, in MiB; None on a GPU.
        counts_mb: Counts of one class set while it is counted, in MiB.
        folder_mb: Run folder when it is done, in MB; rather too large than too small.
        parts_mb: On top of it while the job is at work, in MB.
    """

    run_id: str
    model: str
    image_size: int
    outputs: int
    device: str
    kernels: str
    layers: tuple[LayerLine, ...]
    unshown: tuple[str, ...]
    channels: int
    pairs: int
    class_sets: int
    images: int
    units: int
    batch_size: int
    threads: int
    ms_per_image: float | None
    seconds: float | None
    memory_mb: float | None
    counts_mb: float
    folder_mb: float
    parts_mb: float


def forecast(settings: IngestSettings, progress: Progress) -> Forecast:
    """Prepares a job as `job.ingest` does, looks at it, and writes nothing.

    Args:
        settings: What is asked for.
        progress: Where remarks go.

    Returns:
        What the job is going to be. Time: that of counting some ten images.

    Raises:
        BadInput: If model, weights, data or settings cannot work.
    """
    job = prepare(settings, progress, Process.from_environment())
    graph = job.graph
    names = [layer.name for layer in graph.layers]
    ms_per_image = _ms_per_image(job)
    folder_bytes, unit_bytes = folder_size(job), unit_size(job)
    memory = expected_bytes(graph, settings, graph.image_size, job.lanes, job.batch_size)
    return Forecast(
        run_id=settings.run_id,
        model=job.model.name,
        image_size=graph.image_size,
        outputs=job.model.outputs,
        device=job.device_name(),
        kernels=_kernels(job),
        layers=tuple(
            LayerLine(
                layer.name,
                layer.kind,
                layer.channels,
                layer.height,
                layer.width,
                tuple(names[p] for p in layer.parents),
            )
            for layer in graph.layers
        ),
        unshown=graph.unshown,
        channels=graph.channels,
        pairs=graph.pairs,
        class_sets=len(job.plan.sets),
        images=job.plan.steps,
        units=len(job.plan.units),
        batch_size=job.batch_size,
        threads=job.lanes,
        ms_per_image=ms_per_image,
        seconds=None if ms_per_image is None else ms_per_image * job.plan.steps / job.lanes / 1e3,
        memory_mb=None if job.device.type == "cuda" else memory / 2**20,
        counts_mb=4 * graph.pairs / 2**20,
        folder_mb=folder_bytes / 1e6,
        parts_mb=len(job.plan.units) * unit_bytes / 1e6,
    )


def unit_size(job: Job) -> int:
    """Estimates the bytes of a finished unit's file, rather too many than too few."""
    # Counts compress to about 0.25 bytes a possible pair (GoogLeNet: 2.6 M pairs), as unit and as table.
    return job.graph.pairs // 4 + job.graph.channels * (16 * job.settings.examples + 8)


def folder_size(job: Job) -> int:
    """Estimates the bytes of the finished run folder, rather too many than too few."""
    examples = job.settings.examples
    # A tile takes about a tenth of a byte a pixel and channel; a small file takes whole blocks of the disk.
    strip = 4096 + examples * job.settings.tile_px**2 * 3 // 10
    tables = len(job.plan.sets) * (job.graph.pairs // 4)
    pictures = job.graph.channels * strip if examples else 0
    if examples and job.settings.class_examples:
        # A graph keeps some 2% of a large network's channels and most of a tiny one's: 200, or all, are plenty.
        own = min(job.graph.channels, 200) * examples * min(job.settings.tile_px, CLASS_TILE_PX) ** 2 * 3 // 10
        pictures += len(job.plan.sets) * own
    return tables + pictures + 1_000_000


def _kernels(job: Job) -> str:
    slow = why_slow(job.device)
    if slow or job.settings.dtype == "float64":
        return "plain PyTorch"
    return f"compiled, {native.instruction_set()}" if job.device.type == "cpu" else "Triton"


def _ms_per_image(job: Job) -> float | None:
    """Measures the counting of a few images in one thread."""
    batch = next(units_of(job))[1][0]
    batch = replace(batch, images=batch.images[:_SAMPLE], files=batch.files[:_SAMPLE])
    decoded = decode_batch(job.dataset.root, batch, job.model.transform, ends_unit=False)
    if not decoded.kept:
        return None
    settings = job.settings
    counter = Counter(
        job.graph, share=settings.share, top_k=settings.top_k, influence_k=settings.influence_k,
        dtype=getattr(torch, settings.dtype), device=job.device,
    )  # fmt: skip
    images = model_input(decoded.pixels, job.model.transform, job.device)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for first in (True, False):  # the first time libraries choose kernels and make buffers
            begin = time.perf_counter()
            counter.count(images[:1] if first else images, [0] * (1 if first else len(images)))
            if job.device.type == "cuda":
                torch.cuda.synchronize(job.device)
    finally:
        torch.set_num_threads(threads)
    return (time.perf_counter() - begin) * 1e3 / len(images)

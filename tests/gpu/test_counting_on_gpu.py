"""Counts do not depend on the device beyond rounding: the same images on the GPU and on the CPU."""

import numpy as np
import pytest
import torch

from arete_ingest.counter import ClassCounts, Counter
from arete_ingest.demo.network import demo_model
from arete_ingest.tracing import trace_model

pytestmark = pytest.mark.gpu


def counts_on(device: str, dtype: torch.dtype, images: torch.Tensor) -> ClassCounts:
    counter = Counter(trace_model(demo_model(), images.shape[-1]), dtype=dtype, device=device)
    counter.count(images, [0] * len(images))
    return counter.take(0)


@pytest.mark.parametrize(("dtype", "most_differing"), [(torch.float64, 0.0), (torch.float32, 1e-3)])
def test_gpu_counts_as_the_cpu_does(dtype: torch.dtype, most_differing: float) -> None:
    images = torch.randn(16, 3, 64, 64, generator=torch.Generator().manual_seed(5))
    on_cpu = counts_on("cpu", dtype, images)
    on_gpu = counts_on("cuda", dtype, images)
    assert on_gpu.images == on_cpu.images == 16
    pairs = [
        *zip(on_cpu.activation_counts, on_gpu.activation_counts, strict=True),
        *zip(on_cpu.influence_counts, on_gpu.influence_counts, strict=True),
    ]
    differing = sum(int(np.abs(a.astype(int) - b.astype(int)).sum()) for a, b in pairs)
    total = sum(int(a.sum()) for a, _ in pairs)
    # In float32 two contributions closer than rounding may change places; in float64 none of these do.
    assert differing <= most_differing * total

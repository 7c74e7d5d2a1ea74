"""How fast influences are counted on a GPU: `python benchmarks/gpu.py [--images 64] [--model googlenet] [--layers]`.

For every convolution with more than k candidates, at 224 pixels: the reference (every contribution map written: a
grouped convolution a few input channels at a time, maximum, topk, scatter), plain torch (`strongest_exact`) and the
Triton kernels (`FusedConv`), and the forward pass beside them. Prints milliseconds a batch, the smallest of several,
and ratios. Checks that the kernels and plain torch find the same inputs.

Caveats: weights and images are random (kernels of a trained network prove other shares of rows); the reference is what
one would write in torch, not the fastest possible; float32 everywhere, TF32 inside the kernels only.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor, nn

from arete_ingest.cuda import FusedConv, available, why_not, why_unsupported
from arete_ingest.exact import strongest_exact

K = 5
MEMORY_BYTES = 512 * 2**20
MODELS = ("googlenet", "resnet50")


@dataclass
class Layer:
    """One convolution of the network and its input."""

    name: str
    conv: nn.Conv2d
    images: Tensor

    @property
    def settings(self) -> dict[str, Any]:
        """What both ways of counting are told."""
        (height, width), conv = _pair(self.conv.padding), self.conv
        return {
            "stride": _pair(conv.stride),
            "dilation": _pair(conv.dilation),
            "padding": (width, width, height, height),
            "groups": conv.groups,
        }


def _pair(value: Any) -> tuple[int, int]:
    return int(value[0]), int(value[1])


def counted_layers(model: nn.Module, images: Tensor) -> list[Layer]:
    """The convolutions with something to count, with the inputs that one forward pass gives them."""
    layers: list[Layer] = []
    hooks = []
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d) and not why_unsupported(tuple(module.weight.shape), K):

            def keep(conv: Any, inputs: Any, name: str = name) -> None:
                layers.append(Layer(name, conv, inputs[0].clone()))  # a later in-place ReLU would change it

            hooks.append(module.register_forward_pre_hook(keep))
    model(images)
    for hook in hooks:
        hook.remove()
    return layers


def reference(layer: Layer, counts: Tensor) -> None:
    """Counts as one would in plain torch: every contribution map of a few input channels is written."""
    conv, images = layer.conv, layer.images
    outputs, candidates = conv.out_channels // conv.groups, conv.weight.shape[1]
    strength = images.new_empty(len(images), conv.groups, outputs, candidates)
    # (group, candidate, out_channel, 1, height, width): every input channel is a group of its own.
    weight = conv.weight.view(conv.groups, outputs, candidates, 1, *conv.kernel_size).transpose(1, 2)
    size = conv(images[:1]).shape[2:].numel()
    at_once = max(1, MEMORY_BYTES // (4 * len(images) * outputs * size))
    for group in range(conv.groups):
        for first in range(0, candidates, at_once):
            kernels = weight[group, first : first + at_once]
            start = group * candidates + first
            maps = F.conv2d(
                images[:, start : start + len(kernels)],
                kernels.flatten(0, 1),
                None,
                _pair(conv.stride),
                _pair(conv.padding),
                _pair(conv.dilation),
                len(kernels),
            )
            largest = maps.amax(dim=(2, 3)).view(len(images), len(kernels), outputs)
            strength[:, group, :, first : first + len(kernels)] = largest.transpose(1, 2)
    add_counts(torch.topk(strength.flatten(1, 2), K, dim=2).indices, counts)


def add_counts(inputs: Tensor, counts: Tensor) -> None:
    """Counts each found input once: counts (out_channel, candidate) += inputs (image, out_channel, k)."""
    per_output = inputs.transpose(0, 1).flatten(1)
    counts.scatter_add_(1, per_output, torch.ones_like(per_output, dtype=counts.dtype))


def milliseconds(work: Callable[[], object], repeats: int) -> float:
    """The shortest time of a piece of work on the device, after two warm-ups (the first compiles)."""
    work()
    work()
    times = []
    for _ in range(repeats):
        before, after = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        before.record()
        work()
        after.record()
        after.synchronize()
        times.append(before.elapsed_time(after))
    return min(times)


def measure(name: str, image_count: int, repeats: int, each_layer: bool, channels_last: bool) -> None:
    """Prints one network's table."""
    options = {"aux_logits": False, "init_weights": True} if name == "googlenet" else {}
    model = torchvision.models.get_model(name, weights=None, **options).cuda().eval()
    images = torch.randn(image_count, 3, 224, 224, device="cuda")
    if channels_last:
        model, images = model.to(memory_format=torch.channels_last), images.to(memory_format=torch.channels_last)
    forward = milliseconds(lambda: model(images), repeats)
    totals: dict[str, float] = {"reference": 0.0, "torch": 0.0, "triton": 0.0}
    differing = rows = 0
    print(f"\n{name}, {image_count} images of 224 x 224, {'channels last' if channels_last else 'channels first'}")
    if each_layer:
        print(
            f"{'layer':32} {'kernel':>6} {'in':>5} {'out':>5} {'map':>4} {'reference':>10} {'torch':>9} {'triton':>9}"
        )
    for layer in counted_layers(model, images):
        weight, settings = layer.conv.weight.detach(), layer.settings
        fused = FusedConv(weight, **settings)
        counts = torch.zeros(weight.shape[:2], dtype=torch.int32, device="cuda")

        def by_torch(
            layer: Layer = layer, weight: Tensor = weight, settings: dict[str, Any] = settings, counts: Tensor = counts
        ) -> Tensor:
            found = strongest_exact(layer.images, weight, **settings, k=K, memory_bytes=MEMORY_BYTES).inputs
            add_counts(found, counts)
            return found

        def by_triton(layer: Layer = layer, fused: FusedConv = fused, counts: Tensor = counts) -> Tensor:
            found = fused.strongest(layer.images, K, memory_bytes=MEMORY_BYTES).inputs
            add_counts(found, counts)
            return found

        def by_reference(layer: Layer = layer, counts: Tensor = counts) -> None:
            reference(layer, counts)

        differing += int((by_torch() != by_triton()).any(dim=2).sum())
        rows += image_count * layer.conv.out_channels
        times = {
            "reference": milliseconds(by_reference, repeats),
            "torch": milliseconds(by_torch, repeats),
            "triton": milliseconds(by_triton, repeats),
        }
        for way, time in times.items():
            totals[way] += time
        if each_layer:
            high, wide = _pair(layer.conv.kernel_size)
            columns = " ".join(f"{time:9.3f}" for time in times.values())
            size = layer.images.shape[-1]
            print(f"{layer.name:32} {f'{high}x{wide}':>6} {weight.shape[1]:5} {weight.shape[0]:5} {size:4}  {columns}")
    print(f"forward pass {forward:.2f} ms; counting: " + ", ".join(f"{way} {ms:.2f} ms" for way, ms in totals.items()))
    print(
        f"reference / triton {totals['reference'] / totals['triton']:.1f}, torch / triton "
        f"{totals['torch'] / totals['triton']:.1f}, triton / forward {totals['triton'] / forward:.2f}"
    )
    print(f"rows in which triton and torch differ: {differing} of {rows}")


def main() -> None:
    """Measures, or says why it cannot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=64, help="images of the batch")
    parser.add_argument("--repeats", type=int, default=10, help="times each piece of work is timed")
    parser.add_argument("--model", choices=MODELS, action="append", help="network; both if not given")
    parser.add_argument("--layers", action="store_true", help="print every layer")
    parser.add_argument("--channels-last", action="store_true", help="lay feature maps out with channels last")
    arguments = parser.parse_args()
    if not available("cuda"):
        print(f"nothing to measure on this machine: {why_not()}")
        return
    import triton

    backends: Any = torch.backends  # its stubs lack the settings by backend
    backends.cudnn.conv.fp32_precision = backends.cuda.matmul.fp32_precision = "ieee"
    device = torch.cuda.get_device_properties(0)
    print(
        f"{device.name}, {device.multi_processor_count} multiprocessors, {device.total_memory / 2**30:.0f} GiB; Python "
        f"{sys.version.split()[0]}, torch {torch.__version__}, CUDA {torch.version.cuda}, Triton {triton.__version__}"
    )
    with torch.inference_mode():
        for name in arguments.model or MODELS:
            measure(name, arguments.images, arguments.repeats, arguments.layers, arguments.channels_last)


if __name__ == "__main__":
    main()

"""How fast influences are counted: `python benchmarks/influences.py [--images 4] [--networks googlenet-224 …]`.

Counts the 5 strongest inputs of every convolution of a network, on its real inputs, in these ways:

- reference: every contribution map is computed, in pieces that stay in the cache, reduced, ranked by `torch.topk` and
  added up. Per layer the fastest of grouped convolution and two orders of unfold and matrix product, each with pieces
  of three sizes.
- literal: as Summit's code did it, one depthwise convolution an output channel. It would take minutes, so only a few
  output channels of each layer are computed and the time is scaled up.
- torch: `arete_ingest.influences`, which counts where there are no kernels.
- native: `arete_ingest.native`, with the inputs' channels apart (NCHW) and side by side (channels_last).

Beside it the network's forward pass in both layouts, and activation counting of the same maps.

Caveats: one thread; each figure is the sum over the layers of the least of several timings, so waiting for a busy
machine is mostly left out, but not its smaller share of the cache and clock: read the load that is printed. All columns
of a row come from one process, one after the other; ratios are steadier than times. ResNet and VGG have random weights,
and GoogLeNet too where the trained ones are missing. Convolutions with 5 candidates or fewer need no counting and are
left out of all columns. Nothing is judged.
"""

import argparse
import io
import os
import platform
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torchvision
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional
from torchvision.transforms import functional as transforms

from arete_ingest import native
from arete_ingest.activations import spatial_peaks, taken_channels
from arete_ingest.influences import ConvKernel
from arete_ingest.native import NativeConv

K = 5
PIECES = (0.5e6, 2e6, 8e6)  # bytes of contribution maps at a time
LITERAL_OUTPUTS = 4
MEMORY_BYTES = 4 * 2**20  # as the counter has it on a processor
DATA = Path(os.environ.get("ARETE_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))
NETWORKS = ("googlenet-96", "googlenet-224", "resnet50-224", "vgg11-224")


class Layer(NamedTuple):
    """A convolution and its inputs, in both layouts."""

    conv: nn.Conv2d
    plain: Tensor
    channels_last: Tensor


def network(name: str) -> nn.Module:
    """Makes a network, with trained weights where they are there."""
    torch.manual_seed(0)
    weights = DATA / "googlenet-tiny-imagenet-100.safetensors"
    if name == "googlenet":
        model = torchvision.models.googlenet(num_classes=100, aux_logits=False, init_weights=False)
        if weights.is_file():
            model.load_state_dict(load_file(weights))
        else:
            print("  trained weights are missing: random ones")
        return model.eval()
    return getattr(torchvision.models, name)(weights=None).eval()


def pictures(count: int, pixels: int) -> Tensor:
    """Reads images of Tiny ImageNet, or makes smooth noise where they are missing."""
    archive = DATA / "tiny-imagenet-100.tar.xz"
    if not archive.is_file():
        print("  Tiny ImageNet is missing: smooth noise")
        return functional.interpolate(torch.randn(count, 3, 12, 12), size=(pixels, pixels), mode="bicubic")
    found = []
    with tarfile.open(archive, "r|xz") as members:
        for number, member in enumerate(members):
            if member.name.endswith(".JPEG") and number % 7 == 0:
                content = members.extractfile(member)
                assert content is not None
                found.append(Image.open(io.BytesIO(content.read())).convert("RGB"))
                if len(found) == count:
                    break
    tensors = [transforms.to_tensor(image.resize((pixels, pixels), Image.Resampling.BILINEAR)) for image in found]
    mean, deviation = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    return transforms.normalize(torch.stack(tensors), mean, deviation)


def layers_of(model: nn.Module, images: Tensor) -> list[Layer]:
    """Takes down the inputs of all convolutions with more than K candidates."""
    layers: list[Layer] = []

    def look(conv: nn.Module, args: tuple[Tensor, ...]) -> None:
        assert isinstance(conv, nn.Conv2d)
        value = args[0].clone()  # an in-place operation may change it afterwards
        layers.append(Layer(conv, value.contiguous(), value.contiguous(memory_format=torch.channels_last)))

    convs = [each for each in model.modules() if isinstance(each, nn.Conv2d) and each.in_channels // each.groups > K]
    assert all(conv.groups == 1 for conv in convs), "the reference knows no groups"
    hooks = [conv.register_forward_pre_hook(look) for conv in convs]
    model(images)
    for hook in hooks:
        hook.remove()
    return layers


def least_ms(repeats: int, work: Callable[[], Any]) -> float:
    """Runs something and gives the least wall time, in milliseconds."""
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return min(times) * 1e3


def reference_ways(layer: Layer) -> Iterator[Callable[[], Tensor]]:
    """Ways to compute the reference: each gives the strongest inputs (image, out_channel, K)."""
    conv, images = layer.conv, layer.plain
    weight = conv.weight.detach()
    outputs, inputs = weight.shape[:2]
    kernel = weight.shape[2:]
    by_input = weight.transpose(0, 1).contiguous()  # (in_channel, out_channel, …)
    flat = by_input.flatten(2)  # (in_channel, out_channel, tap)
    turned = flat.transpose(1, 2).contiguous()  # (in_channel, tap, out_channel)
    positions = conv(images[:1]).shape[2:].numel()

    def grouped(part: Tensor, channels: slice) -> Tensor:
        kernels = by_input[channels].flatten(0, 1).unsqueeze(1)
        maps = functional.conv2d(part, kernels, None, conv.stride, conv.padding, conv.dilation, groups=part.shape[1])
        return maps.amax(dim=(2, 3)).view(-1, outputs)

    def unfolded(part: Tensor) -> Tensor:
        patches = functional.unfold(part, kernel, conv.dilation, conv.padding, conv.stride)  # type: ignore[arg-type]
        return patches.view(part.shape[1], -1, positions)  # (in_channel, tap, position)

    def outputs_first(part: Tensor, channels: slice) -> Tensor:
        return torch.bmm(flat[channels], unfolded(part)).amax(dim=2)

    def positions_first(part: Tensor, channels: slice) -> Tensor:
        return torch.bmm(unfolded(part).transpose(1, 2).contiguous(), turned[channels]).amax(dim=1)

    for way in (grouped, outputs_first, positions_first):
        for piece in PIECES:
            at_once = max(1, int(piece / (outputs * positions * 4)))

            def run(way: Callable[[Tensor, slice], Tensor] = way, at_once: int = at_once) -> Tensor:
                strength = torch.empty(len(images), inputs, outputs)
                for number, image in enumerate(images):
                    for first in range(0, inputs, at_once):
                        channels = slice(first, first + at_once)
                        strength[number, channels] = way(image[None, channels], channels)
                return torch.topk(strength.transpose(1, 2).contiguous(), K, dim=2).indices

            yield run


def literal_ms(layer: Layer) -> float:
    """Time of one depthwise convolution for each output channel, from a few of them; for one image."""
    conv, image = layer.conv, layer.plain[:1]
    weight = conv.weight.detach()

    def run() -> None:
        for output in range(min(LITERAL_OUTPUTS, len(weight))):
            kernels = weight[output].unsqueeze(1)
            maps = functional.conv2d(
                image, kernels, None, conv.stride, conv.padding, conv.dilation, groups=len(kernels)
            )
            torch.topk(maps.amax(dim=(2, 3)), K)

    return least_ms(2, run) * len(weight) / min(LITERAL_OUTPUTS, len(weight))


def counts_of(inputs: Tensor, layer: Layer) -> Tensor:
    """Adds the strongest inputs of all images up: (out_channel, in_channel)."""
    counts = torch.zeros(inputs.shape[1], layer.plain.shape[1], dtype=torch.int32)
    flat = inputs.long().transpose(0, 1).flatten(1)
    return counts.scatter_add_(1, flat, torch.ones_like(flat, dtype=torch.int32))


def measure(name: str, image_count: int, repeats: int) -> None:
    """Prints one network's rows."""
    kind, pixels = name.split("-")
    model = network(kind)
    images = pictures(image_count, int(pixels))
    layers = layers_of(model, images)
    columns: dict[str, float] = dict.fromkeys(
        ("reference", "literal (scaled from a sample)", "torch", "native", "native, channels_last"), 0.0
    )
    by_kernel: dict[str, list[float]] = {}
    pairs, unequal = 0, {"reference": 0, "torch": 0, "channels_last": 0}
    for layer in layers:
        conv = layer.conv
        left, right, top, bottom = conv._reversed_padding_repeated_twice
        native_conv = NativeConv(
            conv.weight,
            stride=(conv.stride[0], conv.stride[1]),
            dilation=(conv.dilation[0], conv.dilation[1]),
            padding=(left, right, top, bottom),
            groups=1,
        )
        in_torch = ConvKernel(
            conv,
            torch.ones(conv.out_channels, dtype=torch.float64),
            dtype=torch.float32,
            device=torch.device("cpu"),
            memory_bytes=MEMORY_BYTES,
            fast=False,
        )
        ways = list(reference_ways(layer))
        best = min(ways, key=lambda way: least_ms(2, way))

        runs: dict[str, Callable[[], Tensor]] = {
            "reference": best,
            "torch": lambda conv=in_torch, maps=layer.plain: conv.strongest(maps, K).inputs,
            "native": lambda conv=native_conv, maps=layer.plain: conv.strongest(maps, K).inputs,
            "native, channels_last": lambda conv=native_conv, maps=layer.channels_last: conv.strongest(maps, K).inputs,
        }
        counts = {key: counts_of(run(), layer) for key, run in runs.items()}
        for key, other in (("reference",) * 2, ("torch",) * 2, ("channels_last", "native, channels_last")):
            unequal[key] += int((counts[other] != counts["native"]).any(dim=1).sum())
        spent = {
            key: least_ms(repeats if "native" in key else 3, lambda run=run, layer=layer: counts_of(run(), layer))
            / image_count
            for key, run in runs.items()
        }
        spent["literal (scaled from a sample)"] = literal_ms(layer)
        for key, value in spent.items():
            columns[key] += value
        row = by_kernel.setdefault("x".join(map(str, conv.kernel_size)), [0.0, 0.0, 0.0])
        for at, value in enumerate((1, spent["reference"], spent["native"])):
            row[at] += value
        pairs += conv.out_channels * conv.in_channels
    rows = sum(layer.conv.out_channels for layer in layers)
    forward = {"NCHW": least_ms(repeats, lambda: model(images)) / image_count}
    model.to(memory_format=torch.channels_last)
    turned = images.contiguous(memory_format=torch.channels_last)
    forward["channels_last"] = least_ms(repeats, lambda: model(turned)) / image_count

    print(f"  {len(layers)} convolutions, {pairs:,} pairs (output, input) an image; ms an image")
    for key, value in columns.items():
        print(f"    {key:32}{value:10.2f}")
    for key, value in forward.items():
        print(f"    {'forward pass, ' + key:32}{value:10.2f}")
    for key, (count, reference, mine) in by_kernel.items():
        print(f"    {key}, {count:.0f} layers: reference {reference:.2f}, native {mine:.2f}: {reference / mine:.1f}x")
    print(f"    reference / native {columns['reference'] / columns['native']:.1f}", end=", ")
    print(f"torch / native {columns['torch'] / columns['native']:.1f}", end=", ")
    print(f"literal / native {columns['literal (scaled from a sample)'] / columns['native']:.1f}")
    print(f"    native / forward {columns['native'] / forward['NCHW']:.3f}", end=", ")
    print(f"both channels_last {columns['native, channels_last'] / forward['channels_last']:.3f}", end=", ")
    print(f"native, NCHW / forward, channels_last {columns['native'] / forward['channels_last']:.3f}")
    print(f"    {pairs / columns['native'] * 1e3:,.0f} pairs counted a second")
    print(f"    of {rows} outputs, counts other than native's: {unequal}")
    activations(layers, image_count, repeats)


def activations(layers: list[Layer], image_count: int, repeats: int) -> None:
    """Prints how long activation counting of the convolutions' inputs takes."""

    def in_torch(maps: Tensor) -> Any:
        return taken_channels(spatial_peaks(maps).values, share=0.03, top_k=K)

    def in_native(maps: Tensor) -> Any:
        return native.activation_counts(maps, share=0.03, top_k=K)

    kinds: dict[str, Callable[[Layer], Any]] = {
        "torch": lambda layer: in_torch(layer.plain),
        "native": lambda layer: in_native(layer.plain),
        "native, channels_last": lambda layer: in_native(layer.channels_last),
        "one pass (sum)": lambda layer: layer.plain.sum(),
    }
    spent = {
        key: sum(least_ms(repeats, lambda layer=layer, run=run: run(layer)) for layer in layers) / image_count
        for key, run in kinds.items()
    }
    print("    activation counts of the same maps:", ", ".join(f"{key} {value:.2f}" for key, value in spent.items()))


def main() -> None:
    """Runs the networks asked for."""
    parser = argparse.ArgumentParser(description="Time of counting influences, by several ways.")
    parser.add_argument("--images", type=int, default=4, help="images at once; figures are per image")
    parser.add_argument(
        "--repeats", type=int, default=7, help="timings of which the least counts (reference, torch: 3)"
    )
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS[:3]))
    options = parser.parse_args()
    if not native.available():
        raise SystemExit(f"no kernels to measure: {native.why_not()}")
    torch.set_num_threads(1)
    processor = next(
        (line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor(),
    )
    print(f"{processor}, {os.cpu_count()} cores, {native.instruction_set()}, torch {torch.__version__}, one thread")
    with torch.no_grad():
        for name in options.networks:
            print(f"{name}, {options.images} images, load {os.getloadavg()[0]:.1f}", flush=True)
            measure(name, options.images, options.repeats)
            print(f"    load afterwards {os.getloadavg()[0]:.1f}", flush=True)


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).is_file() else []


if __name__ == "__main__":
    main()

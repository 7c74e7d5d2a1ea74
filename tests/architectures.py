"""The table of `docs/architectures.md`: what tracing makes of every classifier of torchvision.

`python tests/architectures.py` prints the page; a test holds the page against it.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
import torchvision
from torch import nn

from arete_core.errors import ModelError
from arete_ingest.tracing import trace_model

LEAST_SIZE = {"alexnet": 96, "inception_v3": 139}
"""Input sizes where 32 pixels are too few."""

FIXED_SIZE = {"vit_h_14": 224, "maxvit_t": 224}
TRANSFORMERS = ("vit", "swin", "maxvit")

HEAD = """# Which models can be read

Every classifier of torchvision, traced as `arete ingest` does. *Layers* are the shown ones, *channels* all of theirs
together, *pairs* the counts that one class set takes while it is counted (4 bytes each). Models of your own
(`package.module:factory`) and of timm are read by the same rules; `arete ingest --dry-run` shows what they give.

What a layer is: the output of each convolution of a plain chain; of each block that ends in a concatenation
(Inception, Fire, ShuffleNet) or an addition (residual blocks, inverted residuals, ConvNeXt); of each dense layer and
transition of a DenseNet. Blocks of the same class that change the size and so have no addition are one layer too.
Squeeze-and-excitation scales channels and passes them through: what computes the gate makes no edges. LayerNorm and
GroupNorm likewise: their statistics mix channels, their channels stay apart.

Transformers are refused: attention mixes positions, not channels of a map, and there is nothing to count by this
method.

timm (tried with 1.0.31 at 96 to 160 pixels): read are ResNet and its variants C, D, T, SE, ECA, BiT and pre-
activation, Res2Net, ResNeXt, DenseNet, RDNet, VGG, Inception v3, v4 and ResNet v2, Xception, EfficientNet v1 and v2
and their `tf_` kin, MobileNet v2 to v4, MNASNet, MixNet, FBNet, HardCoRe-NAS, LCNet, TinyNet, ReXNet, GhostNet,
RegNet and RegNetZ, GENet, NFNet, RepVGG, MobileOne, RepViT, CSPNet, DPN, DLA, HRNet, VoVNet, SelecSLS, TResNet,
HGNet, ConvNeXt, ConvMixer and InceptionNeXt. Refused are whatever holds attention over positions (ViT, Swin,
MobileViT, EdgeNeXt, CoAtNet, ByoaNets), products of two maps (StarNet), differences (PoolFormer, FastViT), selective
kernels (SK, ResNeSt) and global response normalization (ConvNeXt v2).

| model | layers | channels | pairs | from … to |
| --- | --- | --- | --- | --- |
"""


class Row(NamedTuple):
    """One line of the table."""

    model: str
    text: str
    refused: bool


@contextmanager
def without_initialisation() -> Iterator[None]:
    """Leaves new weights as they lie in memory, which takes no time."""
    before = {name: getattr(nn.init, name) for name in dir(nn.init) if name.endswith("_") and name[0] != "_"}
    try:
        for name in before:
            setattr(nn.init, name, lambda tensor, *_, **__: tensor)
        yield
    finally:
        for name, function in before.items():
            setattr(nn.init, name, function)


def empty_model(name: str) -> nn.Module:
    """Makes a model whose weights take neither time nor memory: every tensor is one number, seen many times."""
    settings: dict[str, Any] = {"aux_logits": False} if name in ("googlenet", "inception_v3") else {}
    if name in ("googlenet", "inception_v3") or name.startswith("vgg"):
        settings["init_weights"] = False
    # RegNets compute their widths with tensors, which need numbers.
    with without_initialisation() if name.startswith("regnet") else torch.device("meta"):
        model = torchvision.models.get_model(name, weights=None, **settings)
    for module in model.modules():
        for key, tensor in (*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)):
            # Vectors are scales, variances and biases; zeros would make a sign of 0 of every BatchNorm.
            value = torch.full((1,) * tensor.ndim, 1 if tensor.ndim < 2 else 0, dtype=tensor.dtype).expand(tensor.shape)
            if isinstance(tensor, nn.Parameter):
                value = nn.Parameter(value, requires_grad=False)
            setattr(module, key, value)
    return model


def rows() -> Iterator[Row]:
    """Traces one model after another."""
    gc.freeze()  # what is there already is not looked through after each model
    for name in torchvision.models.list_models(module=torchvision.models):
        size = FIXED_SIZE.get(name) or LEAST_SIZE.get(name) or (224 if name.startswith(TRANSFORMERS) else 32)
        try:
            graph = trace_model(empty_model(name), size)
        except ModelError as error:
            yield Row(name, f"| `{name}` | refused | | | {error.message} |", refused=True)
        else:
            first, last = graph.layers[0].name, graph.layers[-1].name
            numbers = f"{len(graph.layers)} | {graph.channels:,} | {graph.pairs / 1e6:.1f} M"
            yield Row(name, f"| `{name}` | {numbers} | {first} … {last} |", refused=False)
        gc.collect()
    gc.unfreeze()


def page(found: list[Row]) -> str:
    """Returns the whole page."""
    return HEAD + "\n".join(row.text for row in found) + "\n"


if __name__ == "__main__":
    print(page(list(rows())), end="")

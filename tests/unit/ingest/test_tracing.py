"""What tracing finds in known models, and what it refuses."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor, nn

from arete_core.errors import ModelError
from arete_ingest.channel_maps import Producer, Segment
from arete_ingest.layer_graph import LayerGraph
from arete_ingest.receptive import Axis
from arete_ingest.tracing import trace_model


def headless(make: Callable[..., Any], **settings: Any) -> nn.Module:
    """A torchvision model without its large fully connected layers, which have nothing to do with counting."""
    with torch.device("meta"):
        model = make(weights=None, **settings)
    for name in ("classifier", "fc"):
        head = getattr(model, name, None)
        if isinstance(head, nn.Linear) or (isinstance(head, nn.Sequential) and isinstance(head[-1], nn.Linear)):
            setattr(model, name, nn.Identity())
    model.to_empty(device="cpu")
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()
    return model


def names(graph: LayerGraph) -> list[str]:
    return [layer.name for layer in graph.layers]


def test_googlenet_has_its_twelve_layers() -> None:
    graph = trace_model(headless(torchvision.models.googlenet, aux_logits=False, init_weights=False), 96)
    inceptions = [f"inception{block}" for block in ("3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b")]
    assert names(graph) == ["conv1", "conv2", "conv3", *inceptions]
    channels = [layer.channels for layer in graph.layers]
    assert channels == [64, 64, 192, 256, 480, 512, 512, 512, 528, 832, 832, 1024]
    assert sum(channels) == 5808
    assert [layer.parents for layer in graph.layers] == [(), *((index,) for index in range(11))]
    assert [layer.kind for layer in graph.layers] == ["conv"] * 3 + ["concat"] * 9
    assert [(layer.height, layer.width) for layer in graph.layers[:4]] == [(48, 48), (24, 24), (24, 24), (12, 12)]
    assert len(graph.sums) == 57
    by_name = {conv.name: conv for conv in graph.sums}
    reduce = by_name["inception3a.branch2.0.conv"]
    assert reduce.inputs == (Segment(Producer("layer", 2), 0, 192),)
    assert by_name["inception3a.branch2.1.conv"].inputs == (Segment(Producer("sum", reduce.index), 0, 96),)
    assert by_name["inception3a.branch4.1.conv"].inputs == (Segment(Producer("layer", 2), 0, 192),)
    assert [segment.length for segment in graph.layers[3].members] == [64, 128, 32, 32]
    assert reduce.batch_norms == ("inception3a.branch2.0.bn",)


def test_googlenet_that_transforms_its_input_has_the_same_layers() -> None:
    """The weights that torchvision offers scale the image's channels one by one before the first convolution."""
    settings = {"aux_logits": False, "init_weights": False}
    graph = trace_model(headless(torchvision.models.googlenet, transform_input=True, **settings), 64)
    assert len(graph.layers) == 12
    assert graph.sums[0].inputs == (Segment(Producer("image", 0), 0, 3),)


@pytest.mark.parametrize(
    ("make", "places"),
    [
        (torchvision.models.vgg11, [0, 3, 6, 8, 11, 13, 16, 18]),
        (torchvision.models.vgg11_bn, [0, 4, 8, 11, 15, 18, 22, 25]),
    ],
)
def test_vgg11_has_its_eight_convolutions(make: Callable[..., Any], places: list[int]) -> None:
    graph = trace_model(headless(make, init_weights=False), 64)
    assert names(graph) == [f"features.{place}" for place in places]
    assert [layer.channels for layer in graph.layers] == [64, 128, 256, 256, 512, 512, 512, 512]
    assert [layer.height for layer in graph.layers] == [64, 32, 16, 16, 8, 8, 4, 4]
    assert all(conv.batch_norms for conv in graph.sums) == (make is torchvision.models.vgg11_bn)


def test_alexnet_has_its_five_convolutions() -> None:
    graph = trace_model(headless(torchvision.models.alexnet), 224)
    assert names(graph) == [f"features.{place}" for place in (0, 3, 6, 8, 10)]
    assert graph.layers[0].field.rows == Axis(start=-2, size=11, jump=4)


def test_squeezenet_shows_squeezes_and_concatenations() -> None:
    graph = trace_model(headless(torchvision.models.squeezenet1_1), 64)
    fires = [3, 4, 6, 7, 9, 10, 11, 12]
    inside = [name for place in fires for name in (f"features.{place}.squeeze", f"features.{place}")]
    assert names(graph) == ["features.0", *inside, "classifier"]
    assert [layer.parents for layer in graph.layers] == [(), *((index,) for index in range(len(graph.layers) - 1))]


def test_inception_v3_shows_blocks_and_hides_nested_concatenations() -> None:
    graph = trace_model(headless(torchvision.models.inception_v3, aux_logits=False, init_weights=False), 139)
    stem = ["Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "Conv2d_3b_1x1", "Conv2d_4a_3x3"]
    assert names(graph) == [
        *stem,
        *(f"Mixed_{block}" for block in ["5b", "5c", "5d", "6a", "6b", "6c", "6d", "6e", "7a", "7b", "7c"]),
    ]
    assert [layer.channels for layer in graph.layers[-3:]] == [1280, 2048, 2048]
    assert [layer.parents for layer in graph.layers] == [(), *((index,) for index in range(15))]
    passed_on = [
        (graph.layers[layer].name, segment.length)
        for layer in range(5, 16)
        for segment in graph.layers[layer].members
        if segment.producer.kind == "layer"
    ]
    assert passed_on == [("Mixed_6a", 288), ("Mixed_7a", 768)]  # the pooled input is joined without a convolution


def test_densenet_shows_each_dense_layer_and_transition() -> None:
    graph = trace_model(headless(torchvision.models.densenet121), 64)
    dense = [f"features.denseblock1.denselayer{place}" for place in range(1, 7)]
    assert names(graph)[:9] == ["features.conv0", *dense, "features.transition1", "features.denseblock2.denselayer1"]
    assert len(graph.layers) == 1 + 58 + 3
    assert [layer.channels for layer in graph.layers[:9]] == [64, 32, 32, 32, 32, 32, 32, 128, 32]
    assert graph.layers[3].parents == (0, 1, 2)
    assert graph.layers[7].parents == tuple(range(7))


@pytest.mark.parametrize(("make", "sums", "convs"), [("resnet18", 17, 20), ("resnet50", 49, 53)])
def test_resnets_show_their_blocks_and_add_skips_and_projections(make: str, sums: int, convs: int) -> None:
    graph = trace_model(headless(getattr(torchvision.models, make)), 64)
    blocks = {"resnet18": (2, 2, 2, 2), "resnet50": (3, 4, 6, 3)}[make]
    assert names(graph) == ["conv1", *(f"layer{s}.{b}" for s, count in enumerate(blocks, 1) for b in range(count))]
    assert [layer.kind for layer in graph.layers] == ["conv"] + ["sum"] * (len(graph.layers) - 1)
    assert [layer.parents for layer in graph.layers] == [(), *((index,) for index in range(len(graph.layers) - 1))]
    assert len(graph.sums) == sums
    assert sum(term.kind == "conv" for total in graph.sums for term in total.terms) == convs
    by_name = {total.name: total for total in graph.sums}
    skip = by_name["layer1.1"].terms[1]
    assert (skip.kind, skip.operand, skip.candidates) == ("passed", 1, 1)
    assert skip.inputs == (Segment(Producer("layer", 1), 0, graph.layers[1].channels),)
    projection = by_name["layer2.0"].terms[1]
    assert (projection.kind, projection.module) == ("conv", "layer2.0.downsample.0")
    assert graph.layers[-1].tap == graph.layers[-1].tap.replace("add", "relu")


def test_inverted_residuals_are_shown_as_blocks_with_and_without_a_sum() -> None:
    graph = trace_model(headless(torchvision.models.mobilenet_v2), 64)
    assert names(graph) == [f"features.{place}" for place in range(19)]
    kinds = [layer.kind for layer in graph.layers]
    assert [place for place, kind in enumerate(kinds) if kind == "sum"] == [3, 5, 6, 8, 9, 10, 12, 13, 15, 16]
    # A linear bottleneck has no activation function: what is added is scaled by its BatchNorm in full.
    total = next(total for total in graph.sums if total.name == "features.3")
    assert [term.kind for term in total.terms] == ["passed", "conv"]
    assert total.batch_norms == ()


def test_squeeze_and_excitation_is_passed_through_and_makes_no_sums() -> None:
    graph = trace_model(headless(torchvision.models.efficientnet_b0), 64)
    assert names(graph)[:5] == ["features.0", "features.1.0", "features.2.0", "features.2.1", "features.3.0"]
    assert not [total.name for total in graph.sums if ".fc" in total.name]


def test_shuffled_channels_are_followed() -> None:
    graph = trace_model(headless(torchvision.models.shufflenet_v2_x0_5), 64)
    assert names(graph)[:3] == ["conv1", "stage2.0", "stage2.1"]
    first = next(total for total in graph.sums if total.name == "stage2.1.branch2.0")
    # stage2.0 joins 24 and 24 channels; shuffled in two groups, the second half begins with channel 12.
    expected = [channel for pair in zip(range(12, 24), range(36, 48), strict=True) for channel in pair]
    assert [segment.first for segment in first.inputs] == expected
    assert {segment.producer for segment in first.inputs} == {Producer("layer", 1)}


def test_convnext_with_its_channels_last_is_traced() -> None:
    graph = trace_model(torchvision.models.convnext_tiny(), 64)
    assert names(graph)[:5] == ["features.0", "features.1.0", "features.1.1", "features.1.2", "features.2"]
    block = next(total for total in graph.sums if total.name == "features.1.0")
    conv, skip = block.terms
    assert (conv.module, conv.candidates, conv.channel_axis) == ("features.1.0.block.5", 384, 3)
    assert (skip.kind, skip.channel_axis) == ("passed", 1)
    assert conv.scale == pytest.approx(1e-6)  # the block's layer scale


class Chain(nn.Module):
    """Two convolutions with something between them."""

    def __init__(self, between: Callable[[Tensor], Tensor] | nn.Module, channels: int = 8) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.between = between
        self.second = nn.Conv2d(channels, 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.between(self.first(x))).mean((2, 3))


@pytest.mark.parametrize(
    ("between", "what"),
    [
        (lambda x: x + x, r"operation add: addition \(add\)"),
        (lambda x: 1 - x, "sub"),
        (lambda x: 1 / x, "truediv"),
        (lambda x: nn.functional.conv1d(x.flatten(2), torch.ones(8, 8, 1)).unflatten(2, (16, 16)), "conv1d"),
        (lambda x: torch.cat([x, x], 2), "cat"),
        (lambda x: torch.softmax(x, 1), "softmax"),
        (lambda x: (x[:, :4] * torch.sigmoid(x[:, 4:])).repeat(1, 2, 1, 1), r"operation mul: multiplication \(mul\)"),
        (lambda x: torch.pixel_shuffle(x, 2).repeat(1, 4, 1, 1), "pixel_shuffle"),
        (lambda x: x.flatten(2).softmax(-1).unflatten(2, (16, 16)), "softmax"),
    ],
)
def test_what_counting_does_not_cover_is_refused_by_name(between: Any, what: str) -> None:
    with pytest.raises(ModelError, match=f"{what}.* of feature maps is not supported"):
        trace_model(Chain(between), 16)


@pytest.mark.parametrize(
    ("between", "inputs"),
    [
        (nn.PReLU(8), (Segment(Producer("layer", 0), 0, 8),)),
        (nn.Sequential(nn.ReLU(), nn.MaxPool2d(3, 2, 1), nn.Dropout(0.1)), (Segment(Producer("layer", 0), 0, 8),)),
        (nn.ZeroPad2d((1, 2, 0, 1)), (Segment(Producer("layer", 0), 0, 8),)),
        (nn.LocalResponseNorm(5), (Segment(Producer("layer", 0), 0, 8),)),
        (lambda x: 2 + 0.5 * (nn.functional.pad(x, (1, 1)).contiguous() - 1) / 3,
         (Segment(Producer("layer", 0), 0, 8),)),
        (nn.GroupNorm(2, 8), (Segment(Producer("layer", 0), 0, 8),)),
        (nn.Upsample(scale_factor=2), (Segment(Producer("layer", 0), 0, 8),)),
        (lambda x: x * torch.sigmoid(x), (Segment(Producer("layer", 0), 0, 8),)),
        (lambda x: x * -2.0, (Segment(Producer("layer", 0), 0, 8),)),
        (lambda x: x.permute(0, 1, 3, 2), (Segment(Producer("layer", 0), 0, 8),)),
        (lambda x: x.view(-1, 2, 4, 16, 16).transpose(1, 2).reshape(-1, 8, 16, 16),
         tuple(Segment(Producer("layer", 0), channel, 1) for channel in (0, 4, 1, 5, 2, 6, 3, 7))),
        (lambda x: torch.flip(x[:, :3], [1]), tuple(Segment(Producer("layer", 0), c, 1) for c in (2, 1, 0))),
        (lambda x: x[:, ::4].repeat(1, 2, 1, 1), tuple(Segment(Producer("layer", 0), c, 1) for c in (0, 4, 0, 4))),
        (lambda x: nn.functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 1, 2)),
         (Segment(Producer("zeros", 0), 0, 1), Segment(Producer("layer", 0), 0, 8),
          *[Segment(Producer("zeros", 0), 0, 1)] * 2)),
        (lambda x: x[:, 2:6], (Segment(Producer("layer", 0), 2, 4),)),
        (lambda x: x[:, -3:, :], (Segment(Producer("layer", 0), 5, 3),)),
        (lambda x: torch.cat([x.chunk(2, dim=1)[1], x.chunk(2, 1)[0]], dim=-3),
         (Segment(Producer("layer", 0), 4, 4), Segment(Producer("layer", 0), 0, 4))),
        (lambda x: torch.cat([torch.split(x, [3, 5], 1)[1], x[:, :2]], 1),
         (Segment(Producer("layer", 0), 3, 5), Segment(Producer("layer", 0), 0, 2))),
    ],
)  # fmt: skip
def test_channel_maps_follow_the_channels(between: Any, inputs: tuple[Segment, ...]) -> None:
    graph = trace_model(Chain(between, sum(segment.length for segment in inputs)), 16)
    second = graph.sums[-1]
    # A concatenation that every path crosses is a layer of its own; its members are what it joins.
    assert (graph.layers[1].members if graph.layers[1].kind == "concat" else second.inputs) == inputs
    assert second.candidates == sum(segment.length for segment in inputs)


def test_data_dependent_control_flow_is_refused_with_the_reason() -> None:
    class Branching(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)

        def forward(self, x: Tensor) -> Tensor:
            x = self.conv(x)
            return x.relu() if x.sum() > 0 else x

    with pytest.raises(ModelError, match=r"Branching cannot be traced by torch\.fx: .*control flow") as caught:
        trace_model(Branching(), 16)
    assert "no `if`" in caught.value.hint


def test_wrong_image_size_is_refused() -> None:
    with pytest.raises(ModelError, match="Chain does not take 3-channel images of 1×1 pixels") as caught:
        trace_model(Chain(nn.MaxPool2d(2)), 1)
    assert caught.value.hint


def test_model_without_convolutions_is_refused() -> None:
    with pytest.raises(ModelError, match="no convolution"):
        trace_model(nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 2)), 16)


def test_model_with_two_inputs_is_refused() -> None:
    class Two(nn.Module):
        def forward(self, left: Tensor, right: Tensor) -> Tensor:
            return left + right

    with pytest.raises(ModelError, match="left, right"):
        trace_model(Two(), 16)


class Nested(nn.Module):
    """A block whose second branch ends in a concatenation of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, stride=2)
        self.left = nn.Conv2d(8, 5, 1)
        self.reduce = nn.Conv2d(8, 6, 1)
        self.tall = nn.Conv2d(6, 3, (3, 1), padding=(1, 0))
        self.wide = nn.Conv2d(6, 4, (1, 5), padding=(0, 2))
        self.head = nn.Conv2d(20, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.stem(x))
        inner = torch.relu(self.reduce(x))
        nested = torch.cat([torch.relu(self.tall(inner)), torch.relu(self.wide(inner))], 1)
        joined = torch.cat([self.left(x), nested, x], 1)
        return self.head(torch.relu(joined)).mean((2, 3))


def test_nested_concatenation_is_inner_and_joins_in_order() -> None:
    graph = trace_model(Nested(), 17)
    assert names(graph) == ["stem", "cat_1", "head"]
    conv = {conv.name: conv.index for conv in graph.sums}
    assert graph.layers[1].members == (
        Segment(Producer("sum", conv["left"]), 0, 5),
        Segment(Producer("sum", conv["tall"]), 0, 3),
        Segment(Producer("sum", conv["wide"]), 0, 4),
        Segment(Producer("layer", 0), 0, 8),
    )
    # The field is the smallest box around all branches: 3 pixels of the stem, then 3 rows or 5 columns at jump 2.
    assert graph.layers[1].field.rows == Axis(start=-2, size=7, jump=2)
    assert graph.layers[1].field.columns == Axis(start=-4, size=11, jump=2)
    assert graph.layers[1].tap == "relu_4"


def test_activation_maps_are_read_behind_elementwise_operations_and_before_pooling() -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Dropout(), nn.MaxPool2d(2), nn.ReLU(),
        nn.Conv2d(4, 6, 3), nn.AvgPool2d(2), nn.Flatten(),
    )  # fmt: skip
    graph = trace_model(model, 16)
    assert [layer.tap for layer in graph.layers] == ["_3", "_6"]
    assert [(layer.height, layer.name) for layer in graph.layers] == [(14, "0"), (5, "6")]


def test_activation_map_is_read_before_paths_part() -> None:
    class Parting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)

        def forward(self, x: Tensor) -> Tensor:
            x = self.conv(x)
            return torch.cat([torch.relu(x), torch.relu(-1.0 + x)], 1).mean((2, 3))

    graph = trace_model(Parting(), 16)
    assert graph.layers[0].tap == "conv"


def test_convolution_called_twice_has_two_names() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv2d(3, 8, 3)
            self.shared = nn.Conv2d(8, 8, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.shared(torch.relu(self.shared(torch.relu(self.stem(x))))).mean((2, 3))

    graph = trace_model(Twice(), 16)
    assert names(graph) == ["stem", "shared", "shared:2"]
    assert [conv.name for conv in graph.sums] == ["stem", "shared", "shared:2"]


def test_size_arithmetic_does_not_bypass_layers() -> None:
    class Sized(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)

        def forward(self, x: Tensor) -> Tensor:
            count = x.size(0)
            return self.conv(x).mean((2, 3)).view(count, -1)

    assert names(trace_model(Sized(), 16)) == ["conv"]


def batch_norm(scale: list[float]) -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(len(scale))
    norm.weight.data = torch.tensor(scale)
    return norm


def test_batch_norm_is_folded_by_its_sign_also_through_concatenation() -> None:
    class Joined(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.left, self.right = nn.Conv2d(3, 2, 1), nn.Conv2d(3, 3, 1)
            self.again = batch_norm([1.0, 1.0, -1.0])
            self.norm = batch_norm([1.0, -1.0, 0.0, 2.0, -3.0])

        def forward(self, x: Tensor) -> Tensor:
            return torch.relu(self.norm(torch.cat([self.left(x), self.again(self.right(x))], 1))).mean((2, 3))

    left, right = trace_model(Joined(), 8).sums
    assert (left.sign.tolist(), left.batch_norms) == ([1, -1], ("norm",))
    assert (right.sign.tolist(), right.batch_norms) == ([0, 1, 1], ("again", "norm"))


@pytest.mark.parametrize("before", [nn.ReLU(), nn.MaxPool2d(2)])
def test_negative_batch_norm_behind_anything_but_the_convolution_is_refused(before: nn.Module) -> None:
    scale = [1.0] * 8
    trace_model(Chain(nn.Sequential(before, batch_norm(scale))), 16)
    scale[5] = -1.0
    with pytest.raises(ModelError, match=r"between\.1 scales channel 5 of first by a negative number"):
        trace_model(Chain(nn.Sequential(before, batch_norm(scale))), 16)


def test_batch_norm_that_depends_on_the_batch_is_refused() -> None:
    with pytest.raises(ModelError, match="keeps no running statistics"):
        trace_model(Chain(nn.BatchNorm2d(8, track_running_stats=False)), 16)


def test_structure_hash_is_of_the_structure_only() -> None:
    def hashed(model: nn.Module, size: int = 16) -> str:
        return trace_model(model, size).graph_sha256

    base = hashed(Chain(nn.ReLU()))
    assert hashed(Chain(nn.ReLU())) == base  # other weights
    assert hashed(Chain(nn.ReLU(inplace=True)), 24) == base
    assert hashed(Chain(nn.Tanh())) != base
    assert hashed(Chain(nn.MaxPool2d(2))) != hashed(Chain(nn.MaxPool2d(2, 1)))


def test_tracing_leaves_the_model_as_it_is() -> None:
    model = Chain(nn.Sequential(nn.BatchNorm2d(8), nn.Dropout()))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    trace_model(model, 16)
    assert model.training
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_receptive_boxes_hold_exactly_the_pixels_that_matter() -> None:
    """Positive weights: a position's value changes with each pixel of its box and with none outside."""
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3, stride=2, padding=1), nn.AvgPool2d(3, 2, 1), nn.Conv2d(2, 2, (2, 3), dilation=(2, 1)),
        nn.Flatten(),
    )  # fmt: skip
    for parameter in model.parameters():
        parameter.data = torch.rand(parameter.shape) + 0.1
    graph = trace_model(model, 32, image_channels=1)
    image = torch.zeros(1, 1, 32, 32, requires_grad=True)
    maps = model[2](model[1](model[0](image)))
    for y, x in ((0, 0), (2, 3), (maps.shape[2] - 1, maps.shape[3] - 1)):
        (gradient,) = torch.autograd.grad(maps[0, 0, y, x], image, retain_graph=True)
        rows, columns = torch.nonzero(gradient[0, 0], as_tuple=True)
        box = (int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)
        assert graph.receptive_box(1, y, x) == box


def test_receptive_box_behind_global_pooling_is_the_whole_image() -> None:
    graph = trace_model(Chain(nn.AdaptiveAvgPool2d(1)), 16)
    assert graph.receptive_box(1, 0, 0) == (0, 0, 16, 16)
    assert graph.receptive_box(0, 15, 0) == (0, 14, 2, 16)


def test_receptive_boxes_behind_transposed_convolution_hold_every_pixel_that_matters() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3, 2, 1), nn.ConvTranspose2d(2, 2, 3, 2, 1, output_padding=1), nn.Flatten())
    for parameter in model.parameters():
        parameter.data = torch.rand(parameter.shape) + 0.1
    graph = trace_model(model, 16, image_channels=1)
    image = torch.zeros(1, 1, 16, 16, requires_grad=True)
    maps = model[1](model[0](image))
    for y, x in ((0, 0), (5, 8), (15, 15)):
        (gradient,) = torch.autograd.grad(maps[0, 0, y, x], image, retain_graph=True)
        rows, columns = torch.nonzero(gradient[0, 0], as_tuple=True)
        left, top, right, bottom = graph.receptive_box(1, y, x)
        assert left <= columns.min()
        assert columns.max() < right
        assert top <= rows.min()
        assert rows.max() < bottom
        assert right - left <= 8
        assert bottom - top <= 8


def test_layers_are_chosen_by_name_or_pattern() -> None:
    model = headless(torchvision.models.googlenet, aux_logits=False, init_weights=False)
    every = trace_model(model, 64)
    few = trace_model(model, 64, layers=["inception4?", "conv2"])
    assert names(few) == ["conv2", *(f"inception4{letter}" for letter in "abcde")]
    assert few.layers[1].parents == (0,)  # through three blocks that are not shown
    assert few.graph_sha256 != every.graph_sha256
    inner = trace_model(model, 64, layers=["inception3a", "inception3a.branch2.0"])
    assert names(inner) == ["inception3a.branch2.0", "inception3a"]
    assert "inception3a.branch2.0" in every.unshown
    with pytest.raises(ModelError, match="no layer of the model is called 'inception9'") as caught:
        trace_model(model, 64, layers=["inception9"])
    assert "inception" in caught.value.hint

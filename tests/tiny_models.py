"""Small models for tests, made by `tiny_models:FACTORY`; their weights are seeded, so that they are always the same."""

import torch
from torch import nn


class TinyNet(nn.Module):
    """Two convolutions of 6 and 8 channels, pooled, and a linear layer."""

    def __init__(self, num_classes: int = 3) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 6, 3, padding=1)
        self.second = nn.Conv2d(6, 8, 3, padding=1)
        self.head = nn.Linear(8, num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        maps = torch.relu(self.first(images))
        maps = torch.nn.functional.max_pool2d(maps, 2)
        maps = torch.relu(self.second(maps))
        return self.head(maps.mean(dim=(2, 3)))


def tiny(num_classes: int = 3) -> TinyNet:
    """TinyNet with seeded weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        return TinyNet(num_classes)


def with_transform() -> TinyNet:
    """TinyNet that says how its pictures are to be prepared."""
    model = tiny()
    values = {"image_size": 24, "mean": [0.5, 0.5, 0.5], "std": (0.25, 0.25, 0.25), "categories": ["c", "a", "b"]}
    vars(model).update(values)
    return model


def broken() -> nn.Module:
    """Raises while it is made."""
    raise RuntimeError("no such checkpoint")


def no_module() -> str:
    """Returns something else."""
    return "not a module"


def infinite() -> TinyNet:
    """Its second convolution overflows float32 on any picture."""
    model = tiny()
    with torch.no_grad():
        for parameter in (*model.first.parameters(), *model.second.parameters()):
            parameter.fill_(1e30)
    return model


class Branching(nn.Module):
    """Takes another way for bright pictures, which cannot be traced."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = tiny()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.inner(images) if images.sum() > 0 else self.inner(-images)


def branching() -> Branching:
    """A model that cannot be traced."""
    return Branching()


class Autoencoder(nn.Module):
    """Halves a picture's sides with a strided convolution and brings them back with a transposed one."""

    def __init__(self) -> None:
        super().__init__()
        self.encode = nn.Conv2d(3, 6, 3, stride=2, padding=1)
        self.inner = nn.Conv2d(6, 5, 3, padding=1)
        self.decode = nn.ConvTranspose2d(5, 7, 4, stride=2, padding=1)
        self.picture = nn.Conv2d(7, 3, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        maps = torch.relu(self.inner(torch.relu(self.encode(images))))
        return self.picture(torch.relu(self.decode(maps)))


def autoencoder() -> Autoencoder:
    """Autoencoder with seeded weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return Autoencoder()


def randomise_batch_norms(model: nn.Module) -> None:
    """Random statistics and scales, a quarter of the scales negative, some zero."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            scale = torch.rand(module.num_features) + 0.5
            scale[torch.rand(module.num_features) < 0.25] *= -1
            scale[torch.rand(module.num_features) < 0.02] = 0
            module.weight.data = scale
            module.bias.data = torch.randn(module.num_features) * 0.3
            module.running_mean = torch.randn(module.num_features) * 0.1
            module.running_var = torch.rand(module.num_features) * 0.5 + 0.1

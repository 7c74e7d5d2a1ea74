"""Small random changes of a picture before each step: what excites a channel only at one exact place does not last.

As in [olah2017feature, "Transformation Robustness"], with Lucid's amounts, which were made for pictures of 128 pixels:
the picture is shifted by up to 8, scaled by 0.9 to 1.1, turned by up to 10° (in one of five steps not at all), and
shifted by up to 4 again. Here all of it is one affine map and one bilinear reading.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

JITTER = (8 / 128, 4 / 128)
"""Largest shift before and after scaling and turning, of the picture's side."""
SCALES = (0.9, 1.1)
DEGREES = 10.0
UNTURNED = 0.2  # Lucid adds 5 zeros to 21 angles
GREY = 0.5


def draw_changes(steps: int, generators: Sequence[torch.Generator]) -> Float[Tensor, "step picture row=2 column=3"]:
    """Draws the changes of all steps, for each picture from a generator of its own.

    Args:
        steps: Number of steps.
        generators: One a picture, on the CPU.

    Returns:
        Affine maps from places in what the model sees to places in the picture, both -1 to 1 from side to side, as
        `torch.nn.functional.affine_grid` takes them.
    """
    drawn = torch.stack([torch.rand((steps, 7), generator=generator) for generator in generators], dim=1)
    angle = torch.deg2rad((drawn[..., 0] * 2 - 1) * DEGREES)
    angle = torch.where(drawn[..., 1] < UNTURNED, torch.zeros(()), angle)
    scale = SCALES[0] + drawn[..., 2] * (SCALES[1] - SCALES[0])
    shifts = [(drawn[..., 3 + 2 * at : 5 + 2 * at] * 2 - 1) * 2 * JITTER[at] for at in (0, 1)]  # the side is 2 long
    # What the model sees is the picture scaled, so that looking up divides by the scale.
    cosine, sine = torch.cos(angle) / scale, torch.sin(angle) / scale
    turn = torch.stack([torch.stack([cosine, -sine], dim=-1), torch.stack([sine, cosine], dim=-1)], dim=-2)
    shift = shifts[0] + (turn @ shifts[1][..., None])[..., 0]
    return torch.cat([turn, shift[..., None]], dim=-1)


def change(
    pictures: Float[Tensor, "picture colour=3 height width"], maps: Float[Tensor, "picture row=2 column=3"]
) -> Float[Tensor, "picture colour=3 height width"]:
    """Applies one change to each picture.

    Args:
        pictures: RGB, 0 to 1.
        maps: As `draw_changes` returns them for a step.

    Returns:
        Pictures of the same size; grey where the change leads outside.
    """
    size = list(pictures.shape)
    grid = F.affine_grid(maps, size, align_corners=False)
    return F.grid_sample(pictures, grid, align_corners=False, padding_mode="reflection")

"""Triton kernels for 1x1 convolutions: a contribution is one product with a channel's largest or smallest value.

Layouts and dialect as in `kernels`.
"""

# ruff: noqa: N803 - compile-time constants are in capitals, as is the custom in Triton

from typing import no_type_check

import triton
import triton.language as tl

from arete_ingest.cuda.kernels import INFINITY, LOWEST, key_index, key_value, ordering_keys, store_ranked


@triton.jit
@no_type_check
def visited_ranges(
    images, highs, lows,
    channels, height, width, columns, positions,
    stride_image, stride_channel, stride_row, stride_column,
    STEP_Y: tl.constexpr, STEP_X: tl.constexpr, TOP: tl.constexpr, LEFT: tl.constexpr,
    BLOCK_C: tl.constexpr, BLOCK_P: tl.constexpr,
):  # fmt: skip
    """Largest and smallest value of each channel where a 1x1 convolution looks; largest is infinite if not finite."""
    image = tl.program_id(1)
    channel = tl.program_id(0) * BLOCK_C + tl.arange(0, BLOCK_C)
    plane = images + image.to(tl.int64) * stride_image + channel.to(tl.int64) * stride_channel
    high = tl.full([BLOCK_C, BLOCK_P], -INFINITY, tl.float32)
    low = tl.full([BLOCK_C, BLOCK_P], INFINITY, tl.float32)
    for first in range(0, positions, BLOCK_P):
        position = tl.minimum(first + tl.arange(0, BLOCK_P), positions - 1)
        out_y = position // columns
        y = out_y * STEP_Y - TOP
        x = (position - out_y * columns) * STEP_X - LEFT
        inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
        value = tl.load(
            plane[:, None] + (y * stride_row + x * stride_column)[None, :],
            mask=(channel < channels)[:, None] & inside[None, :],
            other=0.0,
        )
        value = tl.where(tl.abs(value) < INFINITY, value, INFINITY)
        high = tl.maximum(high, value)
        low = tl.minimum(low, value)
    target = image * channels + channel
    tl.store(highs + target, tl.max(high, axis=1), mask=channel < channels)
    tl.store(lows + target, tl.min(low, axis=1), mask=channel < channels)


@triton.jit
@no_type_check
def closed_top(
    highs, lows, weight, values, inputs, proven,
    candidates, outputs,
    K: tl.constexpr, BLOCK_I: tl.constexpr, ROWS: tl.constexpr,
):  # fmt: skip
    """The K largest contributions of ROWS output channels of a 1x1 convolution, and whether rounding hides a tie."""
    image, group, groups = tl.program_id(2), tl.program_id(1), tl.num_programs(1)
    index = tl.arange(0, BLOCK_I)[:, None]
    output = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    channel = group * candidates + index
    source = image * groups * candidates + channel
    high = tl.load(highs + source, mask=index < candidates, other=0.0)
    low = tl.load(lows + source, mask=index < candidates, other=0.0)
    kernel = tl.load(
        weight + channel.to(tl.int64) * outputs + output[None, :],
        mask=(index < candidates) & (output < outputs)[None, :],
        other=0.0,
    )
    edge = tl.where(kernel > 0, high, low)
    value = kernel * edge
    # Zeros are exact ties unless one of them is a product that underflowed.
    lost = tl.max(((value == 0) & (kernel != 0) & (edge != 0)).to(tl.int32), axis=0)
    value = tl.where(value == 0, 0.0, value)
    key = tl.where(index < candidates, ordering_keys(value, index + tl.zeros_like(kernel).to(tl.int32)), LOWEST)

    sure = tl.full([ROWS], 1, tl.int32)
    row = image.to(tl.int64) * groups * outputs + group * outputs + output
    before = tl.full([ROWS], INFINITY, tl.float32)
    for rank in tl.static_range(K + 1):
        top = tl.max(key, axis=0)
        amount = key_value(top)
        if rank > 0:
            sure &= ((before > amount) | ((amount == 0) & (lost == 0))).to(tl.int32)
        if rank < K:
            tl.store(values + row * K + rank, amount, mask=output < outputs)
            tl.store(inputs + row * K + rank, key_index(top).to(tl.int64), mask=output < outputs)
        before = amount
        key = tl.where(key == top[None, :], LOWEST, key)
    tl.store(proven + row, sure, mask=output < outputs)


@triton.jit
@no_type_check
def settle_pointwise(
    highs, lows, weight, values, inputs, proven,
    candidates,
    K: tl.constexpr, BLOCK_I: tl.constexpr,
):  # fmt: skip
    """Ranks one unproven row of a 1x1 convolution again, in float64, where its products are exact."""
    output, group, image = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    outputs, groups = tl.num_programs(0), tl.num_programs(1)
    row = image.to(tl.int64) * groups * outputs + group * outputs + output
    if tl.load(proven + row) == 0:
        index = tl.arange(0, BLOCK_I)
        present = index < candidates
        channel = group * candidates + index
        source = image * groups * candidates + channel
        kernel = tl.load(weight + channel.to(tl.int64) * outputs + output, mask=present, other=0.0)
        high = tl.load(highs + source, mask=present, other=0.0)
        low = tl.load(lows + source, mask=present, other=0.0)
        exact = kernel.to(tl.float64) * tl.where(kernel > 0, high, low).to(tl.float64)
        store_ranked(tl.where(present, exact, -INFINITY), index, values + row * K, inputs + row * K, K, BLOCK_I)

"""Triton kernels of the strongest inputs; `fused` lays out their arguments, `docs/gpu.md` says how they work together.

Triton compiles these functions from their source, so they are written in its dialect: arguments are pointers and
numbers, those in capitals are compile-time constants, and nothing here can be type-checked as Python
(`no_type_check` keeps jaxtyping's import hook away too).

Layouts: `strength` (image, group, candidate, out_channel of the group); `weight` (group, candidate, kernel position,
out_channel of the group); `kernels` (norms) the same without positions; results (image, out_channel, k).
"""

# ruff: noqa: N803 - compile-time constants are in capitals, as is the custom in Triton

from typing import no_type_check

import triton
import triton.language as tl

LOWEST = tl.constexpr(-(2**63))
INDEX_BITS = tl.constexpr(0x7FFFFFFF)
INFINITY = tl.constexpr(float("inf"))
FLOOR = tl.constexpr(2.0**-40)  # certificate.FLOOR
OVERFLOW = tl.constexpr(1e37)  # certificate.OVERFLOW
NORM_SLACK = tl.constexpr(1 + 2.0**-16)
"""Covers the sum of up to 128 squares (2^-17), and a square root that is good to 2^-22 only."""


@triton.jit
@no_type_check
def tf32_rounded(values):
    """Rounds to TF32's 10 bits behind the point, to nearest: tensor cores would cut off what they get."""
    bits = values.to(tl.int32, bitcast=True)
    return ((bits + 0x1000) & -0x2000).to(tl.float32, bitcast=True)


@triton.jit
@no_type_check
def ordering_keys(values, index):
    """Integers ordered by value, then by lower index: the float's bits made monotone, the index turned round below."""
    bits = values.to(tl.int32, bitcast=True)
    ordered = bits ^ ((bits >> 31) & INDEX_BITS)
    return (ordered.to(tl.int64) << 32) | (index ^ INDEX_BITS).to(tl.int64)


@triton.jit
@no_type_check
def key_index(keys):
    """The index inside a key."""
    return (keys & INDEX_BITS).to(tl.int32) ^ INDEX_BITS


@triton.jit
@no_type_check
def key_value(keys):
    """The value inside a key."""
    ordered = (keys >> 32).to(tl.int32)
    return (ordered ^ ((ordered >> 31) & INDEX_BITS)).to(tl.float32, bitcast=True)


@triton.jit
@no_type_check
def error_bounds(kernels, patches, factor):
    """The certificate's bound: 0 where a contribution is exactly 0, infinite where a sum may have overflowed."""
    product = kernels * patches
    bound = tl.where(product < OVERFLOW, product * factor, INFINITY)
    return tl.where((kernels == 0) | (patches == 0), 0.0, bound)


@triton.jit
@no_type_check
def fused_max(
    images, weight, strength, norms,
    image_count, channels, outputs, height, width, columns, positions,
    stride_image, stride_channel, stride_row, stride_column,
    KERNEL_HEIGHT: tl.constexpr, KERNEL_WIDTH: tl.constexpr, STEP_Y: tl.constexpr, STEP_X: tl.constexpr,
    DOWN: tl.constexpr, RIGHT: tl.constexpr, TOP: tl.constexpr, LEFT: tl.constexpr,
    TAPS: tl.constexpr, BLOCK_O: tl.constexpr, IMAGES: tl.constexpr, POSITIONS: tl.constexpr, TF32: tl.constexpr,
):  # fmt: skip
    """Contributions of one input channel of IMAGES images to BLOCK_O output channels, and the largest patch norm.

    The products of a position are never written: the running maximum stays in registers, as the kernels do.
    Positions beyond the last repeat the last, so that no maximum has to be masked.
    """
    channel = tl.program_id(1)
    output = tl.program_id(0) * BLOCK_O + tl.arange(0, BLOCK_O)
    tap = tl.arange(0, TAPS)
    real = tap < KERNEL_HEIGHT * KERNEL_WIDTH
    kernel = tl.load(
        weight + (channel.to(tl.int64) * KERNEL_HEIGHT * KERNEL_WIDTH + tap)[:, None] * outputs + output[None, :],
        mask=real[:, None] & (output < outputs)[None, :],
        other=0.0,
    )
    down = (tap // KERNEL_WIDTH) * DOWN - TOP
    right = (tap % KERNEL_WIDTH) * RIGHT - LEFT

    row = tl.arange(0, IMAGES * POSITIONS)
    image = tl.minimum(tl.program_id(2) * IMAGES + row // POSITIONS, image_count - 1)
    plane = images + image.to(tl.int64) * stride_image + channel.to(tl.int64) * stride_channel
    best = tl.full([IMAGES * POSITIONS, BLOCK_O], -INFINITY, tl.float32)
    square = tl.zeros([IMAGES * POSITIONS], tl.float32)
    peak = tl.zeros([IMAGES * POSITIONS, TAPS], tl.float32)
    for first in range(0, positions, POSITIONS):
        position = tl.minimum(first + row % POSITIONS, positions - 1)
        out_y = position // columns
        y = (out_y * STEP_Y)[:, None] + down[None, :]
        x = ((position - out_y * columns) * STEP_X)[:, None] + right[None, :]
        inside = real[None, :] & (y >= 0) & (y < height) & (x >= 0) & (x < width)
        patch = tl.load(plane[:, None] + y * stride_row + x * stride_column, mask=inside, other=0.0)
        sums = tl.sum(patch * patch, axis=1)
        square = tl.maximum(square, tl.where(sums < INFINITY, sums, INFINITY))  # NaN becomes infinity
        peak = tl.maximum(peak, tl.abs(patch))
        if TF32:
            products = tl.dot(tf32_rounded(patch), kernel, input_precision="tf32")
        else:
            products = tl.dot(patch, kernel, input_precision="ieee")
        best = tl.maximum(best, products)

    # Every row belongs to one image: reduce over its rows only.
    image = tl.program_id(2) * IMAGES + tl.arange(0, IMAGES)
    largest = tl.max(tl.reshape(best, (IMAGES, POSITIONS, BLOCK_O)), axis=1)
    target = (image.to(tl.int64) * channels + channel)[:, None] * outputs + output[None, :]
    tl.store(strength + target, largest, mask=(image < image_count)[:, None] & (output < outputs)[None, :])
    square = tl.max(tl.reshape(square, (IMAGES, POSITIONS)), axis=1)
    peak = tl.max(tl.reshape(tl.max(peak, axis=1), (IMAGES, POSITIONS)), axis=1)
    norm = tl.where((peak == 0) & (square == 0), 0.0, tl.sqrt(square) * NORM_SLACK + FLOOR)
    if tl.program_id(0) == 0:  # the same for every block of output channels
        tl.store(norms + image * channels + channel, norm, mask=image < image_count)


@triton.jit
@no_type_check
def rank_windowed(
    strength, kernels, norms, values, inputs, proven, least,
    candidates, outputs, factor,
    K: tl.constexpr, BLOCK_I: tl.constexpr, ROWS: tl.constexpr,
):  # fmt: skip
    """The K largest contributions of ROWS output channels, whether the bounds prove them, and their lowest bound."""
    image, group, groups = tl.program_id(2), tl.program_id(1), tl.num_programs(1)
    index = tl.arange(0, BLOCK_I)[:, None]
    output = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    present = (index < candidates) & (output < outputs)[None, :]
    cell = (group * candidates + index).to(tl.int64) * outputs + output[None, :]
    plane = image.to(tl.int64) * groups * candidates
    value = tl.load(strength + plane * outputs + cell, mask=present, other=-INFINITY)
    value = tl.where(value == 0, 0.0, value)  # -0.0 equals 0.0
    key = tl.where(index < candidates, ordering_keys(value, index + tl.zeros_like(present.to(tl.int32))), LOWEST)

    sure = tl.full([ROWS], 1, tl.int32)
    low = tl.full([ROWS], INFINITY, tl.float32)
    lowest = low
    before = tl.full([ROWS], -1, tl.int32)
    row = image.to(tl.int64) * groups * outputs + group * outputs + output
    for rank in tl.static_range(K):
        top = tl.max(key, axis=0)
        taken = key == top[None, :]
        found, amount = key_index(top), key_value(top)
        channel = group * candidates + found
        kernel_norm = tl.load(kernels + channel.to(tl.int64) * outputs + output, mask=output < outputs, other=0.0)
        error = error_bounds(kernel_norm, tl.load(norms + plane + channel), factor)
        high = amount + error
        # Equal is enough where the lower channel comes first anyway.
        sure &= ((low > high) | ((low >= high) & (before < found))).to(tl.int32)
        low = tl.where(error < INFINITY, amount - error, -INFINITY)
        lowest = tl.minimum(lowest, low)
        before = found
        tl.store(values + row * K + rank, amount, mask=output < outputs)
        tl.store(inputs + row * K + rank, found.to(tl.int64), mask=output < outputs)
        key = tl.where(taken, LOWEST, key)
    # Values are read again rather than kept: the keys alone fill the registers.
    value = tl.load(strength + plane * outputs + cell, mask=present, other=-INFINITY)
    kernel_norm = tl.load(kernels + cell, mask=present, other=0.0)
    patch_norm = tl.load(norms + plane + group * candidates + index, mask=index < candidates, other=0.0)
    high = value + error_bounds(kernel_norm, patch_norm, factor)
    below = (high < low[None, :]) | ((high <= low[None, :]) & (index > before[None, :]))
    sure &= 1 - tl.max(((key != LOWEST) & (below == 0)).to(tl.int32), axis=0)
    tl.store(proven + row, sure, mask=output < outputs)
    tl.store(least + row, lowest, mask=output < outputs)


@triton.jit
@no_type_check
def settle_windowed(
    images, weight, strength, kernels, norms, values, inputs, proven, least,
    candidates, height, width, columns, positions, factor,
    stride_image, stride_channel, stride_row, stride_column,
    KERNEL_HEIGHT: tl.constexpr, KERNEL_WIDTH: tl.constexpr, STEP_Y: tl.constexpr, STEP_X: tl.constexpr,
    DOWN: tl.constexpr, RIGHT: tl.constexpr, TOP: tl.constexpr, LEFT: tl.constexpr,
    K: tl.constexpr, BLOCK_I: tl.constexpr, BLOCK_P: tl.constexpr,
):  # fmt: skip
    """Ranks one unproven row again: every input that may be among the K largest, one by one, in float64.

    Proven rows end at once. Products of float32 numbers are exact in float64, so a fused multiply-add changes nothing;
    positions of the kernel are added in their order, as everywhere.
    """
    output, group, image = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    outputs, groups = tl.num_programs(0), tl.num_programs(1)
    row = image.to(tl.int64) * groups * outputs + group * outputs + output
    if tl.load(proven + row) == 0:
        index = tl.arange(0, BLOCK_I)
        present = index < candidates
        cell = (group * candidates + index).to(tl.int64) * outputs + output
        plane = image.to(tl.int64) * groups * candidates
        value = tl.load(strength + plane * outputs + cell, mask=present, other=-INFINITY)
        kernel_norm = tl.load(kernels + cell, mask=present, other=0.0)
        patch_norm = tl.load(norms + plane + group * candidates + index, mask=present, other=0.0)
        bound = error_bounds(kernel_norm, patch_norm, factor)
        contends = present & ((value + bound < tl.load(least + row)) == 0)
        exact = tl.where(contends & (bound == 0), 0.0, -INFINITY).to(tl.float64)
        waiting = contends & (bound != 0)
        left = tl.sum(waiting.to(tl.int32), axis=0)
        while left > 0:
            candidate = tl.min(tl.where(waiting, index, BLOCK_I), axis=0)
            channel = group * candidates + candidate
            source = images + image.to(tl.int64) * stride_image + channel.to(tl.int64) * stride_channel
            kernel = weight + channel.to(tl.int64) * KERNEL_HEIGHT * KERNEL_WIDTH * outputs + output
            best = tl.full([BLOCK_P], -INFINITY, tl.float64)
            for first in range(0, positions, BLOCK_P):
                position = tl.minimum(first + tl.arange(0, BLOCK_P), positions - 1)
                out_y = position // columns
                out_x = position - out_y * columns
                total = tl.zeros([BLOCK_P], tl.float64)
                for tap in range(KERNEL_HEIGHT * KERNEL_WIDTH):
                    y = out_y * STEP_Y + (tap // KERNEL_WIDTH) * DOWN - TOP
                    x = out_x * STEP_X + (tap % KERNEL_WIDTH) * RIGHT - LEFT
                    inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
                    pixel = tl.load(source + y * stride_row + x * stride_column, mask=inside, other=0.0)
                    total += tl.load(kernel + tap * outputs).to(tl.float64) * pixel.to(tl.float64)
                best = tl.maximum(best, total)
            exact = tl.where(index == candidate, tl.max(best, axis=0), exact)
            waiting = waiting & (index != candidate)
            left -= 1
        store_ranked(exact, index, values + row * K, inputs + row * K, K, BLOCK_I)


@triton.jit
@no_type_check
def store_ranked(exact, index, values, inputs, K: tl.constexpr, BLOCK_I: tl.constexpr):
    """Writes the K largest of a row in float64, of equal ones the lower index first."""
    for rank in tl.static_range(K):
        top = tl.max(exact, axis=0)
        found = tl.min(tl.where(exact == top, index, BLOCK_I), axis=0)
        tl.store(values + rank, top.to(tl.float32) + 0.0)
        tl.store(inputs + rank, found.to(tl.int64))
        exact = tl.where(index == found, -INFINITY, exact)

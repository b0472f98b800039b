"""Halving and doubling of channels-last features, and the sum behind a block: one kernel each."""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def sum_quads(features, output, scale, width, total, CHANNELS: tl.constexpr, ROWS: tl.constexpr):
    """Write scale * the sum of each 2 x 2 pixels, (N, H, W, C) -> (N, H / 2, W / 2, C).

    `width` is that of the output, `total` its pixels.
    """
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    channel = tl.arange(0, CHANNELS)[None, :]
    inside = (row < total)[:, None]
    x, line = row % width, (row // width).to(tl.int64)
    corner = ((2 * line) * (2 * width) + 2 * x)[:, None] * CHANNELS + channel
    below = corner + 2 * width * CHANNELS
    result = tl.load(features + corner, mask=inside, other=0.0).to(tl.float32)
    result += tl.load(features + corner + CHANNELS, mask=inside, other=0.0).to(tl.float32)
    result += tl.load(features + below, mask=inside, other=0.0).to(tl.float32)
    result += tl.load(features + below + CHANNELS, mask=inside, other=0.0).to(tl.float32)
    place = row.to(tl.int64)[:, None] * CHANNELS + channel
    tl.store(output + place, (result * scale).to(output.dtype.element_ty), mask=inside)


@triton.jit
def repeat_quads(
    features,
    added,
    output,
    scale,
    height,
    width,
    total,
    CHANNELS: tl.constexpr,
    ROWS: tl.constexpr,
    HAS_ADDED: tl.constexpr,
):
    """Write scale * each pixel four times, plus `added`, (N, H / 2, W / 2, C) -> (N, H, W, C).

    `height` and `width` are those of the output, `total` is N times both.
    """
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    channel = tl.arange(0, CHANNELS)[None, :]
    inside = (row < total)[:, None]
    x, line = row % width, row // width
    image, y = line // height, line % height
    source = ((image.to(tl.int64) * (height // 2) + y // 2) * (width // 2) + x // 2)[:, None] * CHANNELS + channel
    result = tl.load(features + source, mask=inside, other=0.0).to(tl.float32) * scale
    place = row.to(tl.int64)[:, None] * CHANNELS + channel
    if HAS_ADDED:
        result += tl.load(added + place, mask=inside, other=0.0).to(tl.float32)
    tl.store(output + place, result.to(output.dtype.element_ty), mask=inside)


@triton.jit
def concatenate_add(first, second, third, shortcut, output, total, CHANNELS: tl.constexpr, ROWS: tl.constexpr):
    """Write the concatenation of (total, C / 2), (total, C / 4) and (total, C / 4), plus the shortcut (total, C)."""
    row = (tl.program_id(0) * ROWS + tl.arange(0, ROWS)).to(tl.int64)[:, None]
    channel = tl.arange(0, CHANNELS)[None, :]
    inside = row < total
    half: tl.constexpr = CHANNELS // 2
    quarter: tl.constexpr = CHANNELS // 4
    in_first = inside & (channel < half)
    in_second = inside & (channel >= half) & (channel < half + quarter)
    in_third = inside & (channel >= half + quarter)
    result = tl.load(shortcut + row * CHANNELS + channel, mask=inside, other=0.0).to(tl.float32)
    result += tl.load(first + row * half + channel, mask=in_first, other=0.0).to(tl.float32)
    result += tl.load(second + row * quarter + channel - half, mask=in_second, other=0.0).to(tl.float32)
    result += tl.load(third + row * quarter + channel - half - quarter, mask=in_third, other=0.0).to(tl.float32)
    tl.store(output + row * CHANNELS + channel, result.to(output.dtype.element_ty), mask=inside)

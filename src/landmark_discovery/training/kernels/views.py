"""One kernel for augmented views: each pixel of a view reads the four stored pixels around it, changed on the way.

The same arithmetic as `colour.change_colours` followed by `views.sample_views`, which are the reference. A view's
numbers lie in one row, as `fused_views` lays them out.
"""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def sample(
    pixels,
    views,
    parameters,
    seeds,
    height,
    width,
    size,
    PARAMETERS: tl.constexpr,
    RADIUS: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Write the views (B, S, S, 3); a program writes BLOCK pixels of one."""
    view = tl.program_id(1)
    row = parameters + view * PARAMETERS
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    across = (place % size).to(tl.float32) - tl.load(row + 4)
    down = (place // size).to(tl.float32) - tl.load(row + 5)
    x = tl.load(row) * across + tl.load(row + 1) * down
    y = tl.load(row + 2) * across + tl.load(row + 3) * down
    inside = (x >= -0.5) & (x < tl.load(row + 6) - 0.5) & (y >= -0.5) & (y < tl.load(row + 7) - 0.5)
    x = tl.minimum(tl.maximum(x, 0.0), width - 1.0)
    y = tl.minimum(tl.maximum(y, 0.0), height - 1.0)
    left, top = tl.floor(x), tl.floor(y)
    source = pixels + view.to(tl.int64) * height * width * 3
    red = tl.zeros([BLOCK], tl.float32)
    green = tl.zeros([BLOCK], tl.float32)
    blue = tl.zeros([BLOCK], tl.float32)
    seed = _scrambled(tl.load(seeds + view).to(tl.uint32))
    for corner in tl.static_range(4):
        column = left + corner % 2
        line = top + corner // 2
        weight = (1 - tl.abs(x - column)) * (1 - tl.abs(y - line))
        column = tl.minimum(column, width - 1.0).to(tl.int32)
        line = tl.minimum(line, height - 1.0).to(tl.int32)
        r, g, b = _changed_pixel(source, row, seed, column, line, height, width, RADIUS)
        red += weight * r
        green += weight * g
        blue += weight * b
    target = views + (view.to(tl.int64) * size * size + place) * 3
    known = place < size * size
    tl.store(target, tl.where(inside, red, 0.0) / 255, mask=known)
    tl.store(target + 1, tl.where(inside, green, 0.0) / 255, mask=known)
    tl.store(target + 2, tl.where(inside, blue, 0.0) / 255, mask=known)


@triton.jit
def _changed_pixel(source, row, seed, column, line, height, width, RADIUS: tl.constexpr):
    """Read one stored pixel and change its colour, in the order of `change_colours`."""
    sigma = tl.load(row + 8)
    red, green, blue = _stored_pixel(source, column, line, width)
    if sigma > 0:
        red, green, blue = _blurred_pixel(source, column, line, height, width, sigma, RADIUS)
    contrast = tl.load(row + 9)
    red = (red - 127) * contrast + 127
    green = (green - 127) * contrast + 127
    blue = (blue - 127) * contrast + 127
    deviation = tl.load(row + 10)
    if deviation > 0:
        position = ((line * width + column) * 3).to(tl.uint32)
        own = tl.load(row + 11)
        common = _normal(seed + position)
        red += deviation * common
        green += deviation * (own * _normal(seed + position + 1) + (1 - own) * common)
        blue += deviation * (own * _normal(seed + position + 2) + (1 - own) * common)
    red = _clamped(_clamped(red) * tl.load(row + 12))
    green = _clamped(_clamped(green) * tl.load(row + 13))
    blue = _clamped(_clamped(blue) * tl.load(row + 14))
    hue = tl.load(row + 15)
    saturation = tl.load(row + 16)
    if (hue != 1) | (saturation != 1):
        red, green, blue = _recoloured(red, green, blue, hue, saturation)
    return red, green, blue


@triton.jit
def _stored_pixel(source, column, line, width):
    place = source + (line * width + column) * 3
    return (
        tl.load(place).to(tl.float32),
        tl.load(place + 1).to(tl.float32),
        tl.load(place + 2).to(tl.float32),
    )


@triton.jit
def _blurred_pixel(source, column, line, height, width, sigma, RADIUS: tl.constexpr):
    red = tl.zeros_like(column).to(tl.float32)
    green = tl.zeros_like(red)
    blue = tl.zeros_like(red)
    total = 0.0
    for down in tl.static_range(-RADIUS, RADIUS + 1):
        for across in tl.static_range(-RADIUS, RADIUS + 1):
            weight = tl.exp(-0.5 * (down * down + across * across) / (sigma * sigma))
            total += weight
            near_column = tl.minimum(tl.maximum(column + across, 0), width - 1)
            near_line = tl.minimum(tl.maximum(line + down, 0), height - 1)
            r, g, b = _stored_pixel(source, near_column, near_line, width)
            red += weight * r
            green += weight * g
            blue += weight * b
    return red / total, green / total, blue / total


@triton.jit
def _recoloured(red, green, blue, hue, saturation):
    value = tl.maximum(red, tl.maximum(green, blue))
    chroma = value - tl.minimum(red, tl.minimum(green, blue))
    span = tl.maximum(chroma, 1e-6)
    from_red = (green - blue) / span
    from_red = tl.where(from_red < 0, from_red + 6, from_red)
    sector = tl.where(
        value == red, from_red, tl.where(value == green, (blue - red) / span + 2, (red - green) / span + 4)
    )
    turned = sector / 6 * hue
    turned = 6 * (turned - tl.floor(turned))
    strength = value * tl.minimum(tl.maximum(chroma / tl.maximum(value, 1e-6) * saturation, 0.0), 1.0)
    return (
        value - strength * _share(turned + 5),
        value - strength * _share(turned + 3),
        value - strength * _share(turned + 1),
    )


@triton.jit
def _share(phase):
    phase = tl.where(phase >= 6, phase - 6, phase)
    return tl.minimum(tl.maximum(tl.minimum(phase, 4 - phase), 0.0), 1.0)


@triton.jit
def _clamped(value):
    return tl.minimum(tl.maximum(value, 0.0), 255.0)


@triton.jit
def _normal(bits):
    bits = _scrambled(bits)
    low = ((bits & 0xFFFF).to(tl.float32) + 0.5) / 65536
    high = (bits >> 16).to(tl.float32) * (6.283185307179586 / 65536)
    return tl.sqrt(-2 * tl.log(low)) * tl.cos(high)


@triton.jit
def _scrambled(bits):
    """Hash as `noise.position_noise` does."""
    bits ^= bits >> 16
    bits *= 0x7FEB352D
    bits ^= bits >> 15
    bits *= 0x846CA68B
    bits ^= bits >> 16
    return bits

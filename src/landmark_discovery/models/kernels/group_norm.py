"""Group normalisation followed by ReLU: two kernels forward, two backward (Wu, He 2018).

Features are (N, pixels, C), channels last. Statistics and sums are float32, whatever the features are. Each direction
reads the features twice: to sum over tiles of pixels, then to normalise. Sums of squares are taken around the first
pixel, and merged as means and squared deviations (Chan, Golub, LeVeque 1983), so that a large mean costs no
precision.

A program works on one tile of pixels, ROWS at a time in STEPS steps, and on one chunk of channels of whole groups.
"""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def tile_statistics(
    features,
    partial,
    pixels,
    CHANNELS: tl.constexpr,
    CHUNK: tl.constexpr,
    GROUP: tl.constexpr,
    ROWS: tl.constexpr,
    STEPS: tl.constexpr,
):
    """Write mean and sum of squared deviations of each group over one tile, partial (N, tiles, groups, 2)."""
    tile, image = tl.program_id(0), tl.program_id(2).to(tl.int64)
    channel = tl.program_id(1) * CHUNK + tl.arange(0, CHUNK)
    first = tile * STEPS * ROWS
    count = tl.minimum(pixels - first, STEPS * ROWS).to(tl.float32)
    row = first + tl.arange(0, ROWS)
    place = image * pixels * CHANNELS + row[:, None] * CHANNELS + channel[None, :]
    first_pixel = tl.load(features + image * pixels * CHANNELS + channel).to(tl.float32)[None, :]
    total = tl.zeros([ROWS, CHUNK], tl.float32)
    squares = tl.zeros([ROWS, CHUNK], tl.float32)
    for step in tl.static_range(STEPS):
        here = row + step * ROWS
        value = tl.load(features + place + step * ROWS * CHANNELS, mask=(here < pixels)[:, None], other=0.0)
        centred = tl.where((here < pixels)[:, None], value.to(tl.float32) - first_pixel, 0.0)
        total += centred
        squares += centred * centred
    shift = tl.sum(total, 0) / count
    deviation = tl.sum(squares, 0) - shift * shift * count
    mean = tl.reshape(tl.reshape(first_pixel, (CHUNK,)) + shift, (CHUNK // GROUP, GROUP))
    group_mean = tl.sum(mean, 1) / GROUP
    spread = mean - group_mean[:, None]
    group_deviation = tl.sum(tl.reshape(deviation, (CHUNK // GROUP, GROUP)) + count * spread * spread, 1)
    group = tl.program_id(1) * (CHUNK // GROUP) + tl.arange(0, CHUNK // GROUP)
    slot = 2 * ((image * tl.num_programs(0) + tile) * (CHANNELS // GROUP) + group)
    tl.store(partial + slot, group_mean)
    tl.store(partial + slot + 1, group_deviation)


@triton.jit
def normalise(
    features,
    partial,
    weight,
    bias,
    output,
    statistics,
    pixels,
    epsilon,
    CHANNELS: tl.constexpr,
    CHUNK: tl.constexpr,
    GROUP: tl.constexpr,
    ROWS: tl.constexpr,
    STEPS: tl.constexpr,
    TILES: tl.constexpr,
):
    """Write relu(normalised features) and, once an image, mean and 1 / deviation, statistics (N, groups, 2)."""
    image, tiles = tl.program_id(2).to(tl.int64), tl.num_programs(0)
    channel = tl.program_id(1) * CHUNK + tl.arange(0, CHUNK)
    group = tl.program_id(1) * (CHUNK // GROUP) + tl.arange(0, CHUNK // GROUP)
    tile = tl.arange(0, TILES)
    known = (tile < tiles)[:, None]
    slot = 2 * ((image * tiles + tile[:, None]) * (CHANNELS // GROUP) + group[None, :])
    tile_mean = tl.load(partial + slot, mask=known, other=0.0)
    tile_deviation = tl.load(partial + slot + 1, mask=known, other=0.0)
    count = tl.maximum(tl.minimum(pixels - tile * STEPS * ROWS, STEPS * ROWS), 0).to(tl.float32)[:, None]
    mean = tl.sum(tile_mean * count, 0) / pixels
    spread = tile_mean - mean[None, :]
    variance = tl.sum(tile_deviation + count * GROUP * spread * spread, 0) / (pixels * GROUP)
    scale = 1.0 / tl.sqrt(variance + epsilon)
    if tl.program_id(0) == 0:
        place = 2 * (image * (CHANNELS // GROUP) + group)
        tl.store(statistics + place, mean)
        tl.store(statistics + place + 1, scale)
    mean = _of_channels(mean, CHUNK, GROUP)[None, :]
    scale = (_of_channels(scale, CHUNK, GROUP) * tl.load(weight + channel).to(tl.float32))[None, :]
    offset = tl.load(bias + channel).to(tl.float32)[None, :]
    for step in range(STEPS):
        row = (tl.program_id(0) * STEPS + step) * ROWS + tl.arange(0, ROWS)
        inside = (row < pixels)[:, None]
        entry = image * pixels * CHANNELS + row[:, None] * CHANNELS + channel[None, :]
        value = tl.load(features + entry, mask=inside, other=0.0).to(tl.float32)
        result = tl.maximum((value - mean) * scale + offset, 0.0)
        tl.store(output + entry, result.to(output.dtype.element_ty), mask=inside)


@triton.jit
def tile_gradient_sums(
    features,
    gradient,
    statistics,
    weight,
    bias,
    partial,
    pixels,
    CHANNELS: tl.constexpr,
    CHUNK: tl.constexpr,
    GROUP: tl.constexpr,
    ROWS: tl.constexpr,
    STEPS: tl.constexpr,
):
    """Write, for each channel, the sums over one tile of g and g * normalised, partial (N, tiles, C, 2).

    g is the gradient where ReLU lets it through.
    """
    tile, image = tl.program_id(0), tl.program_id(2).to(tl.int64)
    channel = tl.program_id(1) * CHUNK + tl.arange(0, CHUNK)
    place = 2 * (image * (CHANNELS // GROUP) + channel // GROUP)
    mean = tl.load(statistics + place)[None, :]
    scale = tl.load(statistics + place + 1)[None, :]
    gain = tl.load(weight + channel).to(tl.float32)[None, :]
    offset = tl.load(bias + channel).to(tl.float32)[None, :]
    total = tl.zeros([ROWS, CHUNK], tl.float32)
    product = tl.zeros([ROWS, CHUNK], tl.float32)
    for step in tl.static_range(STEPS):
        row = (tile * STEPS + step) * ROWS + tl.arange(0, ROWS)
        inside = (row < pixels)[:, None]
        entry = image * pixels * CHANNELS + row[:, None] * CHANNELS + channel[None, :]
        value = tl.load(features + entry, mask=inside, other=0.0).to(tl.float32)
        incoming = tl.load(gradient + entry, mask=inside, other=0.0).to(tl.float32)
        normalised = (value - mean) * scale
        passed = tl.where(normalised * gain + offset > 0, incoming, 0.0)
        total += passed
        product += passed * normalised
    slot = 2 * ((image * tl.num_programs(0) + tile) * CHANNELS + channel)
    tl.store(partial + slot, tl.sum(total, 0))
    tl.store(partial + slot + 1, tl.sum(product, 0))


@triton.jit
def propagate(
    features,
    gradient,
    added,
    statistics,
    weight,
    bias,
    partial,
    output,
    weight_gradient,
    bias_gradient,
    pixels,
    added_stride,
    CHANNELS: tl.constexpr,
    CHUNK: tl.constexpr,
    GROUP: tl.constexpr,
    ROWS: tl.constexpr,
    STEPS: tl.constexpr,
    TILES: tl.constexpr,
    IMAGES: tl.constexpr,
    PARTS: tl.constexpr,
    PARTS_STEPS: tl.constexpr,
    HAS_ADDED: tl.constexpr,
):
    """Write the gradient of the features, plus `added`; one further row of programs writes those of the parameters."""
    image, tiles = tl.program_id(2).to(tl.int64), tl.num_programs(0)
    channel = tl.program_id(1) * CHUNK + tl.arange(0, CHUNK)
    if image == IMAGES:
        if tl.program_id(0) == 0:
            _write_parameter_gradients(
                partial, weight_gradient, bias_gradient, channel, IMAGES * tiles, CHANNELS, CHUNK, PARTS, PARTS_STEPS
            )
    else:
        place = 2 * (image * (CHANNELS // GROUP) + channel // GROUP)
        mean = tl.load(statistics + place)[None, :]
        scale = tl.load(statistics + place + 1)[None, :]
        gain = tl.load(weight + channel).to(tl.float32)
        offset = tl.load(bias + channel).to(tl.float32)[None, :]
        tile = tl.arange(0, TILES)
        known = (tile < tiles)[:, None]
        slot = 2 * ((image * tiles + tile[:, None]) * CHANNELS + channel[None, :])
        total = _group_mean(partial + slot, known, gain, pixels, CHUNK, GROUP)
        product = _group_mean(partial + slot + 1, known, gain, pixels, CHUNK, GROUP)
        gain = gain[None, :]
        for step in range(STEPS):
            row = (tl.program_id(0) * STEPS + step) * ROWS + tl.arange(0, ROWS)
            inside = (row < pixels)[:, None]
            entry = image * pixels * CHANNELS + row[:, None] * CHANNELS + channel[None, :]
            value = tl.load(features + entry, mask=inside, other=0.0).to(tl.float32)
            incoming = tl.load(gradient + entry, mask=inside, other=0.0).to(tl.float32)
            normalised = (value - mean) * scale
            passed = tl.where(normalised * gain + offset > 0, incoming, 0.0) * gain
            result = scale * (passed - total - normalised * product)
            if HAS_ADDED:
                added_entry = (image * pixels + row[:, None]) * added_stride + channel[None, :]
                result += tl.load(added + added_entry, mask=inside, other=0.0).to(tl.float32)
            tl.store(output + entry, result.to(output.dtype.element_ty), mask=inside)


@triton.jit
def _group_mean(sums, known, gain, pixels, CHUNK: tl.constexpr, GROUP: tl.constexpr):
    """Average a group's weighted sums over its pixels and channels, for each of its channels (1, CHUNK)."""
    weighted = gain * tl.sum(tl.load(sums, mask=known, other=0.0), 0)
    mean = tl.sum(tl.reshape(weighted, (CHUNK // GROUP, GROUP)), 1) / (pixels * GROUP)
    return _of_channels(mean, CHUNK, GROUP)[None, :]


@triton.jit
def _of_channels(of_groups, CHUNK: tl.constexpr, GROUP: tl.constexpr):
    """Repeat the values of groups (CHUNK / GROUP,) for their channels, (CHUNK,)."""
    return tl.reshape(tl.broadcast_to(of_groups[:, None], (CHUNK // GROUP, GROUP)), (CHUNK,))


@triton.jit
def _write_parameter_gradients(
    partial,
    weight_gradient,
    bias_gradient,
    channel,
    parts,
    CHANNELS: tl.constexpr,
    CHUNK: tl.constexpr,
    PARTS: tl.constexpr,
    PARTS_STEPS: tl.constexpr,
):
    """Add up the sums of all tiles of all images, PARTS at a time."""
    bias_sums = tl.zeros([PARTS, CHUNK], tl.float32)
    weight_sums = tl.zeros([PARTS, CHUNK], tl.float32)
    for step in range(PARTS_STEPS):
        part = step * PARTS + tl.arange(0, PARTS)
        known = (part < parts)[:, None]
        slot = 2 * (part[:, None] * CHANNELS + channel[None, :])
        bias_sums += tl.load(partial + slot, mask=known, other=0.0)
        weight_sums += tl.load(partial + slot + 1, mask=known, other=0.0)
    tl.store(bias_gradient + channel, tl.sum(bias_sums, 0))
    tl.store(weight_gradient + channel, tl.sum(weight_sums, 0))

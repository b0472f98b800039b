"""The layers between the convolutions as Triton kernels, forward and backward.

They read and write channels-last features once or twice where PyTorch's operations do so several times: on a GPU the
convolutions are fast, and the memory between them is what a step waits for. Needs Triton; `models.layers` is the
reference and the way without.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
import triton
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import FunctionCtx

from landmark_discovery.models.kernels import group_norm, resampling


@dataclass(frozen=True)
class Schedule:
    """Say how programs share features out.

    Attributes:
        chunk: channels of a program.
        elements: it holds at a time.
        steps: times it reads so many.
        warps: of a program.
    """

    chunk: int
    elements: int
    steps: int
    warps: int


FORWARD = Schedule(chunk=64, elements=2048, steps=8, warps=4)
BACKWARD = Schedule(chunk=64, elements=4096, steps=8, warps=8)
# Elements of a program of the other kernels, which read each once.
ELEMENTS = 2048
# The most programs that share the sums of an image and chunk, and sums that are added up at a time.
MAX_TILES = 32
PARTS = 32


class FusedLayers:
    """Compute with Triton kernels; channels and groups must be powers of two, heights and widths even."""

    def stem(self, images: Tensor, convolution: nn.Conv2d) -> Tensor:
        """Convolve images (N, 3, S, S); a fourth channel of ones carries the bias, which is added nowhere else."""
        if convolution.bias is None or not isinstance(convolution.padding, tuple):
            raise ValueError("the first convolution needs a bias and a padding in pixels")
        weight, around = convolution.weight, convolution.padding
        bias = F.pad(convolution.bias.to(weight.dtype).view(-1, 1, 1, 1), (around[1], around[1], around[0], around[0]))
        with_ones = F.pad(images.to(weight.dtype), (0, 0, 0, 0, 0, 1), value=1.0)
        joined = torch.cat([weight, bias], dim=1).contiguous(memory_format=torch.channels_last)
        return F.conv2d(_channels_last(with_ones), joined, stride=convolution.stride, padding=around)

    def norm_relu(self, features: Tensor, norm: nn.GroupNorm) -> tuple[Tensor, Tensor]:
        """Give ReLU of the normalised features (N, C, H, W), and the features."""
        activated, same = _NormRelu.apply(features, norm.weight, norm.bias, norm.num_groups, norm.eps)  # type: ignore[no-untyped-call]
        return activated, same

    def concatenate_add(self, first: Tensor, second: Tensor, third: Tensor, shortcut: Tensor) -> Tensor:
        """Concatenate C / 2, C / 4 and C / 4 channels and add the shortcut, (N, C, H, W)."""
        result: Tensor = _ConcatenateAdd.apply(first, second, third, shortcut)  # type: ignore[no-untyped-call]
        return result

    def pointwise(self, features: Tensor, convolution: nn.Conv2d) -> Tensor:
        """Convolve by 1 x 1 pixel: a matrix product that adds the bias where it writes."""
        if convolution.bias is None:
            raise ValueError("the convolution has no bias; call it as it is")
        result: Tensor = _Pointwise.apply(features, convolution.weight, convolution.bias)  # type: ignore[no-untyped-call]
        return result

    def average_pool(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Give the means of 2 x 2 pixels, and the features."""
        pooled, same = _AveragePool.apply(features)  # type: ignore[no-untyped-call]
        return pooled, same

    def upsample_add(self, upper: Tensor, lower: Tensor) -> Tensor:
        """Repeat each pixel of the lower features (N, C, H / 2, W / 2) four times and add the upper ones."""
        result: Tensor = _UpsampleAdd.apply(upper, lower)  # type: ignore[no-untyped-call]
        return result


@dataclass(frozen=True)
class _Tiling:
    """Hold how programs share features out: a chunk of channels, so many rows at a time, so many steps."""

    images: int
    pixels: int
    channels: int
    chunk: int
    rows: int
    steps: int

    @classmethod
    def of(cls, features: Tensor, groups: int, schedule: Schedule) -> _Tiling:
        """Share features (N, C, H, W) of so many groups out by a schedule; a chunk holds whole groups."""
        images, channels, height, width = features.shape
        pixels, chunk = height * width, max(min(channels, schedule.chunk), channels // groups)
        rows = min(schedule.elements // chunk, triton.next_power_of_2(pixels))
        blocks = math.ceil(pixels / rows)
        steps = max(min(schedule.steps, blocks), math.ceil(blocks / MAX_TILES))
        return cls(images, pixels, channels, chunk, rows, steps)

    @property
    def tiles(self) -> int:
        """Count the programs that share an image and chunk."""
        return math.ceil(self.pixels / (self.rows * self.steps))

    def grid(self, more_images: int = 0) -> tuple[int, int, int]:
        """Give the grid of the kernels."""
        return self.tiles, self.channels // self.chunk, self.images + more_images

    def constants(self, groups: int) -> tuple[int, ...]:
        """Give what all kernels are compiled for: channels, chunk, channels a group, rows, steps."""
        return self.channels, self.chunk, self.channels // groups, self.rows, self.steps


class _NormRelu(Function):
    @staticmethod
    def forward(
        ctx: FunctionCtx, features: Tensor, weight: Tensor, bias: Tensor, groups: int, epsilon: float
    ) -> tuple[Tensor, Tensor]:
        features = _channels_last(features)
        tiling = _Tiling.of(features, groups, FORWARD)
        constants = tiling.constants(groups)
        partial = _float32(features, tiling.images, tiling.tiles, groups, 2)
        statistics = _float32(features, tiling.images, groups, 2)
        activated = torch.empty_like(features)
        group_norm.tile_statistics[tiling.grid()](features, partial, tiling.pixels, *constants, num_warps=FORWARD.warps)
        group_norm.normalise[tiling.grid()](
            features,
            partial,
            weight,
            bias,
            activated,
            statistics,
            tiling.pixels,
            epsilon,
            *constants,
            triton.next_power_of_2(tiling.tiles),
            num_warps=FORWARD.warps,
        )
        ctx.save_for_backward(features, weight, bias, statistics)
        ctx.set_materialize_grads(False)
        return activated, features

    @staticmethod
    def backward(ctx: Any, gradient: Tensor | None, added: Tensor | None) -> tuple[Tensor | None, ...]:
        """Give the gradients; that of the features passed on is added where the norm's is written."""
        if gradient is None:
            return added, None, None, None, None
        features, weight, bias, statistics = ctx.saved_tensors
        gradient = _channels_last(gradient)
        tiling = _Tiling.of(features, statistics.shape[1], BACKWARD)
        constants = tiling.constants(statistics.shape[1])
        partial = _float32(features, tiling.images, tiling.tiles, tiling.channels, 2)
        result, weight_gradient, bias_gradient = map(torch.empty_like, (features, weight, bias))
        group_norm.tile_gradient_sums[tiling.grid()](
            features, gradient, statistics, weight, bias, partial, tiling.pixels, *constants, num_warps=BACKWARD.warps
        )
        added, stride = _with_pixel_stride(added)
        group_norm.propagate[tiling.grid(more_images=1)](
            features,
            gradient,
            features if added is None else added,
            statistics,
            weight,
            bias,
            partial,
            result,
            weight_gradient,
            bias_gradient,
            tiling.pixels,
            stride,
            *constants,
            triton.next_power_of_2(tiling.tiles),
            tiling.images,
            PARTS,
            math.ceil(tiling.images * tiling.tiles / PARTS),
            added is not None,
            num_warps=BACKWARD.warps,
        )
        return result, weight_gradient, bias_gradient, None, None


class _ConcatenateAdd(Function):
    @staticmethod
    def forward(ctx: Any, first: Tensor, second: Tensor, third: Tensor, shortcut: Tensor) -> Tensor:
        parts = [_channels_last(part) for part in (first, second, third, shortcut)]
        result = torch.empty_like(parts[3])
        channels, total = shortcut.shape[1], shortcut.numel() // shortcut.shape[1]
        rows = ELEMENTS // channels
        resampling.concatenate_add[(math.ceil(total / rows),)](*parts, result, total, channels, rows)
        ctx.halves = first.shape[1], second.shape[1], third.shape[1]
        return result

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, ...]:
        """Cut the gradient up; the parts are views of it, but for the third."""
        first, second, third = torch.split(gradient, ctx.halves, dim=1)
        # What only a convolution reads is laid out for it here, since it would do so twice.
        return first, second, _channels_last(third), gradient


class _Pointwise(Function):
    @staticmethod
    def forward(ctx: FunctionCtx, features: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        rows = _rows(features)
        ctx.save_for_backward(rows, weight)
        return _from_rows(torch.addmm(bias, rows, weight.flatten(1).T), features)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        rows, weight = ctx.saved_tensors
        incoming = _rows(gradient)
        back = _from_rows(incoming @ weight.flatten(1).to(incoming.dtype), gradient)
        ones = torch.ones(1, len(incoming), device=incoming.device, dtype=incoming.dtype)
        return back, (incoming.T @ rows).view_as(weight).to(weight.dtype), (ones @ incoming)[0].to(weight.dtype)


class _AveragePool(Function):
    @staticmethod
    def forward(ctx: FunctionCtx, features: Tensor) -> tuple[Tensor, Tensor]:
        features = _channels_last(features)
        ctx.set_materialize_grads(False)
        return _sum_quads(features, 0.25), features

    @staticmethod
    def backward(ctx: Any, gradient: Tensor | None, added: Tensor | None) -> Tensor | None:
        """Share each mean's gradient among its four pixels, plus that of the features passed on."""
        return added if gradient is None else _repeat_quads(gradient, added, 0.25)


class _UpsampleAdd(Function):
    @staticmethod
    def forward(ctx: FunctionCtx, upper: Tensor, lower: Tensor) -> Tensor:
        return _repeat_quads(lower, upper, 1.0)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        """Give the upper features the gradient as it is, and each lower pixel the sum of its four."""
        return gradient, _sum_quads(gradient, 1.0)


def _sum_quads(features: Tensor, scale: float) -> Tensor:
    features = _channels_last(features)
    images, channels, height, width = features.shape
    if height % 2 or width % 2:
        raise ValueError(f"features of {width} x {height} pixels can't be halved; give even sizes")
    result = _empty(features, (images, channels, height // 2, width // 2))
    total, rows = images * height * width // 4, ELEMENTS // channels
    resampling.sum_quads[(math.ceil(total / rows),)](features, result, scale, width // 2, total, channels, rows)
    return result


def _repeat_quads(features: Tensor, added: Tensor | None, scale: float) -> Tensor:
    features = _channels_last(features)
    images, channels, height, width = features.shape
    result = _empty(features, (images, channels, 2 * height, 2 * width))
    other = features if added is None else _channels_last(added)
    total, rows = 4 * images * height * width, ELEMENTS // channels
    resampling.repeat_quads[(math.ceil(total / rows),)](
        features, other, result, scale, 2 * height, 2 * width, total, channels, rows, added is not None
    )
    return result


def _channels_last(features: Tensor) -> Tensor:
    return features.contiguous(memory_format=torch.channels_last)


def _rows(features: Tensor) -> Tensor:
    """Give features (N, C, H, W) as rows (N * H * W, C)."""
    return _channels_last(features).permute(0, 2, 3, 1).flatten(0, 2)


def _from_rows(rows: Tensor, like: Tensor) -> Tensor:
    """Give rows as features of the size of others."""
    images, _, height, width = like.shape
    return rows.view(images, height, width, -1).permute(0, 3, 1, 2)


def _with_pixel_stride(features: Tensor | None) -> tuple[Tensor | None, int]:
    """Give features whose pixels lie one stride apart, such as channels cut out of others, and that stride."""
    if features is None:
        return None, 0
    stride, (_, _, height, width) = features.stride(3), features.shape
    if features.stride() != (stride * height * width, 1, stride * width, stride):
        features = _channels_last(features)
        stride = features.shape[1]
    return features, stride


def _float32(like: Tensor, *shape: int) -> Tensor:
    return torch.empty(shape, device=like.device, dtype=torch.float32)


def _empty(like: Tensor, shape: tuple[int, ...]) -> Tensor:
    return torch.empty(shape, device=like.device, dtype=like.dtype, memory_format=torch.channels_last)

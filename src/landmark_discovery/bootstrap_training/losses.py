"""Targets and losses of SuperPoint's two heads."""

from __future__ import annotations

import torch
from torch import Generator, Tensor
from torch.nn import functional

from landmark_discovery.models.superpoint import CELL_PX


def cell_labels(points: Tensor, size_px: int, generator: Generator) -> Tensor:
    """Say for each cell which of its 64 pixels is a keypoint, or that none is.

    Of several keypoints in a cell one is chosen at random.

    Args:
        points: (B, P, 2) in pixels; those outside, and NaN, count nowhere.
        size_px: width and height of the images, divisible by 8.
        generator: source of randomness, on the points' device.

    Returns:
        int64 (B, h, w) in 0..64; 64 is "no keypoint here".
    """
    rounded = torch.nan_to_num(points, nan=-1.0).round().long()
    image, point = torch.nonzero(((rounded >= 0) & (rounded < size_px)).all(dim=-1), as_tuple=True)
    x, y = rounded[image, point].unbind(-1)
    marks = torch.zeros(len(points), 1, size_px, size_px, device=points.device)
    marks[image, 0, y, x] = 1.0
    chance = torch.rand(marks.shape, generator=generator, device=points.device)
    cells = functional.pixel_unshuffle(marks * (1.0 + chance), CELL_PX)
    none = torch.full_like(cells[:, :1], 0.5)
    return torch.cat([cells, none], dim=1).argmax(dim=1)


def detector_loss(logits: Tensor, labels: Tensor, seen: Tensor) -> Tensor:
    """Give the mean cross entropy of the cells that are wholly seen.

    Args:
        logits: (B, 65, h, w).
        labels: int64 (B, h, w) in 0..64.
        seen: booleans (B, 8h, 8w): pixels that show the image.
    """
    whole = functional.avg_pool2d(seen[:, None].float(), CELL_PX)[:, 0] == 1.0
    entropy = functional.cross_entropy(logits.float(), labels, reduction="none")
    return (entropy * whole).sum() / whole.sum().clamp(min=1)


def descriptor_loss(
    first: Tensor, second: Tensor, points: Tensor, valid: Tensor, temperature: float, void_distance_px: float
) -> Tensor:
    """Let each descriptor choose its partner among those of the other view, both ways (dual softmax).

    Of SuperPoint's hinge loss over all cells, most terms are zero; this one compares sampled points, and those that
    look most alike count most (noise contrastive estimation; van den Oord, Li, Vinyals 2018).

    Args:
        first: descriptors of length 1 in view 1, (B, M, D).
        second: those of the same points in view 2, (B, M, D).
        points: where they lie in view 2, (B, M, 2).
        valid: booleans (B, M): points that both views show.
        temperature: divides the cosines.
        void_distance_px: points nearer than this in view 2 aren't told apart.

    Returns:
        Mean of -log of the probabilities of the true partners; 0 where no point is valid.
    """
    cosine = first @ second.transpose(1, 2) / temperature
    same = torch.eye(points.shape[1], dtype=torch.bool, device=points.device)
    near = (torch.cdist(points, points) < void_distance_px) & ~same
    void = near | ~valid[:, None, :] | ~valid[:, :, None]
    # Of a point that isn't valid only its own partner stays, so that its loss is 0 and not NaN.
    logits = cosine.masked_fill(void & ~same, -torch.inf)
    chosen = torch.diagonal(torch.log_softmax(logits, dim=2) + torch.log_softmax(logits, dim=1), dim1=1, dim2=2)
    return -(chosen / 2 * valid).sum() / valid.sum().clamp(min=1)


def sample_at(maps: Tensor, points: Tensor) -> Tensor:
    """Sample coarse maps (B, D, h, w) at points (B, M, 2) in pixels, each of length 1: (B, M, D).

    As `bootstrap.superpoint_maps.sample_descriptors`: the cell in column c has its centre at x = 8c + 3.5.
    """
    size = torch.tensor([maps.shape[-1], maps.shape[-2]], device=maps.device) * CELL_PX
    grid = ((points + 0.5) * 2 / size - 1)[:, None]
    sampled = functional.grid_sample(maps, grid, mode="bilinear", padding_mode="border", align_corners=False)
    return functional.normalize(sampled[:, :, 0].transpose(1, 2), dim=2)

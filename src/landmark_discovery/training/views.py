"""Training views: affine change, crop and mirror as one sampling of the stored image; points move with the pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from landmark_discovery.config.training import AugmentationSettings
from landmark_discovery.training.randomness import Randomness


@dataclass(frozen=True)
class ViewGeometry:
    """Map pixels of B stored images to their views: a matrix and a shift, for crop and affine change together.

    Attributes:
        matrix: (B, 2, 2).
        shift: (B, 2); a stored point p lies at matrix p + shift in the view.
        size_px: width and height of the view.
    """

    matrix: Tensor
    shift: Tensor
    size_px: int

    def of(self, rows: slice) -> ViewGeometry:
        """Give the geometry of some of the views."""
        return ViewGeometry(self.matrix[rows], self.shift[rows], self.size_px)

    def to_view(self, points: Tensor) -> Tensor:
        """Map points (B, P, 2) of the stored images to view pixels."""
        return _product(points, self.matrix.transpose(1, 2)) + self.shift[:, None]

    def to_store(self, points: Tensor) -> Tensor:
        """Map points (B, P, 2) of the views to pixels of the stored images."""
        return _product(points - self.shift[:, None], self.inverse_matrix().transpose(1, 2))

    def pixels_in_store(self) -> tuple[Tensor, Tensor]:
        """Map all pixels of the views to the stored images, as `to_store` does: x and y, (B, S, S)."""
        steps = torch.arange(self.size_px, device=self.shift.device, dtype=self.shift.dtype)
        columns, rows = (steps - self.shift[..., None]).unbind(1)
        columns, rows = columns[:, None, :], rows[:, :, None]
        a, b, c, d = self.inverse_matrix().view(-1, 4, 1, 1).unbind(1)
        return columns * a + rows * b, columns * c + rows * d

    def inverse_matrix(self) -> Tensor:
        """Invert the matrices, (B, 2, 2)."""
        a, b, c, d = self.matrix.flatten(1).unbind(1)
        return torch.stack([d, -b, -c, a], dim=1).view(-1, 2, 2) / (a * d - b * c).view(-1, 1, 1)


def plain_views(crops: Tensor, size_px: int) -> ViewGeometry:
    """Give the geometry of unchanged crops.

    Args:
        crops: (B, 4) in store pixels, last row and column excluded.
        size_px: width and height of the views.
    """
    scale = size_px / (crops[:, 2:] - crops[:, :2])
    return ViewGeometry(torch.diag_embed(scale), (0.5 - crops[:, :2]) * scale - 0.5, size_px)


def turned_views(geometry: ViewGeometry, degrees: float, factor: float) -> ViewGeometry:
    """Turn and scale views about their centre; by 0 degrees and 1 they are the same object.

    Args:
        geometry: of B views.
        degrees: clockwise, as y points down.
        factor: above 1 the object becomes larger.
    """
    if degrees == 0 and factor == 1:
        return geometry
    sine, cosine = math.sin(math.radians(degrees)) * factor, math.cos(math.radians(degrees)) * factor
    turn = geometry.matrix.new_tensor([[cosine, -sine], [sine, cosine]])
    centre = (geometry.size_px - 1) / 2
    shift = _product(geometry.shift - centre, turn.T) + centre
    return ViewGeometry(_product(turn, geometry.matrix), shift, geometry.size_px)


def mirrored_views(geometry: ViewGeometry, mirrored: Tensor) -> ViewGeometry:
    """Mirror the views left to right where `mirrored` (B,) is True."""
    sign = torch.where(mirrored, -1.0, 1.0)
    factors = torch.stack([sign, torch.ones_like(sign)], dim=1)
    edge = torch.stack([torch.where(mirrored, geometry.size_px - 1.0, 0.0), torch.zeros_like(sign)], dim=1)
    return ViewGeometry(geometry.matrix * factors[:, :, None], geometry.shift * factors + edge, geometry.size_px)


def random_views(
    crops: Tensor, stored_size: Tensor, size_px: int, settings: AugmentationSettings, randomness: Randomness
) -> ViewGeometry:
    """Scale, rotate and shift each image about its centre, then cut its crop (method, section 4).

    Args:
        crops: (B, 4) in store pixels.
        stored_size: (B, 2) width and height of the stored images.
        size_px: width and height of the views.
        settings: ranges of the affine change.
        randomness: on the device of the crops.
    """
    count = len(crops)

    def uniform(limits: tuple[float, float], columns: int) -> Tensor:
        return randomness.uniform(count, columns, low=limits[0], high=limits[1])

    angle = torch.deg2rad(uniform(settings.rotation_degrees, 1)[:, 0])
    rotation = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], dim=1).view(-1, 2, 2)
    affine = rotation * uniform(settings.scale, 2)[:, None, :]
    centre = (stored_size - 1) / 2
    moved_centre = centre + uniform(settings.translation, 2) * stored_size
    crop = plain_views(crops, size_px)
    shift = moved_centre - _product(affine, centre[..., None])[..., 0]
    moved = _product(crop.matrix, shift[..., None])[..., 0] + crop.shift
    return ViewGeometry(_product(crop.matrix, affine), moved, size_px)


def sample_views(images: Tensor, stored_size: Tensor, geometry: ViewGeometry) -> Tensor:
    """Sample views bilinearly from stored images; what lies outside an image is black.

    Args:
        images: (B, 3, H, W).
        stored_size: (B, 2) width and height that each image fills.
        geometry: of B views.

    Returns:
        (B, 3, size_px, size_px), in the range of the images.
    """
    x, y = geometry.pixels_in_store()
    grid = torch.stack([(2 * x + 1) / images.shape[3] - 1, (2 * y + 1) / images.shape[2] - 1], dim=-1)
    views = F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)
    width, height = stored_size[:, :, None, None].unbind(1)
    inside = (x >= -0.5) & (x < width - 0.5) & (y >= -0.5) & (y < height - 0.5)
    return views * inside[:, None]


def _product(left: Tensor, right: Tensor) -> Tensor:
    """Multiply matrices (..., N, 2) and (..., 2, M); PyTorch's product may round what it multiplies to TF32."""
    return left[..., :1] * right[..., :1, :] + left[..., 1:] * right[..., 1:, :]

"""Where whole numbers lie on a map: on cell centres for our own networks, on cell edges for the authors' ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Points = TypeVar("Points", NDArray[np.float32], NDArray[np.float64], Tensor)


@dataclass(frozen=True)
class PixelConvention:
    """Say where the centre of the first cell lies: all half-pixel rules follow from it (method, sections 4 and 5).

    A maximum in cell k is the point k in either convention. Where it is read as an edge, descriptors are sampled half
    a cell away, points map from crop to image by plain scaling, and mirroring takes k to 64 - k instead of 63 - k.

    Attributes:
        name: as files of weights have it.
        first_centre: 0, or 0.5 where whole numbers are the upper left corners of cells.
    """

    name: str
    first_centre: float

    def to_centres(self, points: Points) -> Points:
        """Give points (..., 2) of this convention as those of pixel centres; NaN stays NaN."""
        return points - self.first_centre

    def from_centres(self, points: Points) -> Points:
        """Undo `to_centres`."""
        return points + self.first_centre

    def mirrored_back(self, heatmaps: Tensor) -> Tensor:
        """Mirror the heatmaps (B, K, G, G) of mirror images back; columns that nothing moves into stay as they are."""
        turned = heatmaps.flip(3)
        shift = round(2 * self.first_centre)
        return torch.cat([turned[..., :shift], turned[..., : turned.shape[3] - shift]], dim=3)


PIXEL_CENTRES = PixelConvention("pixel-centres", 0.0)
AUTHORS_PIXELS = PixelConvention("authors", 0.5)
CONVENTIONS = {convention.name: convention for convention in (PIXEL_CENTRES, AUTHORS_PIXELS)}

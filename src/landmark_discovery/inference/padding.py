"""Boxes that the paper's crop rule pads far more than it does in the paper's own data sets."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from landmark_discovery.data.cutting import CutRule
from landmark_discovery.geometry import paper_padding_px
from landmark_discovery.inference.detector import FoundObject

# In images of 178 x 218 and 450 x 450 pixels it is about a tenth of the box's longer side.
_LOOSE = 0.25


class PaddingWatch:
    """Count objects whose crop is too loose; in the paper's formula the place of a box counts (method, section 1).

    Args:
        rule: of the crops; a margin is never too loose.
    """

    def __init__(self, rule: CutRule) -> None:
        self._watching = rule.crop_rule == "paper"
        self._loose, self._first = 0, ""

    def look_at(self, objects: Iterable[FoundObject], size: tuple[int, int]) -> None:
        """Look at the objects of an image of this width and height; one that fills it was given no box."""
        for found in objects if self._watching else ():
            longer_side = float((found.box[2:] - found.box[:2]).max())
            whole = np.array_equal(found.box, [0, 0, *size])
            if not whole and float(paper_padding_px(found.box)) > _LOOSE * longer_side:
                self._loose += 1
                self._first = self._first or found.image

    @property
    def warning(self) -> str | None:
        """Say what was seen; None where there is nothing to say."""
        if not self._loose:
            return None
        return (
            f"warning: the crops of {self._loose} objects are far looser than in training, {self._first!r} first: the "
            "model's crop_rule `paper` pads the more, the farther a box is from the upper left corner; cut the images "
            "closer, or train with crop_rule `margin`"
        )

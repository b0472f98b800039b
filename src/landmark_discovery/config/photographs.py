"""Settings of the photographs that the training of `superpoint-open` looks at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, model_validator

from landmark_discovery.config.base import Fraction, PositiveCount, Section
from landmark_discovery.config.steps import canonical_json

# What Debian allows in the name of a package; nothing of it can be taken for an option.
PACKAGE_NAME = r"^[a-z0-9][a-z0-9+.-]+$"
_DEFAULT_PACKAGES = (
    "mate-backgrounds",
    "plasma-workspace-wallpapers",
    "ukui-wallpapers",
    "lomiri-wallpapers-16.04",
    "lomiri-wallpapers-20.04",
)
# Squares consist of whole cells of the network.
CELL_PX = 8
# Keys that each step depends on.
COLLECT_KEYS = ("packages", "folder", "min_side_px", "min_texture", "test_share")
CUT_KEYS = ("crop_px", "crops_per_photograph", "min_texture")


class PhotographSettings(Section):
    """Free photographs, and the grey squares that are cut out of them."""

    packages: tuple[Annotated[str, Field(pattern=PACKAGE_NAME)], ...] = Field(
        _DEFAULT_PACKAGES, description="Debian packages of wallpapers."
    )
    folder: str | None = Field(None, description="Folder of photographs instead of packages.")
    min_side_px: int = Field(480, ge=64, description="Photographs are at least so wide and so high.")
    min_texture: Fraction = Field(
        0.195,
        description="Share of 8 x 8 px cells whose grey deviation exceeds 4 that photographs, shrunk to 480 px, and "
        "squares reach at least; drawings of smooth colours have fewer.",
    )
    test_share: float = Field(0.2, gt=0, lt=1, description="Share of photographs that training never sees.")
    crop_px: int = Field(
        160, ge=48, multiple_of=CELL_PX, description="Width and height of the squares, shrunk from at least so many."
    )
    crops_per_photograph: PositiveCount = Field(60, description="Squares cut out of a photograph, at most.")

    @model_validator(mode="after")
    def _squares_fit(self) -> PhotographSettings:
        if self.crop_px > self.min_side_px:
            raise ValueError(f"crop_px {self.crop_px} exceeds min_side_px {self.min_side_px}")
        return self

    @model_validator(mode="after")
    def _has_source(self) -> PhotographSettings:
        fault = source_fault(self.packages, self.folder)
        if fault:
            raise ValueError(fault)
        return self


def source_fault(packages: Sequence[str], folder: str | None) -> str:
    """Say why photographs can't come from these packages or this folder; "" where they can."""
    if folder is not None:
        return "" if folder.strip() else "folder is empty: name a folder of photographs, or give null to use packages"
    return "" if packages else "neither packages nor a folder: name packages of wallpapers, or a folder of photographs"


def keys_json(settings: PhotographSettings, keys: Sequence[str]) -> str:
    """Write some keys of the section as canonical JSON: equal settings, equal text."""
    return canonical_json(settings.model_dump(mode="json", include=set(keys)))

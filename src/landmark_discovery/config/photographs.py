"""Settings of the photographs that the training of `superpoint-open` looks at."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from landmark_discovery.config.base import Fraction, PositiveCount, Section

# What Debian allows in the name of a package; nothing of it can be taken for an option.
PACKAGE_NAME = r"^[a-z0-9][a-z0-9+.-]+$"
_DEFAULT_PACKAGES = (
    "mate-backgrounds",
    "plasma-workspace-wallpapers",
    "ukui-wallpapers",
    "lomiri-wallpapers-16.04",
    "lomiri-wallpapers-20.04",
)


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
    test_share: Fraction = Field(0.2, description="Share of photographs that training never sees.")
    crop_px: int = Field(160, ge=48, description="Width and height of the squares, shrunk from at least so many.")
    crops_per_photograph: PositiveCount = Field(60, description="Squares cut out of a photograph, at most.")

    @model_validator(mode="after")
    def _squares_fit(self) -> PhotographSettings:
        if self.crop_px > self.min_side_px:
            raise ValueError(f"crop_px {self.crop_px} exceeds min_side_px {self.min_side_px}")
        return self

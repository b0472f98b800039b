"""Settings of the evaluation protocol and of the report."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from landmark_discovery.config.base import Count, NotNegative, Positive, PositiveCount, Section
from landmark_discovery.config.point_tables import LANDMARKS, TABLE_PATTERN


class EvaluationSettings(Section):
    """The regression protocol (method, section 6)."""

    truth: str = Field(
        LANDMARKS,
        pattern=TABLE_PATTERN,
        description="Table of true points: its name in the data set, without .csv.",
    )
    points: tuple[Count, ...] | None = Field(None, description="Indices of the true points that count; null: all.")
    expected_points: PositiveCount | None = Field(
        None, description="Ground truth with another number of points an image is refused; null: any number."
    )
    frame: Literal["image", "crop"] = Field("image", description="Pixels of the original image, or of the crop.")
    size_px: Positive | None = Field(
        None,
        description="Coordinates are divided by this; null: the median height of the images, or 256 for the crop.",
    )
    regression_images: PositiveCount = Field(19_000, description="Training images of a regression (n).")
    one_more_image: bool = Field(False, description="Take n + 1 images, as the authors' code does.")
    forward_lambda: NotNegative = Field(1e-3, description="Ridge weight from discovered to true points.")
    backward_lambda: NotNegative = Field(0.1, description="Ridge weight from true to discovered points.")
    repeats: PositiveCount = Field(10, description="Random subsets averaged.")
    normalizer: str = Field(
        "36-45",
        pattern=r"^(\d+-\d+|box|landmark-box)$",
        description="`i-j`: distance of true points i and j (from 0, before `points` selects); "
        "`box`: sqrt(width * height) of the sample's box; `landmark-box`: of the true points' box.",
    )
    completion_residual: Positive = Field(
        1e-2, description="Missing landmarks are completed until the relative residual is under this."
    )
    completion_max_iterations: PositiveCount = Field(1_000, description="Most iterations of that completion.")
    distinct_fraction: NotNegative = Field(
        0.03, description="Landmarks are distinct that lie further apart than this share of `size_px`."
    )


class ReportSettings(Section):
    """What the report shows."""

    grid_images: PositiveCount = Field(24, description="Test images in a landmark grid.")
    gallery_images: PositiveCount = Field(12, description="Detections in the gallery of a cluster.")

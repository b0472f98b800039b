"""Settings of the data set and of the bootstrap keypoints."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from landmark_discovery.config.base import Count, Fraction, Name, NotNegative, PositiveCount, Section

# As the shell does where nothing is quoted; in quotes and in files `~` comes through.
UserPath = Annotated[str, AfterValidator(os.path.expanduser)]


class SyntheticSettings(Section):
    """Faces drawn from a 3-D model of 68 points."""

    train_identities: PositiveCount = Field(200, description="People drawn for training.")
    test_identities: PositiveCount = Field(50, description="Other people drawn for the test.")
    images_per_identity: PositiveCount = Field(5, description="Images of each person.")
    image_size_px: int = Field(160, ge=48, description="Width and height of the drawn images.")
    seed: Count = Field(0, description="Seed of the drawing; the same seed gives the same bytes.")


class DatasetSettings(Section):
    """Where the images come from and how they are cut."""

    name: Name = Field(
        "synthetic",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$",
        description="Name used in paths and reports; where it isn't given, that of the folder (kind `folder`).",
    )
    kind: Literal["synthetic", "folder", "celeba", "ls3d"] = Field(
        "synthetic",
        description="`synthetic` draws faces; `folder` reads the images of `path`; `celeba` and `ls3d` are the paper's "
        "data sets, made from their downloads.",
    )
    path: UserPath | None = Field(
        None, description="Folder of images, with samples.csv and landmarks.csv where there are any (kind `folder`)."
    )
    archive: Literal["celeba.zip", "img_align_celeba.zip", "celeba.tar.gz"] = Field(
        "celeba.zip",
        description="File that CelebA's images come from: the paper's, the official one (its pixels may differ), or a "
        "mirror (kind `celeba`).",
    )
    on_bad_image: Literal["stop", "skip"] = Field(
        "stop", description="An image that can't be read ends the run (`stop`) or is named, counted and left out."
    )
    crop_rule: Literal["paper", "margin"] = Field(
        "paper", description="Pad boxes by the paper's formula, or by `crop_margin`. Without a box, the whole image."
    )
    crop_margin: NotNegative = Field(0.1, description="Padding as a share of the box's longer side (rule `margin`).")
    context: NotNegative | None = Field(
        None,
        description="Surroundings kept for augmentation, as a share of the crop's size on each side; null: the whole "
        "image.",
    )
    max_crop_px: Annotated[int, Field(ge=32)] | None = Field(
        None, description="Larger crops are shrunk to this many pixels when stored; null: never."
    )
    test_fraction: Fraction = Field(0.2, description="Share of test images where the folder brings no split.")
    split_seed: Count = Field(0, description="Seed of that split.")
    synthetic: SyntheticSettings = Field(SyntheticSettings(), description="The drawn faces.")

    def named(self) -> DatasetSettings:
        """Call a folder of images that has the name of the drawn faces by its own name."""
        if self.kind != "folder" or self.path is None or self.name != DatasetSettings().name:
            return self
        letters = re.sub(r"[^A-Za-z0-9_-]+", "-", Path(self.path).absolute().name).strip("_-")
        return self.model_copy(update={"name": letters or "images"})


class DownloadSettings(Section):
    """Where downloads lie and what is known of them."""

    folder: str = Field(
        "resources/downloads", min_length=1, description="Downloads lie here; files that are there already are used."
    )
    lock: str = Field(
        "downloads.lock",
        min_length=1,
        description="Digests of files without a published one, kept on first sight.",
    )
    sources: str | None = Field(
        None, description="Another table of addresses and digests than the package's (CSV of the same columns)."
    )
    offline: bool = Field(
        False, description="Fetch nothing; a file that is missing ends the run before its first job, with its place."
    )


class OutlierSettings(Section):
    """Removal of keypoints that few images share (method, section 2)."""

    keep_fraction: float = Field(0.6, gt=0.0, le=1.0, description="Share of keypoints kept, the most shared first.")
    indexed_descriptors: PositiveCount = Field(500_000, description="The first so many descriptors are searched.")
    lists: PositiveCount = Field(100, description="Inverted lists of the search; fewer on small data.")
    neighbours: PositiveCount = Field(100, description="The score is the median squared distance to so many.")


class BootstrapSettings(Section):
    """The keypoints that self-training starts from."""

    detector: Literal["superpoint-open", "superpoint", "sift"] = Field(
        "superpoint",
        description="Detector of the first keypoints: `superpoint-open` brings its weights, those of `superpoint` are "
        "a download for research only, `sift` needs none. Keys name the detectors that read them.",
    )
    superpoint_open_threshold: Fraction = Field(0.04, description="Keypoints score more than this (superpoint-open).")
    superpoint_threshold: Fraction = Field(0.15, description="Keypoints score more than this (superpoint).")
    superpoint_nms_px: int = Field(8, ge=1, description="Suppression size in an image 218 pixels high (superpoint).")
    superpoint_swap_red_blue: bool = Field(
        True,
        description="Swap the weights of red and blue in the grey image, as the authors' code does (superpoint).",
    )
    sift_contrast_threshold: NotNegative = Field(0.02, description="OpenCV's contrast threshold (sift).")
    max_keypoints: PositiveCount = Field(30, description="Strongest keypoints kept an image (superpoint-open, sift).")
    min_distance: Fraction = Field(
        0.03, description="Least distance between keypoints, as a share of the crop (superpoint-open, sift)."
    )
    min_keypoints: PositiveCount = Field(2, description="Images with fewer inliers are left out of the warm-up.")
    outliers: OutlierSettings = Field(OutlierSettings(), description="Outlier removal.")

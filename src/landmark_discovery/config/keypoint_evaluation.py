"""Settings of the measurement of keypoint detectors."""

from __future__ import annotations

from pydantic import Field

from landmark_discovery.config.base import Count, Fraction, NotNegative, Positive, PositiveCount, Section


class KeypointEvaluationSettings(Section):
    """What every detector is measured by, and the budget of keypoints that all share."""

    max_keypoints: PositiveCount = Field(100, description="Strongest keypoints kept an image.")
    min_distance_px: NotNegative = Field(4.0, description="Least distance between keypoints.")
    border_px: NotNegative = Field(4.0, description="Least distance from the image's border.")
    superpoint_threshold: Fraction = Field(0.0, description="Keypoints score more than this (SuperPoint's networks).")
    sift_contrast_threshold: NotNegative = Field(0.02, description="OpenCV's contrast threshold (SIFT).")
    tolerance_px: Positive = Field(3.0, description="A keypoint is found again within this distance.")
    rotation_degrees: float = Field(15.0, description="Angle of the turned and scaled images.")
    scale: Positive = Field(0.95, description="Factor of size of the turned and scaled images.")
    pairs_per_image: PositiveCount = Field(2, description="Random homographies an image, and random changes of light.")
    face_size_px: int = Field(256, ge=32, description="Width and height at which face crops are measured.")
    part_tolerance: Positive = Field(
        0.04, description="A keypoint hits a facial part within this share of the crop's side."
    )
    max_images: PositiveCount = Field(300, description="Most test images of faces, and most of photographs.")
    seed: Count = Field(0, description="Seed of the random pairs.")

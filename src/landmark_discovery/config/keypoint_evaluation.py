"""Settings of the measurement of keypoint detectors."""

from __future__ import annotations

from pydantic import Field, ValidationError

from landmark_discovery.config.base import Count, Fraction, NotNegative, Positive, PositiveCount, Section
from landmark_discovery.config.refusals import explained_refusal
from landmark_discovery.config.steps_json import WHERE, read_object

_REMEDY = 'write keys and values such as {"max_keypoints": 100}'


class KeypointEvaluationSettings(Section):
    """What every detector is measured by, and the budget of keypoints that all share."""

    max_keypoints: PositiveCount = Field(100, le=10_000, description="Strongest keypoints kept an image.")
    min_distance_px: NotNegative = Field(4.0, description="Least distance between keypoints.")
    border_px: NotNegative = Field(
        4.0,
        description="Least distance of keypoints from the image's border; what lies in both images keeps it in both.",
    )
    superpoint_threshold: Fraction = Field(0.0, description="Keypoints score more than this (SuperPoint's networks).")
    sift_contrast_threshold: NotNegative = Field(0.02, description="OpenCV's contrast threshold (SIFT).")
    tolerance_px: Positive = Field(3.0, description="A keypoint is found again within this distance.")
    rotation_degrees: float = Field(15.0, ge=-180.0, le=180.0, description="Angle of the turned and scaled images.")
    scale: float = Field(0.95, ge=0.25, le=4.0, description="Factor of size of the turned and scaled images.")
    pairs_per_image: PositiveCount = Field(2, description="Random homographies an image, and random changes of light.")
    face_size_px: int = Field(256, ge=32, description="Width and height at which face crops are measured.")
    part_tolerance: Positive = Field(
        0.04, le=1.0, description="A keypoint hits a facial part within this share of the crop's side."
    )
    max_images: PositiveCount = Field(300, description="Most test images of faces, and most of photographs.")
    seed: Count = Field(0, description="Seed of the random pairs.")


def read_keypoint_evaluation(text: str) -> KeypointEvaluationSettings:
    """Read settings from JSON; a key that isn't given has its default.

    Raises:
        UserError: no JSON object, an unknown key, or a value that isn't allowed.
    """
    given = read_object(text, _REMEDY)
    try:
        return KeypointEvaluationSettings.model_validate(given)
    except ValidationError as error:
        raise explained_refusal(error, KeypointEvaluationSettings, WHERE) from error

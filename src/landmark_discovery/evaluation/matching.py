"""What an evaluation compares: the true points and the training images that its protocol takes (method, section 6)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from landmark_discovery.config.evaluation import EvaluationSettings
from landmark_discovery.config.protocol_fit import chosen_points
from landmark_discovery.errors import UserError
from landmark_discovery.evaluation.alignment import AlignedImages
from landmark_discovery.evaluation.normalizers import normalizers
from landmark_discovery.evaluation.protocol import training_subsets
from landmark_discovery.geometry import FloatArray


@dataclass(frozen=True)
class MatchedPoints:
    """Hold discovered and true points of the same images, in the pixels of the evaluation; NaN: missing.

    Attributes:
        train_found: discovered landmarks of N training images, (N, K, 2).
        train_true: their true points, (N, L, 2).
        test_found: discovered landmarks of M test images, (M, K, 2).
        test_true: their true points, (M, L, 2).
        normalizer: of the test images, (M,); NaN: the image is left out.
    """

    train_found: FloatArray
    train_true: FloatArray
    test_found: FloatArray
    test_true: FloatArray
    normalizer: FloatArray


def match_points(
    aligned: AlignedImages, landmarks: FloatArray, settings: EvaluationSettings
) -> tuple[NDArray[np.intp], MatchedPoints]:
    """Put discovered and true points of training and test images beside each other.

    Args:
        aligned: predictions and ground truth.
        landmarks: the true points, (N, L, 2).
        settings: the protocol.

    Returns:
        Numbers of the true points that the protocol takes, and the points.

    Raises:
        UserError: no training or test images, or settings that don't fit the ground truth.
    """
    points = np.array(chosen_points(settings, landmarks.shape[1]), dtype=np.intp)
    train, test = aligned.of_split("train"), aligned.of_split("test")
    for name, images in (("training", train), ("test", test)):
        if not images.any():
            raise UserError(
                f"no {name} images among the {len(images)} with predictions and ground truth",
                remedy="give predictions and ground truth of both splits",
            )
    boxes = aligned.truth.box
    return points, MatchedPoints(
        train_found=aligned.landmarks[train],
        train_true=landmarks[train][:, points],
        test_found=aligned.landmarks[test],
        test_true=landmarks[test][:, points],
        normalizer=normalizers(settings.normalizer, landmarks[test], None if boxes is None else boxes[test]),
    )


def drawn_subsets(aligned: AlignedImages, settings: EvaluationSettings, seed: int) -> tuple[NDArray[np.intp], ...]:
    """Draw the training subsets of a protocol; see `training_subsets`."""
    wanted = settings.regression_images + int(settings.one_more_image)
    return training_subsets(int(aligned.of_split("train").sum()), wanted, settings.repeats, seed)

"""What each number of the evaluation means, in words that stand beside it."""

from __future__ import annotations

from landmark_discovery.config.evaluation import EvaluationSettings
from landmark_discovery.evaluation.normalizers import describe_normalizer


def define_metrics(settings: EvaluationSettings, *, regression_images: int, size_px: float | None) -> dict[str, str]:
    """Define the numbers of metrics.json, by their keys.

    Args:
        settings: the protocol.
        regression_images: training images that each regression learnt from.
        size_px: what coordinates are divided by; None: unknown.
    """
    unit = f"in percent of {describe_normalizer(settings.normalizer)}, in pixels of the {settings.frame}"
    size = "an unknown image size" if size_px is None else f"{size_px:g} pixels"

    def regression(source: str, target: str, weight: float) -> str:
        return f"{target} predicted from {source} by ridge regression (lambda {weight:g}, {regression_images} images)"

    per_landmark = "mean over the test images that have a landmark, then over landmarks"
    return {
        "forward_nme": f"{regression('discovered landmarks', 'true points', settings.forward_lambda)}: distance to the "
        f"true points, {unit}; mean over the points of each test image, then over images, then over training subsets",
        "backward_nme": f"{regression('true points', 'discovered landmarks', settings.backward_lambda)}: distance to "
        f"the discovered landmarks, {unit}; {per_landmark}, then over training subsets",
        "forward_nme_std": "sample standard deviation of forward_nme over the training subsets; null for one",
        "backward_nme_std": "sample standard deviation of backward_nme over the training subsets; null for one",
        "mean_shape_nme": f"the same as forward_nme for the mean of the training images' true points as prediction: "
        f"what a model that ignores the image reaches, {unit}",
        "mean_landmark_nme": f"the same as backward_nme for each discovered landmark's training mean as prediction: "
        f"low where landmarks stick to places in the image, {unit}",
        "distinct_landmarks": f"largest set of landmarks whose pairwise mean distance over the test images is over "
        f"{settings.distinct_fraction:g} of {size}",
        "detection_rate": "share of the test images in which each landmark was found",
        "repeats_identical": "true where there are no more training images than a subset takes: all subsets are then "
        "one and the same, computed once",
        "images_without_normalizer": "test images left out because their normaliser is zero or unknown",
        "completion_iterations": "iterations of singular value thresholding that completed missing landmarks of the "
        "training images; 0: none was missing",
        "subsets": "subset r (from 0) is drawn by NumPy's PCG64 generator seeded with (seed, r), from the training "
        "images in the order of their names",
    }

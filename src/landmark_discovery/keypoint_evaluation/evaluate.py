"""Detectors of keypoints measured on the same images, pairs and true points."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from landmark_discovery.bootstrap.detector import DetectedKeypoints
from landmark_discovery.config.keypoint_evaluation import KeypointEvaluationSettings
from landmark_discovery.errors import UserError
from landmark_discovery.evaluation.metrics import mean_present
from landmark_discovery.geometry import FloatArray
from landmark_discovery.keypoint_evaluation.conditions import CONDITIONS, ImagePair, image_pairs
from landmark_discovery.keypoint_evaluation.features import FeatureExtractor
from landmark_discovery.keypoint_evaluation.homography_accuracy import (
    corner_error_px,
    curve_areas,
    estimate_homography,
)
from landmark_discovery.keypoint_evaluation.image_sets import FaceCrops, GreyImages, Photographs
from landmark_discovery.keypoint_evaluation.matching import match_precision, matching_accuracy, mutual_matches
from landmark_discovery.keypoint_evaluation.parts import (
    part_areas,
    part_hit_shares,
    parts_hit,
    random_same_part_shares,
    same_part_shares,
)
from landmark_discovery.keypoint_evaluation.repeatability import repeatability

MATCHING_TOLERANCES_PX = (1, 3, 5)
AUC_LIMITS_PX = (3, 5, 10)
# Figures that stand with their standard error.
HEADLINES = ("repeatability", "match_precision", "mma_3px", "homography_auc_5px")


@dataclass(frozen=True)
class DetectorEvaluation:
    """Hold what was measured.

    Attributes:
        pairs: one row a detector, kind of images and condition; see `evaluate_detectors`.
        parts: one row a detector; see `evaluate_parts`; None without true points.
        settings: what it was measured by.
    """

    pairs: pd.DataFrame
    parts: pd.DataFrame | None
    settings: KeypointEvaluationSettings


def evaluate(
    extractors: Mapping[str, FeatureExtractor],
    faces: FaceCrops | None,
    photographs: Photographs | None,
    settings: KeypointEvaluationSettings,
) -> DetectorEvaluation:
    """Measure detectors by everything that the images allow; see `evaluate_detectors` and `evaluate_parts`."""
    pairs = evaluate_detectors(extractors, faces, photographs, settings)
    if faces is None or faces.points is None:
        return DetectorEvaluation(pairs, None, settings)
    return DetectorEvaluation(pairs, evaluate_parts(extractors, faces, settings), settings)


def evaluate_detectors(
    extractors: Mapping[str, FeatureExtractor],
    faces: FaceCrops | None,
    photographs: Photographs | None,
    settings: KeypointEvaluationSettings,
) -> pd.DataFrame:
    """Measure detectors on pairs of views of faces and of photographs, the same pairs for each.

    A figure is first averaged over an image's pairs and then over images, without those where it is undefined
    (no keypoint, no match); columns that end in _se hold its standard error, see `standard_error`.

    Args:
        extractors: detectors by the names that the table shall have.
        faces: crops of faces; None: none.
        photographs: crops of photographs; None: none.
        settings: budget, conditions and tolerances.

    Returns:
        A table of detector, images ("faces" or "photographs"), condition, num_images, num_pairs, keypoints (an image),
        repeatability, match_precision, matches (a pair), mma_1px, mma_3px, mma_5px, homography_auc_3px, _5px, _10px,
        and the standard errors.

    Raises:
        UserError: neither faces nor photographs.
    """
    sets: dict[str, tuple[GreyImages, NDArray[Any]]] = {
        **({} if faces is None else {"faces": (faces.images, faces.people)}),
        **({} if photographs is None else {"photographs": (photographs.images, photographs.photograph)}),
    }
    if not sets:
        raise UserError("no images to measure on", remedy="give faces, photographs or both")
    rows = [
        {"detector": name, "images": kind, "condition": condition, **figures}
        for kind, (images, groups) in sets.items()
        for name, extractor in extractors.items()
        for condition, figures in _figures_by_condition(extractor, images, groups, settings, f"{name}, {kind}")
    ]
    return pd.DataFrame(rows)


def evaluate_parts(
    extractors: Mapping[str, FeatureExtractor], faces: FaceCrops, settings: KeypointEvaluationSettings
) -> pd.DataFrame:
    """Measure how well keypoints sit on the same parts of faces across people, beside keypoints at random places.

    Args:
        extractors: detectors by the names that the table shall have.
        faces: crops with true points.
        settings: budget and `part_tolerance`.

    Returns:
        A table of detector, num_images, keypoints (an image), part_hit_share, part_hit_share_se,
        random_part_hit_share, same_part_share, same_part_share_se, random_same_part_share; means over images, with
        standard errors; for what they are, see the module `parts`.

    Raises:
        UserError: the faces have no true points.
    """
    truth = faces.points
    if truth is None:
        raise UserError("the faces have no true points", remedy="give a data set with landmarks.csv")
    size, limit_px = faces.images.shape[1], settings.part_tolerance * faces.images.shape[1]
    known: NDArray[np.bool_] = np.asarray(np.isfinite(truth).all(axis=2))
    areas = np.array([part_areas(points, (size, size), settings.border_px, limit_px) for points in truth])
    rows = []
    for name, extractor in extractors.items():
        found = [extractor.extract(grey).points for grey in tqdm(faces.images, desc=f"{name}, parts", unit="image")]
        hits = [parts_hit(points, true, limit_px) for points, true in zip(found, truth, strict=True)]
        rows.append({"detector": name, **_part_figures(hits, areas, known, faces.people)})
    return pd.DataFrame(rows)


def measure_pair(
    first: DetectedKeypoints, second: DetectedKeypoints, pair: ImagePair, settings: KeypointEvaluationSettings
) -> dict[str, float]:
    """Measure the keypoints of one pair; NaN where a figure is undefined.

    Args:
        first: keypoints of the pair's first image.
        second: keypoints of its second image.
        pair: both images, and the homography between them.
        settings: tolerance_px and border_px.
    """
    homography, size_px = pair.homography, pair.size_px
    tolerance_px, border_px = settings.tolerance_px, settings.border_px
    matches = mutual_matches(first.descriptors, second.descriptors)
    ours, theirs = first.points[matches[:, 0]], second.points[matches[:, 1]]
    accuracy = matching_accuracy(ours, theirs, homography, size_px, MATCHING_TOLERANCES_PX)
    estimated = estimate_homography(ours, theirs, tolerance_px)
    error_px = np.array([corner_error_px(estimated, homography, size_px)])
    return {
        "keypoints": (len(first) + len(second)) / 2,
        "repeatability": repeatability(first.points, second.points, homography, size_px, tolerance_px, border_px),
        "match_precision": match_precision(first, second, homography, size_px, tolerance_px, border_px),
        "matches": float(len(matches)),
        **{f"mma_{px}px": float(share) for px, share in zip(MATCHING_TOLERANCES_PX, accuracy, strict=True)},
        **{f"homography_auc_{px}px": float(curve_areas(error_px, px)[0]) for px in AUC_LIMITS_PX},
    }


def _figures_by_condition(
    extractor: FeatureExtractor,
    images: GreyImages,
    groups: NDArray[Any],
    settings: KeypointEvaluationSettings,
    title: str,
) -> Iterator[tuple[str, dict[str, Any]]]:
    by_condition: dict[str, list[list[dict[str, float]]]] = {condition: [] for condition in CONDITIONS}
    for number, grey in enumerate(tqdm(images, desc=title, unit="image")):
        first = extractor.extract(grey)
        for condition, measured in by_condition.items():
            pairs = image_pairs(grey, condition, settings, number)
            measured.append([measure_pair(first, extractor.extract(pair.second), pair, settings) for pair in pairs])
    for condition, measured in by_condition.items():
        yield condition, _summed_up(measured, groups)


def _part_figures(
    hits: list[NDArray[np.int64]], areas: FloatArray, known: NDArray[np.bool_], people: NDArray[np.str_]
) -> dict[str, Any]:
    counts = np.array([len(image) for image in hits], dtype=np.int64)
    at_random = random_same_part_shares(areas, counts, known, people)
    return {
        "num_images": len(hits),
        "keypoints": float(counts.mean()),
        **_mean_and_error("part_hit_share", part_hit_shares(hits), people),
        "random_part_hit_share": float(areas.sum(axis=1).mean()),
        **_mean_and_error("same_part_share", same_part_shares(hits, known, people), people),
        "random_same_part_share": float(mean_present(at_random)),
    }


def _summed_up(measured: list[list[dict[str, float]]], groups: NDArray[Any]) -> dict[str, Any]:
    """Average figures over the pairs of each image, then over images."""
    summary: dict[str, Any] = {"num_images": len(measured), "num_pairs": sum(map(len, measured))}
    for name in measured[0][0] if measured else ():
        by_image = mean_present(np.array([[figures[name] for figures in pairs] for pairs in measured]), axis=1)
        with_error = _mean_and_error(name, by_image, groups)
        summary |= with_error if name in HEADLINES else {name: with_error[name]}
    return summary


def _mean_and_error(name: str, by_image: FloatArray, groups: NDArray[Any]) -> dict[str, float]:
    return {name: float(mean_present(by_image)), f"{name}_se": standard_error(by_image, groups)}


def standard_error(values: NDArray[np.float64], groups: NDArray[Any]) -> float:
    """Give the standard error of the mean of images that come in groups, such as those of one person.

    Deviations of one group are added up before they are squared, since alike images say little more than one of them.
    With a group for each image it is the ordinary standard error.

    Args:
        values: (n,); NaN is left out.
        groups: name or number of each one's group, (n,).

    Returns:
        NaN for fewer than two groups.
    """
    present = ~np.isnan(values)
    names, members = np.unique(groups[present], return_inverse=True)
    if len(names) < 2:
        return float("nan")
    deviations = np.bincount(members, weights=values[present] - values[present].mean())
    correction = len(names) / (len(names) - 1)
    return float(np.sqrt(correction * np.sum(deviations**2)) / np.count_nonzero(present))

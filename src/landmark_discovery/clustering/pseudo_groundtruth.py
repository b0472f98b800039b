"""The pseudo-ground-truth: detections named by clusters of their descriptors (method, section 4)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from landmark_discovery.clustering.assignment import flip_map, flip_purity, nearest_of_image, scatter_by_cluster
from landmark_discovery.clustering.consistency import agreement, consistent_points
from landmark_discovery.clustering.detections import Detections, choose_threshold
from landmark_discovery.clustering.kmeans import CPU, assign, kmeans, spread_start
from landmark_discovery.clustering.selection import SEPARATION, closed_flip_map, select_landmarks
from landmark_discovery.config.training import ClusteringSettings, DetectionSettings
from landmark_discovery.errors import UserError
from landmark_discovery.files import cast_array, read_npz, write_npz

MIN_KEYPOINTS = 2
DEFAULT_LIMIT = 0.15
# Detections whose features are float32 at a time: half the memory that all of them would take.
ASSIGNED_AT_ONCE = 262_144


@dataclass(frozen=True)
class Landmarker:
    """Name detections: what a trained detector needs to find landmarks.

    Attributes:
        centroids: (C, D), or (C, D + 2) with a position weight; at least one a landmark.
        selected: the centroids that are landmarks, in ascending order, (K,); detections of the others have no name.
        flip_map: the landmark that each landmark becomes when the image is mirrored, (K,); -1: none.
        threshold: detections score more than this.
        position_weight: weight of the place in the crop beside the descriptor.
    """

    centroids: NDArray[np.float32]
    selected: NDArray[np.int64]
    flip_map: NDArray[np.int64]
    threshold: float
    position_weight: float = 0.0

    @property
    def num_landmarks(self) -> int:
        """Count the landmarks (K)."""
        return len(self.selected)


@dataclass(frozen=True)
class NamedDetections:
    """Hold the detections that stay, at most one an image and cluster, with their clusters."""

    detections: Detections
    cluster: NDArray[np.int64]
    flipped_cluster: NDArray[np.int64]

    def table(self, clusters: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Lay points (N, K, 2) on the grid and scores (N, K) out by image and cluster, NaN where there is none."""
        found = self.detections
        shape = (found.num_images, clusters)
        return (
            scatter_by_cluster(found.image, self.cluster, found.point, *shape),
            scatter_by_cluster(found.image, self.cluster, found.score, *shape),
        )


@dataclass(frozen=True)
class PseudoGroundTruth:
    """Hold the discovered landmarks of the training images, as stage 2 learns them.

    Attributes:
        image: names of the images, (N,).
        landmarks: (N, K, 2) in original image pixels; NaN: not found.
        score: of the detector, (N, K).
        flip_map: the landmark that each becomes when the image is mirrored, (K,); -1: none.
        centroids: (K, D), or (K, D + 2) with a position weight.
        threshold: detections score more than this.
    """

    image: NDArray[np.str_]
    landmarks: NDArray[np.float64]
    score: NDArray[np.float64]
    flip_map: NDArray[np.int64]
    centroids: NDArray[np.float32]
    threshold: float

    def __post_init__(self) -> None:
        """Refuse arrays that don't belong together."""
        if self.landmarks.ndim != 3 or self.landmarks.shape[::2] != (self.image.size, 2) or self.image.ndim != 1:
            raise UserError(f"landmarks {self.landmarks.shape} and image {self.image.shape} aren't (N, K, 2) and (N,)")
        count = self.landmarks.shape[1]
        if self.score.shape != self.landmarks.shape[:2] or self.flip_map.shape != (count,):
            raise UserError(f"score {self.score.shape} and flip_map {self.flip_map.shape} don't fit {count} landmarks")
        if self.centroids.ndim != 2 or len(self.centroids) != count:
            raise UserError(f"centroids have the shape {self.centroids.shape}, not ({count}, D)")
        if not np.isin(self.flip_map, np.arange(-1, count)).all():
            raise UserError(f"flip_map has numbers that are no landmark of 0 to {count - 1}, nor -1")


def find_landmarks(
    candidates: Detections,
    num_landmarks: int,
    detection: DetectionSettings,
    clustering: ClusteringSettings,
    device: torch.device = CPU,
) -> tuple[Landmarker, NamedDetections, float]:
    """Cluster candidates with their mirrored twins into K landmarks, one detection a landmark and image.

    Args:
        candidates: detections of all training images.
        num_landmarks: K.
        detection: how the threshold is chosen.
        clustering: of k-means.
        device: of k-means.

    Returns:
        The landmarker, the detections that stay, and the flip purity.

    Raises:
        UserError: no detection over the threshold, or fewer than K * `candidate_factor` with their twins.
    """
    threshold = choose_threshold(candidates.score, candidates.num_images, detection)
    found = candidates.select(candidates.score > threshold)
    if not len(found):
        raise UserError(
            f"none of {candidates.num_images} images has a detection over {threshold:.3f}"
            f" ({len(candidates)} candidates, the best {candidates.score.max(initial=0):.3f})",
            where="pseudo-ground-truth",
            remedy="train longer, or set stage1.detection.target_detections",
        )
    sample = _clustered_sample(found, clustering, round(num_landmarks * clustering.candidate_factor))
    limit = _agreement_limit(found, clustering)
    choices = (
        _cluster(found, sample, threshold, num_landmarks, limit, clustering, restart, device)
        for restart in range(clustering.restarts)
    )
    # One choice needs no score. Which of several agrees best with itself can be told without any annotation.
    best = next(choices) if clustering.restarts == 1 else max(choices, key=lambda choice: _merit(choice, limit))
    named = drop_inconsistent(name_detections(found, best.landmarker), num_landmarks, clustering.consistency_limit)
    return best.landmarker, named, best.flip_purity


def training_clusters(
    named: NamedDetections, clustering: ClusteringSettings, device: torch.device = CPU
) -> NamedDetections:
    """Name the kept detections anew by M finer clusters, whose ids train the next round.

    Images with fewer than two detections are left out.
    """
    found = named.detections
    per_image = np.bincount(found.image, minlength=found.num_images)
    found = found.select(per_image[found.image] >= MIN_KEYPOINTS)
    if not len(found):
        raise UserError(
            f"none of {found.num_images} images keeps {MIN_KEYPOINTS} detections"
            f" ({np.count_nonzero(per_image)} keep one)",
            where="pseudo-ground-truth",
            remedy="train longer, lower stage1.detection.threshold, or set stage1.detection.target_detections",
        )
    sample = _clustered_sample(found, clustering, clustering.training_clusters)
    centroids = kmeans(sample, clustering.training_clusters, clustering, device=device)
    return _nearest(found, *_assign_both(found, centroids, clustering.position_weight))


def name_detections(candidates: Detections, landmarker: Landmarker) -> NamedDetections:
    """Name detections by the landmarker's centroids, one a landmark and image."""
    found = candidates.select(candidates.score > landmarker.threshold)
    cluster, distance, flipped = _assign_both(found, landmarker.centroids, landmarker.position_weight)
    landmark_of = np.full(len(landmarker.centroids), -1)
    landmark_of[landmarker.selected] = np.arange(landmarker.num_landmarks)
    named = landmark_of[cluster] >= 0
    mirrored = np.where(flipped >= 0, landmark_of[flipped], -1)
    return _nearest(found.select(named), landmark_of[cluster[named]], distance[named], mirrored[named])


def drop_inconsistent(named: NamedDetections, clusters: int, limit: float | None) -> NamedDetections:
    """Drop detections that stand far from where the other landmarks of their image expect them.

    Args:
        named: at most one detection an image and cluster.
        clusters: number of clusters (K).
        limit: greatest distance, as a share of the crop; None keeps all.
    """
    if limit is None:
        return named
    found = named.detections
    consistent = consistent_points(named.table(clusters)[0], limit * found.grid_size)
    kept = consistent[found.image, named.cluster]
    return NamedDetections(found.select(kept), named.cluster[kept], named.flipped_cluster[kept])


def write_pseudo_groundtruth(path: str | Path, truth: PseudoGroundTruth) -> None:
    """Write a pseudo-ground-truth as .npz, one array a field."""
    write_npz(path, {name: np.asarray(value) for name, value in vars(truth).items()})


def read_pseudo_groundtruth(path: str | Path) -> PseudoGroundTruth:
    """Read a pseudo-ground-truth.

    Raises:
        UserError: no such file, arrays missing, of other shapes or of other types, or a flip map that leads nowhere.
    """
    arrays = read_npz(path, required=("image", "landmarks", "score", "flip_map", "centroids", "threshold"))
    try:
        threshold = cast_array(arrays, "threshold", np.float64)
        if threshold.shape:
            raise UserError(f"threshold has the shape {threshold.shape}, where one number belongs")
        return PseudoGroundTruth(
            image=cast_array(arrays, "image", np.str_),
            landmarks=cast_array(arrays, "landmarks", np.float64),
            score=cast_array(arrays, "score", np.float64),
            flip_map=cast_array(arrays, "flip_map", np.int64),
            centroids=cast_array(arrays, "centroids", np.float32),
            threshold=float(threshold),
        )
    except UserError as error:
        raise UserError(str(error), where=path) from error


@dataclass(frozen=True)
class _Choice:
    """Hold one clustering: its landmarks, where they stand on the grid (N, K, 2), and its flip purity."""

    landmarker: Landmarker
    points: NDArray[np.float32]
    flip_purity: float


def _cluster(
    found: Detections,
    sample: NDArray[np.float32],
    threshold: float,
    num_landmarks: int,
    limit: float,
    clustering: ClusteringSettings,
    restart: int,
    device: torch.device,
) -> _Choice:
    """Cluster from one start; of more clusters than landmarks, those that agree best are the landmarks."""
    clusters = round(num_landmarks * clustering.candidate_factor)
    start = spread_start(sample, clusters, np.random.default_rng((clustering.seed, restart)))
    centroids = kmeans(sample, clusters, clustering, start, device)
    cluster, distance, flipped = _assign_both(found, centroids, clustering.position_weight)
    mapping = flip_map(found.image, cluster, flipped, clusters)
    purity = flip_purity(cluster, flipped, mapping)
    points, _ = _nearest(found, cluster, distance, flipped).table(clusters)
    selected = np.arange(clusters)
    if clusters > num_landmarks:
        selected = select_landmarks(points, mapping, num_landmarks, limit, SEPARATION * found.grid_size)
        mapping = closed_flip_map(mapping, selected)
    landmarker = Landmarker(centroids, selected, mapping, threshold, clustering.position_weight)
    return _Choice(landmarker, points[:, selected], purity)


def _merit(choice: _Choice, limit: float) -> tuple[float, float]:
    """Score a clustering by how well its landmarks agree: first those whose mirror image is one, then all.

    A landmark without a mirror image mixes left and right.
    """
    each = agreement(choice.points, limit)
    return float(each[choice.landmarker.flip_map >= 0].sum()), float(each.sum())


def _agreement_limit(found: Detections, clustering: ClusteringSettings) -> float:
    return (clustering.consistency_limit or DEFAULT_LIMIT) * found.grid_size


def _clustered_sample(found: Detections, settings: ClusteringSettings, clusters: int) -> NDArray[np.float32]:
    """Take the first descriptors and as many twins; images come in a fixed random order, whatever their names."""
    _check_enough(found, settings, clusters)
    order = np.random.default_rng(settings.seed).permutation(found.num_images)
    first = np.argsort(order[found.image], kind="stable")[: settings.max_descriptors]
    weight = settings.position_weight
    own = found.features(weight, first)
    # One array from the start: two halves and their join would be twice the memory.
    sample = np.empty((2 * len(own), own.shape[1]), dtype=np.float32)
    sample[: len(own)] = own
    del own
    sample[len(sample) // 2 :] = found.flipped_features(weight, first)
    return sample


def _check_enough(found: Detections, settings: ClusteringSettings, clusters: int) -> None:
    taken = min(len(found), settings.max_descriptors)
    if 2 * taken < clusters:
        raise UserError(
            f"{clusters} clusters are asked for, but only {2 * taken} detections are there to form them: {taken} in "
            f"{len(np.unique(found.image))} of {found.num_images} images, and their mirrored twins",
            where="clustering",
            remedy="lower num_landmarks or clustering.training_clusters, give more images, or train longer",
        )


def _assign_both(
    found: Detections, centroids: NDArray[np.float32], position_weight: float
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]:
    """Give the cluster and squared distance of each detection, and the cluster of its twin; -1: not looked for."""
    cluster, flipped = np.empty(len(found), np.int64), np.full(len(found), -1, np.int64)
    distance = np.empty(len(found), np.float32)
    for start in range(0, len(found), ASSIGNED_AT_ONCE):
        rows = slice(start, start + ASSIGNED_AT_ONCE)
        cluster[rows], distance[rows] = assign(found.features(position_weight, rows), centroids)
        if found.has_twins:
            flipped[rows], _ = assign(found.flipped_features(position_weight, rows), centroids)
    return cluster, distance, flipped


def _nearest(
    found: Detections, cluster: NDArray[np.int64], distance: NDArray[np.float32], flipped: NDArray[np.int64]
) -> NamedDetections:
    kept = nearest_of_image(found.image, cluster, distance)
    return NamedDetections(found.select(kept), cluster[kept], flipped[kept])

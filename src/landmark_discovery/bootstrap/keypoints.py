"""The bootstrap keypoints of a whole data set, as a file that anybody can read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from landmark_discovery.bootstrap.detector import BootstrapDetector, DetectedKeypoints
from landmark_discovery.bootstrap.outliers import find_inliers
from landmark_discovery.config.data import BootstrapSettings
from landmark_discovery.config.detectors import DETECTORS
from landmark_discovery.data.store import ImageStore
from landmark_discovery.errors import UserError
from landmark_discovery.files import cast_array, read_npz, write_npz
from landmark_discovery.geometry import crop_to_image
from landmark_discovery.streaming import in_parallel


@dataclass(frozen=True)
class KeypointCounts:
    """Count the keypoints of a data set.

    Attributes:
        images: training images.
        detected: keypoints before outlier removal.
        kept: inliers among them.
        usable_images: images with inliers enough for the warm-up.
    """

    images: int
    detected: int
    kept: int
    usable_images: int

    def __str__(self) -> str:
        """Say it in one line."""
        return (
            f"{self.detected} keypoints in {self.images} images ({self.detected / max(self.images, 1):.1f} an image), "
            f"{self.kept} kept, {self.usable_images} images with enough for the warm-up"
        )


@dataclass(frozen=True)
class BootstrapKeypoints:
    """Hold up to P keypoints of each of N training images, the surest first.

    Attributes:
        image: names of the training images, (N,), those without a keypoint too.
        points: (N, P, 2) in original image pixels; NaN beyond an image's last keypoint.
        score: (N, P), the detector's own; NaN where the point is.
        inlier: (N, P), True where outlier removal kept the keypoint.
        detector: name of the detector.
    """

    image: NDArray[np.str_]
    points: NDArray[np.float64]
    score: NDArray[np.float64]
    inlier: NDArray[np.bool_]
    detector: str

    def __post_init__(self) -> None:
        """Refuse arrays that don't belong together."""
        if self.image.ndim != 1:
            raise UserError(f"image has the shape {self.image.shape}, not (N,)")
        count = len(self.image)
        if self.points.ndim != 3 or self.points.shape[2] != 2 or len(self.points) != count:
            raise UserError(f"points have the shape {self.points.shape}, not ({count}, P, 2)")
        if self.score.shape != self.points.shape[:2] or self.inlier.shape != self.points.shape[:2]:
            raise UserError(f"score {self.score.shape} and inlier {self.inlier.shape} don't fit {self.points.shape}")

    def counts(self, min_keypoints: int) -> KeypointCounts:
        """Count images and keypoints; an image with at least `min_keypoints` inliers is usable."""
        return KeypointCounts(
            images=len(self.image),
            detected=int(np.count_nonzero(~np.isnan(self.points[..., 0]))),
            kept=int(np.count_nonzero(self.inlier)),
            usable_images=int(np.count_nonzero(self.inlier.sum(axis=1) >= min_keypoints)),
        )


def extract_bootstrap_keypoints(
    store: ImageStore, detector: BootstrapDetector, settings: BootstrapSettings, *, threads: int = 1
) -> BootstrapKeypoints:
    """Detect keypoints in the training images and mark the outliers (method, section 2).

    Args:
        store: the prepared data set.
        detector: what finds the keypoints.
        settings: outlier removal, and the inliers that an image needs.
        threads: images worked on at once, by a detector that can.

    Raises:
        UserError: no training image, no keypoint in any of them, or nowhere inliers enough for the warm-up.
    """
    training = store.indices("train")
    if len(training) == 0:
        raise UserError("the data set has no training image", remedy='give images the split "train" in samples.csv')
    crops, boxes = store.crop_in_store(), store.box_in_store()
    windows, stored_size = store.rectangle("window"), store.stored_size

    def detect(index: int) -> DetectedKeypoints:
        width, height = stored_size[index]
        image = np.ascontiguousarray(store.images[index, :height, :width])
        return in_original(detector.detect(image, crops[index], boxes[index]), windows[index], stored_size[index])

    workers = threads if detector.runs_in_threads else 1
    results = in_parallel(detect, training.tolist(), workers)
    detected = list(tqdm(results, total=len(training), desc=f"{detector.name} keypoints", unit="image"))
    keypoints = gather_keypoints(store.names[training], detected, settings, detector.name)
    _check_usable(keypoints, settings)
    return keypoints


def gather_keypoints(
    names: NDArray[np.str_], detected: list[DetectedKeypoints], settings: BootstrapSettings, detector: str
) -> BootstrapKeypoints:
    """Lay the keypoints of N images out in padded arrays, with outliers marked over all images together.

    Args:
        names: (N,).
        detected: of each image, points in original image pixels.
        settings: outlier removal.
        detector: name of the detector.
    """
    counts = np.array([len(keypoints) for keypoints in detected], dtype=np.int64)
    present = np.arange(max(counts.max(initial=0), 1)) < counts[:, None]
    points = np.full((*present.shape, 2), np.nan)
    score = np.full(present.shape, np.nan)
    inlier = np.zeros(present.shape, dtype=np.bool_)
    if present.any():
        some = [keypoints for keypoints in detected if len(keypoints)]
        # Boolean indexing goes row by row, the order in which the images' keypoints are joined.
        points[present] = np.concatenate([keypoints.points for keypoints in some])
        score[present] = np.concatenate([keypoints.scores for keypoints in some])
        descriptors = np.concatenate([keypoints.descriptors for keypoints in some])
        inlier[present] = find_inliers(descriptors, settings.outliers)
    return BootstrapKeypoints(names, points, score, inlier, detector)


def in_original(
    keypoints: DetectedKeypoints, window: NDArray[np.float64], stored_size: NDArray[np.int64]
) -> DetectedKeypoints:
    """Move keypoints from store pixels to the pixels of the original image."""
    points = crop_to_image(keypoints.points, window, stored_size)
    return DetectedKeypoints(points, keypoints.scores, keypoints.descriptors)


def write_keypoints(path: str | Path, keypoints: BootstrapKeypoints) -> None:
    """Write keypoints as .npz with the arrays image, points, score, inlier and detector."""
    write_npz(path, {**vars(keypoints), "detector": np.array(keypoints.detector, dtype=np.str_)})


def read_keypoints(path: str | Path) -> BootstrapKeypoints:
    """Read keypoints.

    Raises:
        UserError: no such file, arrays missing, of other shapes or of other types.
    """
    arrays = read_npz(path, required=("image", "points", "score", "inlier", "detector"))
    try:
        return BootstrapKeypoints(
            image=cast_array(arrays, "image", np.str_),
            points=cast_array(arrays, "points", np.float64),
            score=cast_array(arrays, "score", np.float64),
            inlier=cast_array(arrays, "inlier", np.bool_),
            detector=str(arrays["detector"]),
        )
    except UserError as error:
        raise UserError(str(error), where=path) from error


def _check_usable(keypoints: BootstrapKeypoints, settings: BootstrapSettings) -> None:
    counts = keypoints.counts(settings.min_keypoints)
    remedy = f"lower bootstrap.{DETECTORS[settings.detector].threshold}"
    if counts.detected == 0:
        raise UserError(
            f"no keypoints at all: {keypoints.detector} found none in {counts.images} training images",
            where="bootstrap",
            remedy=f"{remedy}; images without any texture have none",
        )
    if counts.usable_images == 0:
        raise UserError(
            f"no image keeps the {settings.min_keypoints} keypoints that the warm-up needs ({counts})",
            where="bootstrap",
            remedy=f"{remedy}, or raise bootstrap.outliers.keep_fraction, or lower bootstrap.min_keypoints",
        )

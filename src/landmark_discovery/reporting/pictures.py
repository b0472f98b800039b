"""The pictures of a run, from stored images and landmarks to files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from landmark_discovery.config.evaluation import ReportSettings
from landmark_discovery.data.store import ImageStore
from landmark_discovery.errors import UserError
from landmark_discovery.evaluation.predictions import Predictions
from landmark_discovery.files import atomic_folder
from landmark_discovery.geometry import image_to_crop
from landmark_discovery.reporting.crops import cut_from_store, spread, square_rectangles
from landmark_discovery.reporting.drawing import Picture, write_picture
from landmark_discovery.reporting.galleries import (
    PATCH_PX,
    cluster_galleries,
    gallery_overview,
    spread_over_scores,
)
from landmark_discovery.reporting.grids import TILE_PX, landmark_grid
from landmark_discovery.reporting.keypoint_pictures import keypoint_grid
from landmark_discovery.writable import NOBODYS

if TYPE_CHECKING:
    # Only for the annotation: the module itself loads the detectors.
    from landmark_discovery.bootstrap.keypoints import BootstrapKeypoints

PATCH_SHARE = 0.35


def draw_landmark_pictures(
    store: ImageStore, predictions: Predictions, settings: ReportSettings, folder: str | Path, split: str = "test"
) -> list[Path]:
    """Write the landmark grid, the galleries' overview and one gallery a landmark.

    Args:
        store: the images.
        predictions: their landmarks; each image must be in the store.
        settings: how many images are shown.
        folder: gets landmarks.png, galleries.png and clusters/landmark_00.png, landmark_01.png, ...
        split: images shown, "train" or "test"; all of them where the split is empty.

    Raises:
        UserError: no predictions, an image that isn't in the store, or a folder that can't be written.
    """
    indices, rows = rows_of_split(store, predictions, split)
    landmarks, scores = predictions.landmarks[rows], predictions.score[rows]
    shown = spread(np.arange(len(rows)), settings.grid_images)
    target = Path(folder)
    paths = [target / "landmarks.png", target / "galleries.png"]
    write_picture(paths[0], _grid(store, indices[shown], landmarks[shown], None))
    found = np.isfinite(landmarks).all(axis=-1)
    patches = _patches_of_landmarks(store, indices, landmarks, scores, settings.gallery_images)
    write_picture(paths[1], gallery_overview(patches, found.mean(axis=0)))
    return paths + _write_galleries(target / "clusters", cluster_galleries(patches, found.mean(axis=0)))


def draw_round_grid(
    store: ImageStore,
    landmarks: NDArray[np.float64],
    path: str | Path,
    indices: NDArray[np.int64] | None = None,
    count: int = 24,
    title: str | None = None,
) -> None:
    """Write the grid of a round's pseudo-ground-truth on training images.

    Args:
        store: the images.
        landmarks: (N, K, 2) in original pixels; NaN: none.
        path: the PNG file.
        indices: positions of these N images in the store; None: all of its images, in its order.
        count: images shown, evenly spread.
        title: a line above the grid, such as the round.

    Raises:
        UserError: landmarks and images that don't belong together.
    """
    positions = np.arange(len(store)) if indices is None else indices
    if len(positions) != len(landmarks) or not len(positions):
        raise UserError(f"landmarks of {len(landmarks)} images don't fit {len(positions)} images", where=path)
    shown = spread(np.arange(len(positions)), count)
    write_picture(path, _grid(store, positions[shown], landmarks[shown], title))


def draw_bootstrap_pictures(
    store: ImageStore, keypoints: BootstrapKeypoints, path: str | Path, count: int = 24
) -> None:
    """Write a grid of training images with their bootstrap keypoints, kept ones and outliers.

    Args:
        store: the images.
        keypoints: of its training images.
        path: the PNG file.
        count: images shown, evenly spread.

    Raises:
        UserError: no images, or images that aren't in the store.
    """
    rows = spread(np.arange(len(keypoints.image)), count)
    indices = places_in_store(store, keypoints.image[rows])
    rectangles = square_rectangles(store.rectangle("crop")[indices])
    crops = cut_from_store(store, indices, rectangles, TILE_PX)
    places = image_to_crop(keypoints.points[rows], rectangles, TILE_PX)
    present = np.asarray(np.isfinite(places).all(axis=-1))
    points = [some[there] for some, there in zip(places, present, strict=True)]
    kept = [some[there] for some, there in zip(keypoints.inlier[rows], present, strict=True)]
    write_picture(path, keypoint_grid(crops, points, kept))


def patch_rectangles(
    store: ImageStore, indices: NDArray[np.int64], centres: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Give one square for each image, as wide as `PATCH_SHARE` of the longer side of its crop.

    Args:
        store: the images.
        indices: positions of P images in the store, (P,).
        centres: middle of each square, (P, 2) in original pixels.

    Returns:
        (P, 4) in original pixels, last row and column excluded, as for `crops.cut_from_store`.
    """
    crops = store.rectangle("crop")[indices]
    half_px = PATCH_SHARE / 2 * (crops[:, 2:] - crops[:, :2]).max(axis=1, keepdims=True)
    # A rectangle of whole numbers starts half a pixel before the centre of its first pixel.
    middle = centres + 0.5
    return np.concatenate([middle - half_px, middle + half_px], axis=1)


def rows_of_split(
    store: ImageStore, predictions: Predictions, split: str
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find the images of a split; all of them where the split is empty.

    Returns:
        Their positions in the store and in the predictions, both (N,).

    Raises:
        UserError: no predictions, or an image that isn't in the store.
    """
    rows = np.flatnonzero(predictions.split == split)
    if not len(rows):
        rows = np.arange(len(predictions.image))
    return places_in_store(store, predictions.image[rows]), rows


def places_in_store(store: ImageStore, names: NDArray[np.str_]) -> NDArray[np.int64]:
    """Find images by their names, (N,).

    Raises:
        UserError: no names, or an image that isn't in the store.
    """
    if not len(names):
        raise UserError("there is no image to draw", remedy="give a file that holds some images")
    place = {str(name): index for index, name in enumerate(store.names)}
    unknown = [str(name) for name in names if str(name) not in place]
    if unknown:
        raise UserError(
            f"{len(unknown)} images are not in the data set, the first is {unknown[0]!r}",
            remedy="give the prepared data set that the file was made from",
        )
    return np.array([place[str(name)] for name in names], dtype=np.int64)


def _grid(store: ImageStore, indices: NDArray[np.int64], landmarks: NDArray[np.float64], title: str | None) -> Picture:
    rectangles = square_rectangles(store.rectangle("crop")[indices])
    crops = cut_from_store(store, indices, rectangles, TILE_PX)
    return landmark_grid(crops, image_to_crop(landmarks, rectangles, TILE_PX), title=title)


def _patches_of_landmarks(
    store: ImageStore,
    indices: NDArray[np.int64],
    landmarks: NDArray[np.float64],
    scores: NDArray[np.float64],
    count: int,
) -> list[NDArray[np.uint8]]:
    patches = []
    for landmark in range(landmarks.shape[1]):
        centres = landmarks[:, landmark]
        present = np.asarray(np.isfinite(centres).all(axis=1))
        rows = spread_over_scores(scores[:, landmark], present, count)
        rectangles = patch_rectangles(store, indices[rows], centres[rows])
        patches.append(cut_from_store(store, indices[rows], rectangles, PATCH_PX))
    return patches


def _write_galleries(folder: Path, galleries: Sequence[Picture]) -> list[Path]:
    names = [f"landmark_{landmark:02d}.png" for landmark in range(len(galleries))]
    # The folder is replaced as a whole, so that none stays behind from a run with more landmarks.
    with atomic_folder(folder, _are_galleries) as temporary:
        for name, gallery in zip(names, galleries, strict=True):
            write_picture(temporary / name, gallery)
    return [folder / name for name in names]


def _are_galleries(folder: Path) -> bool:
    return all(path.match("landmark_*.png") for path in folder.iterdir() if path.name not in NOBODYS)

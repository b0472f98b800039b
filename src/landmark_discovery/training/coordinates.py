"""Points of a store's images between original pixels, stored pixels and the network's maps."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from landmark_discovery.data.store import ImageStore
from landmark_discovery.errors import UserError
from landmark_discovery.geometry import crop_to_image, image_to_crop
from landmark_discovery.training.keypoints import CELL_PX


def positions_in_store(store: ImageStore, names: NDArray[np.str_], where: str) -> NDArray[np.int64]:
    """Find images by name, (N,).

    Args:
        store: the prepared data set.
        names: of the images, (N,).
        where: what the names come from, for the error.

    Raises:
        UserError: an image isn't in the store.
    """
    place = {name: position for position, name in enumerate(store.names)}
    missing = [name for name in names if name not in place]
    if missing:
        raise UserError(
            f"{len(missing)} images aren't in the prepared data set, {str(missing[0])!r} first",
            where=where,
            remedy="make it anew from this data set",
        )
    return np.array([place[name] for name in names], dtype=np.int64)


def grid_to_image(
    store: ImageStore, indices: NDArray[np.int64], points: ArrayLike, size_px: int
) -> NDArray[np.float64]:
    """Map points (N, K, 2) on the maps of images `indices` to their original pixels.

    Args:
        store: the prepared data set.
        indices: positions of the images, (N,).
        points: on the grid; NaN stays NaN.
        size_px: width and height of the network's input.
    """
    return crop_to_image(points, store.rectangle("crop")[indices], size_px / CELL_PX)


def image_to_store(store: ImageStore, indices: NDArray[np.int64], points: ArrayLike) -> NDArray[np.float64]:
    """Map points (N, K, 2) in original pixels of images `indices` to stored pixels."""
    return image_to_crop(points, store.rectangle("window")[indices], store.stored_size[indices][:, None])

"""What a user is told of a data set though nothing of it is refused."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landmark_discovery.config.point_tables import landmark_tables
from landmark_discovery.data.folder import SAMPLES_FILE, ImageFolder, visible_files
from landmark_discovery.data.images import is_image_name
from landmark_discovery.data.store import EQUAL_IMAGES
from landmark_discovery.errors import UserError

# Of the width or height of an image.
FAR_SHARE = 0.5
_NAMED_ENDINGS = 5


def remark(text: str) -> None:
    """Write a line on stderr."""
    print(text, file=sys.stderr)


def left_out_facts(source: ImageFolder) -> dict[str, int]:
    """Count the files of a folder that aren't taken, and say so: images that samples.csv doesn't list, or other files.

    Returns:
        unlisted_images, and other_files (0 where samples.csv says what is taken).
    """
    unlisted = _unlisted_images(source) if source.is_listed else []
    others = [] if source.is_listed else _other_files(source)
    if unlisted:
        remark(f"left out: images that aren't listed in {SAMPLES_FILE}: {len(unlisted)}, {unlisted[0]} first")
    if others:
        remark(f"passed over: files that are no images by their names: {len(others)} ({_endings(others)})")
    return {"unlisted_images": len(unlisted), "other_files": len(others)}


def remark_far_points(
    names: Sequence[str], tables: Mapping[str, NDArray[np.float64]], sizes: NDArray[np.int64]
) -> None:
    """Say which true points lie so far outside their images that they can't be theirs; a little outside is usual.

    Args:
        names: of the images.
        tables: all tables of their true points (N, L, 2), by their names.
        sizes: (width, height) of each image, (N, 2).
    """
    for name, points in tables.items():
        beyond = np.maximum(-points, points - sizes[:, None])
        far = np.any(beyond > FAR_SHARE * sizes[:, None], axis=2)
        having = np.flatnonzero(np.any(far, axis=1))
        if len(having):
            remark(
                f"check {name}.csv: true points farther outside their images than half of these are wide or high: "
                f"{np.count_nonzero(far)}, in {len(having)} of {len(names)} images, {names[having[0]]} first"
            )


def remark_equal_images(facts: Mapping[str, Any]) -> None:
    """Say how many images of the test are images of the training too, so that its figures flatter."""
    if facts[EQUAL_IMAGES]:
        remark(f"check the split: test images whose pixels are those of a training image: {facts[EQUAL_IMAGES]}")


def _unlisted_images(source: ImageFolder) -> list[str]:
    listed = set(source.samples["image"])
    try:
        return sorted(name for name in visible_files(source.root) if is_image_name(name) and name not in listed)
    except UserError:
        # Beside what is listed, nothing need be readable.
        return []


def _other_files(source: ImageFolder) -> list[str]:
    tables = {f"{name}.csv" for name in landmark_tables(source.root)}
    return [name for name in visible_files(source.root) if not is_image_name(name) and name not in tables]


def _endings(names: list[str]) -> str:
    counts = Counter(PurePosixPath(name).suffix.lower() or "no ending" for name in names)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    named = [f"{count} {ending}" for ending, count in ordered[:_NAMED_ENDINGS]]
    return ", ".join([*named, *(["..."] if len(counts) > _NAMED_ENDINGS else [])])

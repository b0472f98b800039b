"""Dividing a data set into training and test images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from landmark_discovery.errors import UserError


def make_split(images: Sequence[str], subjects: Sequence[str], test_fraction: float, seed: int) -> NDArray[np.str_]:
    """Draw test images, all images of a subject on the same side.

    Args:
        images: names, N of them.
        subjects: the subject of each; "" where it isn't known, which makes the image a subject of its own.
        test_fraction: share of the images, reached as nearly as whole subjects allow; each side gets at least one.
        seed: of the draw; the order of the images doesn't matter.

    Returns:
        "train" or "test" of each image, (N,).

    Raises:
        UserError: fewer than two images, or all of one subject.
    """
    pairs = zip(images, subjects, strict=True)
    groups = [("subject", subject) if subject else ("image", image) for image, subject in pairs]
    sizes = Counter(groups)
    if len(sizes) < 2:
        raise UserError(
            f"{len(groups)} images of one subject can't be split" if len(groups) > 1 else "one image can't be split",
            remedy="give images of at least two subjects, one to train on and one to test on, or a split of your own",
        )
    names = sorted(sizes)
    drawn = [names[position] for position in np.random.default_rng(seed).permutation(len(names))]
    reached = np.cumsum([sizes[group] for group in drawn[:-1]])
    test_groups = set(drawn[: 1 + int(np.argmin(np.abs(reached - test_fraction * len(groups))))])
    return np.array(["test" if group in test_groups else "train" for group in groups])

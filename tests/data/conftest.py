"""Small image files and data set folders to read."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest


def pattern(width, height, seed=0):
    """Draw a smooth RGB image that differs at every pixel from its mirror and its turns."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)


def save_image(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    encoded = cv2.imencode(path.suffix.lower(), image[..., ::-1] if image.ndim == 3 else image)[1]
    path.write_bytes(encoded.tobytes())


@pytest.fixture
def make_folder(tmp_path: Path) -> Callable[..., Path]:
    """Make a data set folder of 12 x 10 pixel PNGs, and of tables given as text."""

    def make(names=("a.png", "b.png", "c.png"), samples=None, landmarks=None, size=(12, 10)):
        root = tmp_path / "dataset"
        root.mkdir(exist_ok=True)
        for seed, name in enumerate(names):
            save_image(root / name, pattern(*size, seed))
        for name, text in (("samples.csv", samples), ("landmarks.csv", landmarks)):
            if text is not None:
                (root / name).write_text(text, encoding="utf-8")
        return root

    return make

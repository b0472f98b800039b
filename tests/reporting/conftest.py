import numpy as np
import pandas as pd
import pytest

from landmark_discovery.data.store import ImageStore


@pytest.fixture
def build_store():
    return _build_store


def _build_store(originals, crops, windows=None, splits=None):
    """Store the windows (default: the whole images) of some small originals, pixel by pixel."""
    windows = windows or [(0, 0, image.shape[1], image.shape[0]) for image in originals]
    splits = splits or ["train"] * len(originals)
    parts = [
        image[window[1] : window[3], window[0] : window[2]] for image, window in zip(originals, windows, strict=True)
    ]
    height, width = (max(part.shape[axis] for part in parts) for axis in (0, 1))
    images = np.zeros((len(parts), height, width, 3), dtype=np.uint8)
    rows = []
    for index, (original, part) in enumerate(zip(originals, parts, strict=True)):
        images[index, : part.shape[0], : part.shape[1]] = part
        row = {"image": f"{index}.png", "split": splits[index], "subject": ""}
        row |= {"width": original.shape[1], "height": original.shape[0]}
        for kind, corners in (("box", crops[index]), ("crop", crops[index]), ("window", windows[index])):
            row |= {
                f"{kind}_{name}": value
                for name, value in zip(("x_min", "y_min", "x_max", "y_max"), corners, strict=True)
            }
        rows.append(row | {"stored_width": part.shape[1], "stored_height": part.shape[0]})
    return ImageStore(images, pd.DataFrame(rows), None, {})

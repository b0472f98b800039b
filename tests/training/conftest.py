import cv2
import numpy as np
import pytest
import torch

from landmark_discovery.training.images import StoredImages
from landmark_discovery.training.workers import Workers


@pytest.fixture(scope="session")
def faces():
    """Give smooth random RGB images of 40 x 40 pixels, each different from its mirror image."""

    def draw(count=6, size=40):
        coarse = np.random.default_rng(0).integers(0, 256, (count, 6, 6, 3), dtype=np.uint8)
        return [cv2.resize(image, (size, size), interpolation=cv2.INTER_CUBIC) for image in coarse]

    return draw


@pytest.fixture
def stored(faces):
    """Give such images on the CPU, shared by two threads, each cropped to its inner 32 x 32 pixels."""
    pixels = torch.from_numpy(np.stack(faces()))
    crops = torch.tensor([[4.0, 4.0, 36.0, 36.0]]).expand(len(pixels), 4)
    return StoredImages(pixels, crops, torch.full((len(pixels), 2), 40.0), workers=Workers(2))

import cv2
import numpy as np
import pytest

from landmark_discovery.inference.detector import LandmarkDetector
from landmark_discovery.inference.package import package_model
from landmark_discovery.training.weights import save_weights


@pytest.fixture
def store(build_store):
    """Give two images with surroundings of their crops, stored in arrays of 90 x 80 pixels."""
    originals = list(np.random.default_rng(0).integers(0, 256, (2, 80, 90, 3), dtype=np.uint8))
    crops, windows = [(20, 10, 84, 74), (0, 0, 32, 64)], [(0, 0, 90, 80), (0, 0, 90, 80)]
    return build_store(originals, crops, windows, splits=["train", "test"])


def smooth_image(seed, width=48, height=40):
    """Draw a smooth RGB image."""
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)


@pytest.fixture
def draw():
    """Draw a smooth RGB image: draw(seed, width, height)."""
    return smooth_image


@pytest.fixture
def make_images(tmp_path):
    """Write a folder of images that all differ, by their names."""

    def make(names, folder="photos", **size):
        for seed, name in enumerate(names):
            path = tmp_path / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            encoded = cv2.imencode(path.suffix.lower(), smooth_image(seed, **size)[..., ::-1])[1]
            path.write_bytes(encoded.tobytes())
        return tmp_path / folder

    return make


@pytest.fixture
def make_video(tmp_path):
    """Write a video of so many grey frames, each brighter than the one before."""

    def make(name, frames=10, size=(48, 40), code="MJPG", fps=12.5, share=1.0):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*code), fps, size)
        for frame in range(frames):
            writer.write(np.full((size[1], size[0], 3), 10 + 20 * frame % 240, dtype=np.uint8))
        writer.release()
        path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
        return path

    return make


@pytest.fixture
def model_file(tmp_path, store, save_stage, tiny_config):
    """Write a model of three landmarks whose crops have a margin of a tenth and at most 32 pixels."""
    cut = {"crop_rule": "margin", "crop_margin": 0.1, "context": None, "max_crop_px": 32}
    config = tiny_config(dataset=cut, stage2={"subpixel": True, "average_turned_views": True, "shape_prior": True})
    path = tmp_path / "model.safetensors"
    save_weights(path, package_model(save_stage(), [store], config, []))
    return path


@pytest.fixture
def detector(model_file):
    return LandmarkDetector(model_file, device="cpu")

import os
import shutil
import signal

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import settings

from landmark_discovery.config.loading import load_config, merged
from landmark_discovery.data.store import ImageStore
from landmark_discovery.heatmaps.shape_prior import ShapePrior
from landmark_discovery.training.weights import TrainedWeights, build_network, save_weights, shape_tensors

# Without a GPU Triton interprets its kernels; it reads this when it is imported.
if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")

# PyTorch reads it once, at its first product, which may be that of a test before one of the same bytes.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")

# Tests look for progress bars, which some shells switch off.
os.environ.pop("TQDM_DISABLE", None)

# A shell that starts the tests in the background lets them ignore Ctrl-C, and so would every command that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine makes no test fail.
settings.register_profile("project", deadline=None)
settings.load_profile("project")

# A network of seconds: maps of 8 x 8 cells.
TINY = {
    "recipe": "paper",
    "device": "cpu",
    "precision": "float32",
    "num_landmarks": 3,
    "model": {"input_size_px": 32, "width": 16, "depth": 1, "norm_groups": 2, "descriptor_dim": 8},
    "clustering": {"training_clusters": 4, "iterations": 5, "redos": 1},
    "stage1": {
        "batch_pairs": 4,
        "iterations": 4,
        "warmup_iterations": 2,
        "round_iterations": 2,
        "descriptor_loss": {"negative_pairs": 20},
        "detection": {"target_detections": 3},
    },
    "stage2": {"batch_size": 4, "iterations": 3},
}


@pytest.fixture(scope="session")
def kernel_device():
    """Name the device of Triton's kernels: a GPU, or the CPU where they are interpreted."""
    return torch.device("cpu" if os.environ.get("TRITON_INTERPRET") == "1" else "cuda")


@pytest.fixture(scope="session")
def tiny_config():
    """Give the configuration of a tiny network, with changes."""
    return lambda **changes: load_config(merged(TINY, changes))


@pytest.fixture(scope="session")
def browser():
    """Open a Chromium with a camera that films a test picture."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.skip(f"no browser on the PATH, neither of {', '.join(names)}")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright isn't installed")
    camera = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    with playwright.sync_playwright() as started:
        # Without a sandbox, which root can't have.
        opened = started.chromium.launch(executable_path=found, args=["--no-sandbox", *camera])
        yield opened
        opened.close()


@pytest.fixture
def open_at(browser):
    """Open an address at a width, and give the page with what it asked for and complained of."""
    pages = []

    def open_page(address, width=1600):
        page = browser.new_page(viewport={"width": width, "height": 900})
        pages.append(page)
        page.said, page.asked = [], []
        page.on("console", lambda message: page.said.append(message.text))
        page.on("pageerror", lambda error: page.said.append(str(error)))
        page.on("request", lambda request: page.asked.append(request.url))
        page.goto(address)
        return page

    yield open_page
    for page in pages:
        page.close()


@pytest.fixture
def save_stage(tmp_path, tiny_config, some_shape):
    """Write untrained weights of a stage that has three landmarks."""

    def save(stage=2, **facts):
        torch.manual_seed(0)
        config = tiny_config()
        extras = {
            "flip_map": torch.tensor([2, 1, 0]),
            "selected": torch.arange(3),
            "centroids": torch.randn(3, config.model.descriptor_dim),
        }
        if stage == 2:
            extras |= shape_tensors(some_shape)
        known = {"stage": stage, "num_landmarks": 3, "model": config.model.model_dump(mode="json"), **facts}
        path = tmp_path / f"stage{stage}.safetensors"
        save_weights(path, TrainedWeights(build_network(config.model, stage, 3), extras, known))
        return path

    return save


@pytest.fixture(scope="session")
def some_shape():
    """Give a shape of three landmarks on a grid of 8, each held a little by the others."""
    weights = torch.randn(6, 6, generator=torch.Generator().manual_seed(0)) / 10
    mean = torch.tensor([[2.0, 3.0], [3.5, 5.0], [5.0, 3.0]])
    return ShapePrior(mean, weights, torch.tensor([0.7, 1.0, 1.5]))


@pytest.fixture(scope="session")
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

from pathlib import Path

import numpy as np
import pytest
import torch

from landmark_discovery.config.training import Stage2Settings
from landmark_discovery.data.cutting import CutRule
from landmark_discovery.export.onnx_graph import export_onnx, read_onnx
from landmark_discovery.export.web_page import export_page, read_example, read_runtime
from landmark_discovery.inference.package import Model
from landmark_discovery.training.weights import TrainedWeights, build_network, shape_tensors

RUNTIME = Path(__file__).parents[2] / "build" / "web" / "node_modules" / "onnxruntime-web" / "dist"
RULE = CutRule("margin", 0.1, 0.5, 64)


@pytest.fixture(scope="session")
def build_model(tiny_config, some_shape):
    """Give an untrained model of three landmarks, whose first and third are each other's mirror images."""

    def build(seed=0, flip_map=(2, 1, 0), rule=RULE, convention="pixel-centres", licences=(), **decoding):
        torch.manual_seed(seed)
        config = tiny_config()
        model = config.model.model_dump(mode="json")
        facts = {"stage": 2, "num_landmarks": 3, "model": model, "convention": convention, "version": "0.0"}
        extras = {"flip_map": torch.tensor(flip_map), **shape_tensors(some_shape)}
        weights = TrainedWeights(build_network(config.model, 2, 3).eval(), extras, facts)
        settings = Stage2Settings(**{"subpixel": True, "average_turned_views": False, "shape_prior": True, **decoding})
        about = {"data": {"name": "faces", "train_images": 1200}, "licences": list(licences)}
        return Model(weights, rule, (90, 80), settings, about)

    return build


@pytest.fixture(scope="session")
def model(build_model):
    return build_model()


@pytest.fixture(scope="session")
def onnx_file(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    export_onnx(model, path)
    return path


@pytest.fixture(scope="session")
def exported(onnx_file):
    return read_onnx(onnx_file)


@pytest.fixture
def store(build_store):
    """Give three images with surroundings of their crops, of which one fills a part of its array."""
    generator = np.random.default_rng(0)
    originals = [generator.integers(0, 256, (80, width, 3), dtype=np.uint8) for width in (90, 90, 60)]
    crops = [(20, 10, 84, 74), (0, 0, 32, 64), (5, 7, 55, 70)]
    windows = [(10, 0, 90, 80), (0, 0, 60, 80), (0, 0, 60, 80)]
    return build_store(originals, crops, windows, splits=["train", "test", "test"])


@pytest.fixture
def runtime_folder(tmp_path):
    """Give a folder that looks like the runtime's, without anything that runs."""
    folder = tmp_path / "onnxruntime-web" / "dist"
    folder.mkdir(parents=True)
    script = "export const env = {};\n//# sourceMappingURL=ort.wasm.bundle.min.mjs.map\n"
    (folder / "ort.wasm.bundle.min.mjs").write_text(script, encoding="utf-8")
    (folder / "ort-wasm-simd-threaded.wasm").write_bytes(b"\0asm\1\0\0\0")
    (folder.parent / "package.json").write_text('{"name": "onnxruntime-web", "version": "9.8.7"}', encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def picture():
    """Give a smooth picture with bright blobs, 300 x 240 pixels: something to find even without training."""
    across, down = np.meshgrid(np.arange(300), np.arange(240))
    colours = np.zeros((240, 300, 3))
    for channel, (x, y, spread) in enumerate(((90, 70, 30), (190, 100, 45), (140, 180, 35))):
        colours[..., channel] = 40 + 200 * np.exp(-((across - x) ** 2 + (down - y) ** 2) / (2 * spread**2))
    stripes = 15 * np.sin(across / 9)[..., None] + 10 * np.cos(down / 7)[..., None]
    return np.clip(colours + stripes, 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def page_file(exported, picture, tmp_path_factory):
    """Write the page with the real runtime and an example."""
    if not RUNTIME.is_dir():
        pytest.skip("the browser's runtime isn't there: make web-runtime")
    cv2 = pytest.importorskip("cv2")
    folder = tmp_path_factory.mktemp("page")
    cv2.imwrite(str(folder / "blobs.png"), picture[..., ::-1])
    example = read_example(folder / "blobs.png", (60.0, 40.0, 220.0, 200.0))
    export_page(exported, read_runtime(RUNTIME), folder / "page.html", example)
    return folder / "page.html"

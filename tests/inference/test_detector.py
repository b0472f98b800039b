import pickle
import subprocess
import sys

import cv2
import numpy as np
import pandas as pd
import pytest
import torch

import landmark_discovery
from landmark_discovery.data.prepare import prepare_store
from landmark_discovery.errors import UserError
from landmark_discovery.inference import detector as module
from landmark_discovery.inference.dataset import predict_landmarks
from landmark_discovery.inference.detector import LandmarkDetector
from landmark_discovery.inference.package import package_model
from landmark_discovery.inference.shots import Box, Shot
from landmark_discovery.training.weights import save_weights

CUTS = [
    {"crop_rule": "paper", "context": 0.5, "max_crop_px": 32},
    {"crop_rule": "margin", "crop_margin": 0.2, "context": None, "max_crop_px": None},
]


def random_boxes(count, seed=0):
    rng = np.random.default_rng(seed)
    low = rng.uniform(0, 20, (count, 2))
    return np.concatenate([low, low + rng.uniform(12, 19, (count, 2))], axis=1)


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("convention", ["pixel-centres", "authors"])
def test_images_of_a_data_set_get_the_pipelines_own_figures_to_the_last_bit(
    tmp_path, make_images, save_stage, tiny_config, cut, convention
):
    names = [f"{number:02d}.png" for number in range(70)]
    folder, boxes = make_images(names), random_boxes(70)
    boxes[5] = np.nan
    table = pd.DataFrame(boxes, columns=["x_min", "y_min", "x_max", "y_max"])
    table.insert(0, "image", names)
    table.to_csv(folder / "samples.csv", index=False)
    config = tiny_config(dataset=cut, stage2={"subpixel": True, "average_turned_views": True, "shape_prior": True})
    store = prepare_store(folder, config.dataset, tmp_path / "store")
    weights = save_stage(convention=convention)
    save_weights(tmp_path / "model.safetensors", package_model(weights, [store], config, []))
    expected = predict_landmarks(store, weights, 2, config)

    detector = LandmarkDetector(tmp_path / "model.safetensors", device="cpu")
    given = [None if np.isnan(box).any() else box for box in boxes]
    found = detector.predict([folder / name for name in names], given)
    assert expected.image.tolist() == names
    np.testing.assert_array_equal(np.stack([one.landmarks for one in found]), expected.landmarks)
    np.testing.assert_array_equal(np.stack([one.scores for one in found]), expected.score)
    np.testing.assert_array_equal(np.stack([one.box for one in found]), store.rectangle("box"))


def test_figures_on_a_cpu_do_not_depend_on_its_threads(model_file, make_images):
    names = [f"{number:02d}.png" for number in range(40)]
    files = [make_images(names) / name for name in names]
    found = [LandmarkDetector(model_file, device="cpu", cpu_threads=count).predict(files) for count in (1, 2, 5)]
    first, *others = [[(*one.landmarks.ravel(), *one.scores) for one in objects] for objects in found]
    assert len(first) == 40
    assert all(other == first for other in others)


def test_three_lines_find_landmarks(model_file, make_images):
    photo = make_images(["photo.jpg"]) / "photo.jpg"
    detector = landmark_discovery.LandmarkDetector(str(model_file))
    found = detector.predict([str(photo)])
    assert found[0].landmarks.shape == (3, 2)
    assert found[0].scores.shape == (3,)
    assert found[0].box.tolist() == [0, 0, 48, 40]
    assert found[0].image == str(photo)


def test_the_package_imports_without_pytorch():
    code = "import sys, landmark_discovery; print('torch' in sys.modules, landmark_discovery.__version__)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["False", landmark_discovery.__version__]
    with pytest.raises(AttributeError, match="no attribute 'Detector'"):
        landmark_discovery.Detector  # noqa: B018


def test_arrays_and_files_of_the_same_pixels_have_the_same_landmarks(detector, make_images, draw):
    folder = make_images(["a.png", "b.png"])
    by_file = detector.predict([folder / "a.png", folder / "b.png"])
    by_array = detector.predict([draw(0), draw(1)])
    for one, other in zip(by_file, by_array, strict=True):
        np.testing.assert_array_equal(one.landmarks, other.landmarks)
    assert [one.image for one in by_array] == ["images[0]", "images[1]"]


def test_a_detector_that_was_pickled_finds_the_same(model_file, draw):
    detector = LandmarkDetector(model_file, device="cpu", cpu_threads=2)
    images = [draw(1), draw(2)]
    sent = pickle.loads(pickle.dumps(detector))
    for own, other in zip(detector.predict(images), sent.predict(images), strict=True):
        np.testing.assert_array_equal(own.landmarks, other.landmarks)


def test_several_boxes_are_several_objects_image_by_image(detector, draw):
    one, two = [4, 4, 30, 30], [[10, 8, 40, 35], [0, 0, 20, 20]]
    found = detector.predict([draw(0), draw(1), draw(2)], [one, two, None])
    assert [one.box.tolist() for one in found] == [one, *two, [0, 0, 48, 40]]
    assert [one.image for one in found] == ["images[0]", "images[1]", "images[1]", "images[2]"]
    alone = detector.predict([draw(1)], [two[1]])[0]
    np.testing.assert_allclose(found[2].landmarks, alone.landmarks, atol=1e-3)


def test_no_images_and_no_boxes_give_nothing(detector, draw):
    assert detector.predict([]) == []
    assert detector.predict([draw(0)], [np.empty((0, 4))]) == []


@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_batches_make_no_difference_but_for_rounding(model_file, draw, batch_size):
    images, boxes = [draw(seed) for seed in range(7)], list(random_boxes(7))
    expected = LandmarkDetector(model_file, device="cpu").predict(images, boxes)
    found = LandmarkDetector(model_file, device="cpu", batch_size=batch_size).predict(images, boxes)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one.landmarks, other.landmarks, atol=1e-3)


def test_large_images_go_through_the_network_one_by_one(detector, draw, monkeypatch):
    sizes = []

    def noted(cuts, frame_px, *rest):
        sizes.append((len(cuts), *(max(cut.pixels.shape[axis] for cut in cuts) for axis in (0, 1))))
        return stack(cuts, frame_px, *rest)

    stack = module.stack_cuts
    monkeypatch.setattr(module, "stack_cuts", noted)
    monkeypatch.setattr(module, "_BATCH_PIXELS", 1000)
    detector.batch_size = 4
    detector.predict([draw(seed, 400, 40) for seed in range(3)])
    assert [count for count, *_ in sizes] == [3], "shrunk to 32 pixels they are small"
    sizes.clear()
    object.__setattr__(detector.model, "rule", type(detector.model.rule)("margin", 0.1, None, None))
    detector.predict([draw(seed, 400, 80) for seed in range(3)])
    assert [count for count, *_ in sizes] == [1, 1, 1]


def test_arrays_that_wait_together_take_bounded_memory(detector, draw, monkeypatch):
    counts = []

    def noted(cuts, *rest):
        counts.append(len(cuts))
        return stack(cuts, *rest)

    stack = module.stack_cuts
    monkeypatch.setattr(module, "stack_cuts", noted)
    monkeypatch.setattr(module, "_HELD_BYTES", 2 * draw(0).nbytes)
    detector.predict([draw(seed) for seed in range(5)])
    assert counts == [2, 2, 1]


def test_few_images_are_read_ahead_of_the_network(detector, draw):
    read = []

    def shots():
        for number in range(1000):
            read.append(number)
            yield Shot(str(number), draw(number))

    detector.batch_size = 4
    found = detector.detect(shots(), pytest.fail)
    assert next(found).shot.name == "0"
    found.close()
    assert len(read) < 60


def test_an_image_that_cannot_be_used_is_told_of_and_left_out(detector, tmp_path, draw):
    (tmp_path / "text.png").write_text("no image")
    shots = [Shot("a", draw(0)), Shot("b", tmp_path / "text.png"), Shot("c", draw(1), (Box((90, 90, 99, 99)),))]
    faults = []
    assert [one.shot.name for one in detector.detect(iter([*shots, Shot("d", draw(2))]), faults.append)] == ["a", "d"]
    assert ["text.png: not a JPEG" in str(faults[0]), "outside the image" in str(faults[1])] == [True, True]
    with pytest.raises(UserError, match="not a JPEG"):
        detector.predict([tmp_path / "text.png"])


def test_opencv_speaks_again_after_a_prediction(detector, draw):
    levels = cv2.utils.logging if hasattr(cv2.utils, "logging") else cv2
    before = levels.getLogLevel()
    detector.predict([draw(0)])
    assert levels.getLogLevel() == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"device": "gpu"}, "device is 'gpu'; did you mean 'cpu'"),
        ({"precision": "float23"}, "precision is 'float23'; did you mean 'float32'"),
        ({"batch_size": 0}, "batch_size is 0; give 1 to 64"),
        ({"batch_size": "8"}, "batch_size is '8'; give 1 to 64"),
        ({"cpu_threads": 0}, "cpu_threads is 0; give 1 or more"),
        ({"device": torch.device("cuda", 1)}, r"device is device\(type='cuda', index=1\); "),
        ({"precision": None}, "precision is None; "),
    ],
)
def test_an_unknown_option_is_refused(model_file, options, words):
    with pytest.raises(UserError, match=words):
        LandmarkDetector(model_file, **options)

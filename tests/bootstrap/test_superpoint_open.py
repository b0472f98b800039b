import numpy as np
import pytest
import torch
from fake_superpoint import GivenPoints, random_parameters
from safetensors.torch import save_file

from landmark_discovery.bootstrap.factory import make_detector
from landmark_discovery.bootstrap.superpoint_open import SuperPointOpenDetector
from landmark_discovery.config.data import BootstrapSettings
from landmark_discovery.training.runtime import arithmetic

SIZE_PX = 64


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "random.safetensors"
    save_file({name: value.half() for name, value in random_parameters().items()}, path)
    return path


@pytest.fixture(scope="module")
def detector(weights):
    """Make a detector with random weights, with changed settings."""

    def make(size_px=SIZE_PX, **settings):
        given = BootstrapSettings(**{"detector": "superpoint-open", "superpoint_open_threshold": 0.0, **settings})
        return make_detector(given, weights, size_px, "cpu")

    return make


def noise(height=64, width=64, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def rectangle(*ends):
    return np.array(ends, dtype=np.float64)


WHOLE = rectangle(0, 0, 64, 64)


def given_points(points, crop=WHOLE, box=WHOLE, **settings):
    network = GivenPoints(points)
    detector = SuperPointOpenDetector(network, BootstrapSettings(**settings), SIZE_PX)
    return detector.detect(np.zeros((64, 64, 3), np.uint8), crop, box), network


def test_a_point_of_the_crop_comes_back_in_image_pixels_with_its_probability():
    # Half a pixel of the image for each of the crop: pixel 21 covers 18.5 to 19.
    found, network = given_points([(21, 11, 20.0)], crop=rectangle(8, 16, 40, 48))
    assert found.points.tolist() == [[8 + 21.5 / 2 - 0.5, 16 + 11.5 / 2 - 0.5]]
    # Its logit ties with that of "no keypoint".
    assert found.scores == pytest.approx([0.5])
    # Cell 2 of the second row of eight.
    assert found.descriptors.argmax(axis=1).tolist() == [10]
    assert network.seen.shape == (1, 1, SIZE_PX, SIZE_PX)


def test_points_at_or_below_the_threshold_are_dropped():
    points = [(20, 20, 20.0), (40, 40, 22.0)]
    assert len(given_points(points, superpoint_open_threshold=0.4)[0]) == 2
    assert given_points(points, superpoint_open_threshold=0.6)[0].points.tolist() == [[40, 40]]


def test_the_slope_of_a_stronger_point_is_no_keypoint():
    # 21 is within the distance of nothing that stays, and still only a slope.
    points = [(20, 20, 23.0), (21, 20, 22.0), (30, 20, 20.0)]
    found, _ = given_points(points, min_distance=0.0)
    assert found.points.tolist() == [[20, 20], [30, 20]]


def test_at_most_so_many_keypoints_are_kept_and_apart(detector):
    found = detector(max_keypoints=7, min_distance=0.2).detect(noise(), WHOLE, WHOLE)
    assert len(found) == 7
    distances = np.linalg.norm(found.points[:, None] - found.points, axis=2)[np.triu_indices(7, 1)]
    assert distances.min() >= 0.2 * SIZE_PX
    assert np.all(np.diff(found.scores) <= 0)
    assert found.descriptors.shape == (7, 256)
    assert found.descriptors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found.descriptors, axis=1), 1, rtol=1e-5)


def test_every_keypoint_is_inside_the_box(detector):
    box = rectangle(20.9, 8, 50, 30)
    found = detector().detect(noise(), WHOLE, box)
    assert len(found) > 3
    assert np.all((found.points >= (20, 8)) & (found.points <= (50, 30)))


def test_keypoints_move_with_the_image(detector):
    small, large = noise(), np.zeros((90, 100, 3), np.uint8)
    large[20:84, 30:94] = small
    box = rectangle(4, 4, 60, 60)
    shift = np.array([30.0, 20.0])
    before = detector().detect(small, WHOLE, box)
    after = detector().detect(large, WHOLE + np.tile(shift, 2), box + np.tile(shift, 2))
    assert len(before) > 3
    np.testing.assert_allclose(after.points, before.points + shift)
    np.testing.assert_array_equal(after.descriptors, before.descriptors)


def test_an_even_image_has_no_keypoint_over_a_high_threshold(detector):
    found = detector(superpoint_open_threshold=0.9).detect(np.full((64, 64, 3), 90, np.uint8), WHOLE, WHOLE)
    assert found.points.shape == (0, 2)
    assert found.descriptors.shape == (0, 256)


@pytest.mark.parametrize(("height", "width"), [(5, 7), (1, 1), (7, 40)])
def test_an_image_smaller_than_a_cell_is_enlarged_like_others(detector, height, width):
    whole = rectangle(0, 0, width, height)
    found = detector(max_keypoints=4).detect(noise(height, width), whole, whole)
    assert 1 <= len(found) <= 4
    assert np.all((found.points >= 0) & (found.points <= (width, height)))


def test_a_crop_smaller_than_a_cell_has_no_keypoint(detector):
    found = detector(size_px=7).detect(noise(), WHOLE, WHOLE)
    assert found.points.shape == (0, 2)
    assert found.descriptors.shape == (0, 256)


def test_a_crop_that_is_no_multiple_of_eight_is_scored_but_for_its_remainder(detector):
    whole = rectangle(0, 0, 36, 36)
    found = detector(size_px=36, max_keypoints=99, min_distance=0.0).detect(noise(36, 36), whole, whole)
    assert len(found) > 3
    assert found.points.max() <= 31


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_finds_the_same(weights, detector):
    settings = BootstrapSettings(detector="superpoint-open", superpoint_open_threshold=0.0)
    with arithmetic("float32", torch.device("cuda")):
        on_gpu = make_detector(settings, weights, SIZE_PX, "cuda").detect(noise(), WHOLE, WHOLE)
    on_cpu = detector().detect(noise(), WHOLE, WHOLE)
    np.testing.assert_array_equal(on_gpu.points, on_cpu.points)
    np.testing.assert_allclose(on_gpu.descriptors, on_cpu.descriptors, atol=1e-4)

import numpy as np
import pytest
from fake_superpoint import GivenPoints

from landmark_discovery.bootstrap.superpoint import SuperPointDetector, grey_image, suppression_half_side_px
from landmark_discovery.config.data import BootstrapSettings
from landmark_discovery.models.superpoint import SuperPoint

WHOLE = np.array([0.0, 0.0, 40.0, 24.0])


def detect(points, box=WHOLE, size=(24, 40), **settings):
    network = GivenPoints(points)
    detector = SuperPointDetector(network, BootstrapSettings(**settings))
    image = np.zeros((*size, 3), np.uint8)
    return detector.detect(image, box, np.asarray(box, dtype=np.float64)), network


def test_a_point_is_found_at_its_pixel_with_its_probability():
    found, _ = detect([(21, 11, 20.0)])
    assert found.points.tolist() == [[21, 11]]
    # Its logit ties with that of "no keypoint".
    assert found.scores == pytest.approx([0.5])
    np.testing.assert_allclose(np.linalg.norm(found.descriptors, axis=1), 1, rtol=1e-6)


def test_of_two_near_points_the_better_stays():
    # 218 px high: squares of half side 4, so that 7 px apart overlap by 1 of 8 columns, and 8 px apart not at all.
    near, _ = detect([(20, 20, 25.0), (27, 20, 22.0)], box=[0, 0, 178, 218], size=(218, 178))
    apart, _ = detect([(20, 20, 25.0), (28, 20, 22.0)], box=[0, 0, 178, 218], size=(218, 178))
    assert near.points.tolist() == [[20, 20]]
    assert apart.points.tolist() == [[20, 20], [28, 20]]


@pytest.mark.parametrize(
    ("height", "expected"),
    # int(H / 218 * 8) is 8, 16, 7, 2 and 0.
    [(218, 4), (450, 8), (217, 4), (64, 1), (20, 1)],
)
def test_suppression_grows_with_the_image(height, expected):
    assert suppression_half_side_px(height, nms_px=8) == expected


def test_the_box_is_truncated_and_holds_its_ends():
    points = [(10, 10, 20.0), (30, 20, 20.0), (9, 15, 20.0), (31, 3, 20.0)]
    found, _ = detect(points, box=[10.9, 10.9, 30.9, 20.9])
    assert sorted(found.points.tolist()) == [[10, 10], [30, 20]]


def test_an_image_smaller_than_a_cell_has_no_keypoint():
    found, network = detect([], size=(7, 40))
    assert len(found) == 0
    assert found.descriptors.shape == (0, 256)
    assert network.seen is None


def test_the_network_runs_on_sizes_that_are_no_multiple_of_eight():
    detector = SuperPointDetector(SuperPoint(), BootstrapSettings(superpoint_threshold=0.0))
    image = np.random.default_rng(0).integers(0, 256, (29, 22, 3), dtype=np.uint8)
    found = detector.detect(image, WHOLE, np.array([0.0, 0.0, 22.0, 29.0]))
    assert len(found) > 0
    # 24 of 29 rows and 16 of 22 columns are scored.
    assert np.all(found.points.max(axis=0) <= (15, 23))
    assert found.descriptors.shape == (len(found), 256)


@pytest.mark.parametrize(("swap", "red", "blue"), [(False, 0.299, 0.114), (True, 0.114, 0.299)])
def test_red_and_blue_change_their_weights(swap, red, blue):
    image = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8)
    grey = grey_image(image, swap_red_blue=swap)
    np.testing.assert_allclose(grey, [[255 * red, 255 * 0.587, 255 * blue]], atol=0.5 + 1e-6)


def test_the_network_sees_the_grey_image_with_the_configured_weights():
    network = GivenPoints([])
    image = np.zeros((8, 16, 3), np.uint8)
    image[..., 0] = 255
    detector = SuperPointDetector(network, BootstrapSettings(superpoint_swap_red_blue=True))
    detector.detect(image, WHOLE, WHOLE)
    assert network.seen.shape == (1, 1, 8, 16)
    assert network.seen[0, 0, 0, 0].item() == pytest.approx(29 / 255)

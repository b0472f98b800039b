import numpy as np
import pytest

from landmark_discovery.bootstrap.sift import SiftDetector, detect_sift, root_sift
from landmark_discovery.config.data import BootstrapSettings


def blob(center, deviation=4.0, size=128):
    y, x = np.mgrid[:size, :size]
    squared = (x - center[0]) ** 2 + (y - center[1]) ** 2
    return np.round(255 * np.exp(-squared / (2 * deviation**2))).astype(np.uint8)


def as_rgb(grey):
    return np.repeat(grey[..., None], 3, axis=2)


def whole(image):
    return np.array([0.0, 0.0, image.shape[1], image.shape[0]])


@pytest.mark.parametrize("center", [(60, 50), (60.5, 50.25)])
def test_whole_numbers_are_pixel_centres(center):
    points, scores, descriptors = detect_sift(blob(center), contrast_threshold=0.02)
    # Upscaling that isn't precise would be a quarter of a pixel off.
    np.testing.assert_allclose(points[0], center, atol=0.05)
    assert len(scores) == len(points) == len(descriptors)
    assert descriptors.shape[1] == 128


def test_a_point_of_the_crop_comes_back_in_image_pixels():
    image = as_rgb(blob((70, 40), deviation=3.0, size=100))
    detector = SiftDetector(BootstrapSettings(detector="sift"), input_size_px=128)
    found = detector.detect(image, np.array([50.5, 20.25, 90.5, 60.25]), whole(image))
    np.testing.assert_allclose(found.points[0], (70, 40), atol=0.05)


def test_a_white_square_has_keypoints_at_its_corners():
    grey = np.zeros((128, 128), np.uint8)
    grey[40:90, 40:90] = 255
    image = as_rgb(grey)
    found = SiftDetector(BootstrapSettings(detector="sift"), 128).detect(image, whole(image), whole(image))
    for corner in [(39.5, 39.5), (39.5, 89.5), (89.5, 39.5), (89.5, 89.5)]:
        assert np.linalg.norm(found.points - corner, axis=1).min() < 5
    np.testing.assert_allclose(np.linalg.norm(found.descriptors, axis=1), 1, rtol=1e-5)
    assert np.all(np.diff(found.scores) <= 0)


def test_keypoints_outside_the_box_are_dropped():
    grey = np.maximum(blob((30, 64)), blob((90, 64)))
    image = as_rgb(grey)
    detector = SiftDetector(BootstrapSettings(detector="sift"), 128)
    everywhere = detector.detect(image, whole(image), whole(image))
    inside = detector.detect(image, whole(image), np.array([60.0, 0.0, 128.0, 128.0]))
    assert everywhere.points[:, 0].min() == pytest.approx(30, abs=0.1)
    assert inside.points[:, 0].min() >= 60
    assert np.any(np.all(np.abs(inside.points - (90, 64)) < 0.1, axis=1))


def test_at_most_so_many_keypoints_are_kept():
    image = np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    settings = BootstrapSettings(detector="sift", max_keypoints=7, min_distance=0.1)
    points = SiftDetector(settings, 128).detect(image, whole(image), whole(image)).points
    assert len(points) == 7
    distances = np.linalg.norm(points[:, None] - points, axis=2)[np.triu_indices(7, 1)]
    assert distances.min() >= 12.8


def test_an_even_image_has_no_keypoint():
    image = np.full((64, 64, 3), 99, np.uint8)
    found = SiftDetector(BootstrapSettings(detector="sift"), 128).detect(image, whole(image), whole(image))
    assert found.points.shape == (0, 2)
    assert found.descriptors.shape == (0, 128)


def test_root_sift_takes_roots_of_shares():
    descriptors = np.zeros((2, 128), np.float32)
    descriptors[0, :2] = [1, 3]
    expected = np.zeros((2, 128))
    expected[0, :2] = [np.sqrt(1 / 4), np.sqrt(3 / 4)]
    np.testing.assert_allclose(root_sift(descriptors), expected, rtol=1e-6)

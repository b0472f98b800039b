import numpy as np
import pandas as pd
import pytest

from landmark_discovery.bootstrap.detector import DetectedKeypoints
from landmark_discovery.bootstrap.keypoints import (
    BootstrapKeypoints,
    KeypointCounts,
    extract_bootstrap_keypoints,
    read_keypoints,
    write_keypoints,
)
from landmark_discovery.bootstrap.sift import SiftDetector
from landmark_discovery.config.data import BootstrapSettings, OutlierSettings
from landmark_discovery.data.store import CORNERS, ImageStore
from landmark_discovery.errors import UserError

KEEP_ALL = BootstrapSettings(outliers=OutlierSettings(keep_fraction=1.0))


def make_store(images, splits, window=(0, 0, 20, 20), box=(5, 6, 15, 16), stored_size=(20, 20)):
    count = len(images)
    samples = pd.DataFrame({"image": [f"{n}.png" for n in range(count)], "split": splits, "subject": ""})
    samples["width"], samples["height"] = 100, 80
    for kind, corners in (("box", box), ("crop", window), ("window", window)):
        for corner, value in zip(CORNERS, corners, strict=True):
            samples[f"{kind}_{corner}"] = float(value)
    samples["stored_width"], samples["stored_height"] = stored_size
    return ImageStore(np.asarray(images, np.uint8), samples, None, {})


class Brightness:
    """Finds as many keypoints as the image's first value says, at (0, 0), (1, 1), ...; all look alike."""

    name = "brightness"
    runs_in_threads = True

    def __init__(self):
        self.calls = []

    def detect(self, image, crop_rectangle, box):
        self.calls.append((image.shape, crop_rectangle.tolist(), box.tolist()))
        count = int(image[0, 0, 0])
        steps = np.arange(count, dtype=np.float64)
        descriptors = np.tile(np.array([[1.0, 0.0]], np.float32), (count, 1))
        return DetectedKeypoints(np.stack([steps, steps], axis=1), 9.0 - steps, descriptors)


def constant_images(*values, size=20):
    return [np.full((size, size, 3), value) for value in values]


def test_keypoints_of_the_training_images_are_padded_with_nan():
    store = make_store(constant_images(2, 7, 0, 3), ["train", "test", "train", "train"])
    keypoints = extract_bootstrap_keypoints(store, Brightness(), KEEP_ALL)
    assert keypoints.image.tolist() == ["0.png", "2.png", "3.png"]
    nan = np.nan
    np.testing.assert_array_equal(keypoints.points[..., 0], [[0, 1, nan], [nan, nan, nan], [0, 1, 2]])
    np.testing.assert_array_equal(keypoints.score, [[9, 8, nan], [nan, nan, nan], [9, 8, 7]])
    assert keypoints.inlier.tolist() == [[True, True, False], [False] * 3, [True] * 3]
    assert keypoints.detector == "brightness"


def test_the_detector_sees_only_the_stored_part_and_rectangles_in_its_pixels():
    store = make_store(
        constant_images(2, size=20), ["train"], window=(10, 20, 30, 52), box=(12, 24, 20.5, 36), stored_size=(10, 16)
    )
    detector = Brightness()
    extract_bootstrap_keypoints(store, detector, KEEP_ALL)
    assert detector.calls == [((16, 10, 3), [0, 0, 10, 16], [1, 2, 5.25, 8])]
    assert store.box_in_store().tolist() == [[1, 2, 5.25, 8]]


def test_points_are_in_the_pixels_of_the_original():
    # The window is stored at half its size: store pixel 0 covers the original's 10 and 11, pixel 1 its 12 and 13.
    store = make_store(constant_images(2), ["train"], window=(10, 20, 30, 52), stored_size=(10, 16))
    keypoints = extract_bootstrap_keypoints(store, Brightness(), KEEP_ALL)
    assert keypoints.points[0].tolist() == [[10.5, 20.5], [12.5, 22.5]]


def test_outliers_are_sought_over_all_images_together():
    class OneOdd(Brightness):
        def detect(self, image, crop_rectangle, box):
            found = super().detect(image, crop_rectangle, box)
            if image[0, 0, 0] == 3:
                found.descriptors[1] = [0.0, -1.0]
            return found

    store = make_store(constant_images(4, 3), ["train", "train"])
    settings = BootstrapSettings(outliers=OutlierSettings(neighbours=3, keep_fraction=1.0 - 1e-6))
    keypoints = extract_bootstrap_keypoints(store, OneOdd(), settings)
    # Scores 0 but for the odd one's 2; position int(0.999999 * 6) = 5 holds 0, so that those equal to it stay.
    assert keypoints.inlier.tolist() == [[True] * 4, [True, False, True, False]]
    assert keypoints.counts(min_keypoints=3) == KeypointCounts(images=2, detected=7, kept=6, usable_images=1)


def test_counts_read_as_one_line():
    store = make_store(constant_images(2, 0, 3, 1), ["train"] * 4)
    counts = extract_bootstrap_keypoints(store, Brightness(), KEEP_ALL).counts(min_keypoints=2)
    assert str(counts) == "6 keypoints in 4 images (1.5 an image), 6 kept, 2 images with enough for the warm-up"


def test_threads_change_nothing():
    images = np.random.default_rng(0).integers(0, 256, (6, 48, 48, 3), dtype=np.uint8)
    store = make_store(images, ["train"] * 6, window=(0, 0, 48, 48), box=(0, 0, 48, 48), stored_size=(48, 48))
    settings = BootstrapSettings(detector="sift")
    one = extract_bootstrap_keypoints(store, SiftDetector(settings, 64), settings)
    four = extract_bootstrap_keypoints(store, SiftDetector(settings, 64), settings, threads=4)
    assert one.counts(2).detected > 20
    np.testing.assert_array_equal(one.points, four.points)
    np.testing.assert_array_equal(one.inlier, four.inlier)


@pytest.mark.parametrize(
    ("detector", "threshold"),
    [
        ("superpoint-open", "superpoint_open_threshold"),
        ("superpoint", "superpoint_threshold"),
        ("sift", "sift_contrast_threshold"),
    ],
)
def test_no_keypoint_anywhere_is_told_with_counts_and_remedy(detector, threshold):
    store = make_store(constant_images(0, 0, 5), ["train", "train", "test"])
    with pytest.raises(UserError, match="no keypoints at all: brightness found none in 2 training images") as error:
        extract_bootstrap_keypoints(store, Brightness(), KEEP_ALL.model_copy(update={"detector": detector}))
    assert f"lower bootstrap.{threshold};" in str(error.value)


def test_too_few_keypoints_in_every_image_are_told():
    store = make_store(constant_images(1, 1), ["train", "train"])
    with pytest.raises(UserError, match="no image keeps the 2 keypoints that the warm-up needs"):
        extract_bootstrap_keypoints(store, Brightness(), KEEP_ALL)


def test_no_training_image_is_told():
    with pytest.raises(UserError, match="no training image"):
        extract_bootstrap_keypoints(make_store(constant_images(3), ["test"]), Brightness(), KEEP_ALL)


def test_a_file_gives_back_what_was_written(tmp_path):
    store = make_store(constant_images(2, 0, 3), ["train"] * 3)
    written = extract_bootstrap_keypoints(store, Brightness(), KEEP_ALL)
    write_keypoints(tmp_path / "keypoints.npz", written)
    read = read_keypoints(tmp_path / "keypoints.npz")
    assert read.image.tolist() == written.image.tolist()
    np.testing.assert_array_equal(read.points, written.points)
    np.testing.assert_array_equal(read.score, written.score)
    np.testing.assert_array_equal(read.inlier, written.inlier)
    assert read.detector == "brightness"


def test_arrays_that_do_not_fit_are_refused_with_the_file(tmp_path):
    path = tmp_path / "keypoints.npz"
    arrays = {"image": np.array(["a"]), "points": np.zeros((1, 3, 2)), "score": np.zeros((1, 3))}
    np.savez(path, **arrays, inlier=np.zeros((1, 4), bool), detector=np.array("sift"))
    with pytest.raises(UserError, match=r"keypoints.npz: score \(1, 3\) and inlier \(1, 4\)"):
        read_keypoints(path)
    with pytest.raises(UserError, match=r"points have the shape \(2, 3, 2\), not \(1, P, 2\)"):
        BootstrapKeypoints(arrays["image"], np.zeros((2, 3, 2)), np.zeros((2, 3)), np.zeros((2, 3), bool), "sift")

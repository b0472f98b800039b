import cv2
import numpy as np
import pytest

from landmark_discovery.bootstrap.keypoints import BootstrapKeypoints
from landmark_discovery.config.evaluation import ReportSettings
from landmark_discovery.errors import UserError
from landmark_discovery.evaluation.predictions import Predictions
from landmark_discovery.reporting.colors import landmark_colors
from landmark_discovery.reporting.galleries import PATCH_PX
from landmark_discovery.reporting.pictures import draw_bootstrap_pictures, draw_landmark_pictures, draw_round_grid

SETTINGS = ReportSettings(grid_images=2, gallery_images=2)


@pytest.fixture
def store(build_store):
    images = [np.full((50, 40, 3), 128, dtype=np.uint8) for _ in range(3)]
    images[2][19:22, 29:32] = 255
    return build_store(images, crops=[(0, 5, 40, 45)] * 3, splits=["train", "train", "test"])


def predictions(landmarks, store):
    points = np.asarray(landmarks, dtype=np.float64)
    return Predictions(store.names, store.splits, points, np.zeros(points.shape[:2]))


def read(path):
    return cv2.imread(str(path))[..., ::-1]


def has_color(picture, color):
    return bool((picture == np.asarray(color)).all(axis=-1).any())


def test_all_pictures_are_written_by_their_names(tmp_path, store):
    paths = draw_landmark_pictures(store, predictions(np.full((3, 2, 2), 20), store), SETTINGS, tmp_path)
    names = [path.relative_to(tmp_path).as_posix() for path in paths]
    assert names == ["landmarks.png", "galleries.png", "clusters/landmark_00.png", "clusters/landmark_01.png"]
    assert all(path.is_file() for path in paths)


def test_galleries_of_an_earlier_run_with_more_landmarks_are_gone(tmp_path, store):
    draw_landmark_pictures(store, predictions(np.full((3, 3, 2), 20), store), SETTINGS, tmp_path)
    draw_landmark_pictures(store, predictions(np.full((3, 1, 2), 20), store), SETTINGS, tmp_path)
    assert [path.name for path in (tmp_path / "clusters").iterdir()] == ["landmark_00.png"]


def test_only_the_split_is_shown(tmp_path, store):
    draw_landmark_pictures(store, predictions(np.full((3, 1, 2), 20), store), SETTINGS, tmp_path / "test")
    draw_landmark_pictures(store, predictions(np.full((3, 1, 2), 20), store), SETTINGS, tmp_path / "train", "train")
    one, two = read(tmp_path / "test" / "landmarks.png"), read(tmp_path / "train" / "landmarks.png")
    assert two.shape[1] > one.shape[1]


def test_a_patch_has_its_landmark_in_the_middle(tmp_path, store):
    landmarks = np.full((3, 1, 2), np.nan)
    landmarks[2, 0] = (30, 20)
    draw_landmark_pictures(store, predictions(landmarks, store), SETTINGS, tmp_path)
    patch = read(tmp_path / "clusters" / "landmark_00.png")[46 : 46 + PATCH_PX, 6 : 6 + PATCH_PX]
    # Inside the ring, so that neither its rim nor the corners of the white square count.
    bright = np.argwhere(patch[56:76, 56:76, 0] > 250) + 56
    assert bright.mean(axis=0) == pytest.approx([(PATCH_PX - 1) / 2] * 2, abs=0.6)


def test_landmarks_that_were_never_found_give_pictures_all_the_same(tmp_path, store):
    paths = draw_landmark_pictures(store, predictions(np.full((3, 2, 2), np.nan), store), SETTINGS, tmp_path)
    assert all(path.is_file() for path in paths)


def test_equal_predictions_give_equal_bytes(tmp_path, store):
    found = predictions(np.full((3, 2, 2), 20), store)
    for name in ("a", "b"):
        draw_landmark_pictures(store, found, SETTINGS, tmp_path / name)
    for path in (tmp_path / "a").rglob("*.png"):
        assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes()


def test_an_image_that_is_not_in_the_store_is_named(tmp_path, store):
    stranger = Predictions(np.array(["x.png"]), np.array(["test"]), np.zeros((1, 1, 2)), np.zeros((1, 1)))
    with pytest.raises(UserError, match=r"1 images are not in the data set, the first is 'x\.png'"):
        draw_landmark_pictures(store, stranger, SETTINGS, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_round_is_drawn_on_the_images_it_belongs_to(tmp_path, store):
    landmarks = np.array([[[30.0, 20.0]]])
    draw_round_grid(store, landmarks, tmp_path / "round.png", indices=np.array([2]), title="Round 1")
    assert has_color(read(tmp_path / "round.png"), landmark_colors(1)[0])


def test_a_round_with_another_number_of_images_is_refused(tmp_path, store):
    with pytest.raises(UserError, match="landmarks of 2 images don't fit 3 images"):
        draw_round_grid(store, np.zeros((2, 1, 2)), tmp_path / "round.png")


def test_padded_keypoints_are_not_drawn_nor_counted(tmp_path, store):
    points = np.full((2, 2, 2), np.nan)
    points[0, 0] = (20, 20)
    names, inlier = store.names[:2], np.array([[True, False], [False, False]])
    draw_bootstrap_pictures(
        store, BootstrapKeypoints(names, points, np.zeros((2, 2)), inlier, "sift"), tmp_path / "padded.png"
    )
    draw_bootstrap_pictures(
        store, BootstrapKeypoints(names, points[:, :1], np.zeros((2, 1)), inlier[:, :1], "sift"), tmp_path / "plain.png"
    )
    assert (tmp_path / "padded.png").read_bytes() == (tmp_path / "plain.png").read_bytes()

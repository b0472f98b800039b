import numpy as np
import pytest

from landmark_discovery.config.keypoint_evaluation import KeypointEvaluationSettings
from landmark_discovery.data.store import ImageStore
from landmark_discovery.errors import UserError
from landmark_discovery.files import write_npz
from landmark_discovery.keypoint_evaluation.image_sets import cut_faces, read_test_photographs

SETTINGS = KeypointEvaluationSettings(face_size_px=32)


@pytest.fixture
def store(build_store):
    """Make two training and three test images of 40 x 30, of which a crop of 16 x 16 at (8, 4) is seen."""
    images = [np.full((30, 40, 3), 10 * number, np.uint8) for number in range(1, 6)]
    images[3][12, 16] = 255
    built = build_store(images, [(8, 4, 24, 20)] * 5, splits=["train", "test", "train", "test", "test"])
    built.samples["subject"] = ["a", "b", "a", "", "c"]
    points = np.full((5, 1, 2), (16.0, 12.0))
    points[4] = np.nan
    return ImageStore(built.images, built.samples, points, {})


def test_test_faces_are_cut_with_their_points(store):
    faces = cut_faces(store, SETTINGS)
    assert faces.images.shape == (3, 32, 32)
    assert faces.images[0].min() == faces.images[0].max() == 20
    # (16, 12) is 8 px from the crop's corner; twice as large, its pixel covers 16 and 17.
    assert faces.points[0].tolist() == [[16.5, 16.5]]
    assert set(zip(*np.nonzero(faces.images[1] == faces.images[1].max()), strict=True)) == {
        (16, 16),
        (16, 17),
        (17, 16),
        (17, 17),
    }
    assert np.isnan(faces.points[2]).all()


def test_an_image_of_an_unknown_person_is_a_person_of_its_own(store):
    assert cut_faces(store, SETTINGS).people.tolist() == ["b", "3.png", "c"]


def test_faces_are_taken_from_all_over_the_list(store):
    assert cut_faces(store, SETTINGS.model_copy(update={"max_images": 2})).people.tolist() == ["b", "3.png"]
    assert cut_faces(store, SETTINGS.model_copy(update={"max_images": 1})).people.tolist() == ["b"]


def test_faces_without_true_points_have_none(store):
    assert cut_faces(ImageStore(store.images, store.samples, None, {}), SETTINGS).points is None


def test_a_data_set_without_test_images_is_refused(build_store):
    trained = build_store([np.zeros((8, 8, 3), np.uint8)], [(0, 0, 8, 8)])
    with pytest.raises(UserError, match="no test image"):
        cut_faces(trained, SETTINGS)


def photographs(tmp_path, **arrays):
    given = {
        "images": np.repeat(np.arange(6, dtype=np.uint8), 64).reshape(6, 8, 8),
        "photograph": np.array([7, 7, 7, 8, 8, 8]),
        "split": np.array(["train", "test"] * 3),
    }
    write_npz(tmp_path / "crops.npz", {name: array for name, array in (given | arrays).items() if array is not None})
    return tmp_path / "crops.npz"


def test_only_test_photographs_are_read(tmp_path):
    read = read_test_photographs(photographs(tmp_path), max_images=10)
    assert read.images.shape == (3, 8, 8)
    assert read.images[:, 0, 0].tolist() == [1, 3, 5]
    assert read.photograph.tolist() == [7, 8, 8]
    few = read_test_photographs(photographs(tmp_path), max_images=2)
    assert few.images[:, 0, 0].tolist() == [1, 3]
    assert few.photograph.tolist() == [7, 8]


@pytest.mark.parametrize(("most", "taken"), [(1, [0]), (2, [0, 3]), (4, [0, 1, 3, 4]), (6, [0, 1, 2, 3, 4, 5])])
def test_of_more_photographs_than_wanted_those_are_taken_that_lie_evenly_over_the_list(tmp_path, most, taken):
    path = photographs(tmp_path, split=np.array(["test"] * 6))
    assert read_test_photographs(path, max_images=most).images[:, 0, 0].tolist() == taken


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"split": None}, "'split' is missing"),
        ({"photograph": None}, "'photograph' is missing"),
        ({"images": np.zeros((6, 8, 8, 3), np.uint8)}, r"not uint8 squares \(N, S, S\)"),
        ({"images": np.zeros((6, 0, 0), np.uint8)}, "squares of 0 px"),
        ({"split": np.array(["train"] * 6)}, 'no image has the split "test"'),
    ],
)
def test_other_files_are_refused(tmp_path, arrays, told):
    path = photographs(tmp_path, **arrays)
    with pytest.raises(UserError, match=told) as error:
        read_test_photographs(path, max_images=10)
    assert error.value.where == str(path)

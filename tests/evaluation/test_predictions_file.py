"""The file of predictions that anybody can write."""

import numpy as np
import pytest

from landmark_discovery.errors import UserError
from landmark_discovery.evaluation.predictions import Predictions, read_predictions, write_predictions

ARRAYS = {
    "image": np.array(["a.jpg", "b.jpg"]),
    "split": np.array(["train", "test"]),
    "landmarks": np.array([[[1.0, 2.0], [np.nan, np.nan]], [[3.0, 4.0], [5.0, 6.0]]]),
    "score": np.array([[0.5, np.nan], [0.25, 1.0]]),
}


def test_what_is_written_is_read(tmp_path):
    write_predictions(tmp_path / "predictions.npz", Predictions(**ARRAYS))
    read = read_predictions(tmp_path / "predictions.npz")
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(getattr(read, name), array)


@pytest.mark.parametrize("stage", [None, 1, 2])
def test_the_stage_is_written_where_it_is_known(tmp_path, stage):
    write_predictions(tmp_path / "predictions.npz", Predictions(**ARRAYS, stage=stage))
    assert read_predictions(tmp_path / "predictions.npz").stage == stage
    with np.load(tmp_path / "predictions.npz") as archive:
        assert ("stage" in archive) == (stage is not None)


def test_equal_predictions_are_equal_bytes(tmp_path):
    for name in ("first.npz", "second.npz"):
        write_predictions(tmp_path / name, Predictions(**ARRAYS))
    assert (tmp_path / "first.npz").read_bytes() == (tmp_path / "second.npz").read_bytes()


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"landmarks": np.zeros((2, 4))}, r"landmarks have the shape \(2, 4\), not \(2, K, 2\)"),
        ({"landmarks": np.zeros((3, 2, 2))}, r"not \(2, K, 2\)"),
        ({"score": np.zeros((2, 3))}, r"score \(2, 3\) don't fit 2 images"),
        ({"stage": np.array(3)}, "stage is 3"),
        ({"stage": np.array([1, 2])}, "stage is"),
        ({"landmarks": np.full((2, 2, 2), "left")}, "array 'landmarks' holds <U4, not float64"),
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(tmp_path, change, fault):
    path = tmp_path / "predictions.npz"
    np.savez(path, **(ARRAYS | change))
    with pytest.raises(UserError, match=rf"predictions\.npz: .*{fault}"):
        read_predictions(path)


def test_a_missing_array_is_named(tmp_path):
    path = tmp_path / "predictions.npz"
    np.savez(path, image=ARRAYS["image"])
    with pytest.raises(UserError, match="array 'split' is missing"):
        read_predictions(path)

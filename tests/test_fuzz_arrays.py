"""The .npz files that the pipeline reads, which anybody may have written."""

import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutations import (
    damaged_arrays,
    damaged_bytes,
    fuzz,
    npz_bomb,
    npz_with_trap,
    only_user_errors,
    run_in_memory,
    trap_pickle,
)

from landmark_discovery.bootstrap.keypoints import read_keypoints
from landmark_discovery.clustering.pseudo_groundtruth import read_pseudo_groundtruth
from landmark_discovery.errors import UserError
from landmark_discovery.evaluation.predictions import read_predictions

NAMES = np.array(["a.png", "b.png"])
POINTS, SCORES = np.arange(12.0).reshape(2, 3, 2), np.arange(6.0).reshape(2, 3)
READERS = {
    read_predictions: {"image": NAMES, "split": np.array(["train", "test"]), "landmarks": POINTS, "score": SCORES},
    read_keypoints: {
        "image": NAMES,
        "points": POINTS,
        "score": SCORES,
        "inlier": SCORES > 2,
        "detector": np.array("sift"),
    },
    read_pseudo_groundtruth: {
        "image": NAMES,
        "landmarks": POINTS,
        "score": SCORES,
        "flip_map": np.array([1, 0, -1]),
        "centroids": np.ones((3, 4), dtype=np.float32),
        "threshold": np.array(0.1),
    },
}


@pytest.fixture(params=READERS.items(), ids=lambda item: item[0].__name__)
def reader(request):
    return request.param


@given(data=st.data())
@fuzz(150)
def test_a_damaged_file_is_read_or_refused(tmp_path, reader, data):
    read, arrays = reader
    path = tmp_path / "whole.npz"
    np.savez(path, **arrays)
    whole = path.read_bytes()
    (tmp_path / "damaged.npz").write_bytes(data.draw(damaged_bytes(whole)))

    with only_user_errors():
        read(tmp_path / "damaged.npz")


@given(data=st.data())
@fuzz(150)
def test_arrays_of_any_shape_and_type_are_read_or_refused(tmp_path, reader, data):
    read, arrays = reader
    path = tmp_path / "other.npz"
    np.savez(path, **data.draw(damaged_arrays(arrays)))

    with only_user_errors():
        read(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_objects_are_never_unpickled(tmp_path, reader):
    read, arrays = reader
    path = tmp_path / "objects.npz"
    for name in (*arrays, "another"):
        npz_with_trap(path, arrays, name, tmp_path / "sprung")
        with pytest.raises(UserError, match=r"not a readable \.npz file"):
            read(path)
    path.write_bytes(trap_pickle(tmp_path / "sprung"))
    with pytest.raises(UserError, match=r"not a readable \.npz file"):
        read(path)
    assert not (tmp_path / "sprung").exists()


def test_a_member_that_is_no_array_is_refused(tmp_path, reader):
    read, arrays = reader
    for name in arrays:
        np.savez(tmp_path / "text.npz", **{other: array for other, array in arrays.items() if other != name})
        with zipfile.ZipFile(tmp_path / "text.npz", "a") as archive:
            archive.writestr(f"{name}.npy", "only text")
        with pytest.raises(UserError, match="other files than arrays"):
            read(tmp_path / "text.npz")


def test_a_few_bytes_that_unpack_to_gigabytes_are_refused_before_they_are(tmp_path):
    npz_bomb(tmp_path / "bomb.npz", READERS[read_predictions], "score", 2**27)
    code = f"from landmark_discovery.files import read_npz; read_npz({str(tmp_path / 'bomb.npz')!r}, ())"
    ended = run_in_memory(code, 2**29)
    assert "UserError" in ended.stderr
    assert "bytes would unpack to 1,073,7" in ended.stderr

import numpy as np
import pytest
import scipy.io
from fake_archives import matlab_bytes

from landmark_discovery.data.readers.matlab import read_matlab_points
from landmark_discovery.errors import UserError

POINTS = np.array([[1.5, 2], [3, 4], [5, 6.25]])


@pytest.fixture
def save(tmp_path):
    def write(**variables):
        path = tmp_path / "points.mat"
        scipy.io.savemat(path, variables)
        return path

    return write


def test_the_points_of_300w_lp_are_read(tmp_path):
    path = tmp_path / "AFW_1_pts.mat"
    path.write_bytes(matlab_bytes(POINTS))

    assert read_matlab_points(path).tolist() == POINTS.tolist()
    assert read_matlab_points(path, "pts_2d").tolist() == (POINTS + 1).tolist()


def test_depth_is_left_out(save):
    path = save(pts_3d=np.array([[1, 2, 30], [3, 4, 50]], dtype=np.int16))
    points = read_matlab_points(path)

    assert points.tolist() == [[1, 2], [3, 4]]
    assert points.dtype == np.float64


def test_a_compressed_file_of_many_variables_is_read(tmp_path):
    path = tmp_path / "points.mat"
    scipy.io.savemat(path, {"a": "text", "pts_3d": POINTS.astype(np.float32), "z": {"b": 1}}, do_compression=True)

    assert read_matlab_points(path).tolist() == POINTS.tolist()


def test_a_missing_matrix_is_told_with_those_that_are_there(save):
    with pytest.raises(UserError, match=r"points\.mat: no 'pts_3d' in it; there: other, pts_2d"):
        read_matlab_points(save(pts_2d=POINTS, other=1))


@pytest.mark.parametrize(
    "matrix",
    [np.zeros((3, 4)), np.zeros((2, 2, 2)), np.zeros((0, 2)), "text", {"a": 1}, np.array([[1j, 2]]), [[1, 2], "x"]],
)
def test_what_is_no_points_is_refused(save, matrix):
    with pytest.raises(UserError, match=r"pts_3d of shape .* isn't points; needed: numbers in 2 or 3 columns"):
        read_matlab_points(save(pts_3d=matrix))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_coordinates_must_be_finite(save, value):
    with pytest.raises(UserError, match="isn't finite"):
        read_matlab_points(save(pts_3d=[[1, 2], [3, value]]))


@pytest.mark.parametrize("data", [b"", b"text", b"<!DOCTYPE html>" * 40, bytes(200), b"\x89HDF\r\n\x1a\n" + bytes(600)])
def test_a_file_of_another_kind_is_refused(tmp_path, data):
    path = tmp_path / "points.mat"
    path.write_bytes(data)

    with pytest.raises(UserError, match=r"points\.mat: (not a readable MATLAB file|no 'pts_3d')"):
        read_matlab_points(path)


def test_a_file_that_breaks_off_is_refused(tmp_path):
    path = tmp_path / "points.mat"
    data = matlab_bytes(POINTS)
    for length in range(0, len(data) - 8, 7):
        path.write_bytes(data[:length])
        with pytest.raises(UserError):
            read_matlab_points(path)


def test_a_small_file_that_says_more_numbers_than_a_face_has_is_refused_before_they_are_unpacked(tmp_path):
    path = tmp_path / "bomb.mat"
    scipy.io.savemat(path, {"pts_3d": np.zeros((400_000, 3), np.uint8)}, do_compression=True)
    assert path.stat().st_size < 5000
    with pytest.raises(UserError, match=r"pts_3d of shape \(400000, 3\) has more than 1,000,000 numbers"):
        read_matlab_points(path)


def test_a_file_that_is_not_there(tmp_path):
    scipy.io.savemat(tmp_path / "points.mat", {"pts_3d": POINTS})
    with pytest.raises(UserError, match="no such file"):
        read_matlab_points(tmp_path / "points")

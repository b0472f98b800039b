import numpy as np
import pytest

from landmark_discovery.bootstrap_training.shapes.dataset import Shapes, draw_shapes, read_shapes, write_shapes
from landmark_discovery.bootstrap_training.shapes.drawing import SHAPE_KINDS, draw_shape
from landmark_discovery.errors import UserError

SIZE = 48


@pytest.fixture(scope="module")
def shapes():
    return draw_shapes(12, SIZE, seed=3)


def present(points):
    return points[~np.isnan(points[:, 0])]


def test_kinds_come_in_turn(shapes):
    assert shapes.kind.tolist() == [*SHAPE_KINDS, *SHAPE_KINDS[:2]]
    assert shapes.images.shape == (12, SIZE, SIZE)


def test_an_image_is_drawn_from_the_seed_and_its_number(shapes):
    image, points = draw_shape("cube", SIZE, np.random.default_rng(np.random.SeedSequence((3, 6))))
    np.testing.assert_array_equal(shapes.images[6], image)
    np.testing.assert_array_equal(present(shapes.points[6]), points)


def test_an_image_is_the_same_however_many_are_drawn(shapes):
    fewer = draw_shapes(4, SIZE, seed=3)
    np.testing.assert_array_equal(fewer.images, shapes.images[:4])
    for points, others in zip(fewer.points, shapes.points[:4], strict=True):
        np.testing.assert_array_equal(present(points), present(others))
    assert not np.array_equal(draw_shapes(4, SIZE, seed=4).images, fewer.images)


def test_points_are_padded_with_nan_at_the_end(shapes):
    counts = (~np.isnan(shapes.points)).all(axis=2).sum(axis=1)
    assert shapes.points.shape[1] == counts.max()
    assert counts[SHAPE_KINDS.index("noise")] == 0
    for points, count in zip(shapes.points, counts, strict=True):
        assert np.isnan(points[count:]).all()


def test_no_image_at_all_is_a_data_set_too():
    none = draw_shapes(0, SIZE, seed=0)
    assert none.images.shape == (0, SIZE, SIZE)
    assert none.points.shape == (0, 1, 2)


def test_a_file_gives_back_what_was_written(shapes, tmp_path):
    write_shapes(tmp_path / "shapes.npz", shapes)
    read = read_shapes(tmp_path / "shapes.npz")
    np.testing.assert_array_equal(read.images, shapes.images)
    np.testing.assert_allclose(read.points, shapes.points, rtol=1e-6)
    assert read.points.dtype == np.float64
    assert read.kind.tolist() == shapes.kind.tolist()


def test_equal_shapes_give_equal_files(shapes, tmp_path):
    write_shapes(tmp_path / "one.npz", shapes)
    write_shapes(tmp_path / "two.npz", draw_shapes(12, SIZE, seed=3))
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"shapes.npz: no such file"):
        read_shapes(tmp_path / "shapes.npz")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": np.zeros((2, 4), np.uint8)}, r"images have the shape \(2, 4\), not \(N, H, W\)"),
        ({"points": np.zeros((3, 1, 2))}, r"points have the shape \(3, 1, 2\), not \(2, P, 2\)"),
        ({"kind": np.array(["cube"])}, r"kind has the shape \(1,\), not \(2,\)"),
    ],
)
def test_arrays_that_do_not_fit_are_refused_with_the_file(tmp_path, change, message):
    arrays = {"images": np.zeros((2, 4, 4), np.uint8), "points": np.zeros((2, 1, 2)), "kind": np.array(["cube"] * 2)}
    with pytest.raises(UserError, match=message):
        Shapes(**(arrays | change))
    np.savez(tmp_path / "shapes.npz", **(arrays | change))
    with pytest.raises(UserError, match=rf"shapes.npz: {message}"):
        read_shapes(tmp_path / "shapes.npz")

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landmark_discovery.bootstrap_training.shapes.boards import draw_checkerboard, draw_stripes
from landmark_discovery.bootstrap_training.shapes.cubes import draw_cube
from landmark_discovery.bootstrap_training.shapes.drawing import LEAST_SIZE_PX, SHAPE_KINDS, draw_shape
from landmark_discovery.bootstrap_training.shapes.geometry2d import least_distance
from landmark_discovery.bootstrap_training.shapes.lines import draw_lines, draw_star
from landmark_discovery.bootstrap_training.shapes.polygons import draw_polygon, draw_polygons
from landmark_discovery.bootstrap_training.shapes.scene import OVERSAMPLING, paint
from landmark_discovery.errors import UserError

SIZE = 96
WINDOW = 4


def test_there_are_the_ten_kinds():
    assert SHAPE_KINDS == (
        "lines",
        "polygon",
        "polygons",
        "star",
        "checkerboard",
        "stripes",
        "cube",
        "ellipses",
        "spots",
        "noise",
    )


@given(st.sampled_from(SHAPE_KINDS), st.integers(0, 2**32), st.sampled_from([LEAST_SIZE_PX, 64, 97]))
def test_keypoints_lie_in_the_image_and_apart(kind, seed, size):
    image, points = draw_shape(kind, size, np.random.default_rng(seed))
    assert image.shape == (size, size)
    assert image.dtype == np.uint8
    assert points.shape == (len(points), 2)
    assert points.dtype == np.float64
    assert np.all((points >= 0) & (points <= size - 1))
    assert least_distance(points) >= 2


@pytest.mark.parametrize("kind", SHAPE_KINDS)
def test_ellipses_and_noise_have_no_keypoint_and_the_others_mostly_some(kind):
    counts = [len(draw_shape(kind, SIZE, np.random.default_rng(seed))[1]) for seed in range(12)]
    if kind in ("ellipses", "noise"):
        assert max(counts) == 0
    else:
        assert np.median(counts) >= 3


@pytest.mark.parametrize("kind", SHAPE_KINDS)
def test_equal_generators_draw_equal_images(kind):
    (image, points), (again, same_points) = (draw_shape(kind, SIZE, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(image, again)
    np.testing.assert_array_equal(points, same_points)
    assert not np.array_equal(image, draw_shape(kind, SIZE, np.random.default_rng(8))[0])


def cornerness(draw, seed):
    """Draw without blur on an even ground; measure how much each place looks like a corner, by OpenCV."""
    background = np.full((SIZE * OVERSAMPLING, SIZE * OVERSAMPLING), 128, np.float32)
    scene = draw(np.random.default_rng(seed), SIZE, background)
    response = cv2.cornerMinEigenVal(paint(background, scene.areas) / 255, 3, 3)
    margin = 2 * WINDOW
    inner = np.all((scene.points >= margin) & (scene.points < SIZE - margin), axis=1)
    return response, scene.points[inner]


@pytest.mark.parametrize(
    "draw", [draw_lines, draw_star, draw_polygon, draw_polygons, draw_checkerboard, draw_stripes, draw_cube]
)
def test_a_corner_is_drawn_where_it_is_labelled(draw):
    distances = []
    for seed in range(25):
        response, points = cornerness(draw, seed)
        for point in points:
            x, y = np.rint(point).astype(int)
            around = response[y - WINDOW : y + WINDOW + 1, x - WINDOW : x + WINDOW + 1]
            row, column = np.unravel_index(around.argmax(), around.shape)
            distances.append(np.linalg.norm([column - WINDOW + x, row - WINDOW + y] - point))
    assert len(distances) > 40
    # Anywhere in the window would be 3.3 in the median. A stronger corner may stand beside one, at its rim.
    assert np.median(distances) < 1.5
    assert np.quantile(distances, 0.85) < 3


def test_the_corners_of_single_polygons_are_exact_without_exception():
    for seed in range(40):
        response, points = cornerness(draw_polygon, seed)
        for point in points:
            x, y = np.rint(point).astype(int)
            around = response[y - WINDOW : y + WINDOW + 1, x - WINDOW : x + WINDOW + 1]
            near = response[y - 2 : y + 3, x - 2 : x + 3]
            assert near.max() >= 0.7 * around.max() > 0


def test_an_unknown_kind_is_refused_with_all_kinds():
    with pytest.raises(UserError, match="unknown kind of shape 'polygone'; did you mean 'polygon'") as error:
        draw_shape("polygone", SIZE, np.random.default_rng(0))
    assert all(kind in str(error.value) for kind in SHAPE_KINDS)


def test_an_image_without_room_is_refused():
    with pytest.raises(UserError, match="an image of 31 px is too small for shapes; at least 32 px"):
        draw_shape("cube", 31, np.random.default_rng(0))

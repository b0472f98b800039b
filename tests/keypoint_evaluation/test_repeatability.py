import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landmark_discovery.keypoint_evaluation.homographies import draw_homography, inverse, map_points
from landmark_discovery.keypoint_evaluation.repeatability import lie_in_both, repeatability

SIZE = (100, 80)
SHIFT = np.array([[1.0, 0, 10], [0, 1, 0], [0, 0, 1]])


def points(*places):
    return np.array(places, dtype=float).reshape(-1, 2)


def by_loops(first, second, homography, tolerance, border=0):
    """Restate the definition plainly."""

    def mapped(point, matrix):
        x, y, w = matrix @ np.array([*point, 1.0])
        return np.array([x / w, y / w])

    def inside(point):
        return border <= point[0] <= SIZE[0] - 1 - border and border <= point[1] <= SIZE[1] - 1 - border

    back = np.linalg.inv(homography)
    ours = [point for point in first if inside(point) and inside(mapped(point, homography))]
    theirs = [point for point in second if inside(point) and inside(mapped(point, back))]
    found = sum(any(np.linalg.norm(mapped(p, homography) - q) <= tolerance for q in theirs) for p in ours)
    found += sum(any(np.linalg.norm(mapped(q, back) - p) <= tolerance for p in ours) for q in theirs)
    return found / (len(ours) + len(theirs))


def test_keypoints_that_stay_are_all_found_again():
    same = points([1, 2], [50, 60], [99, 79])
    assert repeatability(same, same, np.eye(3), SIZE, 3) == 1


def test_by_hand_under_a_shift():
    # (10, 10) is found at (20, 10), (30, 10) 3 px from where it should be, (50, 10) 4 px.
    first = points([10, 10], [30, 10], [50, 10])
    second = points([20, 10], [43, 10], [64, 10], [80, 70])
    assert repeatability(first, second, SHIFT, SIZE, 3) == pytest.approx((2 + 2) / (3 + 4))


def test_keypoints_that_the_other_image_cannot_show_do_not_count():
    # (95, 10) leaves the second image to the right; (5, 10) of the second comes from outside the first.
    first, second = points([10, 10], [95, 10]), points([20, 10], [5, 10])
    assert repeatability(first, second, SHIFT, SIZE, 3) == 1
    assert lie_in_both(first, SHIFT, SIZE).tolist() == [True, False]


def test_keypoints_near_to_the_border_of_the_other_image_do_not_count():
    # 4 px are kept: (86, 10) is mapped to (96, 10) of 99, and (85, 10) to (95, 10); (13, 10) comes from (3, 10).
    first = points([85, 10], [86, 10], [4, 10], [3, 10])
    assert lie_in_both(first, SHIFT, SIZE, border_px=4).tolist() == [True, False, True, False]
    assert lie_in_both(points([13, 10], [14, 10]), inverse(SHIFT), SIZE, border_px=4).tolist() == [False, True]
    second = points([95, 10], [13, 10], [14, 10])
    assert repeatability(first, second, SHIFT, SIZE, 0.5, border_px=4) == 1
    assert repeatability(first, second, SHIFT, SIZE, 0.5) == pytest.approx((3 + 3) / (4 + 3))


def test_one_keypoint_may_answer_for_several():
    assert repeatability(points([10, 10]), points([9, 10], [11, 10]), np.eye(3), SIZE, 3) == 1
    assert repeatability(points([10, 10], [20, 10]), points([9, 10], [11, 10]), np.eye(3), SIZE, 3) == 3 / 4


def test_each_direction_is_measured_in_the_image_it_ends_in():
    # Twice as large: 4 px off in the second image, 2 px off in the first.
    double = np.diag([2.0, 2, 1])
    assert repeatability(points([10, 10]), points([24, 20]), double, SIZE, 3) == 1 / 2


def test_keypoints_in_one_image_alone_are_not_repeated_and_none_at_all_is_undefined():
    nowhere = points()
    assert repeatability(points([10, 10]), nowhere, np.eye(3), SIZE, 3) == 0
    assert np.isnan(repeatability(nowhere, nowhere, np.eye(3), SIZE, 3))
    assert np.isnan(repeatability(points([95, 10]), points([5, 10]), SHIFT, SIZE, 3))


def random_case(seed):
    generator = np.random.default_rng(seed)
    homography = draw_homography(SIZE, generator)
    first = generator.uniform(0, np.array(SIZE) - 1, (generator.integers(5, 30), 2))
    second = np.concatenate([map_points(first[::2], homography), generator.uniform(0, 79, (6, 2))])
    inside = np.all((second >= 0) & (second <= np.array(SIZE) - 1), axis=1)
    return first, second[inside] + generator.normal(0, 1.5, (inside.sum(), 2)), homography


@given(seed=st.integers(0, 10_000), border=st.sampled_from((0, 4)))
def test_it_is_symmetric_and_like_the_plain_definition(seed, border):
    first, second, homography = random_case(seed)
    # One that is found again wherever the border is.
    first, second = np.vstack([first, [50, 40]]), np.vstack([second, map_points([[50, 40]], homography)])
    forwards = repeatability(first, second, homography, SIZE, 3, border)
    assert forwards == pytest.approx(repeatability(second, first, inverse(homography), SIZE, 3, border))
    assert forwards == pytest.approx(by_loops(first, second, homography, 3, border))
    assert 0 <= forwards <= 1


@given(seed=st.integers(0, 10_000))
def test_the_order_of_keypoints_changes_nothing(seed):
    first, second, homography = random_case(seed)
    generator = np.random.default_rng(seed)
    shuffled = repeatability(generator.permutation(first), generator.permutation(second), homography, SIZE, 3)
    assert shuffled == repeatability(first, second, homography, SIZE, 3)


@given(seed=st.integers(0, 10_000))
def test_a_larger_tolerance_finds_no_fewer(seed):
    first, second, homography = random_case(seed)
    found = [repeatability(first, second, homography, SIZE, tolerance) for tolerance in (1, 3, 5)]
    assert found == sorted(found)

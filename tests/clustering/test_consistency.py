import numpy as np
import pytest

from landmark_discovery.clustering.consistency import agreement, consistent_points, expect_each

NAN = np.nan


def moved_shapes(count=60, seed=0):
    """One shape of five points, shifted and scaled in each image: each point follows from the others."""
    generator = np.random.default_rng(seed)
    shape = np.array([[0, 0], [10, 0], [0, 10], [10, 10], [5, 5]], dtype=np.float32)
    scale = generator.uniform(0.8, 1.2, (count, 1, 1))
    return (shape * scale + generator.uniform(-3, 3, (count, 1, 2))).astype(np.float32)


def test_points_that_follow_the_others_all_stay():
    assert consistent_points(moved_shapes(), 1.0).all()


def test_a_landmark_that_jumps_to_the_other_side_now_and_then_is_dropped_there_and_nowhere_else():
    points = moved_shapes()
    jumps = np.zeros(points.shape[:2], dtype=bool)
    jumps[:20, 0] = True
    points[:20, 0, 0] += 10
    np.testing.assert_array_equal(consistent_points(points, 4.0), ~jumps)


def test_a_point_that_is_not_found_is_not_kept_and_spoils_no_other():
    points = moved_shapes()
    points[::7, 2] = NAN
    kept = consistent_points(points, 6.0)
    assert not kept[::7, 2].any()
    assert kept[:, [0, 1, 3, 4]].all()


def test_a_landmark_found_in_too_few_images_is_left_as_it_is():
    points = moved_shapes()
    points[19:, 4] = NAN
    points[0, 4] += 100
    assert consistent_points(points, 1.0)[:19, 4].all()


@pytest.mark.parametrize("limit", [0.5, 2.0])
def test_the_limit_is_the_largest_distance_that_stays(limit):
    points = moved_shapes(count=400)
    points[0, 3, 1] += 1.0
    assert consistent_points(points, limit)[0, 3] == (limit > 1.0)


def test_the_points_given_are_not_changed():
    points = moved_shapes()
    before = points.copy()
    consistent_points(points, 1.0)
    np.testing.assert_array_equal(points, before)


def test_landmarks_found_everywhere_and_standing_still_agree_fully_and_one_found_in_half_the_images_by_half():
    still = moved_shapes()
    still[::2, 1] = NAN
    score = agreement(still, 4.0)
    assert score[[0, 2, 3, 4]] == pytest.approx(np.ones(4), abs=0.2)
    assert score[1] == pytest.approx(0.5, abs=0.1)


def test_a_landmark_that_jumps_in_every_third_image_agrees_in_the_others_alone():
    jumping = moved_shapes()
    jumping[::3, 0, 0] += 10
    score = agreement(jumping, 4.0)
    assert score[0] == pytest.approx(2 / 3, abs=0.1)
    assert score[0] < score[1:].min()


def test_the_deviation_is_that_in_each_axis():
    corners = np.array([[-3, -3], [-3, 3], [3, -3], [3, 3]], dtype=np.float32)
    assert expect_each(np.tile(corners, (10, 1))[:, None], 100.0).deviation == pytest.approx([3.0])

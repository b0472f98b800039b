import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landmark_discovery.keypoint_evaluation.parts import (
    part_areas,
    part_hit_shares,
    parts_hit,
    random_same_part_shares,
    same_part_shares,
)

NAN = np.nan
NONE = np.zeros(0, np.int64)


def hits(*rows):
    return [np.array(row, dtype=np.int64) for row in rows]


def all_known(images, parts):
    return np.ones((images, parts), dtype=bool)


def test_a_keypoint_hits_the_nearest_part_within_the_limit():
    truth = np.array([[10.0, 10], [20, 10]])
    points = np.array([[12.0, 10], [16, 10], [15, 10], [10, 16], [25, 10]])
    assert parts_hit(points, truth, 5).tolist() == [0, 1, 0, -1, 1]


def test_unknown_points_are_hit_by_none():
    truth = np.array([[NAN, NAN], [20.0, 10]])
    assert parts_hit(np.array([[20.0, 11], [0, 0]]), truth, 5).tolist() == [1, -1]
    assert parts_hit(np.array([[20.0, 11]]), np.full((2, 2), NAN), 5).tolist() == [-1]


def test_no_keypoints_hit_nothing():
    assert parts_hit(np.zeros((0, 2)), np.array([[1.0, 1]]), 5).shape == (0,)


def test_the_share_that_hits_a_part():
    shares = part_hit_shares(hits([0, -1, 3, 3], [-1], []))
    np.testing.assert_allclose(shares, [3 / 4, 0, NAN])


def test_the_same_part_by_hand():
    # Part 0 is hit in a and b, part 1 in a and c, part 2 in c alone.
    found = hits([0, 1, -1, 0], [0], [1, 2])
    people = np.array(["a", "b", "c"])
    shares = same_part_shares(found, all_known(3, 3), people)
    # a: part 0 in one of b, c; part 1 likewise; nothing; part 0 again. b: part 0 in a. c: part 1 in a, part 2 nowhere.
    np.testing.assert_allclose(shares, [(0.5 + 0.5 + 0 + 0.5) / 4, 0.5, (0.5 + 0) / 2])


def test_images_of_the_same_person_are_not_compared():
    found = hits([0], [0], [-1], NONE)
    people = np.array(["a", "a", "b", "c"])
    # Neither b nor c has part 0.
    np.testing.assert_allclose(same_part_shares(found, all_known(4, 1), people), [0, 0, 0, NAN])
    people = np.array(["a", "b", "c", "d"])
    np.testing.assert_allclose(same_part_shares(found, all_known(4, 1), people), [1 / 3, 1 / 3, 0, NAN])


def test_only_images_that_have_the_part_are_asked():
    known = np.array([[True], [True], [False]])
    shares = same_part_shares(hits([0], [0], [-1]), known, np.array(["a", "b", "c"]))
    np.testing.assert_allclose(shares, [1, 1, 0])
    alone = same_part_shares(hits([0]), all_known(1, 1), np.array(["a"]))
    np.testing.assert_allclose(alone, [0])


def test_keypoints_on_one_part_of_everybody_are_all_on_the_same():
    shares = same_part_shares(hits([2], [2, 2], [2]), all_known(3, 5), np.array(["a", "b", "c"]))
    np.testing.assert_allclose(shares, [1, 1, 1])


def test_areas_by_hand():
    # 1 px around (5, 5): five pixels; around (0, 5), whose neighbour to the left is outside: four; of 100.
    areas = part_areas(np.array([[5.0, 5], [0, 5], [NAN, NAN]]), (10, 10), 0, 1)
    np.testing.assert_allclose(areas, [0.05, 0.04, 0])
    # 2 px from the border remain 6 x 6 pixels, without the second part.
    np.testing.assert_allclose(part_areas(np.array([[5.0, 5], [0, 5]]), (10, 10), 2, 1), [5 / 36, 0])


def test_random_keypoints_by_hand():
    areas = np.array([[0.1, 0.2], [0.5, 0.0]])
    shares = random_same_part_shares(areas, np.array([1, 2]), all_known(2, 2), np.array(["a", "b"]))
    # Two of b hit part 0 with 1 - 0.25, part 1 never; one of a hits part 0 with 0.1.
    np.testing.assert_allclose(shares, [0.1 * 0.75, 0.5 * 0.1])
    none = random_same_part_shares(areas, np.array([0, 2]), all_known(2, 2), np.array(["a", "b"]))
    np.testing.assert_allclose(none, [NAN, 0])


def by_loops(found, known, people):
    """Restate the definition of the same part plainly."""
    shares = []
    for image, keypoints in enumerate(found):
        counted = []
        for part in keypoints:
            others = [
                other
                for other in range(len(found))
                if part >= 0 and people[other] != people[image] and known[other, part]
            ]
            counted.append(sum(part in found[other] for other in others) / len(others) if others else 0)
        shares.append(np.mean(counted))
    return shares


@given(seed=st.integers(0, 10_000))
def test_the_order_of_keypoints_and_of_people_changes_nothing(seed):
    generator = np.random.default_rng(seed)
    found = [generator.integers(-1, 4, generator.integers(1, 8)) for _ in range(6)]
    people = np.array(["a", "a", "b", "c", "c", "d"])
    known = generator.random((6, 4)) < 0.8
    # What isn't known can't be hit.
    found = [np.where((image >= 0) & known[number, image], image, -1) for number, image in enumerate(found)]
    expected = same_part_shares(found, known, people)
    np.testing.assert_allclose(expected, by_loops(found, known, people))
    order = generator.permutation(6)
    shuffled = [generator.permutation(found[index]) for index in order]
    np.testing.assert_allclose(same_part_shares(shuffled, known[order], people[order]), expected[order])
    assert np.all((expected >= 0) & (expected <= part_hit_shares(found) + 1e-12))


def test_what_is_expected_of_random_keypoints_is_what_they_reach():
    generator = np.random.default_rng(0)
    images, parts, size, limit = 60, 4, (64, 64), 8.0
    truth = generator.uniform(10, 54, (images, parts, 2))
    people = np.array([f"{index}" for index in range(images)])
    counts = generator.integers(5, 25, images)
    # Rounded, since areas count whole pixels.
    found = [
        parts_hit(generator.integers(4, 60, (count, 2)).astype(float), points, limit)
        for count, points in zip(counts, truth, strict=True)
    ]
    areas = np.array([part_areas(points, size, 4, limit) for points in truth])
    known = all_known(images, parts)
    assert part_hit_shares(found).mean() == pytest.approx(areas.sum(axis=1).mean(), abs=0.03)
    expected = random_same_part_shares(areas, counts, known, people).mean()
    assert same_part_shares(found, known, people).mean() == pytest.approx(expected, abs=0.03)

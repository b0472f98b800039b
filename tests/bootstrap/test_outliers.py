import numpy as np
import pytest

from landmark_discovery.bootstrap.outliers import below_quantile, find_inliers, list_count, outlier_scores
from landmark_discovery.config.data import OutlierSettings


def random_descriptors(count, dimension=4, seed=0):
    vectors = np.random.default_rng(seed).normal(size=(count, dimension))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def plain_scores(descriptors, indexed, neighbours):
    scores = []
    for query in descriptors.astype(np.float64):
        distances = sorted(float(np.sum((query - other) ** 2)) for other in descriptors[:indexed])
        nearest = distances[:neighbours]
        middle = len(nearest) // 2
        odd = len(nearest) % 2 == 1
        scores.append(nearest[middle] if odd else (nearest[middle - 1] + nearest[middle]) / 2)
    return np.array(scores)


def test_the_score_is_the_median_squared_distance_to_the_nearest():
    descriptors = np.array([[0.0], [1.0], [3.0], [10.0]], dtype=np.float32)
    scores = outlier_scores(descriptors, OutlierSettings(neighbours=3))
    # 0: 0 1 9; 1: 0 1 4; 3: 0 4 9; 10: 0 49 81
    assert scores == pytest.approx([1, 1, 4, 49])


@pytest.mark.parametrize(("indexed", "neighbours"), [(60, 7), (60, 10), (25, 7), (5, 3)])
def test_with_one_list_it_agrees_with_brute_force(indexed, neighbours):
    descriptors = random_descriptors(60)
    settings = OutlierSettings(lists=1, neighbours=neighbours, indexed_descriptors=indexed)
    expected = plain_scores(descriptors, indexed, neighbours)
    np.testing.assert_allclose(outlier_scores(descriptors, settings), expected, rtol=1e-5, atol=1e-6)


def test_neighbours_that_a_list_lacks_are_infinitely_far():
    crowd = np.linspace(0, 1, 79, dtype=np.float32)[:, None]
    hermit = np.array([[1000.0]], dtype=np.float32)
    settings = OutlierSettings(lists=2, neighbours=3)
    assert list_count(80, settings) == 2
    # The hermit is alone in its list: 0, inf, inf.
    scores = outlier_scores(np.concatenate([crowd, hermit]), settings)
    assert np.isinf(scores).tolist() == [False] * 79 + [True]


def test_fewer_descriptors_than_neighbours_are_all_neighbours():
    descriptors = np.array([[0.0], [2.0], [5.0]], dtype=np.float32)
    # 0: 0 4 25; 2: 0 4 9; 5: 0 9 25
    assert outlier_scores(descriptors, OutlierSettings(neighbours=100)) == pytest.approx([4, 4, 9])


def test_it_repeats_itself_over_many_lists():
    descriptors = random_descriptors(900, dimension=8)
    settings = OutlierSettings(neighbours=5)
    assert list_count(900, settings) == 23
    first = outlier_scores(descriptors, settings)
    np.testing.assert_array_equal(outlier_scores(descriptors, settings), first)


@pytest.mark.parametrize(
    ("searched", "expected"), [(500_000, 100), (40_000, 100), (39_999, 99), (4_000, 10), (799, 1), (3, 1)]
)
def test_a_list_gets_four_times_the_neighbours_on_average(searched, expected):
    assert list_count(searched, OutlierSettings()) == expected


def test_a_list_gets_no_fewer_than_39_descriptors():
    assert list_count(390, OutlierSettings(neighbours=2)) == 10


@pytest.mark.parametrize(
    ("scores", "fraction", "expected"),
    [
        # Sorted 1 2 3 4 5; position int(0.6 * 4) = 2 holds t = 3.
        ([5.0, 1.0, 3.0, 2.0, 4.0], 0.6, [False, True, False, True, False]),
        # Position int(0.99 * 4) = 3 holds t = 4.
        ([5.0, 1.0, 3.0, 2.0, 4.0], 0.99, [False, True, True, True, False]),
        ([5.0, 1.0, np.inf], 1.0, [True, True, True]),
        ([7.0, 7.0, 7.0], 0.6, [True, True, True]),
        ([2.0, 1.0, 2.0], 0.1, [False, True, False]),
        ([np.inf, 1.0, np.inf], 0.6, [False, True, False]),
        ([np.inf, np.inf], 0.6, [True, True]),
        ([3.0], 0.6, [True]),
        ([], 0.6, []),
    ],
)
def test_scores_below_the_quantile_are_kept(scores, fraction, expected):
    assert below_quantile(np.array(scores), fraction).tolist() == expected


def test_what_looks_like_nothing_else_is_an_outlier():
    common = np.tile(np.array([[1.0, 0.0]], dtype=np.float32), (6, 1)) + random_descriptors(6, dimension=2) * 0.01
    odd = np.array([[-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]], dtype=np.float32)
    inliers = find_inliers(np.concatenate([odd, common]), OutlierSettings(neighbours=4, keep_fraction=0.75))
    # Position int(0.75 * 8) = 6 holds the least of the odd ones' scores.
    assert inliers.tolist() == [False] * 3 + [True] * 6


def test_no_descriptors_have_no_inliers():
    assert find_inliers(np.zeros((0, 128), np.float32), OutlierSettings()).shape == (0,)

import numpy as np

from landmark_discovery.clustering.selection import closed_flip_map, select_landmarks


def shapes(vague=(), doubled=(), count=80, seed=0):
    """Six points in two columns, moved together; some stand anywhere, some close beside the point before them."""
    generator = np.random.default_rng(seed)
    shape = np.array([[0, 0], [10, 0], [0, 10], [10, 10], [0, 20], [10, 20]], dtype=np.float64)
    points = shape + generator.uniform(-3, 3, (count, 1, 2))
    for landmark in vague:
        points[:, landmark] += generator.uniform(-8, 8, (count, 2))
    for landmark in doubled:
        points[:, landmark] = points[:, landmark - 1] + generator.normal(scale=0.2, size=(count, 2))
    return points


ALONE = np.arange(6)
PAIRS = np.array([1, 0, 3, 2, 5, 4])


def test_the_cluster_that_stands_anywhere_goes_first():
    assert select_landmarks(shapes(vague=[3]), ALONE, 5, 4.0, 0.5).tolist() == [0, 1, 2, 4, 5]


def test_a_cluster_that_is_seldom_found_goes_before_one_that_is_always_found():
    points = shapes()
    points[5:, 4] = np.nan
    assert select_landmarks(points, ALONE, 5, 4.0, 0.5).tolist() == [0, 1, 2, 3, 5]


def test_a_mirrored_pair_goes_together():
    assert select_landmarks(shapes(vague=[3]), PAIRS, 4, 4.0, 0.5).tolist() == [0, 1, 4, 5]


def test_where_one_must_go_and_only_pairs_are_left_a_pair_is_parted():
    assert select_landmarks(shapes(vague=[3]), PAIRS, 5, 4.0, 0.5).tolist() == [0, 1, 2, 4, 5]


def test_of_two_clusters_at_one_place_one_goes_even_if_both_agree_with_the_rest():
    chosen = select_landmarks(shapes(vague=[5], doubled=[1]), ALONE, 5, 8.0, 1.0).tolist()
    assert len({0, 1} & set(chosen)) == 1
    assert 5 in chosen


def test_as_many_clusters_as_landmarks_all_stay():
    assert select_landmarks(shapes(), PAIRS, 6, 4.0, 0.5).tolist() == [0, 1, 2, 3, 4, 5]


def test_the_flip_map_is_numbered_anew_and_closed():
    # 0 and 4 are mirror images; 2 has lost its partner 3; 5 points to 0, which does not point back.
    mapping = np.array([4, 1, 3, 2, 0, 0])
    assert closed_flip_map(mapping, np.array([0, 1, 2, 4, 5])).tolist() == [3, 1, -1, 0, -1]

import numpy as np
import pytest

from landmark_discovery.clustering import pseudo_groundtruth
from landmark_discovery.clustering.detections import Detections, choose_threshold
from landmark_discovery.clustering.pseudo_groundtruth import (
    Landmarker,
    NamedDetections,
    PseudoGroundTruth,
    _Choice,
    _merit,
    drop_inconsistent,
    find_landmarks,
    name_detections,
    read_pseudo_groundtruth,
    training_clusters,
    write_pseudo_groundtruth,
)
from landmark_discovery.config.training import ClusteringSettings, DetectionSettings
from landmark_discovery.errors import UserError

CLUSTERING = ClusteringSettings(training_clusters=3, iterations=10, redos=2)
LEFT, RIGHT, NOSE = np.eye(3, dtype=np.float32)


def detections(rows, num_images):
    """Each row: image, x, score, descriptor, descriptor in the mirrored image."""
    return Detections(
        image=np.array([row[0] for row in rows], dtype=np.int64),
        point=np.array([(row[1], 5.0) for row in rows], dtype=np.float32).reshape(-1, 2),
        score=np.array([row[2] for row in rows], dtype=np.float32),
        descriptor=np.array([row[3] for row in rows], dtype=np.float32).reshape(-1, 3),
        flipped_descriptor=np.array([row[4] for row in rows], dtype=np.float32).reshape(-1, 3),
        num_images=num_images,
        grid_size=11,
    )


def three_faces():
    rows = []
    for image in range(3):
        rows += [(image, 2.0, 0.9, LEFT, RIGHT), (image, 8.0, 0.8, RIGHT, LEFT), (image, 5.0, 0.5, NOSE, NOSE)]
    return detections(rows, 3)


def test_three_kinds_of_points_become_three_landmarks_with_their_flip_map():
    landmarker, named, purity = find_landmarks(three_faces(), 3, DetectionSettings(), CLUSTERING)
    points, scores = named.table(3)
    left, right, nose = (int(np.flatnonzero(points[0, :, 0] == x)[0]) for x in (2.0, 8.0, 5.0))
    assert landmarker.flip_map[[left, right, nose]].tolist() == [right, left, nose]
    assert purity == 1.0
    assert (points == points[0]).all(), "every image has the same landmarks"
    assert scores[1, nose] == pytest.approx(0.5)


def test_naming_some_detections_at_a_time_makes_no_difference(monkeypatch):
    landmarker, whole, _ = find_landmarks(three_faces(), 3, DetectionSettings(), CLUSTERING)
    monkeypatch.setattr(pseudo_groundtruth, "ASSIGNED_AT_ONCE", 2)
    parts = name_detections(three_faces(), landmarker)
    np.testing.assert_array_equal(parts.cluster, whole.cluster)
    np.testing.assert_array_equal(parts.flipped_cluster, whole.flipped_cluster)
    np.testing.assert_array_equal(parts.detections.point, whole.detections.point)


def test_detections_at_or_below_the_threshold_are_no_landmarks():
    fixed = DetectionSettings(threshold=0.5)
    _, named, _ = find_landmarks(three_faces(), 2, fixed, CLUSTERING)
    assert len(named.detections) == 6


def test_the_threshold_can_be_chosen_to_leave_so_many_detections_an_image():
    scores = np.array([0.9, 0.1, 0.5, 0.7, 0.3, 0.2], dtype=np.float32)
    two_an_image = DetectionSettings(target_detections=2.0)
    threshold = choose_threshold(scores, 2, two_an_image)
    assert threshold == pytest.approx(0.2)
    assert (scores > threshold).sum() == 4
    assert choose_threshold(scores, 100, two_an_image) == 0.0
    assert choose_threshold(scores, 2, DetectionSettings(threshold=0.15)) == 0.15


def test_no_detection_over_the_threshold_is_an_error_that_says_so():
    counts = r"none of 3 images has a detection over 0\.950 \(9 candidates, the best 0\.900\)"
    with pytest.raises(UserError, match=counts):
        find_landmarks(three_faces(), 3, DetectionSettings(threshold=0.95), CLUSTERING)
    with pytest.raises(UserError, match=r"none of 2 images .* \(0 candidates, the best 0\.000\); train longer"):
        find_landmarks(detections([], 2), 3, DetectionSettings(threshold=0.95), CLUSTERING)


def test_more_landmarks_than_detections_is_an_error_with_the_counts():
    counts = "40 clusters are asked for, but only 18 detections .*: 9 in 3 of 3 images, and their mirrored twins"
    with pytest.raises(UserError, match=counts):
        find_landmarks(three_faces(), 40, DetectionSettings(), CLUSTERING)
    counts = "40 clusters are asked for, but only 12 detections .*: 6 in 3 of 3 images"
    with pytest.raises(UserError, match=counts):
        find_landmarks(three_faces(), 40, DetectionSettings(), ClusteringSettings(max_descriptors=6))


def test_no_image_with_two_detections_is_an_error_with_the_counts():
    rows = [(0, 5.0, 0.9, NOSE, NOSE), (2, 5.0, 0.9, NOSE, NOSE)]
    named = NamedDetections(detections(rows, 3), np.array([0, 0]), np.array([0, 0]))
    with pytest.raises(UserError, match=r"none of 3 images keeps 2 detections \(2 keep one\); train longer, lower"):
        training_clusters(named, CLUSTERING)


def test_images_that_keep_a_single_detection_do_not_train_the_next_round():
    rows = [
        (0, 2.0, 0.9, LEFT, RIGHT),
        (0, 8.0, 0.9, RIGHT, LEFT),
        (1, 5.0, 0.9, NOSE, NOSE),
        (2, 5.0, 0.9, NOSE, NOSE),
    ]
    _, named, _ = find_landmarks(detections(rows, 3), 3, DetectionSettings(), CLUSTERING)
    finer = training_clusters(named, ClusteringSettings(training_clusters=2, iterations=5, redos=1))
    assert set(finer.detections.image) == {0}


def test_detections_are_named_by_the_nearest_centroid_one_a_landmark_and_image():
    landmarker = Landmarker(np.stack([NOSE, LEFT]), np.arange(2), np.array([0, 1]), threshold=0.4)
    rows = [(0, 1.0, 0.9, LEFT, RIGHT), (0, 2.0, 0.9, 0.8 * LEFT, RIGHT), (1, 3.0, 0.3, NOSE, NOSE)]
    points, _ = name_detections(detections(rows, 2), landmarker).table(2)
    assert points[0, 1].tolist() == [1.0, 5.0]
    assert np.isnan(points[0, 0]).all()
    assert np.isnan(points[1]).all(), "a score under the threshold"


def test_a_written_pseudo_groundtruth_reads_back(tmp_path):
    truth = PseudoGroundTruth(
        image=np.array(["a.jpg", "ü.jpg"]),
        landmarks=np.array([[[1.0, 2.0]], [[np.nan, np.nan]]]),
        score=np.array([[0.5], [np.nan]]),
        flip_map=np.array([0]),
        centroids=np.ones((1, 4), np.float32),
        threshold=0.25,
    )
    write_pseudo_groundtruth(tmp_path / "truth.npz", truth)
    again = read_pseudo_groundtruth(tmp_path / "truth.npz")
    for name, value in vars(truth).items():
        np.testing.assert_array_equal(getattr(again, name), value)


def test_with_a_position_weight_equal_descriptors_at_two_places_become_two_landmarks():
    rows = [(image, x, 0.9, NOSE, NOSE) for image in range(6) for x in (1.0, 9.0)]
    placed = ClusteringSettings(iterations=10, redos=2, position_weight=1.0)
    landmarker, named, _ = find_landmarks(detections(rows, 6), 2, DetectionSettings(), placed)
    points, _ = named.table(2)
    assert sorted(points[0, :, 0].tolist()) == [1.0, 9.0]
    assert landmarker.flip_map.tolist() == [1, 0], "in an image 11 cells wide, 1 and 9 are mirror images"


def test_inconsistent_detections_are_dropped_only_where_a_limit_is_set():
    rows = []
    for image in range(30):
        shift = image % 5
        for offset, descriptor in ((0.0, LEFT), (2.0, NOSE), (4.0, RIGHT)):
            jump = 5.0 if image == 0 and offset == 2.0 else 0.0
            rows.append((image, offset + shift + jump, 0.9, descriptor, descriptor))
    landmarker = Landmarker(np.stack([LEFT, NOSE, RIGHT]), np.arange(3), np.arange(3), 0.1)
    named = name_detections(detections(rows, 30), landmarker)
    assert len(drop_inconsistent(named, 3, None).detections) == 90
    strict = drop_inconsistent(named, 3, 0.3)
    assert len(strict.detections) == 89
    assert np.isnan(strict.table(3)[0][0, 1]).all()


def test_detections_of_a_centroid_that_is_no_landmark_have_no_name():
    landmarker = Landmarker(np.stack([LEFT, NOSE, RIGHT]), np.array([0, 2]), np.array([1, 0]), 0.1)
    rows = [(0, 1.0, 0.9, LEFT, RIGHT), (0, 5.0, 0.9, NOSE, NOSE), (0, 9.0, 0.9, RIGHT, LEFT)]
    named = name_detections(detections(rows, 1), landmarker)
    assert named.cluster.tolist() == [0, 1]
    assert named.flipped_cluster.tolist() == [1, 0]
    assert named.detections.point[:, 0].tolist() == [1.0, 9.0]


def test_of_more_clusters_than_landmarks_the_vague_one_goes():
    rows = []
    generator = np.random.default_rng(0)
    for image in range(60):
        shift = generator.uniform(-1, 1)
        places = ((LEFT, 2.0), (RIGHT, 8.0), (NOSE, generator.uniform(0, 10)))
        rows += [(image, place + shift, 0.9, descriptor, descriptor) for descriptor, place in places]
    chosen = ClusteringSettings(iterations=10, redos=2, candidate_factor=1.5, restarts=2)
    landmarker, named, _ = find_landmarks(detections(rows, 60), 2, DetectionSettings(), chosen)
    assert landmarker.num_landmarks == 2
    assert landmarker.centroids.shape == (3, 3)
    spread = np.nanstd(named.table(2)[0][..., 0], axis=0)
    assert (spread < 1.0).all(), "the one that stands anywhere is gone"


def test_of_several_clusterings_the_one_that_agrees_best_with_itself_counts():
    """Split by their first number, both landmarks are in all images; by their second, each is in every other one."""
    rows = []
    for image in range(40):
        left, right = np.array([[-3, 2, 0], [3, 2, 0]], np.float32) * [1, 1 - image % 2 * 2, 1]
        rows += [(image, 2.0, 0.9, left, right), (image, 8.0, 0.9, right, left)]
    several = ClusteringSettings(iterations=10, redos=2, restarts=8)
    _, named, _ = find_landmarks(detections(rows, 40), 2, DetectionSettings(), several)
    assert len(named.detections) == 80


def test_a_clustering_in_which_a_landmark_has_no_mirror_image_comes_after_one_that_is_less_steady():
    steady = np.tile(np.array([[2, 5], [8, 5]], np.float32), (40, 1, 1))
    vague = steady + np.random.default_rng(0).normal(0, 0.3, steady.shape).astype(np.float32)

    def merit(points, flips):
        return _merit(_Choice(Landmarker(np.eye(2, 3, dtype=np.float32), np.arange(2), flips, 0.1), points, 1.0), 2.0)

    closed, open_ = np.array([1, 0]), np.array([-1, 1])
    assert merit(steady, closed) > merit(vague, closed) > merit(steady, open_) > merit(vague, open_)


def test_when_only_some_descriptors_are_clustered_they_are_not_those_of_the_first_images():
    rows = [(image, 5.0, 0.9, descriptor, descriptor) for image, descriptor in enumerate([LEFT] * 10 + [RIGHT] * 10)]
    half = ClusteringSettings(iterations=10, redos=2, max_descriptors=10)
    landmarker, _, _ = find_landmarks(detections(rows, 20), 1, DetectionSettings(), half)
    assert (landmarker.centroids[0, :2] > 0.1).all(), "the mean of some of both kinds"

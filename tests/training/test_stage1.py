import dataclasses
import itertools
import math

import numpy as np
import pytest
import torch

from landmark_discovery.errors import UserError
from landmark_discovery.training import stage1_step
from landmark_discovery.training.images import StoredImages
from landmark_discovery.training.keypoints import TrainingKeypoints, warmup_keypoints
from landmark_discovery.training.stage1 import initial_network, round_boundaries, train_stage1

CPU = torch.device("cpu")
TRAIN = np.array([0, 1, 2, 4, 5])
STILL = {"scale": (1, 1), "translation": (0, 0), "rotation_degrees": (0, 0)}


@dataclasses.dataclass(frozen=True)
class WatchedImages(StoredImages):
    """Images that note which of them each iteration asks for, and how their views lie."""

    asked: list = dataclasses.field(default_factory=list)
    geometries: list = dataclasses.field(default_factory=list)

    def views_of(self, pixels, indices, geometry, change=None):
        if change is not None:
            self.asked.append(indices.tolist())
            self.geometries.append(geometry)
        return super().views_of(pixels, indices, geometry, change)


@pytest.fixture
def watched(stored):
    return WatchedImages(stored.pixels, stored.crops, stored.stored_size)


@pytest.fixture
def seen_by_the_loss(monkeypatch):
    """Give the points and ids of every iteration."""
    seen = []
    original = stage1_step.stage1_loss

    def noting(detector, descriptor, points, ids, *rest):
        seen.append((points, ids))
        return original(detector, descriptor, points, ids, *rest)

    monkeypatch.setattr(stage1_step, "stage1_loss", noting)
    return seen


def bootstrap(count=4):
    """Keypoints in store pixels of images 0, 1, 2 and 4."""
    points = np.random.default_rng(1).uniform(6, 34, (4, count, 2))
    return warmup_keypoints(TRAIN[:4], points, CPU)


def halves(values):
    return values[: len(values) // 2], values[len(values) // 2 :]


def mirrored(geometry):
    return (torch.linalg.det(geometry.matrix) < 0).tolist()


def test_the_same_seed_trains_the_same_network_and_another_seed_another(stored, tiny_config):
    first, again, other = (
        train_stage1(stored, TRAIN, bootstrap(), tiny_config(seed=seed)).network.state_dict() for seed in (1, 1, 2)
    )
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_training_depends_on_no_global_randomness_and_leaves_it_alone(stored, tiny_config):
    torch.manual_seed(1)
    first = train_stage1(stored, TRAIN, bootstrap(), tiny_config()).network.state_dict()
    torch.manual_seed(2)
    expected = torch.rand(3)
    torch.manual_seed(2)
    again = train_stage1(stored, TRAIN, bootstrap(), tiny_config()).network.state_dict()
    assert torch.equal(torch.rand(3), expected)
    assert all(torch.equal(first[name], again[name]) for name in first)


def test_in_warm_up_both_views_of_a_pair_show_the_same_image(watched, tiny_config):
    train_stage1(watched, TRAIN, bootstrap(), tiny_config(stage1={"iterations": 3, "warmup_iterations": 3}))
    assert len(watched.asked) == 3
    for asked in watched.asked:
        first, second = halves(asked)
        assert first == second


def test_in_warm_up_no_view_is_mirrored(watched, tiny_config):
    certain = tiny_config(augmentation={"mirror_probability": 1.0})
    train_stage1(watched, TRAIN, bootstrap(), certain)
    warmup, rounds = watched.geometries[:2], watched.geometries[2:]
    assert not any(itertools.chain(*map(mirrored, warmup)))
    assert all(itertools.chain(*map(mirrored, rounds)))


@pytest.mark.parametrize("probability", [0.0, 1.0])
def test_once_clustered_view_2_is_another_image_as_often_as_asked(watched, tiny_config, probability):
    loss = {"negative_pairs": 20, "partner_probability": probability}
    settings = {"iterations": 12, "warmup_iterations": 2, "round_iterations": 10, "descriptor_loss": loss}
    train_stage1(watched, TRAIN, bootstrap(), tiny_config(stage1=settings))
    pairs = [pair for asked in watched.asked[2:] for pair in zip(*halves(asked), strict=True)]
    share = np.mean([first != second for first, second in pairs])
    # Drawn among five images, a partner is the image itself in a fifth of the cases.
    assert share == 0 if probability == 0 else 0.5 < share < 1


def test_only_training_images_are_shown(watched, tiny_config):
    train_stage1(watched, TRAIN, bootstrap(), tiny_config(stage1={"iterations": 10, "round_iterations": 4}))
    shown = set(itertools.chain(*watched.asked))
    assert 3 not in shown
    assert set(itertools.chain(*watched.asked[:2])) <= {0, 1, 2, 4}, "the warm-up has keypoints of these"


def test_keypoints_move_with_the_view_onto_the_grid(stored, tiny_config, seen_by_the_loss):
    # The crop starts at store pixel 4, and cells are 4 pixels wide: pixel 5.5 is the centre of cell 0.
    points = np.array([[[5.5, 9.5], [35.5, 3.5]]])
    one = warmup_keypoints(np.array([0]), points, CPU)
    train_stage1(stored, TRAIN, one, tiny_config(augmentation=STILL, stage1={"iterations": 2}))
    on_grid, ids = seen_by_the_loss[0]
    assert on_grid.shape == (8, 2, 2)
    torch.testing.assert_close(on_grid[3], torch.tensor([[0.0, 1.0], [7.5, -0.5]]))
    assert ids.tolist() == [[0, 1]] * 8


def test_a_mirrored_view_has_mirrored_points_and_their_flipped_ids(stored, tiny_config, seen_by_the_loss):
    clustered = TrainingKeypoints(
        image=torch.tensor([0]),
        points=torch.tensor([[[5.5, 9.5], [math.nan, math.nan]]]),
        ids=torch.tensor([[3, -1]]),
        flipped_ids=torch.tensor([[8, -1]]),
    )
    for probability, x, identity in ((0.0, 0.0, 3), (1.0, 7.0, 8)):
        augmentation = STILL | {"mirror_probability": probability}
        train_stage1(stored, TRAIN, clustered, tiny_config(augmentation=augmentation, stage1={"iterations": 2}))
        on_grid, ids = seen_by_the_loss[0]
        torch.testing.assert_close(on_grid[:, 0], torch.tensor([[x, 1.0]] * 8))
        assert ids.tolist() == [[identity, -1]] * 8
        seen_by_the_loss.clear()


def test_a_round_follows_the_warm_up_and_every_so_many_iterations_and_the_end(stored, tiny_config):
    finished = []
    config = tiny_config(stage1={"iterations": 7, "warmup_iterations": 2, "round_iterations": 3})
    result = train_stage1(stored, TRAIN, bootstrap(), config, on_round=finished.append)
    assert [(report.facts["round"], report.facts["iteration"]) for report in finished] == [(0, 2), (1, 5), (2, 7)]
    assert len(round_boundaries(config)) == 3
    assert result.landmarker.centroids.shape == (3, 8)
    assert result.landmarker.threshold == finished[-1].facts["threshold"]


def test_the_paper_makes_35_pseudo_ground_truths(tiny_config):
    schedule = {"iterations": 200_000, "warmup_iterations": 30_000, "round_iterations": 5_000}
    assert len(round_boundaries(tiny_config(stage1=schedule))) == 35


def test_a_round_reports_the_landmarks_of_all_training_images(stored, tiny_config):
    finished = []
    train_stage1(stored, TRAIN, bootstrap(), tiny_config(), on_round=finished.append)
    landmarks, facts = finished[0].grid_landmarks, finished[0].facts
    assert landmarks.shape == (5, 3, 2)
    found = ~np.isnan(landmarks[..., 0])
    assert facts["detections_kept"] == pytest.approx(found.sum() / 5)
    assert facts["detections_over_threshold"] == pytest.approx(3.0)
    assert facts["clusters_alive"] == found.any(axis=0).sum()


def test_the_log_holds_the_last_iteration_of_each_round(stored, tiny_config):
    result = train_stage1(stored, TRAIN, bootstrap(), tiny_config())
    assert [row["iteration"] for row in result.log] == [2, 4]
    for row in result.log:
        assert row["loss"] == pytest.approx(row["detector_loss"] + row["descriptor_loss"])
        assert row["learning_rate"] == pytest.approx(1e-4)


def test_training_lowers_the_loss_of_the_detector(stored, tiny_config):
    schedule = {"iterations": 60, "warmup_iterations": 60, "detector_bias": -4.0, "detector_target": "bump"}
    optimizer = {"name": "adamw", "learning_rate": 5e-3}
    log = train_stage1(stored, TRAIN, bootstrap(), tiny_config(stage1={**schedule, "optimizer": optimizer})).log
    assert [row["iteration"] for row in log] == [20, 40, 60]
    assert log[-1]["detector_loss"] < 0.9 * log[0]["detector_loss"]


def test_more_landmarks_than_detections_is_an_error(stored, tiny_config):
    with pytest.raises(UserError, match="60 clusters are asked for, but only 30 detections"):
        train_stage1(stored, TRAIN, bootstrap(), tiny_config(num_landmarks=60, clustering={"training_clusters": 60}))


def test_the_detector_starts_at_the_bias_that_is_asked_for(tiny_config):
    network = initial_network(tiny_config(stage1={"detector_bias": -4.0}), CPU)
    assert network.last_layer(0).bias.tolist() == [-4.0]
    free, again = (initial_network(tiny_config(), CPU).last_layer(0).bias.item() for _ in range(2))
    assert free == again != -4.0

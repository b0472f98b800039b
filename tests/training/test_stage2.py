import math

import numpy as np
import pytest
import torch

from landmark_discovery.config.training import Stage2Settings
from landmark_discovery.errors import UserError
from landmark_discovery.training import stage2_step
from landmark_discovery.training.randomness import Randomness
from landmark_discovery.training.stage1 import initial_network
from landmark_discovery.training.stage2 import landmark_network, train_stage2
from landmark_discovery.training.stage2_step import occlude
from landmark_discovery.training.targets import landmark_targets

NAN = math.nan
CPU = torch.device("cpu")
STILL = {"scale": (1, 1), "translation": (0, 0), "rotation_degrees": (0, 0)}
ABSENT = (NAN, NAN)


def pixel(x, y):
    """Centre of a cell in store pixels: cells are 4 pixels wide, and the crop starts at pixel 4."""
    return (4 + 4 * x + 1.5, 4 + 4 * y + 1.5)


def targets_of(points, flip_map, image=0):
    """One image's landmarks in store pixels."""
    return landmark_targets(np.array([image]), np.array([points]), np.array(flip_map), CPU)


def randomness(seed=0):
    return Randomness(torch.Generator().manual_seed(seed))


@pytest.fixture
def learnt(monkeypatch, stored, tiny_config):
    """Give heatmap and presence that one iteration of stage 2 learns for a first image."""
    seen = []
    original = stage2_step.stage2_loss

    def noting(heatmaps, targets, present):
        seen.append((targets, present))
        return original(heatmaps, targets, present)

    monkeypatch.setattr(stage2_step, "stage2_loss", noting)

    def learn(targets, **augmentation):
        config = tiny_config(augmentation=STILL | augmentation, stage2={"iterations": 1})
        train_stage2(stored, targets, initial_network(config, CPU), config)
        heatmaps, present = seen.pop()
        return heatmaps[0], present[0].tolist()

    return learn


def peaks(heatmaps):
    """List the cells of value 1 as (channel, x, y)."""
    return [(channel, x, y) for channel, y, x in (heatmaps == 1).nonzero().tolist()]


def test_each_landmark_is_a_bump_in_its_own_channel(learnt):
    heatmaps, present = learnt(targets_of([pixel(1, 2), ABSENT, pixel(5, 4)], [1, 0, 2]), mirror_probability=0.0)
    assert peaks(heatmaps) == [(0, 1, 2), (2, 5, 4)]
    assert heatmaps[0, 2, 2].item() == pytest.approx(0.41111228)
    assert present == [True, False, True]


def test_a_mirrored_landmark_goes_into_the_channel_that_the_flip_map_names(learnt):
    heatmaps, present = learnt(targets_of([pixel(1, 2), ABSENT, pixel(5, 4)], [1, 0, 2]), mirror_probability=1.0)
    assert peaks(heatmaps) == [(1, 6, 2), (2, 2, 4)]
    assert present == [False, True, True]


def test_a_landmark_without_a_mirror_image_is_absent_from_mirrored_views(learnt):
    targets = targets_of([pixel(1, 2), pixel(5, 4), pixel(3, 3)], [0, -1, 2])
    heatmaps, present = learnt(targets, mirror_probability=1.0)
    assert [channel for channel, _, _ in peaks(heatmaps)] == [0, 2]
    assert present == [True, False, True]


def test_no_landmark_in_any_image_is_an_error_that_counts_the_images():
    with pytest.raises(UserError, match="none of 1 images has a landmark"):
        targets_of([ABSENT, ABSENT], [0, 1])


def test_landmarks_that_a_flip_map_brings_together_add_up(learnt):
    heatmaps, present = learnt(targets_of([pixel(1, 2), pixel(2, 2), ABSENT], [1, 1, 1]), mirror_probability=1.0)
    assert heatmaps[1, 2, 6].item() == pytest.approx(1.41111228)
    assert heatmaps[[0, 2]].abs().max() == 0
    assert present == [False, True, False]


def test_a_landmark_that_augmentation_moves_out_is_present_with_an_empty_target(learnt):
    far = {"translation": (1.0, 1.0), "mirror_probability": 0.0}
    heatmaps, present = learnt(targets_of([pixel(1, 2), ABSENT, pixel(5, 4)], [0, 1, 2]), **far)
    assert heatmaps.abs().max() == 0
    assert present == [True, False, True]


def test_images_without_any_landmark_are_not_trained_on():
    points = np.array([[[NAN, NAN], [NAN, NAN]], [[1.0, 2.0], [NAN, NAN]]])
    targets = landmark_targets(np.array([7, 3]), points, np.array([1, 0]), CPU)
    assert targets.image.tolist() == [3]
    assert targets.points.shape == (1, 2, 2)
    assert targets.flip_map.tolist() == [1, 0]


def test_the_same_seed_trains_the_same_network_and_another_seed_another(stored, tiny_config):
    targets = targets_of([pixel(1, 2), pixel(3, 3), pixel(5, 4)], [2, 1, 0])
    start = initial_network(tiny_config(), CPU)
    first, again, other = (
        train_stage2(stored, targets, start, tiny_config(seed=seed)).network.state_dict() for seed in (1, 1, 2)
    )
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_training_leaves_the_network_of_stage_1_as_it_is(stored, tiny_config):
    start = initial_network(tiny_config(), CPU)
    before = {name: tensor.clone() for name, tensor in start.state_dict().items()}
    train_stage2(stored, targets_of([pixel(1, 2), ABSENT, ABSENT], [0, 1, 2]), start, tiny_config())
    assert all(torch.equal(tensor, before[name]) for name, tensor in start.state_dict().items())


def test_training_brings_a_heatmap_toward_its_target(stored, tiny_config):
    settings = {"iterations": 60, "optimizer": {"name": "adamw", "learning_rate": 5e-3}, "occlusion_probability": 0.0}
    config = tiny_config(augmentation=STILL | {"mirror_probability": 0.0}, stage2=settings)
    targets = targets_of([pixel(1, 2), pixel(6, 1), pixel(5, 4)], [0, 1, 2])
    log = train_stage2(stored, targets, initial_network(config, CPU), config).log
    assert [row["iteration"] for row in log] == [20, 40, 60]
    # Empty heatmaps cost half the squares of one bump, over the 64 cells of a channel.
    empty = 0.5 * (1 + 4 * 0.41111228**2 + 4 * 0.16901332**2) / 64
    assert log[-1]["loss"] < empty / 2


def test_the_log_holds_the_last_iteration_and_its_rate(stored, tiny_config):
    config = tiny_config(stage2={"iterations": 3, "optimizer": {"milestones": [2]}})
    targets = targets_of([pixel(1, 2), ABSENT, ABSENT], [0, 1, 2])
    log = train_stage2(stored, targets, initial_network(config, CPU), config).log
    assert [row["iteration"] for row in log] == [3]
    assert log[0]["learning_rate"] == pytest.approx(1e-5)


def test_trunk_and_descriptor_head_come_from_stage_1_and_the_last_layer_is_new(tiny_config):
    start = initial_network(tiny_config(), CPU)
    network = landmark_network(start, tiny_config())
    known = start.state_dict()
    for name, tensor in network.state_dict().items():
        if name.startswith("l1."):
            assert tensor.shape[0] == 3
        else:
            assert torch.equal(tensor, known[name]), name
    assert network.head_numbers == (1,)


def test_the_new_last_layer_starts_small_where_a_deviation_is_set(tiny_config):
    small = tiny_config(num_landmarks=40, stage2={"head_deviation": 0.01}, clustering={"training_clusters": 40})
    last = landmark_network(initial_network(small, CPU), small).last_layer(1)
    assert last.bias.abs().max() == 0
    assert last.weight.std().item() == pytest.approx(0.01, rel=0.1)


def test_the_new_last_layer_depends_on_the_seed_alone(tiny_config):
    start = initial_network(tiny_config(), CPU)
    weights = []
    for global_seed, seed in ((1, 5), (2, 5), (2, 6)):
        torch.manual_seed(global_seed)
        weights.append(landmark_network(start, tiny_config(seed=seed)).last_layer(1).weight)
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


@pytest.mark.parametrize("seed", range(5))
def test_an_occlusion_is_one_black_square_inside_the_view(seed):
    covered = occlude(
        torch.ones(6, 3, 32, 32), Stage2Settings(occlusion_size=0.25, occlusion_probability=1.0), randomness(seed)
    )
    for view in covered:
        black = (view == 0).all(dim=0)
        rows, columns = black.any(dim=1).nonzero()[:, 0], black.any(dim=0).nonzero()[:, 0]
        assert black.sum() == 64 == (view == 0).sum() / 3
        assert rows.tolist() == list(range(rows[0], rows[0] + 8))
        assert columns.tolist() == list(range(columns[0], columns[0] + 8))


def test_an_occlusion_reaches_every_place_at_which_it_fits():
    covered = occlude(
        torch.ones(2000, 1, 8, 8), Stage2Settings(occlusion_size=0.75, occlusion_probability=1.0), randomness()
    )
    corners = {tuple((view[0] == 0).nonzero()[0].tolist()) for view in covered}
    assert corners == {(y, x) for y in range(3) for x in range(3)}


def test_so_many_views_are_occluded_and_the_others_stay():
    views = torch.ones(1000, 1, 8, 8)
    half = occlude(views, Stage2Settings(occlusion_probability=0.5), randomness())
    assert (half == 0).any(dim=(1, 2, 3)).float().mean().item() == pytest.approx(0.5, abs=0.05)
    assert torch.equal(occlude(views, Stage2Settings(occlusion_probability=0.0), randomness()), views)
    assert views.min() == 1, "the views given are not changed"


def test_the_papers_square_is_80_pixels_of_256():
    covered = occlude(torch.ones(1, 1, 256, 256), Stage2Settings(occlusion_probability=1.0), randomness())
    assert (covered == 0).sum() == 80 * 80

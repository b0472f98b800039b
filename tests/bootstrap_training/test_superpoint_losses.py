import math

import numpy as np
import pytest
import torch

from landmark_discovery.bootstrap.superpoint_maps import sample_descriptors
from landmark_discovery.bootstrap_training.losses import (
    cell_labels,
    descriptor_loss,
    detector_loss,
    sample_at,
)
from landmark_discovery.models.superpoint import score_map

NO_KEYPOINT = 64
GENERATOR = torch.Generator().manual_seed(0)


def labels_of(*points, size_px=16):
    return cell_labels(torch.tensor([points], dtype=torch.float32), size_px, GENERATOR)[0]


def test_a_keypoint_is_the_pixel_of_its_cell_counted_in_rows():
    labels = labels_of((3.0, 2.0), (9.4, 15.0))
    assert labels.tolist() == [[2 * 8 + 3, NO_KEYPOINT], [NO_KEYPOINT, 7 * 8 + 1]]


def test_labels_are_what_the_score_map_reads_back():
    labels = labels_of((5.0, 9.0))
    logits = torch.nn.functional.one_hot(labels, 65).permute(2, 0, 1)[None].float() * 50
    row, column = divmod(int(score_map(logits)[0].argmax()), 16)
    assert (column, row) == (5, 9)


def test_points_outside_and_missing_ones_label_nothing():
    assert (labels_of((-1.0, 3.0), (16.0, 3.0), (math.nan, math.nan)) == NO_KEYPOINT).all()


def test_of_two_keypoints_in_a_cell_each_is_chosen_at_times():
    chosen = {int(labels_of((1.0, 0.0), (2.0, 0.0))[0, 0]) for _ in range(40)}
    assert chosen == {1, 2}


def test_the_detector_loss_counts_whole_seen_cells_alone():
    logits = torch.zeros(1, 65, 2, 2)
    logits[0, NO_KEYPOINT, 0, 0] = 100.0  # sure and right: no loss
    labels = torch.full((1, 2, 2), NO_KEYPOINT)
    seen = torch.ones(1, 16, 16, dtype=torch.bool)
    assert float(detector_loss(logits, labels, seen)) == pytest.approx(3 / 4 * math.log(65))
    seen[0, 3, 12] = False  # a pixel of the upper right cell
    assert float(detector_loss(logits, labels, seen)) == pytest.approx(2 / 3 * math.log(65))
    assert float(detector_loss(logits, labels, torch.zeros_like(seen))) == 0.0


def unit(*angles):
    return torch.tensor([[[math.cos(a), math.sin(a)] for a in angles]])


FAR = torch.tensor([[[0.0, 0.0], [50.0, 0.0], [100.0, 0.0]]])
VALID = torch.ones(1, 3, dtype=torch.bool)


def test_equal_descriptors_that_are_far_from_others_cost_little_and_swapped_ones_much():
    first = unit(0.0, 2.0, 4.0)
    assert float(descriptor_loss(first, first, FAR, VALID, 0.1, 8.0)) < 1e-4
    assert float(descriptor_loss(first, first[:, [1, 2, 0]], FAR, VALID, 0.1, 8.0)) > 5


def test_descriptors_that_are_all_alike_cost_the_logarithm_of_the_choices():
    alike = unit(1.0, 1.0, 1.0)
    assert float(descriptor_loss(alike, alike, FAR, VALID, 0.1, 8.0)) == pytest.approx(math.log(3))


def test_near_points_are_no_negatives():
    alike = unit(1.0, 1.0, 1.0)
    near = torch.tensor([[[0.0, 0.0], [3.0, 0.0], [100.0, 0.0]]])
    expected = (math.log(2) + math.log(2) + math.log(3)) / 3
    assert float(descriptor_loss(alike, alike, near, VALID, 0.1, 8.0)) == pytest.approx(expected)


def test_a_point_that_one_view_does_not_show_counts_nowhere():
    first = unit(0.0, 2.0, 4.0).requires_grad_()
    valid = torch.tensor([[True, True, False]])
    loss = descriptor_loss(first, unit(0.0, 2.0, 0.0), FAR, valid, 0.1, 8.0)
    loss.backward()
    assert float(loss.detach()) < 1e-4
    assert first.grad.isfinite().all()
    assert first.grad[0, 2].abs().max() == 0
    none = torch.zeros_like(valid)
    assert float(descriptor_loss(first.detach(), first.detach(), FAR, none, 0.1, 8.0)) == 0.0


def test_descriptors_are_sampled_as_the_detector_samples_them():
    maps = torch.nn.functional.normalize(torch.randn(1, 12, 4, 4, generator=GENERATOR), dim=1)
    points = torch.tensor([[[0.0, 0.0], [3.5, 3.5], [11.2, 20.0], [31.0, 17.0]]])
    expected = sample_descriptors(maps[0], points[0].double().numpy())
    np.testing.assert_allclose(sample_at(maps, points)[0].numpy(), expected, atol=1e-6)

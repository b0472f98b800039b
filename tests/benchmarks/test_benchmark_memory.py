import json

import numpy as np

from benchmarks.host_memory import measure_host_memory, random_candidates
from landmark_discovery.config.loading import load_config

FEW = ("num_landmarks=3", "clustering.training_clusters=5", "clustering.iterations=2", "clustering.redos=1")


def candidates(images, points, descriptor_dim):
    detection = {"nms_half_side_cells": 1, "max_detections": points}
    model = {"descriptor_dim": descriptor_dim}
    return random_candidates(
        images, points, load_config({"recipe": "paper", "model": model, "stage1": {"detection": detection}})
    )


def test_each_image_has_as_many_detections_as_asked_for():
    found = candidates(images=70, points=7, descriptor_dim=16)
    np.testing.assert_array_equal(found.image, np.repeat(np.arange(70), 7))
    assert (found.score > 0.15).all()


def test_descriptors_are_random_half_floats_of_length_1():
    found = candidates(images=5, points=4, descriptor_dim=32)
    for descriptors in (found.descriptor, found.flipped_descriptor):
        assert descriptors.dtype == np.float16
        assert descriptors.shape == (20, 32)
        np.testing.assert_allclose(np.linalg.norm(descriptors.astype(np.float64), axis=1), 1, atol=1e-2)
        assert len(np.unique(descriptors, axis=0)) == 20


def test_each_step_of_a_pseudo_ground_truth_is_written_with_its_time_and_peak(tmp_path):
    measure_host_memory(60, 5, 8, tmp_path, FEW)
    tree = json.loads((tmp_path / "host_memory_60.json").read_text())
    assert [step["step"] for step in tree["steps"]] == ["detect", "find_landmarks", "training_clusters"]
    assert (tree["images"], tree["points"], tree["descriptor_dim"]) == (60, 5, 8)
    assert tree["num_landmarks"] == 3
    assert tree["clustering"]["redos"] == 1
    for step in tree["steps"]:
        assert step["peak_gib"] >= step["after_gib"] - 0.01 > 0
    assert tree["peak_gib"] == max(step["peak_gib"] for step in tree["steps"])

import json

import numpy as np
import pytest
import torch

from landmark_discovery.config.training import ModelSettings
from landmark_discovery.heatmaps.conventions import CONVENTIONS
from landmark_discovery.training.weights import build_network, load_weights

MODEL = ModelSettings(input_size_px=32, width=16, depth=1, norm_groups=2, descriptor_dim=8)
SETTINGS = json.dumps({"num_landmarks": 3, "model": MODEL.model_dump(mode="json")})


@pytest.fixture
def checkpoint(tmp_path):
    """Write a file of stage 2 as the authors do."""
    path = tmp_path / "in" / "celeba_k3_stage2.pth"
    path.parent.mkdir()
    state = {f"module.{name}": value for name, value in build_network(MODEL, 2, 3).state_dict().items()}
    torch.save({"state_dict": state, "iteration": 5, "flipppingCorrespondance": np.array([1, 0, 2])}, path)
    return path


def convert(landmarks, checkpoint, *more):
    return landmarks("convert-weights", "--stage", 2, "--checkpoint", checkpoint, "--output", "out.safetensors", *more)


def test_a_file_of_the_authors_becomes_weights_that_say_where_they_come_from(landmarks, checkpoint, tmp_path):
    known = ("--provenance", "licence=MIT", "--provenance", "address=a?b=c")
    result = convert(landmarks, checkpoint, "--settings", SETTINGS, *known)
    assert result.returncode == 0, result.stderr
    weights = load_weights(tmp_path / "out.safetensors", 2, CONVENTIONS.values())
    assert weights.extras["flip_map"].tolist() == [1, 0, 2]
    source = weights.facts["source"]
    assert (source["file"], source["licence"], source["address"]) == (checkpoint.name, "MIT", "a?b=c")


def test_what_is_no_checkpoint_is_one_line_and_leaves_nothing(landmarks, checkpoint, tmp_path):
    checkpoint.write_text("<html>Quota exceeded</html>")
    result = convert(landmarks, checkpoint, "--settings", SETTINGS)
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert result.stderr.startswith(f"error: {checkpoint}: not one of the authors' checkpoints")
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_provenance_without_a_value_is_refused(landmarks, checkpoint):
    result = convert(landmarks, checkpoint, "--settings", SETTINGS, "--provenance", "MIT")
    assert result.returncode == 2
    assert "error: --provenance: 'MIT' is no KEY=VALUE" in result.stderr

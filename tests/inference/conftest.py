import numpy as np
import pytest
import torch

from landmark_discovery.training.weights import TrainedWeights, build_network, save_weights


@pytest.fixture
def store(build_store):
    """Give two images with surroundings of their crops, stored in arrays of 90 x 80 pixels."""
    originals = list(np.random.default_rng(0).integers(0, 256, (2, 80, 90, 3), dtype=np.uint8))
    crops, windows = [(20, 10, 84, 74), (0, 0, 32, 64)], [(0, 0, 90, 80), (0, 0, 90, 80)]
    return build_store(originals, crops, windows, splits=["train", "test"])


@pytest.fixture
def save_stage(tmp_path, tiny_config):
    """Write untrained weights of a stage that has three landmarks."""

    def save(stage=2, **facts):
        torch.manual_seed(0)
        config = tiny_config()
        extras = {
            "flip_map": torch.tensor([2, 1, 0]),
            "selected": torch.arange(3),
            "centroids": torch.randn(3, config.model.descriptor_dim),
        }
        known = {"stage": stage, "num_landmarks": 3, "model": config.model.model_dump(mode="json"), **facts}
        path = tmp_path / f"stage{stage}.safetensors"
        save_weights(path, TrainedWeights(build_network(config.model, stage, 3), extras, known))
        return path

    return save

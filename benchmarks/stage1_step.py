"""One step of stage 1 by itself, as the trainer makes it."""

from __future__ import annotations

from collections.abc import Callable

from landmark_discovery.config.schema import Config
from landmark_discovery.training.acceleration import recorded, use_fused_layers
from landmark_discovery.training.feed import RawBatch
from landmark_discovery.training.images import StoredImages
from landmark_discovery.training.keypoints import TrainingKeypoints
from landmark_discovery.training.losses import Stage1Loss
from landmark_discovery.training.optimizers import make_optimizer
from landmark_discovery.training.parameters import TrainedParameters
from landmark_discovery.training.randomness import Randomness, generator_on
from landmark_discovery.training.stage1 import initial_network
from landmark_discovery.training.stage1_step import make_batch, training_step


def stage1_step(config: Config, images: StoredImages, keypoints: TrainingKeypoints) -> Callable[[RawBatch], Stage1Loss]:
    """Give a function that trains a new network on a batch, at the full learning rate, and gives its loss.

    On a GPU it is recorded where `fast` asks for it. Call it within `arithmetic`; equal seeds draw equal views.
    """
    device = images.device
    network = initial_network(config, device).train()
    use_fused_layers(network, config.model, config.fast, device)
    parameters = TrainedParameters(network, config.precision, images.workers)
    optimizer = make_optimizer(parameters, config.stage1.optimizer)
    randomness = Randomness(generator_on(device, config.seed), sections=2)

    def step(raw: RawBatch) -> Stage1Loss:
        batch = make_batch(images, keypoints, raw, config, randomness)
        return training_step(parameters, optimizer, batch, config, randomness)

    return recorded(step, randomness.generator, config.fast, device)

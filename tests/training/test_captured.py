from itertools import islice

import numpy as np
import pytest
import torch

from landmark_discovery.training.acceleration import use_fused_layers
from landmark_discovery.training.captured import EAGER_STEPS, CapturedStep
from landmark_discovery.training.feed import feed
from landmark_discovery.training.images import StoredImages
from landmark_discovery.training.keypoints import warmup_keypoints
from landmark_discovery.training.optimizers import make_optimizer, set_learning_rate
from landmark_discovery.training.parameters import TrainedParameters
from landmark_discovery.training.randomness import Randomness, generator_on
from landmark_discovery.training.runtime import arithmetic
from landmark_discovery.training.sampler import pair_batches
from landmark_discovery.training.stage1 import initial_network
from landmark_discovery.training.stage1_step import make_batch, training_step

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
CUDA = torch.device("cuda")
STEPS = 20


@pytest.fixture
def losses(stored, tiny_config):
    """Train so many steps, recorded or one kernel at a time, from the same seed; the learning rate falls throughout."""
    images = StoredImages(stored.pixels.cuda(), stored.crops.cuda(), stored.stored_size.cuda())
    points = np.random.default_rng(1).uniform(6, 34, (4, 4, 2))
    keypoints = warmup_keypoints(np.arange(4), points, CUDA)

    def train(capture, optimizer_name, fused, last_factor=0.05):
        optimizer = {"name": optimizer_name, "learning_rate": 1e-3, "max_gradient_norm": 1.0}
        config = tiny_config(stage1={"optimizer": optimizer})
        randomness = Randomness(generator_on(CUDA, 5), sections=2)
        network = initial_network(config, CUDA).train()
        use_fused_layers(network, config.model, fused, CUDA)
        parameters = TrainedParameters(network, config.precision)
        optimizer = make_optimizer(parameters, config.stage1.optimizer)

        def eager(raw):
            batch = make_batch(images, keypoints, raw, config, randomness)
            return training_step(parameters, optimizer, batch, config, randomness)

        step = CapturedStep(eager, randomness.generator) if capture else eager
        chosen = pair_batches(4, config.stage1.batch_pairs, 0.5, generator_on(torch.device("cpu"), 1))
        totals = []
        with arithmetic("float32", CUDA):
            for factor, raw in zip(
                np.linspace(1, last_factor, STEPS),
                feed(images, keypoints.image.cpu(), islice(chosen, STEPS)),
                strict=True,
            ):
                set_learning_rate(optimizer, float(factor))
                totals.append(step(raw).total.item())
        return np.array(totals)

    return train


@pytest.mark.parametrize("fused", [False, True], ids=["plain", "fused"])
@pytest.mark.parametrize("optimizer", ["rmsprop", "adamw"])
def test_recorded_steps_have_the_losses_of_eager_ones(losses, optimizer, fused):
    np.testing.assert_allclose(losses(True, optimizer, fused), losses(False, optimizer, fused), rtol=1e-3)


def test_a_recorded_step_sees_the_learning_rate_change(losses):
    falling, constant = losses(True, "adamw", False), losses(True, "adamw", False, last_factor=1.0)
    np.testing.assert_allclose(falling[0], constant[0], rtol=1e-5)
    assert not np.allclose(falling[EAGER_STEPS + 2 :], constant[EAGER_STEPS + 2 :], rtol=1e-3)

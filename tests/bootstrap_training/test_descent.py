import math

import pytest
import torch

from landmark_discovery.bootstrap_training.descent import descend, learning_rate
from landmark_discovery.bootstrap_training.networks import new_network
from landmark_discovery.config.bootstrap_training import DescentSettings
from landmark_discovery.errors import UserError
from landmark_discovery.training.checkpoints import CheckpointFolder
from landmark_discovery.training.interruption import Interrupted, Timetable
from landmark_discovery.training.saver import NO_SAVER, Saver

CPU = torch.device("cpu")
SETTINGS = DescentSettings(iterations=60, batch_size=1, warmup_iterations=4)


def scores_fall(network, generator):
    images = torch.rand(1, 1, 16, 16, generator=generator)
    logits, _ = network(images)
    return {"score": logits.square().mean(), "nothing": torch.zeros(())}


def trained(saver=NO_SAVER, seed=0):
    network = new_network(0, CPU)
    history = descend(network, scores_fall, SETTINGS, torch.Generator().manual_seed(seed), "test", saver)
    return network.state_dict(), history.rows


def test_training_lowers_the_loss_and_logs_means_of_each_part():
    _, log = trained()
    assert [row["iteration"] for row in log] == [20, 40, 60]
    assert log[-1]["score"] < log[0]["score"] / 2
    assert log[-1]["nothing"] == 0.0


def test_a_training_that_was_stopped_goes_on_to_the_same_weights_and_log(tmp_path):
    expected, expected_log = trained()
    steps = iter([None, "enough"])

    class StopsAtTheSecondLook(Timetable):
        @property
        def should_stop(self):
            self.reason = next(steps)
            return self.reason is not None

    folder = CheckpointFolder(tmp_path / "checkpoints", "key")
    with pytest.raises(Interrupted, match="iteration 40"):
        trained(Saver(folder, StopsAtTheSecondLook()))
    found, log = trained(Saver(folder, Timetable()))
    assert log == expected_log
    for name, value in expected.items():
        assert torch.equal(found[name], value), name


def test_another_seed_draws_other_batches():
    first, _ = trained(seed=0)
    second, _ = trained(seed=1)
    assert not torch.equal(first["conv1a.weight"], second["conv1a.weight"])


def test_a_loss_that_is_no_number_ends_the_training():
    def broken(network, generator):
        return {"score": scores_fall(network, generator)["score"] * math.nan}

    with pytest.raises(UserError, match="the score is nan before iteration 20"):
        descend(new_network(0, CPU), broken, SETTINGS, torch.Generator(), "test")


def test_the_learning_rate_grows_and_then_falls_along_a_cosine():
    settings = DescentSettings(iterations=100, learning_rate=1.0, warmup_iterations=10)
    assert learning_rate(0, settings) == pytest.approx(0.1)
    assert learning_rate(50, settings) == pytest.approx(0.5)
    assert learning_rate(99, settings) < 0.001
    rates = [learning_rate(iteration, settings) for iteration in range(10, 100)]
    assert rates == sorted(rates, reverse=True)


def test_new_networks_of_a_seed_are_alike_and_others_not():
    first, again, other = (new_network(seed, CPU).conv1b.weight for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert not new_network(0, CPU).conv1b.bias.any()

"""A training that stops anywhere and goes on is the same training, to the last bit."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch
from stopping import StopsAfter

from landmark_discovery.errors import UserError
from landmark_discovery.training import stage1 as stage1_module
from landmark_discovery.training import stage1_step
from landmark_discovery.training.checkpoints import Checkpoint, CheckpointFolder
from landmark_discovery.training.interruption import Interrupted, Timetable
from landmark_discovery.training.keypoints import warmup_keypoints
from landmark_discovery.training.saver import Saver
from landmark_discovery.training.stage1 import initial_network, train_stage1
from landmark_discovery.training.stage2 import train_stage2
from landmark_discovery.training.targets import landmark_targets
from landmark_discovery.training.weights import shape_tensors

CPU = torch.device("cpu")
TRAIN = np.array([0, 1, 2, 4, 5])
ROUNDS = {"iterations": 6, "warmup_iterations": 2, "round_iterations": 2}


def keypoints():
    points = np.random.default_rng(1).uniform(6, 34, (4, 4, 2))
    return warmup_keypoints(TRAIN[:4], points, CPU)


def run_stage1(stored, config, saver):
    rounds, rows = [], []
    result = train_stage1(stored, TRAIN, keypoints(), config, rounds.append, rows.append, saver=saver)
    outcome = {f"weights.{name}": value for name, value in result.network.state_dict().items()}
    outcome |= {"centroids": result.landmarker.centroids, "flip_map": result.landmarker.flip_map}
    return outcome, result.log, rounds[-1].history


def run_stage2(stored, config, saver):
    points = np.random.default_rng(2).uniform(6, 34, (5, 3, 2))
    targets = landmark_targets(TRAIN, points, np.array([1, 0, 2]), CPU)
    result = train_stage2(stored, targets, initial_network(config, CPU), config, saver=saver)
    return result.network.state_dict() | shape_tensors(result.prior), result.log, None


RUNS = {
    "stage 1": (run_stage1, {"stage1": ROUNDS}, 6),
    "stage 1 with AdamW": (run_stage1, {"stage1": ROUNDS | {"optimizer": {"name": "adamw"}}}, 6),
    "stage 2": (run_stage2, {"stage2": {"iterations": 3, "generations": 2, "shape_prior": True}}, 6),
}


def same(first, second):
    assert first.keys() == second.keys()
    return all(np.array_equal(np.asarray(first[name]), np.asarray(second[name])) for name in first)


@pytest.fixture(autouse=True)
def shapes_of_a_few_images(monkeypatch):
    """Let a shape be learnt from the few images of these tests."""
    monkeypatch.setattr("landmark_discovery.clustering.consistency.MIN_IMAGES", 4)


@pytest.fixture(scope="module")
def unbroken():
    return {}


@pytest.mark.parametrize(("run", "stop"), [(run, stop) for run in RUNS for stop in range(1, RUNS[run][2] + 1)])
def test_a_run_that_stops_after_any_step_goes_on_as_if_it_had_not(stored, tiny_config, tmp_path, unbroken, run, stop):
    train, changes, _ = RUNS[run]
    config = tiny_config(**changes)
    if run not in unbroken:
        unbroken[run] = train(stored, config, Saver())
    folder = CheckpointFolder(tmp_path, "key")
    with pytest.raises(Interrupted, match=r"saved at iteration \d+ \(the test\)"):
        train(stored, config, Saver(folder, StopsAfter(steps=stop)))
    weights, log, rounds = train(stored, config, Saver(folder, Timetable()))
    expected_weights, expected_log, expected_rounds = unbroken[run]
    assert same(weights, expected_weights)
    assert log == expected_log
    assert rounds == expected_rounds


def test_a_run_that_stops_after_every_single_step_is_the_same_too(stored, tiny_config, tmp_path):
    config, folder = tiny_config(stage1=ROUNDS), CheckpointFolder(tmp_path, "key")
    for _attempt in itertools.count(1):
        try:
            weights, log, _ = run_stage1(stored, config, Saver(folder, StopsAfter(steps=1)))
        except Interrupted:
            continue
        break
    expected_weights, expected_log, _ = run_stage1(stored, config, Saver())
    assert _attempt == 7
    assert same(weights, expected_weights)
    assert log == expected_log


def test_what_dies_while_it_clusters_clusters_again_and_trains_no_step_twice(
    stored, tiny_config, tmp_path, monkeypatch
):
    config, folder = tiny_config(stage1=ROUNDS), CheckpointFolder(tmp_path, "key")
    expected, _, _ = run_stage1(stored, config, Saver())
    original, calls = stage1_module.find_landmarks, []

    def dies_at_second(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return original(*arguments)

    monkeypatch.setattr(stage1_module, "find_landmarks", dies_at_second)
    with pytest.raises(KeyboardInterrupt):
        run_stage1(stored, config, Saver(folder, Timetable()))
    asked = StopsAfter(steps=100)
    weights, _, _ = run_stage1(stored, config, Saver(folder, asked))
    assert 100 - asked.steps == 2
    assert same(weights, expected)


def broken_at(original, step):
    """Make a loss that is no number at one step."""
    calls = itertools.count(1)

    def loss(*arguments):
        found = original(*arguments)
        return found if next(calls) != step else dataclasses.replace(found, total=found.total * float("nan"))

    return loss


def test_a_loss_that_is_no_number_stops_the_training_there_and_the_last_good_state_stays(
    stored, tiny_config, tmp_path, monkeypatch
):
    config, folder = tiny_config(stage1=ROUNDS), CheckpointFolder(tmp_path / "stage1" / "checkpoints", "key")
    expected, _, _ = run_stage1(stored, config, Saver())
    monkeypatch.setattr(stage1_step, "stage1_loss", broken_at(stage1_step.stage1_loss, step=4))
    with pytest.raises(UserError, match=r"the loss is nan at iteration 4 .*bad_batch_0.npz\); lower the optimizer's"):
        run_stage1(stored, config, Saver(folder, Timetable(save_every_s=0)))
    with np.load(tmp_path / "stage1" / "bad_batch_0.npz") as kept:
        assert set(kept["image_index"].tolist()) <= set(TRAIN.tolist())
        assert kept["pixels"].shape[0] == len(kept["image_index"]) == 8
    assert folder.latest().facts["iteration"] == 3
    monkeypatch.undo()
    weights, _, _ = run_stage1(stored, config, Saver(folder, Timetable()))
    assert same(weights, expected)


def test_weights_that_are_no_numbers_are_never_saved(tmp_path):
    folder = CheckpointFolder(tmp_path, "key")
    saver = Saver(folder, Timetable())
    for value in (1.0, float("nan")):
        facts = {"order": 1 if value == 1 else 2, "iteration": 1}
        saver.save(lambda value=value, facts=facts: Checkpoint({"weights.0": torch.tensor([value])}, facts))
    assert folder.latest().facts["order"] == 1


@pytest.mark.parametrize("noted_later", [False, True])
def test_with_the_result_goes_what_led_to_it_but_what_a_run_needs_until_it_has_noted_the_result(tmp_path, noted_later):
    folder = CheckpointFolder(tmp_path / "checkpoints", "key")
    saver = Saver(folder, Timetable(result_is_noted_later=noted_later))
    with saver.held():
        saver.save(lambda: Checkpoint({"weights.0": torch.ones(1)}, {"order": 1, "iteration": 1}))
        (tmp_path / "bad_batch_0.npz").touch()
        (tmp_path / "weights.safetensors").touch()
        saver.finish()
    left = ["checkpoints", "weights.safetensors"] if noted_later else ["weights.safetensors"]
    assert sorted(path.name for path in tmp_path.iterdir()) == left
    assert (folder.latest() is not None) == noted_later

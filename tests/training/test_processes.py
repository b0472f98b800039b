"""Two processes on a CPU train as one does on their joint batches."""

import os
import socket
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from torch.multiprocessing import spawn
from torch.optim import SGD

from landmark_discovery.bootstrap.keypoints import BootstrapKeypoints, write_keypoints
from landmark_discovery.clustering.pseudo_groundtruth import read_pseudo_groundtruth
from landmark_discovery.config.steps_json import step_settings
from landmark_discovery.config.training import Stage1Settings, Stage2Settings
from landmark_discovery.data.store import write_store
from landmark_discovery.errors import UserError
from landmark_discovery.training import learner
from landmark_discovery.training.optimizers import make_optimizer
from landmark_discovery.training.processes import GPU_BACKENDS, SINGLE, Processes, launched_processes
from landmark_discovery.training.pseudo_groundtruth_export import run_pseudo_groundtruth
from landmark_discovery.training.runs import run_stage1, run_stage2
from landmark_discovery.training.runtime import choose_device
from landmark_discovery.training.scaling import scaled_stage1, scaled_stage2
from landmark_discovery.training.weights import load_weights

CPU = torch.device("cpu")
FIRST, SECOND = PAIR = Processes(2, 0), Processes(2, 1)
RATE = 1e-2
TRAINING_IMAGES = [0, 1, 2, 4, 5]
# Every kind of change happens to most of the views.
AUGMENTATION = {
    "blur_probability": 0.8,
    "noise_probability": 0.8,
    "brightness_per_channel_probability": 0.8,
    "hue_saturation_probability": 0.8,
}
# The place tells detections apart, where the descriptors of so short a training are nearly the same and rounding
# would decide which is nearest.
CLUSTERING = {"position_weight": 2.0}


def columns(rank):
    """Arrays of several types; their lengths differ between the processes, and some are 0."""
    count = 3 - 2 * rank
    return {
        "float16": np.full((count, 2), rank + 0.5, np.float16),
        "float32": np.full((count, 3, 1), rank - 0.25, np.float32),
        "int64": np.arange(count) + 2**40 * rank,
        "bool": np.array([True, False, True][:count]),
        "none in the first": np.full((2 * rank, 2), 7, np.float16),
        "none in the second": np.full((2 - 2 * rank, 2), 7, np.float16),
        "none anywhere": np.empty((0, 4), np.float32),
        "no columns": np.empty((count, 0), np.float16),
    }


def exchange(processes):
    """Collect what a process gets from each way to exchange values."""
    rank = processes.rank
    averaged = [torch.tensor([1.0, 2.0]) + rank, torch.tensor([[10.0 * rank]])]
    processes.average(averaged)
    got = {"averaged": averaged, "total": processes.total(torch.tensor([3, rank]))}
    got |= {name: processes.gathered(array) for name, array in columns(rank).items()}
    got["computed"] = processes.from_main(lambda: {"by": rank})
    for name, error in (("of the user", UserError("a fault", where="here")), ("of the program", KeyError("a key"))):
        got[name] = failure(processes, error)
    return got


def failure(processes, error):
    """Give the type and the words of what a process raises when the main one raises an error."""

    def fail():
        raise error

    try:
        processes.from_main(fail)
    except Exception as caught:
        return type(caught), str(caught)
    return None


def keypoints():
    """Give four bootstrap keypoints of each training image."""
    points = np.random.default_rng(0).uniform(16, 42, (5, 4, 2))
    names = np.array([f"{index}.png" for index in TRAINING_IMAGES])
    return BootstrapKeypoints(names, points, np.ones((5, 4)), np.ones((5, 4), bool), "made-up")


def plain_descent(parameters, settings):
    """Make an optimiser whose steps are as long as the gradients; RMSprop's are the same for the sum and the mean.

    Where the gradient is rounding noise, RMSprop makes steps of full length of it.
    """
    groups = make_optimizer(parameters, settings).param_groups
    return SGD([{name: group[name] for name in ("params", "lr", "initial_lr")} for group in groups])


def run_everything(store, config, output, weights):
    """Run both stages with the pseudo-ground-truth between them, and give the landmarks that were drawn of each round.

    Args:
        store: of images.
        config: of all steps.
        output: folder for what is written.
        weights: folder of the weights of stage 1 that the pseudo-ground-truth and stage 2 start from.
    """
    drawn = []

    def draw(landmarks, _path):
        drawn.append(landmarks)

    start = weights / "stage1" / "weights"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(learner, "make_optimizer", plain_descent)
        run_stage1(store, keypoints(), config, output / "stage1" / "weights", draw)
        run_pseudo_groundtruth(store, start, config, output / "truth")
        run_stage2(store, start, read_pseudo_groundtruth(weights / "truth"), config, output / "stage2" / "weights")
    return drawn


def work(rank, port, folder, store, config):
    """Do what one of two processes does."""
    torch.set_num_threads(1)
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), WORLD_SIZE="2", RANK=str(rank))
    with launched_processes(CPU) as processes:
        got = exchange(processes)
    got["drawn"] = run_everything(store, config, folder / str(rank), folder / "0")
    torch.save(got, folder / f"{rank}.pt")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture(scope="module")
def store(build_store, faces):
    """Six images of 60 x 60 pixels, the fourth for the test; of the others two processes search three and two."""
    splits = ["train" if index in TRAINING_IMAGES else "test" for index in range(6)]
    return build_store(faces(size=60), [(14, 12, 46, 44)] * 6, [(10, 8, 50, 48)] * 6, splits)


@pytest.fixture(scope="module")
def pair(tmp_path_factory, store, tiny_config):
    """Let two processes train; give the folder that has one folder each, and what each of them got."""
    folder = tmp_path_factory.mktemp("pair")
    rate = {"optimizer": {"learning_rate": RATE}}
    config = tiny_config(
        augmentation=AUGMENTATION,
        clustering=CLUSTERING,
        stage1={"batch_pairs": 2, "iterations": 6, "warmup_iterations": 2, "round_iterations": 4} | rate,
        stage2={"batch_size": 2, "iterations": 4, "shape_prior": True} | rate,
    )
    spawn(work, (free_port(), folder, store, config), nprocs=2)
    return folder, [torch.load(folder / f"{rank}.pt", weights_only=False) for rank in (0, 1)]


@pytest.fixture(scope="module")
def alone(tmp_path_factory, pair, store, tiny_config):
    """Let one train as the paper's rule says of two: both batches, twice the rate, rounds of half the length."""
    folder = tmp_path_factory.mktemp("alone")
    rate = {"optimizer": {"learning_rate": 2 * RATE}}
    config = tiny_config(
        augmentation=AUGMENTATION,
        clustering=CLUSTERING,
        stage1={"batch_pairs": 4, "iterations": 6, "warmup_iterations": 2, "round_iterations": 2} | rate,
        stage2={"batch_size": 4, "iterations": 4, "shape_prior": True} | rate,
    )
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    drawn = run_everything(store, config, folder, pair[0] / "0")
    torch.set_num_threads(threads)
    return folder, drawn


@pytest.mark.parametrize("table", ["stage1/training_log.csv", "stage1/rounds.csv", "stage2/training_log.csv"])
def test_two_processes_have_the_losses_the_rates_and_the_rounds_of_one_with_both_batches(pair, alone, table):
    one, two = pd.read_csv(alone[0] / table), pd.read_csv(pair[0] / "0" / table)
    assert len(one) >= 1
    pd.testing.assert_frame_equal(two, one, rtol=1e-5, atol=1e-6)


def test_two_processes_train_the_weights_of_stage_1_that_one_trains(pair, alone):
    one, two = (load_weights(folder / "stage1" / "weights", 1) for folder in (alone[0], pair[0] / "0"))
    trained = two.network.state_dict()
    for name, expected in one.network.state_dict().items():
        torch.testing.assert_close(trained[name], expected, rtol=0, atol=1e-5)
    assert two.extras["flip_map"].tolist() == one.extras["flip_map"].tolist()


def test_two_processes_train_the_weights_of_stage_2_that_one_trains(pair, alone):
    one, two = (load_weights(folder / "stage2" / "weights", 2) for folder in (alone[0], pair[0] / "0"))
    trained = two.network.state_dict()
    for name, expected in one.network.state_dict().items():
        torch.testing.assert_close(trained[name], expected, rtol=0, atol=1e-5)
    for name, expected in one.extras.items():
        torch.testing.assert_close(two.extras[name], expected, rtol=0, atol=1e-4)
    assert "shape.mean" in one.extras


def test_two_processes_find_the_pseudo_ground_truth_of_each_round_that_one_finds(pair, alone):
    drawn = pair[1][0]["drawn"]
    assert len(drawn) == len(alone[1]) == 3
    for two, one in zip(drawn, alone[1], strict=True):
        np.testing.assert_allclose(two, one, rtol=0, atol=1e-4)


def test_two_processes_export_the_pseudo_ground_truth_that_one_exports(pair, alone):
    one, two = (vars(read_pseudo_groundtruth(folder / "truth")) for folder in (alone[0], pair[0] / "0"))
    assert np.isfinite(one["score"]).sum() >= 5
    for name in ("image", "flip_map", "centroids", "threshold"):
        np.testing.assert_array_equal(two[name], one[name])
    for name in ("landmarks", "score"):
        np.testing.assert_allclose(two[name], one[name], rtol=1e-6)


def test_only_the_main_process_writes_files_and_pictures(pair):
    folder, (first, second) = pair
    assert len(first["drawn"]) == 3
    assert not second["drawn"]
    assert {path.name for path in (folder / "0").iterdir()} == {"stage1", "truth", "stage2"}
    assert not (folder / "1").exists()


def test_tensors_are_averaged_and_added_up_in_every_process(pair):
    for got in pair[1]:
        assert [tensor.tolist() for tensor in got["averaged"]] == [[1.5, 2.5], [[5.0]]]
        assert got["total"].tolist() == [6, 1]


@pytest.mark.parametrize("name", columns(0))
def test_arrays_are_joined_in_the_order_of_the_processes_on_the_main_one(pair, name):
    first, second = columns(0)[name], columns(1)[name]
    joined, left = (got[name] for got in pair[1])
    np.testing.assert_array_equal(joined, np.concatenate([first, second]), strict=True)
    np.testing.assert_array_equal(left, second[:0], strict=True)


def test_what_the_main_process_computes_comes_to_all(pair):
    assert [got["computed"] for got in pair[1]] == [{"by": 0}, {"by": 0}]


def test_an_error_in_the_main_process_is_raised_in_all(pair):
    first, second = pair[1]
    assert first["of the user"] == second["of the user"] == (UserError, "here: a fault")
    assert first["of the program"] == (KeyError, "'a key'")
    assert second["of the program"] == (UserError, "KeyError in the main process: 'a key'")


def test_parts_follow_one_another_and_are_about_equally_long():
    parts = [Processes(3, rank).part(np.arange(10, 18)).tolist() for rank in range(3)]
    assert parts == [[10, 11, 12], [13, 14, 15], [16, 17]]


def test_fewer_images_than_processes_is_an_error_in_all_of_them():
    for processes in PAIR:
        with pytest.raises(UserError, match="2 processes have only 1 images; start fewer"):
            processes.part(np.array([3]))


def test_a_single_process_has_everything_and_exchanges_nothing():
    with launched_processes(CPU) as processes:
        assert processes is SINGLE
    array, tensor = np.arange(3), torch.tensor([1.0, 2.0])
    assert processes.part(array).tolist() == [0, 1, 2]
    assert processes.gathered(array) is array
    assert processes.total(tensor) is tensor
    processes.average([tensor])
    assert tensor.tolist() == [1.0, 2.0]
    assert processes.from_main(lambda: 5) == 5
    assert failure(processes, KeyError("a key")) == (KeyError, "'a key'")


def test_the_papers_rule_scales_the_learning_rate_and_the_rounds_and_nothing_else():
    stage1, stage2 = Stage1Settings(), Stage2Settings()
    for settings, scaled in ((stage1, scaled_stage1(stage1, 4)), (stage2, scaled_stage2(stage2, 4))):
        assert scaled.optimizer.learning_rate == pytest.approx(4e-4)
        rate = {"learning_rate": settings.optimizer.learning_rate}
        assert scaled.optimizer.model_copy(update=rate) == settings.optimizer
    assert scaled_stage1(stage1, 4).round_iterations == 1250
    unscaled = {"optimizer": stage1.optimizer, "round_iterations": stage1.round_iterations}
    assert scaled_stage1(stage1, 4).model_copy(update=unscaled) == stage1
    assert scaled_stage2(stage2, 4).model_copy(update={"optimizer": stage2.optimizer}) == stage2


def test_a_round_has_at_least_one_iteration():
    assert scaled_stage1(Stage1Settings(round_iterations=3), 8).round_iterations == 1


def test_without_the_rule_the_schedule_stays():
    stage1, stage2 = Stage1Settings(scale_with_processes=False), Stage2Settings(scale_with_processes=False)
    assert scaled_stage1(stage1, 4) == stage1
    assert scaled_stage2(stage2, 4) == stage2


@pytest.fixture
def two_gpus(monkeypatch):
    """Give the list of GPUs that are made the current one, on a machine that has two."""
    chosen = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    return chosen


def launched_as(monkeypatch, rank, count):
    place = {"WORLD_SIZE": 2 * count, "RANK": count + rank, "LOCAL_WORLD_SIZE": count, "LOCAL_RANK": rank}
    for name, value in place.items():
        monkeypatch.setenv(name, str(value))


@pytest.mark.parametrize("rank", [0, 1])
def test_each_process_takes_the_gpu_of_its_number_on_its_machine(monkeypatch, two_gpus, rank):
    launched_as(monkeypatch, rank, count=2)
    assert choose_device("auto") == torch.device("cuda", rank)
    assert two_gpus == [torch.device("cuda", rank)]
    assert choose_device("cpu") == CPU


def test_more_processes_than_gpus_is_an_error_in_all_of_them(monkeypatch, two_gpus):
    for rank in range(3):
        launched_as(monkeypatch, rank, count=3)
        with pytest.raises(UserError, match="device: PyTorch sees 2 GPUs for 3 processes; start 2, one a GPU"):
            choose_device("cuda")
    assert not two_gpus


def test_an_error_in_the_main_process_ends_all_with_one_message(tmp_path, store, tiny_config):
    write_store(tmp_path / "store", store)
    write_keypoints(tmp_path / "keypoints.npz", keypoints())
    # Where the main process writes a table there is a folder.
    (tmp_path / "out" / "rounds.csv").mkdir(parents=True)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = ["-m", "landmark_discovery", "train-stage1", "--settings", step_settings(tiny_config(), "train-stage1")]
    files = ["--store", "store", "--keypoints", "keypoints.npz", "--output", "out/weights"]
    result = subprocess.run([*torchrun, *command, *files], cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert result.returncode == 1
    assert [line for line in result.stderr.splitlines() if line.startswith("error: ")] == [
        "error: out/rounds.csv: can't be written (Is a directory); free space there, or choose a folder you may write"
    ]
    # The one traceback is torchrun's own; the one bar of the warm-up is the main process's.
    assert result.stderr.count("Traceback") == 1
    assert result.stderr.count("warm-up:   0%") == 1


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_averaging_fits_inside_a_recorded_graph():
    # One process of NCCL that takes itself for one of two: what it averages is halved.
    values = torch.tensor([8.0, 16.0], device="cuda")
    address = f"tcp://127.0.0.1:{free_port()}"
    torch.distributed.init_process_group(GPU_BACKENDS, init_method=address, rank=0, world_size=1)
    try:
        FIRST.average([values])
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            FIRST.average([values])
        graph.replay()
        graph.replay()
        assert values.tolist() == [1.0, 2.0]
    finally:
        torch.distributed.destroy_process_group()

import json

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file

from landmark_discovery.bootstrap.weights import load_superpoint_open
from landmark_discovery.bootstrap_training.packaging import (
    half_precision,
    licence_counts,
    package_bootstrap_weights,
)
from landmark_discovery.bootstrap_training.runs import (
    read_network,
    run_joint_training,
    run_labelling,
    run_magicpoint,
)
from landmark_discovery.bootstrap_training.shapes.dataset import draw_shapes, write_shapes
from landmark_discovery.config.bootstrap_training import load_bootstrap_training
from landmark_discovery.config.loading import merged
from landmark_discovery.errors import UserError
from landmark_discovery.files import write_npz
from landmark_discovery.training.interruption import Interrupted, Timetable

DESCENT = {"iterations": 20, "batch_size": 2, "warmup_iterations": 2}
CONFIG = load_bootstrap_training(
    {
        "precision": "float32",
        "device": "cpu",
        "cpu_threads": 1,
        "magicpoint": {"input_px": 32, "descent": DESCENT},
        "adaptation": {"homographies": 2, "threshold": 0.0, "max_keypoints": 6},
        "joint": {"input_px": 32, "points": 16, "descent": DESCENT},
    }
)
TABLE = pd.DataFrame(
    {
        "package": ["walls", "walls", "waves", "waves"],
        "version": ["1.0", "1.0", "2.0", "2.0"],
        "licence": ["CC0-1.0", "CC0-1.0", "GPL-2+", "GPL-2+"],
        "split": ["train", "train", "train", "train"],
        "used": ["yes", "yes", "yes", "too smooth"],
    }
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Run all steps on tiny material, once."""
    folder = tmp_path_factory.mktemp("trained")
    write_shapes(folder / "shapes.npz", draw_shapes(10, 48, 0))
    squares = np.random.default_rng(0).integers(0, 255, (5, 48, 48)).astype(np.uint8)
    split = np.array(["train", "test", "train", "train", "train"])
    write_npz(folder / "crops.npz", {"images": squares, "photograph": np.arange(5), "split": split})
    TABLE.to_csv(folder / "photographs.csv", index=False)
    magicpoint = folder / "magicpoint" / "weights.safetensors"
    run_magicpoint(folder / "shapes.npz", CONFIG, magicpoint)
    run_labelling(folder / "crops.npz", magicpoint, CONFIG, folder / "labels.npz")
    run_joint_training(
        folder / "crops.npz", folder / "labels.npz", magicpoint, CONFIG, folder / "superpoint" / "weights.safetensors"
    )
    package_bootstrap_weights(folder, folder / "photographs.csv", CONFIG, folder / "weights")
    return folder


def test_each_training_leaves_weights_a_log_and_a_record_and_no_checkpoints(trained):
    for name in ("magicpoint", "superpoint"):
        files = sorted(path.name for path in (trained / name).iterdir())
        assert files == ["record.json", "training_log.csv", "weights.safetensors"]
        record = json.loads((trained / name / "record.json").read_text())
        assert record["iterations"] == 20
        assert record["settings"]["seed"] == 0
        assert all(np.isfinite(value) for value in record["last_losses"].values())


def test_labels_are_of_the_photographs_for_training_alone(trained):
    with np.load(trained / "labels.npz") as labels:
        assert labels["crop"].tolist() == [0, 2, 3, 4]
        assert labels["points"].shape == (4, 6, 2)


def test_the_same_settings_give_the_same_weights(trained, tmp_path):
    again = tmp_path / "weights.safetensors"
    run_magicpoint(trained / "shapes.npz", CONFIG, again)
    assert again.read_bytes() == (trained / "magicpoint" / "weights.safetensors").read_bytes()


@pytest.mark.parametrize("training", ["magicpoint", "joint"])
def test_a_training_that_was_stopped_ends_with_the_same_bytes(trained, tmp_path, training):
    longer = {"descent": {**DESCENT, "iterations": 40}}
    config = load_bootstrap_training(merged(CONFIG.model_dump(), {training: longer}))

    def train(name, timetable=None):
        output = tmp_path / name / "weights.safetensors"
        if training == "magicpoint":
            run_magicpoint(trained / "shapes.npz", config, output, timetable)
        else:
            start = trained / "magicpoint" / "weights.safetensors"
            run_joint_training(trained / "crops.npz", trained / "labels.npz", start, config, output, timetable)
        return output

    with pytest.raises(Interrupted, match="iteration 20"):
        train("stopped", Timetable(limit_s=0.0))
    assert not (tmp_path / "stopped" / "weights.safetensors").exists()
    whole, stopped = train("whole"), train("stopped")
    for name in ("training_log.csv", "weights.safetensors"):
        assert stopped.with_name(name).read_bytes() == whole.with_name(name).read_bytes()
    assert not any(stopped.parent.glob("checkpoints/*"))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_both_trainings_learn_on_a_gpu_in_reduced_precision(trained, tmp_path):
    config = load_bootstrap_training(CONFIG.model_dump() | {"device": "cuda", "precision": "bfloat16"})
    magicpoint = tmp_path / "magicpoint" / "weights.safetensors"
    run_magicpoint(trained / "shapes.npz", config, magicpoint)
    run_labelling(trained / "crops.npz", magicpoint, config, tmp_path / "labels.npz")
    output = tmp_path / "superpoint" / "weights.safetensors"
    run_joint_training(trained / "crops.npz", tmp_path / "labels.npz", magicpoint, config, output)
    assert all(value.isfinite().all() for value in load_file(output).values())


def test_the_package_holds_the_folded_network_in_half_precision(trained):
    path = trained / "weights" / "superpoint_open.safetensors"
    assert path.stat().st_size < 2_700_000
    assert path.stat().st_mode & 0o777 == (trained / "photographs.csv").stat().st_mode & 0o777
    assert {value.dtype for value in load_file(path).values()} == {torch.float16}
    images = torch.rand(1, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        found = load_superpoint_open(path).eval()(images)
        expected = read_network(trained / "superpoint" / "weights.safetensors").eval()(images)
    for one, other, deviation in zip(found, expected, (0.02, 0.002), strict=True):
        torch.testing.assert_close(one, other, atol=deviation, rtol=0.0)


def test_digest_card_and_record_tell_what_the_file_is(trained):
    folder = trained / "weights"
    digest = (folder / "superpoint_open.sha256").read_text().split()[0]
    card = (folder / "superpoint_open.md").read_text()
    record = json.loads((folder / "superpoint_open.json").read_text())
    assert digest in card
    assert record["sha256"] == digest
    assert "20 iterations" in card
    assert "| walls | 1.0 | CC0-1.0 | 2 |" in card
    assert record["superpoint"]["iterations"] == 20


def test_photographs_that_were_used_are_counted_by_licence():
    assert licence_counts(TABLE) == [
        {"package": "walls", "version": "1.0", "licence": "CC0-1.0", "photographs": 2},
        {"package": "waves", "version": "2.0", "licence": "GPL-2+", "photographs": 1},
    ]


def test_parameters_beyond_half_precision_are_refused():
    with pytest.raises(UserError, match=r"'conv1a\.weight' is beyond the range of float16"):
        half_precision({"conv1a.weight": torch.tensor([1e6])})


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04", b"<html>"])
def test_what_is_no_network_of_this_training_is_refused(tmp_path, content):
    path = tmp_path / "weights.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match="not a network of this training"):
        read_network(path)


def test_a_network_whose_numbers_changed_on_the_disk_is_refused(trained, tmp_path):
    content = bytearray((trained / "superpoint" / "weights.safetensors").read_bytes())
    content[-3] ^= 1
    (tmp_path / "weights.safetensors").write_bytes(content)
    with pytest.raises(UserError, match=r"not a network of this training \(its numbers aren't those that were written"):
        read_network(tmp_path / "weights.safetensors")


def test_a_damaged_header_that_names_a_type_that_numpy_lacks_is_refused(tmp_path):
    path = tmp_path / "weights.safetensors"
    save_file({"conv1a.weight": torch.zeros(3, dtype=torch.bfloat16)}, path, metadata={"sha256": "0"})
    with pytest.raises(UserError, match="its numbers aren't those that were written"):
        read_network(path)


def test_weights_of_another_network_are_refused(tmp_path):
    path = tmp_path / "weights.safetensors"
    save_file({"conv1a.weight": torch.zeros(3)}, path)
    with pytest.raises(UserError, match="not a network of this training"):
        read_network(path)


def test_a_package_without_its_table_or_record_is_refused(trained, tmp_path):
    with pytest.raises(UserError, match=r"photographs.csv: can't be read"):
        package_bootstrap_weights(trained, tmp_path / "photographs.csv", CONFIG, tmp_path / "out")
    (tmp_path / "photographs.csv").write_text("package,used\nwalls,yes\n")
    with pytest.raises(UserError, match="lacks the column 'licence'"):
        package_bootstrap_weights(trained, tmp_path / "photographs.csv", CONFIG, tmp_path / "out")
    assert not (tmp_path / "out").exists()

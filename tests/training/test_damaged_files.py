"""Files cut at random lengths or with random bits flipped: what is read is what was written, or an error says so."""

import shutil
from random import Random

import numpy as np
import pytest
import torch
from test_resuming import ROUNDS, StopsAfter, run_stage1, same
from test_weights import trained

from landmark_discovery.bootstrap.keypoints import BootstrapKeypoints, read_keypoints, write_keypoints
from landmark_discovery.clustering.pseudo_groundtruth import (
    PseudoGroundTruth,
    read_pseudo_groundtruth,
    write_pseudo_groundtruth,
)
from landmark_discovery.errors import UserError
from landmark_discovery.evaluation.predictions import Predictions, read_predictions, write_predictions
from landmark_discovery.training.checkpoints import CheckpointFolder
from landmark_discovery.training.interruption import Interrupted, Timetable
from landmark_discovery.training.saver import Saver
from landmark_discovery.training.weights import load_weights, save_weights

CASES = 50


def cut(whole, generator):
    return whole[: generator.randrange(len(whole))]


def flipped(whole, generator, beginning=None):
    """Flip a bit of a file, or of its beginning."""
    content = bytearray(whole)
    content[generator.randrange(beginning or len(whole))] ^= 1 << generator.randrange(8)
    return bytes(content)


def refused(path, read, matches):
    """Read a file that may be refused by name and must otherwise match what was written."""
    try:
        found = read(path)
    except UserError as error:
        return str(error).startswith(f"{path}: ")
    assert matches(found)
    return False


DAMAGES = pytest.mark.parametrize("damage", [cut, flipped])


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def stopped(stored, tiny_config, tmp_path):
    """Stop a training after its fifth iteration, with the checkpoints of the last two; give its undisturbed end too."""
    config = tiny_config(stage1=ROUNDS)
    folder = CheckpointFolder(tmp_path / "stopped", "key")
    with pytest.raises(Interrupted, match="saved at iteration 5"):
        run_stage1(stored, config, Saver(folder, StopsAfter(save_every_s=0, steps=5)))
    assert [path.stem for path in sorted(folder.folder.glob("*.safetensors"))] == ["000000004", "000000005"]
    return config, folder.root, run_stage1(stored, config, Saver())


@DAMAGES
def test_a_training_whose_newest_checkpoint_is_damaged_goes_on_from_the_one_before_to_the_same_end(
    stored, stopped, tmp_path, capfd, damage
):
    config, root, (weights, log, rounds) = stopped
    whole, generator = (root / "key" / "000000005.safetensors").read_bytes(), Random(1)
    for case in range(CASES):
        folder = CheckpointFolder(shutil.copytree(root, tmp_path / str(case)), "key")
        (folder.folder / "000000005.safetensors").write_bytes(damage(whole, generator))
        again = run_stage1(stored, config, Saver(folder, Timetable()))
        said = capfd.readouterr().err
        assert f"{folder.folder}/000000005.safetensors is damaged" in said
        assert f"going on from {folder.folder}/000000004.safetensors, iteration 4" in said
        assert same(again[0], weights)
        assert again[1:] == (log, rounds)


def test_checkpoints_that_are_all_damaged_make_no_room_for_themselves(stored, stopped, capfd):
    """Those of the new start are kept, though the damaged ones are of later iterations."""
    config, root, (weights, _, _) = stopped
    for path in root.glob("key/*.safetensors"):
        path.write_bytes(b"")
    folder = CheckpointFolder(root, "key")
    with pytest.raises(Interrupted, match="saved at iteration 2"):
        run_stage1(stored, config, Saver(folder, StopsAfter(save_every_s=0, steps=2)))
    assert folder.latest().facts["iteration"] == 2
    capfd.readouterr()
    again, _, _ = run_stage1(stored, config, Saver(folder, Timetable()))
    assert "going on from" in capfd.readouterr().err
    assert same(again, weights)


NAMES = np.array([f"{index}.png" for index in range(300)])
POINTS = np.random.default_rng(0).uniform(0, 64, (300, 3, 2))
SCORES = POINTS[..., 0] / 64
POINTS_FILES = {
    "keypoints": (
        write_keypoints,
        read_keypoints,
        BootstrapKeypoints(NAMES, POINTS, SCORES, SCORES > 0.2, "sift"),
    ),
    "pseudo-ground-truth": (
        write_pseudo_groundtruth,
        read_pseudo_groundtruth,
        PseudoGroundTruth(NAMES, POINTS, SCORES, np.array([1, 0, -1]), np.eye(3, 8, dtype=np.float32), 0.25),
    ),
    "predictions": (
        write_predictions,
        read_predictions,
        Predictions(NAMES, np.array(["train"] * 300), POINTS, SCORES),
    ),
}


def equal(first, second):
    return all(np.array_equal(value, vars(second)[name]) for name, value in vars(first).items())


@DAMAGES
@pytest.mark.parametrize("name", POINTS_FILES)
def test_damaged_points_are_refused_or_are_those_that_were_written(tmp_path, name, damage):
    write, read, written = POINTS_FILES[name]
    write(tmp_path / "whole.npz", written)
    whole, path, generator, count = (tmp_path / "whole.npz").read_bytes(), tmp_path / "damaged.npz", Random(2), 0
    for _ in range(CASES):
        path.write_bytes(damage(whole, generator))
        count += refused(path, read, lambda found: equal(written, found))
    # What a zip archive says of dates and systems changes nothing.
    assert count == CASES if damage is cut else count >= 0.9 * CASES


def same_weights(first, second):
    facts = {name: second.facts.get(name) for name in first.facts}
    networks = [weights.network.state_dict() for weights in (first, second)]
    return facts == first.facts and all(same(one, other) for one, other in (networks, (first.extras, second.extras)))


@pytest.mark.parametrize(("damage", "beginning"), [(cut, None), (flipped, None), (flipped, 9000)])
def test_damaged_weights_are_refused_or_are_those_that_were_written(tmp_path, damage, beginning):
    """Flip bits of the tensors, and of the header that describes them."""
    written, path, generator, count = trained(), tmp_path / "damaged.safetensors", Random(3), 0
    save_weights(tmp_path / "whole.safetensors", written)
    whole = (tmp_path / "whole.safetensors").read_bytes()
    for _ in range(CASES):
        path.write_bytes(cut(whole, generator) if damage is cut else flipped(whole, generator, beginning))
        count += refused(path, lambda path: load_weights(path, stage=1), lambda found: same_weights(written, found))
    # Without the name of the digest the rest is still right.
    assert count == CASES if damage is cut else count >= CASES - 1


@pytest.mark.parametrize("byte", ["first", "last"])
def test_one_wrong_bit_in_a_tensor_is_named(tmp_path, byte):
    path = tmp_path / "weights.safetensors"
    save_weights(path, trained())
    content = bytearray(path.read_bytes())
    content[-1 if byte == "last" else 8 + int.from_bytes(content[:8], "little")] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"its bytes aren't those that were written; train it anew"):
        load_weights(path, stage=1)


def test_a_changed_description_is_noticed(tmp_path):
    path = tmp_path / "weights.safetensors"
    save_weights(path, trained(threshold=0.125))
    path.write_bytes(path.read_bytes().replace(b"0.125", b"0.325"))
    with pytest.raises(UserError, match="its bytes aren't those that were written"):
        load_weights(path, stage=1)


def test_weights_of_before_there_were_digests_are_read(tmp_path, monkeypatch):
    path = tmp_path / "weights.safetensors"
    monkeypatch.setattr("landmark_discovery.training.weights.digest_of_tensors", lambda *_: None)
    save_weights(path, trained())
    monkeypatch.undo()
    assert same_weights(trained(), load_weights(path, stage=1))


def test_the_digest_is_no_fact_of_the_weights_that_are_read_and_written_again(tmp_path):
    save_weights(tmp_path / "first.safetensors", trained())
    read = load_weights(tmp_path / "first.safetensors", stage=1)
    assert "sha256" not in read.facts
    save_weights(tmp_path / "second.safetensors", read)
    assert (tmp_path / "first.safetensors").read_bytes() == (tmp_path / "second.safetensors").read_bytes()

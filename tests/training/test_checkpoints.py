import hashlib
import multiprocessing

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from landmark_discovery.locking import try_lock
from landmark_discovery.training.checkpoints import Checkpoint, CheckpointFolder, checkpoint_key, digest_of_arrays


def checkpoint(order):
    tensors = {"weights.0": torch.full((3,), float(order)), "random.order": torch.arange(4, dtype=torch.uint8)}
    return Checkpoint(tensors, {"order": order, "iteration": order, "log": [{"loss": 0.1}]})


@pytest.fixture
def folder(tmp_path):
    return CheckpointFolder(tmp_path / "checkpoints", "abc")


def orders(folder):
    return [int(path.stem) for path in sorted(folder.folder.glob("*.safetensors"))]


def test_what_was_saved_comes_back(folder):
    assert folder.latest() is None
    folder.save(checkpoint(7))
    found = folder.latest()
    assert found.facts == checkpoint(7).facts
    assert found.tensors.keys() == checkpoint(7).tensors.keys()
    assert all(torch.equal(found.tensors[name], value) for name, value in checkpoint(7).tensors.items())
    assert found.tensors["random.order"].dtype == torch.uint8


def test_the_last_two_are_kept(folder):
    for order in (1, 2, 30):
        folder.save(checkpoint(order))
    assert orders(folder) == [2, 30]
    assert len(list(folder.folder.iterdir())) == 4


def test_a_checkpoint_that_was_cut_at_any_length_is_passed_over_for_the_one_before_and_both_are_named(folder, capfd):
    folder.save(checkpoint(1))
    newest = folder.save(checkpoint(2))
    whole = newest.read_bytes()
    for length in np.linspace(0, len(whole) - 1, 50).astype(int):
        newest.write_bytes(whole[:length])
        assert folder.latest().facts["order"] == 1
        said = capfd.readouterr().err
        assert f"{newest} is damaged" in said
        assert "000000001.safetensors, iteration 1" in said


@given(position=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_a_flipped_bit_is_noticed(tmp_path_factory, position, bit):
    folder = CheckpointFolder(tmp_path_factory.mktemp("flipped"), "abc")
    path = folder.save(checkpoint(2))
    content = bytearray(path.read_bytes())
    content[position % len(content)] ^= 1 << bit
    path.write_bytes(content)
    assert folder.latest() is None


@pytest.mark.parametrize("digest", [None, "", "0" * 64])
def test_a_checkpoint_without_its_digest_is_passed_over(folder, digest):
    path = folder.save(checkpoint(2)).with_suffix(".sha256")
    path.unlink() if digest is None else path.write_text(digest)
    assert folder.latest() is None


def test_other_settings_start_afresh_and_say_so(folder, capfd):
    folder.save(checkpoint(2))
    assert CheckpointFolder(folder.root, "other").latest() is None
    assert "has checkpoints of other settings or inputs; training starts afresh" in capfd.readouterr().err


def test_checkpoints_go_when_the_result_is_there(folder):
    with folder.held():
        folder.save(checkpoint(2))
        folder.clear()
        assert folder.latest() is None
    assert not folder.root.exists()
    folder.clear()


def test_nobody_else_trains_here_until_the_folder_is_gone(folder):
    lock = folder.root / ".lock"
    with folder.held():
        folder.save(checkpoint(2))
        folder.clear()
        with lock.open("rb") as another:
            assert not try_lock(another.fileno())
    assert not lock.exists()


def test_the_key_depends_on_all_that_a_state_means_nothing_without():
    cpu, gpu = torch.device("cpu"), torch.device("cuda", 0)
    key = checkpoint_key({"seed": 1}, {"images": "a"}, cpu)
    assert key == checkpoint_key({"seed": 1}, {"images": "a"}, cpu, processes=1)
    others = [
        checkpoint_key({"seed": 2}, {"images": "a"}, cpu),
        checkpoint_key({"seed": 1}, {"images": "b"}, cpu),
        checkpoint_key({"seed": 1}, {"images": "a"}, gpu),
        checkpoint_key({"seed": 1}, {"images": "a"}, cpu, processes=2),
    ]
    assert len({key, *others}) == 5


def test_the_digest_of_arrays_sees_names_types_shapes_and_bytes():
    array = np.arange(6)
    variants = [{"a": array}, {"b": array}, {"a": array.reshape(2, 3)}, {"a": array.astype(np.int32)}, {"a": array + 1}]
    assert len({digest_of_arrays(variant) for variant in variants}) == 5
    assert digest_of_arrays({"a": array[::2]}) == digest_of_arrays({"a": array[::2].copy()})
    assert digest_of_arrays({"a": array}) == hashlib.sha256(b"a int64 (6,)\n" + array.tobytes()).hexdigest()


def hold(root, ready, leave):
    with CheckpointFolder(root, "abc").held():
        ready.set()
        leave.wait()


def test_a_second_training_in_one_place_waits_for_the_first(folder):
    context = multiprocessing.get_context("spawn")
    ready, leave, second_ready = context.Event(), context.Event(), context.Event()
    first = context.Process(target=hold, args=(folder.root, ready, leave))
    second = context.Process(target=hold, args=(folder.root, second_ready, leave))
    first.start()
    assert ready.wait(60)
    second.start()
    assert not second_ready.wait(3)
    leave.set()
    assert second_ready.wait(60)
    first.join()
    second.join()
    assert (first.exitcode, second.exitcode) == (0, 0)

import hashlib
import shutil
import subprocess
from random import Random

import numpy as np
import pandas as pd
import pytest

from landmark_discovery.data import digest_list
from landmark_discovery.data.digest_list import check_digests, read_digests, write_digests
from landmark_discovery.data.store import CORNERS, RECTANGLES, ImageStore, read_store, write_store
from landmark_discovery.errors import UserError
from landmark_discovery.evaluation.truth import read_folder_truth

FILES = ("images.npy", "samples.csv", "landmarks.csv", "facts.json", "SHA256SUMS")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"a")
    (tmp_path / "b.npy").write_bytes(b"b")
    write_digests(tmp_path, {})
    return tmp_path


def test_the_list_is_what_sha256sum_reads(folder):
    assert read_digests(folder) == {name: hashlib.sha256(name[:1].encode()).hexdigest() for name in ("a.csv", "b.npy")}
    if shutil.which("sha256sum"):
        assert subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=folder).returncode == 0


def test_a_digest_that_is_known_is_not_taken_again(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"a")
    write_digests(tmp_path, {"a.csv": "0" * 64})
    assert read_digests(tmp_path) == {"a.csv": "0" * 64}


def test_a_file_that_changed_or_is_gone_is_named(folder):
    check_digests(folder, ["a.csv", "b.npy"])
    (folder / "a.csv").write_bytes(b"b")
    check_digests(folder, ["b.npy", "unlisted.csv"])
    with pytest.raises(UserError, match=r"a\.csv: isn't what SHA256SUMS says; make the folder anew, or remove SHA256"):
        check_digests(folder, ["a.csv"])
    (folder / "a.csv").unlink()
    with pytest.raises(UserError, match=r"a\.csv: isn't what SHA256SUMS says"):
        check_digests(folder, ["a.csv"])


def test_without_a_list_nothing_is_compared(tmp_path):
    check_digests(tmp_path, ["a.csv"])
    assert read_digests(tmp_path) is None


def test_a_list_of_something_else_is_refused(folder):
    for content in (b"text\n", b"\xff"):
        (folder / "SHA256SUMS").write_bytes(content)
        with pytest.raises(UserError, match="SHA256SUMS: not a readable list of digests; make the folder anew"):
            read_digests(folder)


@pytest.fixture
def store(tmp_path):
    """Write a store of two images of 6 x 4 pixels."""
    row = {"split": "train", "subject": "", "width": 6, "height": 4, "stored_width": 6, "stored_height": 4}
    row |= {f"{kind}_{corner}": 2 + index for kind in RECTANGLES for index, corner in enumerate(CORNERS)}
    samples = pd.DataFrame([{"image": "a.png", **row}, {"image": "b.png", **row, "split": "test"}])
    points = np.arange(12.0).reshape(2, 3, 2)
    write_store(tmp_path / "store", ImageStore(np.full((2, 4, 6, 3), 7, np.uint8), samples, points, {"name": "toy"}))
    return tmp_path / "store"


@pytest.mark.parametrize("name", FILES)
def test_a_prepared_data_set_with_a_bit_flipped_or_a_file_cut_is_refused(store, name):
    whole, generator = (store / name).read_bytes(), Random(4)
    read_store(store)
    for case in range(100):
        content = bytearray(whole)
        place = generator.randrange(len(whole))
        content[place] ^= 1 << generator.randrange(8)
        (store / name).write_bytes(whole[:place] if case % 2 else content)
        with pytest.raises(UserError, match=r"store: not a prepared data set \("):
            read_store(store)


@pytest.mark.parametrize("name", ["samples.csv", "landmarks.csv"])
def test_true_points_of_a_prepared_data_set_that_changed_are_not_measured_by(store, name):
    read_folder_truth(store)
    (store / name).write_text((store / name).read_text().replace("2", "3"), encoding="utf-8")
    with pytest.raises(UserError, match=f"{name}: isn't what SHA256SUMS says"):
        read_folder_truth(store)
    (store / name).unlink()
    with pytest.raises(UserError, match=f"{name}: isn't what SHA256SUMS says"):
        read_folder_truth(store)


@pytest.mark.parametrize("change", ["lost", "added"])
def test_tables_of_true_points_are_neither_lost_nor_added_unnoticed(store, change):
    shutil.copy(store / "landmarks.csv", store / "landmarks_5.csv")
    if change == "lost":
        (store / "SHA256SUMS").unlink()
        write_digests(store, {})
        read_store(store)
        (store / "landmarks_5.csv").unlink()
    with pytest.raises(UserError, match=r"of its files and SHA256SUMS, only one knows landmarks_5\.csv"):
        read_store(store)


def test_of_images_that_are_too_large_to_be_read_at_once_the_size_is_checked(store, monkeypatch):
    content = (store / "images.npy").read_bytes()
    (store / "images.npy").write_bytes(content[:-1] + b"\0")
    with pytest.raises(UserError, match="isn't what SHA256SUMS says"):
        read_store(store)
    monkeypatch.setattr(digest_list, "CHECKED_BYTES", len(content) - 1)
    assert read_store(store).images[-1, -1, -1, -1] == 0
    for wrong in (content[:-1], content + b"\0"):
        (store / "images.npy").write_bytes(wrong)
        with pytest.raises(UserError, match="not a prepared data set"):
            read_store(store)


def test_a_data_set_prepared_before_there_were_lists_is_read(store):
    (store / "SHA256SUMS").unlink()
    assert len(read_store(store)) == 2
    assert read_folder_truth(store).landmarks is not None


def test_an_empty_list_is_not_taken_for_none(store):
    (store / "SHA256SUMS").write_text("")
    with pytest.raises(UserError, match=r"of its files and SHA256SUMS, only one knows"):
        read_store(store)

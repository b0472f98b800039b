import os
from pathlib import Path

import pytest

from landmark_discovery.config.fingerprint import folder_fingerprint
from landmark_discovery.errors import UserError


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "images").mkdir()
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / "images" / name).write_bytes(b"1234")
        os.utime(tmp_path / "images" / name, (1000, 1000))
    return tmp_path


def test_the_same_files_give_the_same_fingerprint(folder):
    assert folder_fingerprint(folder) == folder_fingerprint(str(folder))


def test_a_new_a_renamed_a_longer_and_a_younger_file_each_change_it(folder):
    seen = [folder_fingerprint(folder)]
    (folder / "c.jpg").write_bytes(b"")
    seen.append(folder_fingerprint(folder))
    (folder / "c.jpg").rename(folder / "d.jpg")
    seen.append(folder_fingerprint(folder))
    (folder / "images" / "a.jpg").write_bytes(b"12345")
    os.utime(folder / "images" / "a.jpg", (1000, 1000))
    seen.append(folder_fingerprint(folder))
    os.utime(folder / "images" / "a.jpg", (1001, 1001))
    seen.append(folder_fingerprint(folder))
    assert len(set(seen)) == len(seen)


def test_files_that_a_link_leads_to_count_and_a_link_that_leads_back_ends_the_walk(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("disk")
    (elsewhere / "a.jpg").write_bytes(b"1234")
    (folder / "linked").symlink_to(elsewhere)
    (elsewhere / "back").symlink_to(folder)
    before = folder_fingerprint(folder)
    (elsewhere / "a.jpg").write_bytes(b"12345")
    assert folder_fingerprint(folder) != before


def test_a_link_that_leads_nowhere_or_to_itself_counts_as_a_link(folder):
    before = folder_fingerprint(folder)
    (folder / ".#samples.csv").symlink_to("somebody@somewhere.123")
    (folder / "itself").symlink_to(folder / "itself")
    assert folder_fingerprint(folder) != before


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(UserError, match="no such folder"):
        folder_fingerprint(tmp_path / "none")


def test_a_name_that_is_no_text_counts_as_its_bytes(folder):
    before = folder_fingerprint(folder)
    Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.txt")).touch()
    assert folder_fingerprint(folder) != before


def test_a_file_that_vanishes_during_the_walk_is_passed_over(folder, monkeypatch):
    before = folder_fingerprint(folder)
    walk = os.walk

    def walk_and_delete(*arguments, **options):
        for path, folders, files in walk(*arguments, **options):
            yield path, folders, [*files, "gone.tmp"]

    monkeypatch.setattr(os, "walk", walk_and_delete)
    assert folder_fingerprint(folder) == before

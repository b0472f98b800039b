"""The table of downloads, the lock file, and the notes that lie beside downloads."""

from pathlib import Path

import pytest
from hypothesis import given
from mutations import damaged_bytes, damaged_json, damaged_text, fuzz, only_user_errors

import landmark_discovery.downloads
from landmark_discovery.downloads.checks import require_stamped
from landmark_discovery.downloads.lock import pin, read_lock
from landmark_discovery.downloads.partial import Partial
from landmark_discovery.downloads.sources import browser_address, read_sources
from landmark_discovery.errors import UserError

SOURCES = Path(landmark_discovery.downloads.__file__).with_name("sources.csv").read_text(encoding="utf-8")
LOCK = f"# Digests\na.zip 12 {'0' * 64}\nb.zip 5 {'f' * 64}\n"
PIECES = (
    *(",", "\n", '"', "", "x", "-1", "0", "9" * 400, "9" * 5000, "a.zip", "../a", "/", "\0", "\ufeff", "\r", "\x85"),
    *("http://", "http://[", "http://[::1", "http://a:99999999", "http://a:b", "https://\0", "gdrive:", "gdrive:é"),
    *("sha256:", "sha256:" + "0" * 64, "md5:x", ":", "sha256:" + "٣" * 64, "none", "celeba", "http://" + "a" * 9000),
)


@given(content=damaged_bytes(SOURCES.encode()) | damaged_text(SOURCES, PIECES).map(str.encode))
@fuzz(300)
def test_a_damaged_table_of_downloads_is_read_or_refused(tmp_path, content):
    (tmp_path / "sources.csv").write_bytes(content)
    with only_user_errors():
        for source in read_sources(tmp_path / "sources.csv").values():
            assert all(map(browser_address, source.addresses))
            assert "/" not in source.name


@given(content=damaged_bytes(LOCK.encode()) | damaged_text(LOCK, PIECES, r"\S+").map(str.encode))
@fuzz(200)
def test_a_damaged_lock_file_is_read_or_refused(tmp_path, content):
    path = tmp_path / "downloads.lock"
    path.write_bytes(content)
    with only_user_errors():
        read_lock(path)
    with only_user_errors():
        pin(path, "c.zip", 5, "a" * 64)
        assert read_lock(path)["c.zip"].size_bytes == 5


@given(content=damaged_bytes(b"0" * 64 + b"\n"))
@fuzz(60)
def test_a_download_with_a_damaged_stamp_is_refused(tmp_path, content):
    (tmp_path / "a.zip").write_bytes(b"content")
    (tmp_path / "a.zip.sha256").write_bytes(content)
    with pytest.raises(UserError, match="not the file that was checked"):
        require_stamped([tmp_path / "a.zip"])


RECORD = {"address": "http://a/b", "etag": "x", "modified": "", "length": 9, "kept_bytes": 4}


@given(content=damaged_json(RECORD))
@fuzz(150)
def test_a_half_finished_download_with_a_damaged_record_is_taken_up_or_begun_anew(tmp_path, content):
    path = tmp_path / ".a.zip.part"
    path.write_bytes(b"content")
    path.with_name(f"{path.name}.json").write_bytes(content)
    with only_user_errors():
        Partial(path).is_begun()

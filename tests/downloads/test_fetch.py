import contextlib
import errno
import hashlib
import os
import threading
import time
import zipfile

import misbehaving
import pytest
from misbehaving import cut, stall, status, whole

from landmark_discovery.digests import Digest
from landmark_discovery.downloads.checks import check_download, sha256_of
from landmark_discovery.downloads.drive import transfer_drive
from landmark_discovery.downloads.fetch import TRANSFERS, Means, by_hand, fetch, missing_offline
from landmark_discovery.downloads.licences import LICENCES
from landmark_discovery.downloads.lock import Pin, pin, read_lock
from landmark_discovery.downloads.partial import Record
from landmark_discovery.downloads.transport import TransferError
from landmark_discovery.downloads.web import transfer_http
from landmark_discovery.errors import UserError

CONTENT = b"000001.jpg 69 109\n"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
DIGEST = Digest("sha256", SHA256)
PUBLISHED = Digest("sha256", hashlib.sha256(misbehaving.CONTENT).hexdigest())
NOWHERE = "http://127.0.0.1:1/points.txt"
PAGE = b"<!doctype html><html><title>Google Drive - Quota exceeded</title></html>"


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "resources" / "downloads"


@pytest.fixture
def lock(tmp_path):
    return tmp_path / "downloads.lock"


@pytest.fixture
def fetched(folder, lock, patience):
    """Fetch a source into the folder."""

    def run(source, accepted=(), **means):
        return fetch(source, folder, lock, accepted, Means(**{"patience": patience, **means}))

    return run


@pytest.fixture
def refused(folder, fetched):
    """Fetch what can't be had: nothing is left, and the error is one line."""

    def fail(source, match, accepted=()):
        before = names_in(folder)
        with pytest.raises(UserError, match=match) as error:
            fetched(source, accepted)
        assert names_in(folder) == before
        assert "\n" not in str(error.value)
        return str(error.value)

    return fail


def names_in(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def drop_in(folder, content, name="points.txt"):
    folder.mkdir(parents=True)
    (folder / name).write_bytes(content)


def test_a_file_with_a_published_digest_is_fetched_and_not_pinned(server, source, folder, lock, fetched):
    path = fetched(source(server.put("/points", CONTENT), digest=DIGEST, size_bytes=len(CONTENT)))
    assert path == folder / "points.txt"
    assert path.read_bytes() == CONTENT
    assert names_in(folder) == ["points.txt"]
    assert not lock.exists()


def test_a_file_without_a_published_digest_is_pinned_on_first_fetch(server, source, lock, fetched):
    fetched(source(server.put("/points", CONTENT)))
    assert read_lock(lock) == {"points.txt": Pin(len(CONTENT), SHA256)}


def test_a_file_that_is_pinned_is_fetched_again_only_as_it_was(server, source, folder, lock, fetched, refused):
    address = server.put("/points", CONTENT)
    fetched(source(address)).unlink()
    fetched(source(address)).unlink()
    other = CONTENT.replace(b"69", b"70")
    server.put("/points", other)
    message = refused(source(address), "can't be fetched")
    for part in (SHA256, hashlib.sha256(other).hexdigest(), f"remove the line of points.txt from {lock}"):
        assert part in message
    assert read_lock(lock) == {"points.txt": Pin(len(CONTENT), SHA256)}
    assert names_in(folder) == []


def test_a_file_of_another_size_than_pinned_is_told(server, source, lock, refused):
    pin(lock, "points.txt", 5, "0" * 64)
    message = refused(source(server.put("/points", CONTENT)), f"it has {len(CONTENT)} bytes, and .* has 5")
    assert "remove the line of points.txt" in message


def test_a_file_that_is_there_is_used_without_the_network(source, folder, lock, fetched):
    drop_in(folder, CONTENT)
    assert fetched(source(NOWHERE, digest=DIGEST)).read_bytes() == CONTENT
    assert not lock.exists()


def test_a_file_put_there_by_hand_is_pinned_where_no_digest_is_published(source, folder, lock, fetched):
    drop_in(folder, CONTENT)
    fetched(source(NOWHERE))
    assert read_lock(lock) == {"points.txt": Pin(len(CONTENT), SHA256)}


@pytest.mark.parametrize(
    ("content", "facts", "reason"),
    [
        (b"other", {"digest": DIGEST}, f"its sha256 is {hashlib.sha256(b'other').hexdigest()}, not {SHA256}"),
        (b"other", {"size_bytes": 18}, "it has 5 bytes, not 18"),
        (b"", {}, "it is empty"),
        (PAGE, {}, "a web page, titled 'Google Drive - Quota exceeded', not the file; .* wait a day"),
    ],
)
def test_a_wrong_file_that_is_there_is_named_and_kept(source, folder, lock, refused, content, facts, reason):
    drop_in(folder, content)
    message = refused(source(NOWHERE, **facts), reason)
    assert f"{folder / 'points.txt'}: not the file that is wanted" in message
    assert "move it away" in message
    assert (folder / "points.txt").read_bytes() == content
    assert not lock.exists()


def test_a_file_that_was_changed_after_its_pin_is_told(source, folder, lock, refused):
    pin(lock, "points.txt", len(CONTENT), SHA256)
    drop_in(folder, CONTENT.replace(b"69", b"70"))
    message = refused(source(NOWHERE), "not the file that is wanted")
    assert SHA256 in message
    assert f"remove the line of points.txt from {lock}" in message


@pytest.mark.parametrize(
    ("body", "facts", "reason"),
    [
        (b"other", {"digest": DIGEST}, "its sha256 is .*, not"),
        (CONTENT + b"more", {"digest": DIGEST, "size_bytes": len(CONTENT)}, "it has 22 bytes, not 18"),
        (PAGE, {}, "a web page"),
        (b"", {}, "it is empty"),
    ],
)
def test_wrong_bytes_leave_nothing_behind(server, source, lock, refused, body, facts, reason):
    refused(source(server.put("/points", body), **facts), reason)
    assert not lock.exists()


def test_half_an_answer_is_never_pinned(server, source, lock, refused):
    address = server.plays(cut(18, etag=""))
    refused(source(address), r"broke off after 18 of 20000 bytes \(6 tries\)")
    assert not lock.exists()


def test_half_an_archive_is_never_pinned(server, source, tmp_path, lock, refused, fetched):
    with zipfile.ZipFile(tmp_path / "whole.zip", "w") as archive:
        archive.writestr("000001.jpg", bytes(1000))
    whole = (tmp_path / "whole.zip").read_bytes()
    address = server.put("/celeba.zip", whole[:600])
    refused(source(address, name="celeba.zip"), "it is no zip archive, or cut short")
    assert not lock.exists()
    server.put("/celeba.zip", whole)
    assert fetched(source(address, name="celeba.zip")).read_bytes() == whole


@pytest.mark.parametrize("first", [("/gone", b"no", 404), ("/page", PAGE, 200), ("/other", b"other", 200)])
def test_where_the_first_address_fails_the_mirror_is_asked(server, source, fetched, first):
    mirror = server.put("/mirror", CONTENT)
    path, body, status = first
    assert fetched(source(server.put(path, body, status), mirror, digest=DIGEST)).read_bytes() == CONTENT
    assert server.paths() == [path, "/mirror"]


def test_where_the_first_address_answers_the_mirror_is_left_alone(server, source, fetched):
    fetched(source(server.put("/first", CONTENT), server.put("/mirror", CONTENT), digest=DIGEST))
    assert server.paths() == ["/first"]


def test_where_all_fail_one_error_names_each_with_its_reason_and_the_way_by_hand(server, source, folder, refused):
    gone, page = server.put("/gone", b"no", code=404), server.put("/page", PAGE)
    facts = {"digest": DIGEST, "licence": LICENCES["celeba"]}
    message = refused(source(gone, page, **facts), "can't be fetched", accepted=["celeba"])
    for part in (
        f"{gone}: answers 404 Not Found",
        f"{page}: it is a web page",
        f"fetch {gone} or {page} by hand",
        f"sha256:{SHA256}",
        "non-commercial research only",
        f"put it at {folder / 'points.txt'}",
    ):
        assert part in message


def test_a_file_of_google_drive_is_fetched_by_hand_in_a_browser(source):
    told = by_hand(source("gdrive:ab_1"), "here/points.txt")
    assert told == (
        "fetch https://drive.google.com/file/d/ab_1/view by hand (no digest is published) and put it at here/points.txt"
    )


def test_each_scheme_goes_its_way_and_a_second_address_starts_afresh(source, fetched):
    asked = []

    def drive(address, partial, progress):
        asked.append(address)
        with partial.writing(Record(address)) as writer:
            writer.write(b"much more than the mirror sends")
            progress(5, None)
            raise TransferError("quota")

    def web(address, partial, progress):
        asked.append(address)
        with partial.writing(Record(address)) as writer:
            writer.write(CONTENT)
            progress(len(CONTENT), len(CONTENT))

    source = source("gdrive:ab", "HTTPS://one.org/a", digest=DIGEST)
    assert fetched(source, transfers={"gdrive": drive, "https": web}).read_bytes() == CONTENT
    assert asked == ["gdrive:ab", "HTTPS://one.org/a"]


def test_each_scheme_has_its_transfer():
    assert {"http": transfer_http, "https": transfer_http, "gdrive": transfer_drive} == TRANSFERS


def test_what_an_address_began_goes_on_there_and_the_others_come_after(server, source, folder, fetched):
    other = server.plays(status(404), path="/first")
    begun = server.plays(cut(7000), status(404), whole(), path="/second")
    with pytest.raises(UserError, match="can't be fetched"):
        fetched(source(other, begun, digest=PUBLISHED))
    assert names_in(folder) == [".points.txt.part", ".points.txt.part.json"]
    server.asked.clear()
    server.put("/first", misbehaving.CONTENT)
    assert fetched(source(other, begun, digest=PUBLISHED)).read_bytes() == misbehaving.CONTENT
    assert [(asked.path, asked.range) for asked in server.asked] == [("/second", "bytes=7000-")]


def test_a_mirror_that_hands_out_a_web_page_leaves_what_was_begun(server, source, fetched):
    begun = server.plays(cut(7000), status(404), whole(), path="/first")
    page = server.plays(misbehaving.page(), path="/mirror")
    with pytest.raises(UserError, match="can't be fetched"):
        fetched(source(begun, page, digest=PUBLISHED))
    fetched(source(begun, page, digest=PUBLISHED))
    assert server.ranges("/first") == [None, "bytes=7000-", "bytes=7000-"]


def test_where_only_the_final_name_is_missing_nothing_is_fetched(server, source, folder, lock, fetched):
    one = source(server.put("/points", CONTENT))
    lock.mkdir()
    with pytest.raises(UserError, match=f"{lock}: can't be read"):
        fetched(one)
    lock.rmdir()
    assert fetched(one).read_bytes() == CONTENT
    assert server.paths() == ["/points"]
    assert names_in(folder) == ["points.txt"]


def test_a_whole_file_of_an_earlier_run_that_turns_out_wrong_is_fetched_anew(server, source, lock, fetched):
    address = server.put("/points", b"wrong")
    lock.mkdir()
    with pytest.raises(UserError, match="can't be read"):
        fetched(source(address))
    server.put("/points", CONTENT)
    assert fetched(source(address, digest=DIGEST)).read_bytes() == CONTENT


def test_a_second_process_waits_and_uses_what_the_first_fetched(server, source, fetched, told):
    one = source(server.plays(stall(7000), whole()), digest=PUBLISHED)
    results = []
    threads = [threading.Thread(target=lambda: results.append(fetched(one))) for _ in range(2)]
    for thread in threads:
        thread.start()
    while not told and all(thread.is_alive() for thread in threads):
        time.sleep(0.01)
    assert told[0].endswith("points.txt: another process fetches it; this one waits")
    server.released.set()
    for thread in threads:
        thread.join()
    assert [path.read_bytes() for path in results] == [misbehaving.CONTENT] * 2
    assert server.ranges() == [None, "bytes=7000-"]


def test_what_was_begun_is_removed_once_the_file_is_put_there_by_hand(server, source, folder, fetched):
    one = source(server.plays(cut(7000), status(404)), digest=PUBLISHED)
    with pytest.raises(UserError):
        fetched(one)
    (folder / "points.txt").write_bytes(misbehaving.CONTENT)
    fetched(one)
    assert names_in(folder) == ["points.txt"]


def test_offline_nothing_is_fetched_and_the_place_of_the_file_is_named(server, source, folder, fetched):
    address = server.put("/points", CONTENT)
    with pytest.raises(UserError, match=r"missing, and nothing is fetched \(offline\): .*points.txt") as error:
        fetched(source(address, digest=DIGEST), offline=True)
    for part in (f"fetch {address} by hand", f"put it at {folder / 'points.txt'}", "`downloads.offline`"):
        assert part in str(error.value)
    assert server.asked == []
    assert not folder.exists()


def test_offline_a_file_that_is_there_is_checked_and_used(source, folder, fetched):
    drop_in(folder, CONTENT)
    assert fetched(source(NOWHERE, digest=DIGEST), offline=True).read_bytes() == CONTENT
    with pytest.raises(UserError, match="not the file that is wanted"):
        fetched(source(NOWHERE, size_bytes=5), offline=True)


def test_all_that_is_missing_offline_is_named_at_once(source, tmp_path):
    places = {tmp_path / name: source(f"http://one.org/{name}", name=name) for name in ("a.zip", "b.zip")}
    message = str(missing_offline(places))
    assert f"(offline): {', '.join(map(str, places))}; put them there by hand" in message


@pytest.mark.parametrize("there", [True, False])
def test_without_the_licence_nothing_is_fetched_or_used(server, source, folder, refused, there):
    if there:
        drop_in(folder, CONTENT)
    licensed = source(server.put("/points", CONTENT), digest=DIGEST, licence=LICENCES["celeba"])
    message = refused(licensed, r"CelebA: non-commercial research only", accepted=["superpoint"])
    assert "`accept_licences: [celeba, superpoint]`" in message
    assert server.paths() == []


def test_with_the_licence_it_is_fetched(server, source, fetched):
    licensed = source(server.put("/points", CONTENT), digest=DIGEST, licence=LICENCES["celeba"])
    assert fetched(licensed, accepted=["celeba"]).read_bytes() == CONTENT


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(143)])
def test_an_interruption_keeps_what_the_rest_can_be_added_to(server, source, folder, fetched, error, monkeypatch):
    one = source(server.plays(whole()), digest=PUBLISHED)

    def interrupt(*_):
        raise error

    @contextlib.contextmanager
    def interrupting(*_):
        yield interrupt

    monkeypatch.setattr("landmark_discovery.downloads.fetch.progress_bar", interrupting)
    with pytest.raises(type(error)):
        fetched(one)
    monkeypatch.undo()
    assert names_in(folder) == [".points.txt.part", ".points.txt.part.json"]
    kept = (folder / ".points.txt.part").stat().st_size
    assert fetched(one).read_bytes() == misbehaving.CONTENT
    assert server.ranges() == ([None, f"bytes={kept}-"] if kept < len(misbehaving.CONTENT) else [None])


def test_a_full_disk_is_told_as_such_and_the_mirror_is_left_alone(source, folder, fetched):
    asked = []

    def full(address, *_):
        asked.append(address)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(UserError, match=r"points.txt: can't be written \(No space left on device\)"):
        fetched(source(NOWHERE, NOWHERE), transfers={"http": full})
    assert asked == [NOWHERE]
    assert names_in(folder) == []


def test_a_folder_in_the_place_of_the_file_is_told(source, folder, fetched):
    (folder / "points.txt").mkdir(parents=True)
    with pytest.raises(UserError, match="can't be read"):
        fetched(source(NOWHERE))


def test_checking_a_right_file_finds_nothing(source, tmp_path, lock):
    (tmp_path / "any_name").write_bytes(CONTENT)
    git = Digest("git-blob-sha1", hashlib.sha1(b"blob 18\0" + CONTENT).hexdigest())
    assert check_download(tmp_path / "any_name", source(NOWHERE, digest=git), lock) is None


@pytest.mark.parametrize("facts", [{"digest": DIGEST}, {}, {"digest": Digest("md5", hashlib.md5(CONTENT).hexdigest())}])
def test_the_sha256_is_the_published_one_the_pinned_one_or_computed(server, source, lock, fetched, facts):
    one = source(server.put("/points", CONTENT), **facts)
    assert sha256_of(fetched(one), one, lock) == SHA256


@pytest.mark.parametrize("facts", [{"digest": DIGEST}, {}])
def test_a_known_sha256_is_not_computed_again(source, tmp_path, lock, facts):
    pin(lock, "points.txt", len(CONTENT), SHA256)
    assert sha256_of(tmp_path / "not_read", source(NOWHERE, **facts), lock) == SHA256

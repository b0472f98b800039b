import errno
import hashlib
import os
import zipfile

import pytest

from landmark_discovery.downloads.digests import Digest
from landmark_discovery.downloads.fetch import by_hand, check_download, fetch, sha256_of
from landmark_discovery.downloads.licences import LICENCES
from landmark_discovery.downloads.lock import Pin, pin, read_lock
from landmark_discovery.downloads.transport import TransferError
from landmark_discovery.errors import UserError

CONTENT = b"000001.jpg 69 109\n"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
DIGEST = Digest("sha256", SHA256)
NOWHERE = "http://127.0.0.1:1/points.txt"
PAGE = b"<!doctype html><html><title>Google Drive - Quota exceeded</title></html>"


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "resources" / "downloads"


@pytest.fixture
def lock(tmp_path):
    return tmp_path / "downloads.lock"


@pytest.fixture
def fetched(folder, lock):
    """Fetch a source into the folder."""
    return lambda source, accepted=(): fetch(source, folder, lock, accepted)


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


def test_a_file_with_a_published_digest_is_fetched_and_not_pinned(site, source, folder, lock, fetched):
    path = fetched(source(site.put("/points", CONTENT), digest=DIGEST, size_bytes=len(CONTENT)))
    assert path == folder / "points.txt"
    assert path.read_bytes() == CONTENT
    assert names_in(folder) == ["points.txt"]
    assert not lock.exists()


def test_a_file_without_a_published_digest_is_pinned_on_first_fetch(site, source, lock, fetched):
    fetched(source(site.put("/points", CONTENT)))
    assert read_lock(lock) == {"points.txt": Pin(len(CONTENT), SHA256)}


def test_a_file_that_is_pinned_is_fetched_again_only_as_it_was(site, source, folder, lock, fetched, refused):
    address = site.put("/points", CONTENT)
    fetched(source(address)).unlink()
    fetched(source(address)).unlink()
    other = CONTENT.replace(b"69", b"70")
    site.put("/points", other)
    message = refused(source(address), "can't be fetched")
    for part in (SHA256, hashlib.sha256(other).hexdigest(), f"remove the line of points.txt from {lock}"):
        assert part in message
    assert read_lock(lock) == {"points.txt": Pin(len(CONTENT), SHA256)}
    assert names_in(folder) == []


def test_a_file_of_another_size_than_pinned_is_told(site, source, lock, refused):
    pin(lock, "points.txt", 5, "0" * 64)
    message = refused(source(site.put("/points", CONTENT)), f"it has {len(CONTENT)} bytes, and .* has 5")
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
def test_wrong_bytes_leave_nothing_behind(site, source, lock, refused, body, facts, reason):
    refused(source(site.put("/points", body), **facts), reason)
    assert not lock.exists()


def test_half_an_answer_is_never_pinned(site, source, lock, refused):
    refused(source(site.put("/points", CONTENT, length=100)), "broke off after 18 of 100 bytes")
    assert not lock.exists()


def test_half_an_archive_is_never_pinned(site, source, tmp_path, lock, refused, fetched):
    with zipfile.ZipFile(tmp_path / "whole.zip", "w") as archive:
        archive.writestr("000001.jpg", bytes(1000))
    whole = (tmp_path / "whole.zip").read_bytes()
    address = site.put("/celeba.zip", whole[:600])
    refused(source(address, name="celeba.zip"), "it is no zip archive, or cut short")
    assert not lock.exists()
    site.put("/celeba.zip", whole)
    assert fetched(source(address, name="celeba.zip")).read_bytes() == whole


@pytest.mark.parametrize("first", [("/gone", b"no", 404), ("/page", PAGE, 200), ("/other", b"other", 200)])
def test_where_the_first_address_fails_the_mirror_is_asked(site, source, fetched, first):
    mirror = site.put("/mirror", CONTENT)
    path, body, status = first
    assert fetched(source(site.put(path, body, status), mirror, digest=DIGEST)).read_bytes() == CONTENT
    assert site.asked == [path, "/mirror"]


def test_where_the_first_address_answers_the_mirror_is_left_alone(site, source, fetched):
    fetched(source(site.put("/first", CONTENT), site.put("/mirror", CONTENT), digest=DIGEST))
    assert site.asked == ["/first"]


def test_where_all_fail_one_error_names_each_with_its_reason_and_the_way_by_hand(site, source, folder, refused):
    gone, page = site.put("/gone", b"no", status=404), site.put("/page", PAGE)
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


def test_each_scheme_goes_its_way_and_a_second_try_starts_afresh(source, folder, lock):
    asked = []

    def drive(address, temporary, progress):
        asked.append(address)
        temporary.write_bytes(b"much more than the mirror sends")
        progress(5, None)
        raise TransferError("quota")

    def web(address, temporary, progress):
        asked.append(address)
        temporary.write_bytes(CONTENT)
        progress(len(CONTENT), len(CONTENT))

    source = source("gdrive:ab", "HTTPS://one.org/a", digest=DIGEST)
    path = fetch(source, folder, lock, (), transfers={"gdrive": drive, "https": web})
    assert path.read_bytes() == CONTENT
    assert asked == ["gdrive:ab", "HTTPS://one.org/a"]


@pytest.mark.parametrize("there", [True, False])
def test_without_the_licence_nothing_is_fetched_or_used(site, source, folder, refused, there):
    if there:
        drop_in(folder, CONTENT)
    licensed = source(site.put("/points", CONTENT), digest=DIGEST, licence=LICENCES["celeba"])
    message = refused(licensed, r"CelebA: non-commercial research only", accepted=["superpoint"])
    assert "`accept_licences: [celeba, superpoint]`" in message
    assert site.asked == []


def test_with_the_licence_it_is_fetched(site, source, fetched):
    licensed = source(site.put("/points", CONTENT), digest=DIGEST, licence=LICENCES["celeba"])
    assert fetched(licensed, accepted=["celeba"]).read_bytes() == CONTENT


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(143)])
def test_an_interruption_leaves_nothing_behind(source, folder, lock, error):
    def interrupted(_, temporary, __):
        temporary.write_bytes(CONTENT[:5])
        raise error

    with pytest.raises(type(error)):
        fetch(source(NOWHERE), folder, lock, (), transfers={"http": interrupted})
    assert names_in(folder) == []


def test_a_full_disk_is_told_as_such(source, folder, lock):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(UserError, match=r"can't be written \(No space left on device\)"):
        fetch(source(NOWHERE, NOWHERE), folder, lock, (), transfers={"http": full})
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
def test_the_sha256_is_the_published_one_the_pinned_one_or_computed(site, source, lock, fetched, facts):
    one = source(site.put("/points", CONTENT), **facts)
    assert sha256_of(fetched(one), one, lock) == SHA256


@pytest.mark.parametrize("facts", [{"digest": DIGEST}, {}])
def test_a_known_sha256_is_not_computed_again(source, tmp_path, lock, facts):
    pin(lock, "points.txt", len(CONTENT), SHA256)
    assert sha256_of(tmp_path / "not_read", source(NOWHERE, **facts), lock) == SHA256

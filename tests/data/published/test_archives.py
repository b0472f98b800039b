import io
import tarfile
import zipfile

import pytest
from fake_archives import write_archive

from landmark_discovery.data.published.archives import extract_files, list_files
from landmark_discovery.errors import UserError

MEMBERS = {"top/read.me": b"text", "top/img/a.jpg": b"first", "top/img/b.jpg": b"second", "top/more/b.jpg": b"third"}
KINDS = ("archive.zip", "archive.tar.gz")
LINKS = {"symlink": tarfile.SYMTYPE, "hard link": tarfile.LNKTYPE, "device": tarfile.CHRTYPE, "pipe": tarfile.FIFOTYPE}


@pytest.fixture(params=KINDS)
def archive(request, tmp_path):
    path = tmp_path / request.param
    write_archive(path, MEMBERS)
    return path


def everything_below(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())


def test_wanted_members_are_written_under_our_names_in_the_order_of_the_archive(tmp_path, archive):
    output = tmp_path / "out"
    targets = {"more/b.jpg": output / "deep/er/1", "img/a.jpg": output / "2", "img/b.jpg": None}

    assert list(extract_files(archive, targets, 10)) == ["img/a.jpg", "img/b.jpg", "more/b.jpg"]
    assert everything_below(output) == ["2", "deep/er/1"]
    assert (output / "2").read_bytes() == b"first"
    assert (output / "deep/er/1").read_bytes() == b"third"


def test_each_file_is_there_when_its_name_comes(tmp_path, archive):
    targets = {"img/a.jpg": tmp_path / "a", "img/b.jpg": tmp_path / "b"}
    names = extract_files(archive, targets, 10)
    next(names)

    assert (tmp_path / "a").exists()
    assert not (tmp_path / "b").exists()


def test_only_whole_names_at_the_end_of_a_path_count(tmp_path, archive):
    for ending in ("g/a.jpg", "top/b.jpg", "top/img", "img/a.jpg/"):
        with pytest.raises(UserError, match=rf"1 of 1 files aren't in it, the first '{ending}'"):
            list(extract_files(archive, {ending: tmp_path / "x"}, 10))


def test_missing_members_are_counted_and_the_first_is_named(tmp_path, archive):
    targets = {"img/a.jpg": tmp_path / "a", "img/c.jpg": None, "img/d.jpg": None}
    with pytest.raises(UserError, match=r"2 of 3 files aren't in it, the first 'img/c\.jpg'; fetch the archive anew"):
        list(extract_files(archive, targets, 10))

    assert list(extract_files(archive, targets, 10, complete=False)) == ["img/a.jpg"]


def test_a_name_that_two_members_have_is_refused(tmp_path, archive):
    with pytest.raises(UserError, match=r"'b\.jpg' stands twice in it"):
        list(extract_files(archive, {"b.jpg": tmp_path / "b"}, 10))


def test_a_member_over_the_limit_is_refused_and_nothing_of_it_is_written(tmp_path, archive):
    with pytest.raises(UserError, match=r"top/img/b\.jpg' has more than 5 bytes"):
        list(extract_files(archive, {"img/a.jpg": tmp_path / "a", "img/b.jpg": tmp_path / "b"}, 5))
    assert not (tmp_path / "b").exists()


def test_a_member_that_unpacks_to_more_than_it_says_is_refused(tmp_path):
    path = tmp_path / "archive.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("img/a.jpg", bytes(1_000_000))
    data = path.read_bytes().replace((1_000_000).to_bytes(4, "little"), (5).to_bytes(4, "little"))
    path.write_bytes(data)

    with pytest.raises(UserError, match=r"not a readable archive|breaks off"):
        list(extract_files(path, {"img/a.jpg": tmp_path / "a"}, 10))
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_no_path_of_an_archive_leads_out_of_the_folder(tmp_path, kind):
    path = tmp_path / "in" / kind
    path.parent.mkdir()
    names = ("../../img/a.jpg", f"{tmp_path}/b/img/b.jpg", "x/../../../img/c.jpg", "../evil.sh")
    write_archive(path, {name: name.encode() for name in names})
    output = tmp_path / "in" / "out"
    targets = {f"img/{letter}.jpg": output / letter for letter in "abc"}

    assert sorted(extract_files(path, targets, 100)) == list(targets)
    assert everything_below(tmp_path) == sorted([f"in/{kind}", "in/out/a", "in/out/b", "in/out/c"])


@pytest.mark.parametrize("kind", LINKS)
def test_links_and_special_files_of_a_tar_are_refused_where_they_are_wanted(tmp_path, kind):
    secret = tmp_path / "secret"
    secret.write_text("private")
    path = tmp_path / "archive.tar.gz"
    link = tarfile.TarInfo("img/a.jpg")
    link.type, link.linkname = LINKS[kind], str(secret)
    with tarfile.open(path, "w:gz") as opened:
        opened.addfile(link)
        file = tarfile.TarInfo("img/b.jpg")
        file.size = 4
        opened.addfile(file, io.BytesIO(b"good"))

    with pytest.raises(UserError, match=r"'img/a\.jpg' is a link or a special file"):
        list(extract_files(path, {"img/a.jpg": tmp_path / "out/a"}, 100))
    assert list(extract_files(path, {"img/b.jpg": tmp_path / "out/b"}, 100)) == ["img/b.jpg"]
    assert list_files(path) == ["img/b.jpg"]
    assert everything_below(tmp_path) == ["archive.tar.gz", "out/b", "secret"]


def test_a_file_behind_a_linked_folder_of_a_tar_stays_inside(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    path = tmp_path / "archive.tar.gz"
    link = tarfile.TarInfo("img")
    link.type, link.linkname = tarfile.SYMTYPE, str(outside)
    with tarfile.open(path, "w:gz") as opened:
        opened.addfile(link)
        file = tarfile.TarInfo("img/a.jpg")
        file.size = 4
        opened.addfile(file, io.BytesIO(b"good"))

    list(extract_files(path, {"img/a.jpg": tmp_path / "out/a"}, 100))
    assert everything_below(outside) == []
    assert (tmp_path / "out/a").read_bytes() == b"good"


def test_a_link_in_a_zip_is_refused(tmp_path):
    path = tmp_path / "archive.zip"
    info = zipfile.ZipInfo("img/a.jpg")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "w") as opened:
        opened.writestr(info, "/etc/passwd")

    with pytest.raises(UserError, match="is a link or a special file"):
        list(extract_files(path, {"img/a.jpg": tmp_path / "a"}, 100))
    assert list_files(path) == []


def test_files_are_listed_without_their_folders(archive):
    assert [name.removeprefix("./") for name in list_files(archive)] == list(MEMBERS)


@pytest.mark.parametrize("kind", KINDS)
def test_an_archive_that_breaks_off_anywhere_is_refused(tmp_path, kind):
    whole = tmp_path / kind
    write_archive(whole, MEMBERS)
    data = whole.read_bytes()
    for length in range(0, len(data) - 1, 5):
        whole.write_bytes(data[:length])
        with pytest.raises(UserError):
            list(extract_files(whole, {"img/a.jpg": tmp_path / "a"}, 10))


@pytest.mark.parametrize("kind", KINDS)
def test_changed_content_is_noticed_by_its_checksum(tmp_path, kind):
    path = tmp_path / kind
    write_archive(path, MEMBERS)
    data = bytearray(path.read_bytes())
    if kind.endswith(".zip"):
        data[data.index(b"second")] ^= 1
    else:
        data[-8] ^= 1  # the checksum of the whole
    path.write_bytes(bytes(data))

    with pytest.raises(UserError, match=r"archive\.\w+(\.gz)?: not a readable archive .*; fetch the archive anew"):
        list(extract_files(path, {"img/b.jpg": tmp_path / "b"}, 10))


def test_a_member_of_another_compression_that_is_damaged_is_refused(tmp_path):
    path = tmp_path / "archive.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as file:
        file.writestr("img/a.jpg", bytes(range(256)) * 8)
    data = bytearray(path.read_bytes())
    data[45:75] = bytes(byte ^ 0xFF for byte in data[45:75])
    path.write_bytes(bytes(data))

    with pytest.raises(UserError, match=r"not a readable archive"):
        list(extract_files(path, {"img/a.jpg": tmp_path / "a"}, 10_000))


def test_a_member_with_a_password_is_refused(tmp_path):
    path = tmp_path / "archive.zip"
    write_archive(path, {"img/a.jpg": b"first"})
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(bytes(data))

    with pytest.raises(UserError, match=r"not a readable archive .*password"):
        list(extract_files(path, {"img/a.jpg": tmp_path / "a"}, 10))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.zip", None, "none.zip: no such file; fetch the archive, or put it there by hand"),
        ("page.zip", b"<!DOCTYPE html>", "not a readable archive"),
        ("page.tar.gz", b"<!DOCTYPE html>", "not a readable archive"),
        ("empty.tar.gz", b"", "not a readable archive"),
        ("archive.rar", b"Rar!", r"an archive of unknown kind; valid endings: \.zip, \.tar\.gz"),
    ],
)
def test_what_is_no_archive_is_refused(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=message):
        list_files(tmp_path / name)


def test_a_fault_in_writing_is_not_blamed_on_the_archive(tmp_path, archive):
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    with pytest.raises(IsADirectoryError):
        list(extract_files(archive, {"img/a.jpg": blocked}, 10))

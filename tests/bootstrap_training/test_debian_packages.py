import os
import tarfile

import pytest
from fake_packages import HEADER, ar_bytes, stanza, tar_bytes, tar_member, write_apt_get, write_package
from hypothesis import given
from hypothesis import strategies as st
from mutations import damaged_bytes, fuzz, only_user_errors

from landmark_discovery.bootstrap_training import debian_packages
from landmark_discovery.bootstrap_training.debian_copyright import SEE_COPYRIGHT
from landmark_discovery.bootstrap_training.debian_packages import fetch_packages, unpack_images
from landmark_discovery.errors import UserError


def files_below(folder):
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if not path.is_dir()}


@pytest.fixture
def apt_get(tmp_path, monkeypatch):
    """Let a line of shell be the only apt-get; the returned file has a line for each of its calls."""

    def install(does):
        write_apt_get(tmp_path / "bin", does, tmp_path / "calls")
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
        return tmp_path / "calls"

    return install


@pytest.mark.parametrize("packer", ["gz", "xz", ""])
def test_images_of_usr_share_are_unpacked_with_version_licence_and_author(tmp_path, packer):
    text = HEADER + stanza("*", "GPL-2+", "2008, Ann") + stanza("16.04/lake.jpg", "CC0-1.0", "2018, Bob")
    files = {
        "usr/share/walls/sub/sea.PNG": b"sea",
        "usr/share/walls/lake.jpg": b"lake",
        "usr/share/a.jpeg": b"a",
        "usr/share/b.webp": b"b",
        "usr/share/walls/lake.svg": b"drawing",
        "usr/share/walls/lake.xml": b"text",
        "opt/other.jpg": b"other",
        "usr/sharesome.jpg": b"other",
    }
    package = write_package(tmp_path, "walls", "4:1.0-2", files, text, packer=packer)

    images = unpack_images(package, tmp_path / "out")

    assert [(image.package, image.version) for image in images] == [("walls", "4:1.0-2")] * 4
    assert [image.file for image in images] == ["a.jpeg", "b.webp", "walls/lake.jpg", "walls/sub/sea.PNG"]
    assert [image.licence.licence for image in images] == ["GPL-2+", "GPL-2+", "CC0-1.0", "GPL-2+"]
    assert [image.licence.author for image in images] == ["2008, Ann", "2008, Ann", "2018, Bob", "2008, Ann"]
    assert {name: path.read_bytes() for name, path in files_below(tmp_path / "out").items()} == {
        image.file: files[f"usr/share/{image.file}"] for image in images
    }


@pytest.mark.parametrize("text", [None, "Ann made it.\n"])
def test_without_a_readable_copyright_file_its_place_is_named(tmp_path, text):
    package = write_package(tmp_path, files={"usr/share/a.jpg": b"a"}, copyright_text=text)

    assert unpack_images(package, tmp_path / "out")[0].licence.licence == SEE_COPYRIGHT


def test_hostile_members_write_nothing(tmp_path):
    names = (
        *("../../evil.png", "/evil.png", "usr/share/../../../evil.png", "/usr/share/evil.png"),
        *("./usr/share/new\nline.png", "usr/share/\x1b[2J.png", "usr/share/\udcff.png"),
    )
    special = [(tar_member(name, size=4), b"evil") for name in names]
    special += [
        (tar_member("./usr/share/link.png", tarfile.SYMTYPE, "../../../evil.png"), b""),
        (tar_member("./usr/share/hard.png", tarfile.LNKTYPE, "./usr/share/good.png"), b""),
        (tar_member("./usr/share/device.png", tarfile.CHRTYPE), b""),
        (tar_member("./usr/share/pipe.png", tarfile.FIFOTYPE), b""),
        (tar_member("./usr/share/folder.png", tarfile.DIRTYPE), b""),
        # Through a link that isn't written there is no way out.
        (tar_member("./usr/share/out", tarfile.SYMTYPE, "/tmp"), b""),
        (tar_member("./usr/share/out/inside.png", size=2), b"ok"),
    ]
    package = write_package(tmp_path, files={"usr/share/good.png": b"good"}, special=special)

    images = unpack_images(package, tmp_path / "deep" / "er" / "out")

    assert [image.file for image in images] == ["good.png", "out/inside.png"]
    assert set(files_below(tmp_path)) == {
        package.name,
        "deep/er/out/good.png",
        "deep/er/out/out/inside.png",
    }


def test_of_members_with_one_name_the_last_is_unpacked(tmp_path):
    special = [(tar_member("usr/share/a.png", size=3), b"new")]
    package = write_package(tmp_path, files={"usr/share/a.png": b"old"}, special=special)

    assert [image.file for image in unpack_images(package, tmp_path / "out")] == ["a.png"]
    assert (tmp_path / "out" / "a.png").read_bytes() == b"new"


def test_a_package_that_unpacks_to_too_much_is_refused_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(debian_packages, "MAX_UNPACKED_BYTES", 9)
    small = write_package(tmp_path, "small", files={"usr/share/a.png": b"12345", "usr/share/b.png": b"1234"})
    large = write_package(tmp_path, "large", files={"usr/share/a.png": b"12345", "usr/share/b.png": b"12345"})

    assert len(unpack_images(small, tmp_path / "small")) == 2
    with pytest.raises(UserError, match=r"large_1.0-2_all.deb: its images and their licences unpack to"):
        unpack_images(large, tmp_path / "large")
    assert not (tmp_path / "large").exists()


def test_what_is_no_package_is_refused(tmp_path):
    for name, content in {
        "empty": b"",
        "text": b"not a package",
        "no_parts": ar_bytes({"debian-binary": b"2.0\n"}),
        "no_control": ar_bytes({"debian-binary": b"2.0\n", "control.tar": tar_bytes([]), "data.tar": tar_bytes([])}),
    }.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError, match=f"{name}: not a readable Debian package"):
            unpack_images(tmp_path / name, tmp_path / "out")
    with pytest.raises(UserError, match=r"missing: not a readable Debian package \(No such file"):
        unpack_images(tmp_path / "missing", tmp_path / "out")


def test_a_package_that_breaks_off_is_refused(tmp_path):
    package = write_package(tmp_path, files={"usr/share/a.png": os.urandom(5000)})
    package.write_bytes(package.read_bytes()[:-2000])

    with pytest.raises(UserError, match="not a readable Debian package"):
        unpack_images(package, tmp_path / "out")


def test_a_package_whose_own_name_is_a_path_is_refused(tmp_path):
    package = write_package(tmp_path, "../../evil", files={"usr/share/a.png": b"a"})

    with pytest.raises(UserError, match=r"it calls itself '\.\./\.\./evil'"):
        unpack_images(package, tmp_path / "out")


@given(data=st.data())
@fuzz(150)
def test_a_fuzzed_package_is_unpacked_or_refused(tmp_path, data):
    text = HEADER + stanza("*", "X", "Ann")
    files = {"usr/share/a.png": b"image", "usr/share/b/c.jpg": b"another"}
    package = write_package(tmp_path, files=files, copyright_text=text, packer=data.draw(st.sampled_from(("", "gz"))))
    package.write_bytes(data.draw(damaged_bytes(package.read_bytes())))

    with only_user_errors():
        unpack_images(package, tmp_path / "out")
    assert all(path == package or tmp_path / "out" in path.parents for path in files_below(tmp_path).values())


def test_a_package_that_lies_there_is_used_as_it_is(tmp_path, monkeypatch):
    packages = [write_package(tmp_path, name) for name in ("walls", "more-walls-1.0")]
    monkeypatch.setenv("PATH", "")

    names = ["more-walls-1.0", "walls", "more-walls-1.0"]
    assert fetch_packages(names, tmp_path) == packages[::-1]
    assert fetch_packages([], tmp_path / "nowhere") == []


def test_missing_packages_are_downloaded_by_apt_get(tmp_path, apt_get):
    calls = apt_get('echo half > "$3_1.0_all.deb.partial"; echo whole > "$3_4%3a1.0_all.deb"')
    folder = tmp_path / "new" / "packages"

    assert fetch_packages(["walls", "waves"], folder) == [
        folder / "walls_4%3a1.0_all.deb",
        folder / "waves_4%3a1.0_all.deb",
    ]
    assert {name: path.read_text() for name, path in files_below(folder).items()} == {
        "walls_4%3a1.0_all.deb": "whole\n",
        "waves_4%3a1.0_all.deb": "whole\n",
    }
    fetch_packages(["walls", "waves"], folder)
    assert calls.read_text().splitlines() == ["--quiet download walls", "--quiet download waves"]


@pytest.mark.parametrize(
    ("does", "fault"),
    [
        (
            "echo 'E: Unable to locate package walls' >&2; exit 100",
            "knows no package walls; run apt-get update",
        ),
        ("echo 'W: no' >&2; echo 'E: Failed to fetch it' >&2; exit 100", r"\(Failed to fetch it\); try again, or put"),
        ("exit 7", r"can't fetch the package walls \(exit status 7\)"),
        ("exit 0", "apt-get brought 0 files of the package walls"),
        ("touch other_1.0_all.deb", "apt-get brought 0 files of the package walls"),
    ],
)
def test_a_failed_download_is_told_with_the_way_to_do_without(tmp_path, apt_get, does, fault):
    apt_get(f"echo half > walls_1.0_all.deb.partial; {does}")

    with pytest.raises(UserError, match=fault) as caught:
        fetch_packages(["walls"], tmp_path / "packages")
    assert f"put Debian's file walls_VERSION_all.deb into {tmp_path / 'packages'}" in str(caught.value)
    assert not files_below(tmp_path / "packages")


def test_without_apt_get_the_file_to_put_there_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")

    with pytest.raises(UserError, match=r"no apt-get fetches it; put Debian's file walls_VERSION_all.deb into"):
        fetch_packages(["walls"], tmp_path)


def test_several_files_of_a_package_are_refused(tmp_path):
    for version in ("1.0", "2.0"):
        write_package(tmp_path, version=version)

    with pytest.raises(UserError, match=r"2 files of the package walls: walls_1.0_all.deb, walls_2.0_all.deb; keep"):
        fetch_packages(["walls"], tmp_path)


@pytest.mark.parametrize("name", ["", "-o=Dir::Etc=x", "../walls", "Walls", "walls/sid", "a b", "wa*", "walls\n"])
def test_names_that_no_package_has_never_reach_apt_get(tmp_path, apt_get, name):
    calls = apt_get("exit 0")

    with pytest.raises(UserError, match="can't be the name of a package"):
        fetch_packages([name], tmp_path)
    assert not calls.exists()

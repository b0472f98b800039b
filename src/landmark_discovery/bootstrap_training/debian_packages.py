"""Debian packages: fetching them with apt-get, and the images in them, read without root and without dpkg."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from lzma import LZMAError
from pathlib import Path, PurePosixPath

from debian.arfile import ArError
from debian.debfile import DebFile

from landmark_discovery.bootstrap_training.debian_copyright import FileLicence, read_copyright
from landmark_discovery.config.photographs import PACKAGE_NAME
from landmark_discovery.errors import UserError
from landmark_discovery.writable import check_writable

SUFFIXES = (".jpeg", ".jpg", ".png", ".webp")
# Twenty times what the largest default package unpacks to; an image is held in memory while it is copied.
MAX_UNPACKED_BYTES = 2**31
_SHARE = "usr/share/"
_UNKNOWN = ("Unable to locate package", "No packages found", "has no installation candidate", "no candidate")
# A member that isn't there is a KeyError.
_DAMAGES = (ArError, tarfile.TarError, LZMAError, zlib.error, EOFError, OSError, ValueError, KeyError, IndexError)


@dataclass(frozen=True)
class PackagedImage:
    """Describe an image that was unpacked.

    Attributes:
        package: name of its package.
        version: of the package.
        file: path below usr/share, as the package installs it.
        licence: as the package's copyright file has it.
    """

    package: str
    version: str
    file: str
    licence: FileLicence


def fetch_packages(names: Sequence[str], folder: Path) -> list[Path]:
    """Get packages as .deb files; one that lies in the folder already is used as it is.

    Args:
        names: of the packages.
        folder: where the files are put, by apt-get's names for them; made where it isn't there.

    Returns:
        The file of each package, in the same order; of a name that stands twice, once.

    Raises:
        UserError: a name that no package has, several files of a package, no apt-get, a folder that can't be written,
            or a download that failed.
    """
    return [_found(name, folder) or _downloaded(name, folder) for name in dict.fromkeys(names)]


def unpack_images(package: Path, folder: Path) -> list[PackagedImage]:
    """Write the images of a package's usr/share below a folder, under the paths that they have there.

    Links, special files, and names that lead elsewhere or can't be shown are left out.

    Args:
        package: a .deb file.
        folder: which the package has for itself.

    Returns:
        The images, sorted by their paths.

    Raises:
        UserError: no such file, not a package, a damaged one, or one that unpacks to more than `MAX_UNPACKED_BYTES`.
    """
    images = []
    for image, content in _images(package):
        target = folder / image.file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        images.append(image)
    return sorted(images, key=lambda image: image.file)


def _found(name: str, folder: Path) -> Path | None:
    if not re.fullmatch(PACKAGE_NAME, name):
        raise UserError(f"{name!r} can't be the name of a package", remedy="give names such as mate-backgrounds")
    files = sorted(folder.glob(f"{name}_*.deb"))
    if len(files) > 1:
        listed = ", ".join(file.name for file in files)
        raise UserError(f"{len(files)} files of the package {name}: {listed}", where=folder, remedy="keep one of them")
    return files[0] if files else None


def _downloaded(name: str, folder: Path) -> Path:
    check_writable(folder / name)
    by_hand = f"put Debian's file {name}_VERSION_all.deb into {folder}"
    if shutil.which("apt-get") is None:
        raise UserError(f"the package {name} isn't there, and no apt-get fetches it", where=folder, remedy=by_hand)
    folder.mkdir(parents=True, exist_ok=True)
    # A download that breaks off leaves nothing under the final name.
    with tempfile.TemporaryDirectory(prefix=".download.", dir=folder) as temporary:
        _run_apt_get(name, Path(temporary), by_hand)
        files = sorted(Path(temporary).glob(f"{name}_*.deb"))
        if len(files) != 1:
            raise UserError(f"apt-get brought {len(files)} files of the package {name}", where=folder, remedy=by_hand)
        return files[0].replace(folder / files[0].name)


def _run_apt_get(name: str, folder: Path, by_hand: str) -> None:
    # apt-get gives the download to another user where it may, who must be able to look into the folder.
    folder.chmod(0o755)
    done = subprocess.run(
        ["apt-get", "--quiet", "download", name],
        cwd=folder,
        env=os.environ | {"LC_ALL": "C"},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode == 0:
        return
    said = [line.removeprefix("E: ") for line in done.stderr.splitlines() if line.startswith("E: ")]
    if any(text in line for line in said for text in _UNKNOWN):
        raise UserError(
            f"apt-get knows no package {name}", remedy=f"run apt-get update (as root), correct the name, or {by_hand}"
        )
    reason = said[0] if said else f"exit status {done.returncode}"
    raise UserError(f"apt-get can't fetch the package {name} ({reason})", remedy=f"try again, or {by_hand}")


def _images(package: Path) -> Iterator[tuple[PackagedImage, bytes]]:
    with _undamaged(package), DebFile(package) as archive:
        facts = archive.debcontrol()
        name, version = str(facts["Package"]), " ".join(str(facts["Version"]).split())
        if not re.fullmatch(PACKAGE_NAME, name):
            raise ValueError(f"it calls itself {name!r}")
        contents = archive.data.tgz()
        # Of members with one name the last one counts, as if each were written over those before.
        members = {path: member for member in contents if member.isreg() and (path := _safe_path(member)) is not None}
        copyright_file = members.get(f"usr/share/doc/{name}/copyright")
        images = {path: member for path, member in members.items() if _is_shared_image(path)}
        _refuse_bomb(package, [*images.values(), *([copyright_file] if copyright_file else [])])
        text = _content(contents, copyright_file) if copyright_file else b""
        licences = read_copyright(text.decode("utf-8", errors="replace"))
        # In the order of the archive, which is decompressed from front to back.
        for path, member in sorted(images.items(), key=lambda item: item[1].offset):
            image = PackagedImage(name, version, path.removeprefix(_SHARE), licences.of(path))
            yield image, _content(contents, member)


def _safe_path(member: tarfile.TarInfo) -> str | None:
    """Give the path of a member; None where it leads elsewhere or can't be shown."""
    path = PurePosixPath(str(member.name))
    return None if path.is_absolute() or ".." in path.parts or not str(path).isprintable() else str(path)


def _is_shared_image(path: str) -> bool:
    return path.startswith(_SHARE) and PurePosixPath(path).suffix.lower() in SUFFIXES


def _refuse_bomb(package: Path, members: Iterable[tarfile.TarInfo]) -> None:
    size = sum(member.size for member in members)
    if size > MAX_UNPACKED_BYTES:
        raise UserError(
            f"its images and their licences unpack to {size:,} bytes; at most {MAX_UNPACKED_BYTES:,} are written",
            where=package,
            remedy="leave out the package",
        )


def _content(contents: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    stream = contents.extractfile(member)
    return b"" if stream is None else stream.read()


@contextmanager
def _undamaged(package: Path) -> Iterator[None]:
    try:
        yield
    except _DAMAGES as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise UserError(
            f"not a readable Debian package ({reason})",
            where=package,
            remedy="remove the file, to have it fetched anew",
        ) from error

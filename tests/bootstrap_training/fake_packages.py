"""Small Debian packages, as dpkg-deb writes them, and a stand-in for apt-get."""

import gzip
import hashlib
import io
import lzma
import tarfile

import cv2
import numpy as np

PACKERS = {"gz": lambda data: gzip.compress(data, mtime=0), "xz": lzma.compress, "": bytes}
APT_GET = """\
#!/bin/sh
echo "$@" >> "{log}"
{does}
"""
HEADER = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n"


def textured(width, height, seed=0):
    """Draw noise of cells of 4 px, whose mean differs from part to part: no two seeds are alike."""
    generator = np.random.default_rng(seed)
    parts = cv2.resize(generator.integers(60, 190, (8, 8)).astype(np.float32), (width, height))
    noise = generator.integers(-60, 61, (height // 4 + 1, width // 4 + 1)).repeat(4, axis=0).repeat(4, axis=1)
    return np.clip(parts + noise[:height, :width], 0, 255).astype(np.uint8)


def image_bytes(image, suffix=".png"):
    return cv2.imencode(suffix, image)[1].tobytes()


def on_side(side, content):
    """Lengthen the file of an image by zeros until its digest puts it on a side of a split in halves."""
    while (hashlib.sha256(content).hexdigest()[-16] in "01234567") != (side == "test"):
        content += b"\0"
    return content


def stanza(files, licence, holders):
    return f"\nFiles: {files}\nCopyright: {holders}\nLicense: {licence}\n"


def write_package(folder, name="walls", version="1.0-2", files=None, copyright_text=None, special=(), packer="gz"):
    """Write a .deb of files by their paths, with a copyright file and further members of the tar as they are."""
    files = dict(files or {})
    if copyright_text is not None:
        files[f"usr/share/doc/{name}/copyright"] = copyright_text.encode()
    members = [(tar_member(f"./{path}", size=len(content)), content) for path, content in files.items()]
    control = f"Package: {name}\nVersion: {version}\nArchitecture: all\n".encode()
    ending = f".{packer}" if packer else ""
    path = folder / f"{name.replace('/', '%2f')}_{version.replace(':', '%3a')}_all.deb"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_bytes(
        ar_bytes(
            {
                "debian-binary": b"2.0\n",
                "control.tar.gz": PACKERS["gz"](tar_bytes([(tar_member("./control", size=len(control)), control)])),
                f"data.tar{ending}": PACKERS[packer](tar_bytes([*members, *special])),
            }
        )
    )
    return path


def tar_member(name, kind=tarfile.REGTYPE, target="", size=0):
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.size = kind, target, size
    return member


def tar_bytes(members):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for member, content in members:
            archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


def ar_bytes(members):
    parts = [b"!<arch>\n"]
    for name, content in members.items():
        parts.append(f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode() + content)
        parts.append(b"\n" * (len(content) % 2))
    return b"".join(parts)


def write_apt_get(folder, does, log):
    """Put an apt-get into a folder that notes its arguments and then does what a line of shell says."""
    folder.mkdir(exist_ok=True)
    script = folder / "apt-get"
    script.write_text(APT_GET.format(does=does, log=log), encoding="utf-8")
    script.chmod(0o755)

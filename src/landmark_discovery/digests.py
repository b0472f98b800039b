"""Digests of files: reading them from a table, and computing them without holding a file in memory."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from landmark_discovery.errors import UserError, nearest_name

# Hexadecimal digits of each.
ALGORITHMS = {"sha256": 64, "md5": 32, "sha1": 40, "git-blob-sha1": 40}


@dataclass(frozen=True)
class Digest:
    """Hold the digest of a file's bytes.

    Attributes:
        algorithm: one of ALGORITHMS; `git-blob-sha1` is the name that git gives to a file.
        value: lower-case hexadecimal digits.
    """

    algorithm: str
    value: str

    def __str__(self) -> str:
        """Write it as tables do."""
        return f"{self.algorithm}:{self.value}"


def parse_digest(text: str, where: str | Path) -> Digest:
    """Read `algorithm:digits`.

    Args:
        text: such as ``sha256:9f86...``.
        where: the file and line that it stands in.

    Raises:
        UserError: no such algorithm, or not the digits that it has.
    """
    algorithm, _, value = text.partition(":")
    if algorithm not in ALGORITHMS:
        raise UserError(
            f"unknown kind of digest {algorithm!r}", where=where, remedy=nearest_name(algorithm, ALGORITHMS)
        )
    digits = ALGORITHMS[algorithm]
    if not re.fullmatch(f"[0-9a-fA-F]{{{digits}}}", value):
        raise UserError(
            f"{value!r} is no {algorithm} digest",
            where=where,
            remedy=f"write {algorithm}: and {digits} hexadecimal digits",
        )
    return Digest(algorithm, value.lower())


def digest_of(path: str | Path, algorithm: str) -> Digest:
    """Compute a digest of a file, piece by piece.

    Raises:
        UserError: the file can't be read.
    """
    try:
        with Path(path).open("rb") as file:
            start = _start(algorithm, Path(path).stat().st_size)
            return Digest(algorithm, hashlib.file_digest(file, start).hexdigest())
    except OSError as error:
        raise UserError(
            f"can't be read ({error.strerror})", where=path, remedy="give it a path that is a readable file"
        ) from error


def _start(algorithm: str, size_bytes: int) -> Callable[[], Any]:
    if algorithm == "git-blob-sha1":
        # What git hashes is the size, then the bytes.
        return lambda: hashlib.sha1(b"blob %d\0" % size_bytes, usedforsecurity=False)
    return lambda: hashlib.new(algorithm, usedforsecurity=False)

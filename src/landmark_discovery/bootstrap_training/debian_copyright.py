"""Who made a file of a Debian package and under which licence, by the package's copyright file.

The copyright file names files of the source, whose folders needn't be those that the package installs. So a file is
looked for by the end of its path.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from debian.copyright import Copyright, Error, FilesParagraph, License, globs_to_re

SEE_COPYRIGHT = "see the package's copyright file"


@dataclass(frozen=True)
class FileLicence:
    """Hold what a copyright file says of a file.

    Attributes:
        licence: short name, such as CC-BY-SA-4.0.
        author: the statement of copyright, holders parted by semicolons.
    """

    licence: str
    author: str


UNKNOWN = FileLicence(SEE_COPYRIGHT, SEE_COPYRIGHT)


@dataclass(frozen=True)
class Stanza:
    """Hold the patterns of a stanza, in which * stands for any text and ? for a character, and what holds for them."""

    patterns: tuple[str, ...]
    licence: FileLicence


@dataclass(frozen=True)
class SourceLicences:
    """Hold the stanzas of a copyright file in its order; none where no program can read it."""

    stanzas: tuple[Stanza, ...]

    def of(self, path: str) -> FileLicence:
        """Find what holds for an installed file.

        Patterns that name the file go before those that name a folder, these before `*`, then those of which more
        names agree; of equals a whole pattern before the end of one, then the last one. Where only the ends of several
        agree equally and say different things, nobody knows.

        Args:
            path: as it is installed, such as usr/share/backgrounds/Dune.jpg.
        """
        ranked = [(rank, stanza) for stanza in self.stanzas if (rank := _rank(stanza, path)) is not None]
        if not ranked:
            return UNKNOWN
        best = max(rank for rank, _ in ranked)
        found = [stanza.licence for rank, stanza in ranked if rank == best]
        is_whole = best[-1]
        return found[-1] if is_whole or len(set(found)) == 1 else UNKNOWN


def read_copyright(text: str) -> SourceLicences:
    """Read a copyright file in Debian's machine-readable format; one in any other gives no stanzas."""
    try:
        paragraphs = Copyright(text.splitlines(keepends=True)).all_files_paragraphs()
        stanzas = tuple(Stanza(tuple(paragraph.files), _licence(paragraph)) for paragraph in paragraphs)
        # Patterns that can't be are found here and not where they are needed.
        globs_to_re(pattern for stanza in stanzas for pattern in stanza.patterns)
    except (Error, ValueError):
        return SourceLicences(())
    return SourceLicences(stanzas)


def _licence(paragraph: FilesParagraph) -> FileLicence:
    # The library's fields have no types of their own.
    licence, holders = cast(License | None, paragraph.license), cast(str | None, paragraph.copyright)
    lines = (" ".join(line.split()) for line in (holders or "").splitlines())
    return FileLicence((licence and licence.synopsis) or SEE_COPYRIGHT, "; ".join(filter(None, lines)) or SEE_COPYRIGHT)


def _rank(stanza: Stanza, path: str) -> tuple[bool, int, bool] | None:
    return max((rank for pattern in stanza.patterns for rank in _ranks(pattern, path)), default=None)


def _ranks(pattern: str, path: str) -> Iterator[tuple[bool, int, bool]]:
    """Rank each end of a pattern that fits an end of the path: names the file, number of names, is the whole."""
    parts = pattern.removeprefix("./").split("/")
    names_file = parts[-1] != "*"
    # The end *.jpg of photos/*.jpg would claim every photograph of every folder.
    last_start = len(parts) - 1 if not set("*?") & set(parts[-1]) else 0
    for start in range(last_start + 1):
        if _fits_an_end("/".join(parts[start:]), path):
            yield names_file, sum(part != "*" for part in parts[start:]), start == 0


def _fits_an_end(pattern: str, path: str) -> bool:
    names = path.split("/")
    expression = globs_to_re([pattern])
    return any(expression.fullmatch("/".join(names[start:])) for start in range(len(names)))

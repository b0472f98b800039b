"""The errors that a user can cause, each said in one line."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path


class UserError(Exception):
    """Say what is wrong, where, and what to do about it, in one line.

    Args:
        what: the fault, with the offending value.
        where: the file, row or key it was found in.
        remedy: what the user can do.
    """

    def __init__(self, what: str, *, where: str | Path | None = None, remedy: str | None = None) -> None:
        self.what = what
        self.where = None if where is None else str(where)
        self.remedy = remedy
        parts = [part for part in (self.where, what) if part]
        message = ": ".join(parts)
        # Libraries put line breaks into the texts that are quoted here.
        super().__init__(" ".join((f"{message}; {remedy}" if remedy else message).split()))


def nearest_name(name: str, valid: Iterable[str]) -> str:
    """Name the valid spelling that a mistyped one most likely meant, with all valid ones.

    Returns:
        A remedy such as ``did you mean 'seed'? valid: device, seed``.
    """
    choices = sorted(valid)
    listed = f"valid: {', '.join(choices)}"
    close = difflib.get_close_matches(name, choices, n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}? {listed}" if close else listed

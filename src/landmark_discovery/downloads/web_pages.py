"""Recognising a web page that comes in the place of a file, as where a server refuses politely."""

from __future__ import annotations

import re
from pathlib import Path

from landmark_discovery.downloads.transport import one_line

DRIVE_LIMIT = "Google Drive stops handing out a file that many fetch: wait a day, or open it in a browser"
# So much of a file shows that it is a page, and which.
PAGE_BYTES = 1 << 16


def describe_web_page(path: Path) -> str | None:
    """Say which web page a file holds; None where it holds none."""
    with path.open("rb") as file:
        return describe_page_start(file.read(PAGE_BYTES))


def describe_page_start(start: bytes) -> str | None:
    """Say which web page these first bytes are of; None where they are of none."""
    text = start[:PAGE_BYTES].decode("utf-8", errors="replace").lstrip("\ufeff \t\r\n")
    if not re.match(r"<(!doctype html|html|head|body)\b", text, re.IGNORECASE):
        return None
    title = re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
    named = f", titled {one_line(title[1])!r}" if title else ""
    limit = f"; {DRIVE_LIMIT}" if re.search(r"quota|too many users", text, re.IGNORECASE) else ""
    return f"a web page{named}, not the file{limit}"

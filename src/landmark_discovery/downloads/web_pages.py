"""Recognising a web page, or a server's words, that come in the place of a file, as where it refuses politely."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from landmark_discovery.downloads.transport import one_line

DRIVE_LIMIT = "Google Drive stops handing out a file that many fetch: wait a day, or open it in a browser"
# So much of a file shows that it is a page, and which.
PAGE_BYTES = 1 << 16
# HTML and XML in all their beginnings; no archive, list, pickle or weights begins so.
_PAGE = re.compile(r"<[!?a-z]", re.IGNORECASE)
_JSON_ANSWER = re.compile(r"\{\s*\"(error|errors|message|code|status|detail)\"", re.IGNORECASE)


def describe_web_page(path: Path) -> str | None:
    """Say which web page a file holds; None where it holds none."""
    with path.open("rb") as file:
        return describe_page_start(file.read(PAGE_BYTES))


def describe_page_start(start: bytes) -> str | None:
    """Say which web page these first bytes are of; None where they are of none."""
    code = "utf-16" if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8"
    text = start[:PAGE_BYTES].decode(code, errors="replace").lstrip("\ufeff \t\r\n")
    if _JSON_ANSWER.match(text):
        return f"an answer of the server ({one_line(text)}), not the file"
    if not _PAGE.match(text):
        return None
    title = re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
    named = f", titled {one_line(title[1])!r}" if title else ""
    limit = f"; {DRIVE_LIMIT}" if re.search(r"quota|too many users", text, re.IGNORECASE) else ""
    return f"a web page{named}, not the file{limit}"

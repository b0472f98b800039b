"""Markdown as it is written for people and for GitHub, made ready for the site's stricter reader."""

from __future__ import annotations

import re

_ITEM = re.compile(r"(?P<marker>[-*+]|\d+[.)]) +\S")
_FENCE = re.compile(r"(```|~~~)")
# What a list's content is indented by here, whatever its marker.
_INDENT = 4
# A page that a description names, from the reference pages.
_PAGE = re.compile(r"`?\bdocs/([a-z-]+)\.md`?")
_CONFIGURATION = re.compile(r"`?\bconfig/README\.md`?")


def list_content_indented(text: str) -> str:
    """Indent the content of lists by four spaces, where CommonMark takes the width of the marker.

    Without it a block of code below an item would become words of the item.

    Args:
        text: CommonMark, with lists of one level.
    """
    lines: list[str] = []
    width, fenced = 0, False
    for line in text.split("\n"):
        if _FENCE.match(line):
            fenced = not fenced
        item = None if fenced else _ITEM.match(line)
        if item:
            width = len(item["marker"]) + 1
        elif line and not line.startswith(" "):
            # A paragraph that goes on without indentation still belongs to its item, but has nothing to be moved.
            width = 0
        moved = width > 0 and not item and line.startswith(" " * width)
        lines.append(" " * (_INDENT - width) + line if moved else line)
    return "\n".join(lines)


def linked_pages(text: str) -> str:
    """Turn files of the documentation that a text names into links from the site's folder `reference`."""
    text = _PAGE.sub(r"[\1](../\1.md)", text)
    return _CONFIGURATION.sub("[configuration](configuration.md)", text)

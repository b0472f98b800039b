"""Tables of Markdown, as they are shown on pages and in a terminal."""

from __future__ import annotations

from collections.abc import Sequence


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a table as Markdown; a cell becomes one line, and a bar in it divides nothing.

    Args:
        columns: headings.
        rows: each with a cell for each column.
    """
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "&#124;")

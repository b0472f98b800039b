"""Tables in words: as Markdown, and with columns of one width for a terminal."""

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


def aligned_table(rows: Sequence[Sequence[str]]) -> str:
    """Write a table for a terminal, each column as wide as its longest cell.

    Args:
        rows: the headings first, each with the same number of cells.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    padded = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in padded)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "&#124;")

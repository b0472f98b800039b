"""Plain HTML pages and tables that stand alone and read well on a phone."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

_STYLE = """
:root { color-scheme: light; }
body { margin: 0 auto; padding: 1rem; max-width: 60rem; background: #fff; color: #222;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; overflow-wrap: break-word; }
h1 { font-size: 1.35rem; font-weight: 600; line-height: 1.3; margin: 0 0 .75rem; }
h2 { font-size: 1.05rem; font-weight: 600; margin: 1.75rem 0 .5rem; }
p { margin: .5rem 0; max-width: 42rem; }
.quiet { color: #5f5f5f; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; }
th, td { padding: .35rem 1.1rem .35rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid #e4e4e4; }
th { font-weight: 500; }
thead th { border-bottom: 1px solid #999; color: #5f5f5f; font-size: .875rem; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
tr.strong th, tr.strong td { font-weight: 650; }
.figures { display: flex; flex-wrap: wrap; gap: 1rem 2.5rem; margin: .5rem 0 1.25rem; }
.figures b { display: block; font-size: 1.9rem; font-weight: 600; line-height: 1.2; }
.figures span { display: block; font-size: .875rem; color: #5f5f5f; }
dt { font-weight: 500; margin-top: .6rem; }
dd { margin: 0; max-width: 42rem; color: #444; }
pre { overflow-x: auto; padding: .75rem 1rem; background: #f6f6f6; border-radius: 4px;
  font: .8125rem/1.5 ui-monospace, "DejaVu Sans Mono", monospace; }
"""


def page(title: str, *parts: str) -> str:
    """Put HTML parts below a heading into a page that needs no other file."""
    body = "\n".join(part for part in parts if part)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n<h1>{escape(title)}</h1>\n{body}\n</body>\n</html>\n"
    )


def heading(words: str) -> str:
    """Make a heading of the second level."""
    return f"<h2>{escape(words)}</h2>"


def paragraph(words: str, quiet: bool = False) -> str:
    """Make a paragraph of plain words."""
    return f'<p class="quiet">{escape(words)}</p>' if quiet else f"<p>{escape(words)}</p>"


def table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], numbers: bool = True, strong: Sequence[int] = ()
) -> str:
    """Make a table whose first column names the rows.

    Args:
        columns: headings; none leaves the head out.
        rows: plain words, as many a row as there are columns.
        numbers: align all columns but the first to the right.
        strong: rows to stand out.
    """
    kind = ' class="number"' if numbers else ""
    head = "".join(f"<th{kind if position else ''}>{escape(word)}</th>" for position, word in enumerate(columns))
    lines = [f"<thead><tr>{head}</tr></thead>"] if columns else []
    for position, (name, *cells) in enumerate(rows):
        mark = ' class="strong"' if position in strong else ""
        words = "".join(f"<td{kind}>{escape(cell)}</td>" for cell in cells)
        lines.append(f'<tr{mark}><th scope="row">{escape(name)}</th>{words}</tr>')
    return '<div class="scroll"><table>\n' + "\n".join(lines) + "\n</table></div>"


def figures(items: Sequence[tuple[str, str, str]]) -> str:
    """Show a few figures large: for each what it is, its value, and what to hold it against."""
    blocks = [
        f"<div><span>{escape(name)}</span><b>{escape(value)}</b><span>{escape(beside)}</span></div>"
        for name, value, beside in items
    ]
    return f'<div class="figures">{"".join(blocks)}</div>'


def definitions(items: Mapping[str, str]) -> str:
    """Explain terms."""
    return "<dl>" + "".join(f"<dt>{escape(term)}</dt><dd>{escape(text)}</dd>" for term, text in items.items()) + "</dl>"


def code(text: str) -> str:
    """Show text as it is, in a fixed width."""
    return f"<pre>{escape(text)}</pre>"


def nested(facts: Mapping[str, Any]) -> str:
    """Show a mapping: plain values as a table, mappings and lists of mappings as tables of their own below."""
    plain = {key: value for key, value in facts.items() if not _is_composed(value)}
    rows = [(words(key), plain_value(value)) for key, value in plain.items()]
    parts = [table((), rows, numbers=False)] if rows else []
    for key, value in facts.items():
        if _is_composed(value):
            parts += [heading(words(key)), _composed(value)]
    return "\n".join(parts)


def words(key: str) -> str:
    """Turn a key such as ``dropped_images`` into words."""
    spaced = re.sub("^num ", "number of ", key.replace("_", " ").strip()).replace("nme", "NME")
    return spaced[:1].upper() + spaced[1:]


def plain_value(value: Any) -> str:  # noqa: ANN401
    """Write a value for people: thousands apart, yes and no, none."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(plain_value(item) for item in value) or "none"
    return str(value)


def _is_composed(value: Any) -> bool:  # noqa: ANN401
    if isinstance(value, Mapping):
        return bool(value)
    return isinstance(value, list) and bool(value) and all(isinstance(item, Mapping) for item in value)


def _composed(value: Mapping[str, Any] | list[Mapping[str, Any]]) -> str:
    if isinstance(value, Mapping):
        return table((), [(str(key), plain_value(item)) for key, item in value.items()], numbers=False)
    columns = list(dict.fromkeys(key for item in value for key in item))
    rows = [[plain_value(item.get(key)) for key in columns] for item in value]
    return table([words(column) for column in columns], rows, numbers=False)

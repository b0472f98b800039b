"""Plain HTML pages and tables that stand alone and read well on a phone.

Functions that take words escape them; those that take HTML say so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from html import escape
from importlib import resources
from typing import Any

_LONG_NAME = 24


def page(title: str, *parts: str, style: str = "", scripts: Sequence[str] = ()) -> str:
    """Put HTML parts below each other into a page that needs no other file.

    Args:
        title: plain words; they are the heading too, unless a part has one of the first level.
        *parts: HTML; empty ones are left out.
        style: CSS on top of that of every page.
        scripts: JavaScript, run in this order when the parts are there.
    """
    body = "\n".join(part for part in parts if part)
    first = "" if "<h1" in body else f"<h1>{escape(title)}</h1>\n"
    code = "".join(f"<script>{script}</script>\n" for script in scripts)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        # Without this line a browser asks the server, or the disk, for an icon.
        '<link rel="icon" href="data:,">\n'
        f"<title>{escape(title)}</title>\n<style>{asset('page.css')}{style}</style>\n</head>\n"
        f"<body>\n{first}{body}\n{code}</body>\n</html>\n"
    )


def asset(name: str) -> str:
    """Read a style or script that comes with the package."""
    return resources.files("landmark_discovery.reporting").joinpath("assets", name).read_text(encoding="utf-8")


def heading(words: str, level: int = 2) -> str:
    """Make a heading."""
    return f"<h{level}>{escape(words)}</h{level}>"


def paragraph(words: str, quiet: bool = False) -> str:
    """Make a paragraph of plain words."""
    return f'<p class="quiet">{escape(words)}</p>' if quiet else f"<p>{escape(words)}</p>"


def section(identifier: str, title: str, *parts: str) -> str:
    """Put HTML parts below a heading that links can lead to; nothing where there are no parts."""
    body = "\n".join(part for part in parts if part)
    return f'<section id="{identifier}">\n{heading(title)}\n{body}\n</section>' if body else ""


def folded(summary: str, *parts: str, printed: bool = True) -> str:
    """Fold HTML parts behind a line of plain words.

    Args:
        summary: the line.
        *parts: HTML; none of it: nothing comes back.
        printed: open on paper; otherwise it isn't there at all.
    """
    body = "\n".join(part for part in parts if part)
    kind = "" if printed else ' class="screen-only"'
    return f"<details{kind}><summary>{escape(summary)}</summary>\n{body}\n</details>" if body else ""


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
        lines.append(f'<tr{mark}><th scope="row">{_breakable(name)}</th>{words}</tr>')
    return scrolled("<table>\n" + "\n".join(lines) + "\n</table>")


def scrolled(content: str) -> str:
    """Let HTML that may be wider than a phone scroll sideways, by keys too."""
    return f'<div class="scroll" tabindex="0">{content}</div>'


def figures(items: Sequence[tuple[str, str, str]]) -> str:
    """Show a few figures large: for each what it is, its value, and what to hold it against."""
    blocks = [
        f"<div><span>{escape(name)}</span><b>{escape(value)}</b><span>{escape(beside)}</span></div>"
        for name, value, beside in items
    ]
    return f'<div class="figures">{"".join(blocks)}</div>'


def picture(address: str, alternative: str, caption: str = "") -> str:
    """Show a picture (an address or data URI) with plain words for those who can't see it, and below it."""
    image = f'<img src="{escape(address)}" alt="{escape(alternative)}">'
    return f"<figure>{image}<figcaption>{escape(caption)}</figcaption></figure>" if caption else image


def definitions(items: Mapping[str, str]) -> str:
    """Explain terms."""
    return "<dl>" + "".join(f"<dt>{escape(term)}</dt><dd>{escape(text)}</dd>" for term, text in items.items()) + "</dl>"


def code(text: str) -> str:
    """Show text as it is, in a fixed width."""
    return f'<pre tabindex="0">{escape(text)}</pre>'


def data(identifier: str, content: Mapping[str, Any]) -> str:
    """Hand plain values to the scripts of the page; NaN is refused, since JSON has none."""
    text = json.dumps(content, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    # Nothing in a text can end the element.
    return f'<script type="application/json" id="{identifier}">{text.replace("<", chr(92) + "u003c")}</script>'


def nested(facts: Mapping[str, Any], level: int = 3) -> str:
    """Show a mapping: plain values as a table, mappings and lists of mappings as tables of their own below."""
    plain = {key: value for key, value in facts.items() if not _is_composed(value)}
    rows = [(words(key), plain_value(value)) for key, value in plain.items()]
    parts = [table((), rows, numbers=False)] if rows else []
    for key, value in facts.items():
        if _is_composed(value):
            parts += [heading(words(key), level), _composed(value)]
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
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {plain_value(item)}" for key, item in value.items()) or "none"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(plain_value(item) for item in value) or "none"
    return str(value)


def _breakable(name: str) -> str:
    """Let long names such as ``stage1.optimizer.warmup_iterations`` go on in the next line after a dot or so."""
    return re.sub(r"([._/])", r"\1<wbr>", escape(name)) if len(name) > _LONG_NAME else escape(name)


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

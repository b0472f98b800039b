"""The links of the documentation: those that lead nowhere, and those that leave it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from markdown_it import MarkdownIt

# Pages that are read on their own, beside those of the site.
OTHER_PAGES = ("README.md", "config/README.md", "results/README.md")
SITE = "docs"
_EXTERNAL = re.compile(r"[a-z][a-z0-9+.-]*:")
_NAMED = re.compile(r"\{ ?#(?P<name>[^ }]+) ?\}$")
_OBJECT = re.compile(r"^::: (?P<name>[\w.]+)$", re.MULTILINE)


@dataclass(frozen=True, order=True)
class Link:
    """Say where a link stands and where it leads.

    Attributes:
        page: path of the page from the root of the project.
        target: as it is written.
    """

    page: str
    target: str

    def __str__(self) -> str:
        """Say both in one line."""
        return f"{self.page}: {self.target}"

    @property
    def is_external(self) -> bool:
        """Say whether it leaves the project."""
        return _EXTERNAL.match(self.target) is not None


def read_pages(root: str | Path, generated: Mapping[str, str]) -> dict[str, str]:
    """Read all pages, by their paths from the root of the project.

    Args:
        root: of the project.
        generated: pages that are made, by path from the root of the site.
    """
    top = Path(root)
    written = [top / name for name in OTHER_PAGES] + sorted((top / SITE).rglob("*.md"))
    pages = {path.relative_to(top).as_posix(): path.read_text(encoding="utf-8") for path in written}
    return pages | {f"{SITE}/{name}": text for name, text in generated.items()}


def links_of(pages: Mapping[str, str]) -> list[Link]:
    """List the links and pictures of all pages, each once a page, in order."""
    found = {Link(page, target) for page, text in pages.items() for target in _targets(text)}
    return sorted(found)


def broken_links(root: str | Path, pages: Mapping[str, str]) -> list[Link]:
    """List the links to files and headings that aren't there; what leaves the project is not looked at."""
    return [link for link in links_of(pages) if not link.is_external and not _leads_somewhere(Path(root), pages, link)]


def anchors_of(text: str) -> set[str]:
    """Name the places of a page that links can lead to: its headings, and the objects of Python that it shows."""
    tokens = MarkdownIt().parse(text)
    titles = [tokens[place + 1].content for place, token in enumerate(tokens) if token.type == "heading_open"]
    return {_anchor(title) for title in titles} | {match["name"] for match in _OBJECT.finditer(text)}


def _targets(text: str) -> Iterator[str]:
    for token in MarkdownIt().enable("table").parse(text):
        for child in token.children or ():
            target = child.attrGet("href") or child.attrGet("src")
            if target:
                yield str(target)


def _leads_somewhere(root: Path, pages: Mapping[str, str], link: Link) -> bool:
    file, _, anchor = link.target.partition("#")
    target = _joined(PurePosixPath(link.page).parent, file) if file else link.page
    if target in pages:
        return not anchor or anchor in anchors_of(pages[target])
    return not anchor and (root / target).exists()


def _joined(folder: PurePosixPath, file: str) -> str:
    parts: list[str] = []
    for part in (folder / file).parts:
        if part == ".." and parts:
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def _anchor(title: str) -> str:
    named = _NAMED.search(title)
    if named:
        return named["name"]
    words = re.sub(r"[^\w\s-]", "", title.encode("ascii", "ignore").decode())
    return re.sub(r"[-\s]+", "-", words.strip().lower())

"""Hooks of MkDocs: pages that are made from the code, and what the site's reader of Markdown needs."""

from __future__ import annotations

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from landmark_discovery.documentation.markdown import list_content_indented
from landmark_discovery.documentation.pages import generated_pages

ROOT = Path(__file__).parents[1]
# In the navigation, stands for all pages of the Python interface.
PYTHON = "reference/python/index.md"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """List the pages of the Python interface in the navigation."""
    pages = [page for page in generated_pages(ROOT) if Path(page).parent == Path(PYTHON).parent]
    python = [page if page == PYTHON else {Path(page).stem: page} for page in pages]
    sections = [section for entry in config.nav or () if isinstance(entry, dict) for section in entry.values()]
    for entry in (entry for section in sections if isinstance(section, list) for entry in section):
        if PYTHON in entry.values():
            entry.update(dict.fromkeys(entry, python))
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made from the code."""
    for name, text in generated_pages(ROOT).items():
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Indent what stands in lists as the site's reader wants it."""
    return list_content_indented(markdown)

"""All pages of the site that are made and not written."""

from __future__ import annotations

from pathlib import Path

from landmark_discovery.cli.main import app
from landmark_discovery.documentation.command_line import command_line_page
from landmark_discovery.documentation.configuration import configuration_page
from landmark_discovery.documentation.python_api import PACKAGE, python_pages


def generated_pages(root: str | Path) -> dict[str, str]:
    """Make the pages.

    Args:
        root: of the project.

    Returns:
        Markdown by path from the root of the documentation.
    """
    return {
        "reference/command-line.md": command_line_page(app),
        "reference/configuration.md": configuration_page(),
        "reference/result-files.md": _result_files(Path(root)),
        **python_pages(Path(root) / "src" / PACKAGE),
    }


def _result_files(root: Path) -> str:
    text = (root / "results" / "README.md").read_text(encoding="utf-8")
    text = text.replace("](../docs/", "](../").replace("[docs/", "[")
    return text.replace("# Results\n", "# Files of a run\n", 1)

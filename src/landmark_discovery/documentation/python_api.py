"""The pages of the Python interface: which modules they show; the words are the modules' own docstrings."""

from __future__ import annotations

import ast
from pathlib import Path

PACKAGE = "landmark_discovery"
# The command line has a page of its own; this package makes pages; kernels are written for Triton's compiler.
_LEFT_OUT = ("cli", "documentation", "kernels", "config/recipes")
_FOLDER = "reference/python"


def python_pages(root: str | Path) -> dict[str, str]:
    """Write a page for each part of the package and one that lists them.

    Args:
        root: folder of the package.

    Returns:
        Markdown by path from the root of the documentation.
    """
    source = Path(root)
    parts = [path.parent for path in sorted(source.glob("*/__init__.py")) if path.parent.name not in _LEFT_OUT]
    top = [f"- [`{PACKAGE}.{part.name}`]({part.name}.md): {_first_line(part / '__init__.py')}" for part in parts]
    shared = [path for path in sorted(source.glob("*.py")) if not path.stem.startswith("_")]
    names = [f"- [`{PACKAGE}.{path.stem}`](shared.md#{PACKAGE}.{path.stem}): {_first_line(path)}" for path in shared]
    index = [
        "# Python",
        "",
        "Every public function and class, from the docstrings.",
        "",
        *top,
        "",
        "Shared by all:",
        "",
    ]
    return {
        f"{_FOLDER}/index.md": "\n".join([*index, *names, ""]),
        **{f"{_FOLDER}/{part.name}.md": _page(part.name, source, part) for part in parts},
        f"{_FOLDER}/shared.md": _with_head("What all parts share", "", shared, source),
    }


def _page(name: str, source: Path, part: Path) -> str:
    modules = [path for path in sorted(part.rglob("*.py")) if _is_public(path.relative_to(source))]
    return _with_head(f"`{PACKAGE}.{name}`", _first_line(part / "__init__.py"), modules, source)


def _with_head(title: str, words: str, modules: list[Path], source: Path) -> str:
    entries = [f"::: {'.'.join([PACKAGE, *path.relative_to(source).with_suffix('').parts])}" for path in modules]
    return "\n\n".join([f"# {title}", *([words] if words else []), *entries]) + "\n"


def _is_public(path: Path) -> bool:
    return not path.stem.startswith("_") and not any(part in _LEFT_OUT for part in path.parts[:-1])


def _first_line(path: Path) -> str:
    words = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return words.partition("\n")[0]

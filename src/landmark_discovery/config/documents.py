"""The files that are made from the typed configuration: config.yaml, its JSON schema, and the table of all keys."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from landmark_discovery.config.allowed import allowed_values, schema_node
from landmark_discovery.config.base import Section
from landmark_discovery.config.bootstrap_training import BootstrapTrainingConfig
from landmark_discovery.config.loading import Tree, default_values, load_config, merged, recipe_values
from landmark_discovery.config.schema import Config
from landmark_discovery.config.yaml_text import inline_yaml
from landmark_discovery.errors import UserError
from landmark_discovery.files import write_text

COMMAND = "landmarks config-documents"

_YAML_HEAD = f"""\
# The default experiment: `snakemake --cores 2` draws faces and finds their landmarks on a CPU.
# Every key is here with its value, so a change here is all it takes. A file of your own needs only the keys that differ
# from its recipe, see config/README.md; run it with `snakemake --cores 2 --configfile FILE`.
# Made from the typed configuration by `{COMMAND}`.
"""

_README_HEAD = f"""\
# Configuration

One YAML file describes one experiment, or with `sweep` several. The later wins of: the paper's values, the values of
the `recipe`, your file, the command line. Unknown keys and values out of range are refused before anything runs.

    snakemake --cores 2                                              # config.yaml: drawn faces
    snakemake --cores 2 --configfile config/boats.yaml               # another file
    snakemake --cores 2 --config seed=7 'stage1={{iterations: 900}}'   # single keys on top of either
    snakemake --cores 2 --config 'sweep={{num_landmarks: [10, 30], seed: [1, 2]}}'

A file given by `--configfile` takes the place of config.yaml. What depends on a changed key runs again, nothing else.
`recipe: paper` follows the publication number by number; `recipe: short` is for schedules of minutes. Both are files of
`src/landmark_discovery/config/recipes/`. An empty cell of the column `short` means the paper's value.

Made from the typed configuration by `{COMMAND}`.
"""


_TRAINING_HEAD = f"""\
# The training of `superpoint-open`, the bootstrap weights that come with the package (docs/bootstrap-weights.md):
#   snakemake --snakefile workflow/bootstrap_training/Snakefile --cores 2
# Every key is here with its value. Made from the typed configuration by `{COMMAND}`.
"""


def explicit_yaml(config: Section) -> str:
    """Write every key with its value and, as a comment, its meaning."""
    return "\n".join(_yaml_lines(type(config), config.model_dump(mode="json"), "")) + "\n"


def documents() -> dict[str, str]:
    """Make every generated file, by its path from the root of the project."""
    return {
        "config.yaml": f"{_YAML_HEAD}\n{explicit_yaml(load_config(recipe_values('demo')))}",
        "config/README.md": _readme(),
        "workflow/bootstrap_training/config.yaml": f"{_TRAINING_HEAD}\n{explicit_yaml(BootstrapTrainingConfig())}",
        "workflow/schemas/config.schema.json": json.dumps(_json_schema(), indent=2, allow_nan=False) + "\n",
    }


def write_documents(root: str | Path) -> list[str]:
    """Write the generated files that differ from what they should be.

    Returns:
        Their paths from the root.
    """
    stale = stale_documents(root)
    content = documents()
    for name in stale:
        write_text(Path(root) / name, content[name])
    return stale


def stale_documents(root: str | Path) -> list[str]:
    """Name the generated files that are missing or differ from what they should be."""
    return [name for name, text in documents().items() if _content(Path(root) / name) != text]


def check_documents(root: str | Path) -> None:
    """Refuse generated files that have drifted from the typed configuration.

    Raises:
        UserError: one has; says the command that makes it anew.
    """
    stale = stale_documents(root)
    if stale:
        raise UserError(f"{', '.join(stale)} drifted from the typed configuration", remedy=f"run `{COMMAND}`")


def _json_schema() -> dict[str, Any]:
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Config.model_json_schema()}


def _content(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def _yaml_lines(section: type[Section], values: Tree, indent: str) -> Iterator[str]:
    for name, field in section.model_fields.items():
        if not indent and isinstance(values[name], dict):
            yield ""
        yield f"{indent}# {field.description}"
        below = field.annotation
        if isinstance(below, type) and issubclass(below, Section):
            yield f"{indent}{name}:"
            yield from _yaml_lines(below, values[name], indent + "  ")
        else:
            yield f"{indent}{name}: {inline_yaml(values[name])}"


def _readme() -> str:
    paper = default_values()
    short = merged(merged(paper, recipe_values("short")), {"recipe": "short"})
    paper["recipe"] = "paper"
    return _README_HEAD + "".join(_tables(Config, paper, short, ()))


def _tables(section: type[Section], paper: Tree, short: Tree, path: tuple[str, ...]) -> Iterator[str]:
    rows = []
    below: list[str] = []
    for name, field in section.model_fields.items():
        part = field.annotation
        here = (*path, name)
        if isinstance(part, type) and issubclass(part, Section):
            below.extend(_tables(part, paper[name], short[name], here))
            continue
        other = "" if short[name] == paper[name] else f"`{inline_yaml(short[name])}`"
        allowed = allowed_values(schema_node(Config, here))
        rows.append(
            f"| `{name}` | {_cell(allowed)} | `{inline_yaml(paper[name])}` | {other} | {_cell(field.description)} |"
        )
    title = f"`{'.'.join(path)}`: {_title(section)}" if path else "The experiment"
    head = f"\n## {title}\n\n| key | allowed | paper | short | meaning |\n| --- | --- | --- | --- | --- |\n"
    if rows:
        yield head + "\n".join(rows) + "\n"
    yield from below


def _title(section: type[Section]) -> str:
    return (section.__doc__ or "").strip().splitlines()[0].rstrip(".")


def _cell(text: str | None) -> str:
    return (text or "").replace("|", "\\|")

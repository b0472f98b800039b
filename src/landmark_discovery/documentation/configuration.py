"""The page of all keys of the configuration, made from the typed configuration itself."""

from __future__ import annotations

import re
from collections.abc import Iterator

from landmark_discovery.config.allowed import allowed_values, schema_node
from landmark_discovery.config.base import Section
from landmark_discovery.config.loading import Tree, default_values, merged, recipe_values
from landmark_discovery.config.schema import Config
from landmark_discovery.config.steps import STEPS
from landmark_discovery.config.yaml_text import inline_yaml
from landmark_discovery.documentation.markdown import linked_pages

_HEAD = """\
# Configuration

One YAML file describes one experiment, or with [`sweep`](#sweep) several. The later wins of: the paper's values, the
values of the [`recipe`](#recipe), your file, the command line. Unknown keys and values out of range are refused before
anything runs.

Below each key stand what it means, what it may hold, its value under `recipe: paper` and under `recipe: short`, and the
steps that read it: a changed key runs these again, what depends on them, and nothing else.
"""
# Where the name of a step is no command: the command that runs it.
_COMMANDS = {
    "evaluate-headline": "evaluate",
    "predict-stage1": "predict-dataset",
    "predict-stage2": "predict-dataset",
}
# Gets every key, to write them down.
_WRITES_ALL = "report"


def configuration_page() -> str:
    """Write the page: every key with its meaning, what it may hold, both recipes' values, and who reads it."""
    paper = default_values()
    short = merged(merged(paper, recipe_values("short")), {"recipe": "short"})
    paper["recipe"] = "paper"
    return "\n\n".join([_HEAD.rstrip("\n"), *_sections(Config, paper, short, ())]) + "\n"


def steps_that_read(key: str) -> list[str]:
    """Name the steps of the pipeline that depend on a key, dotted, in the order of the pipeline."""
    return [
        name for name, step in STEPS.items() if name != _WRITES_ALL and any(_holds(given, key) for given in step.keys)
    ]


def _sections(section: type[Section], paper: Tree, short: Tree, path: tuple[str, ...]) -> Iterator[str]:
    below: list[str] = []
    yield _title(section, path)
    for name, field in section.model_fields.items():
        here = (*path, name)
        part = field.annotation
        if isinstance(part, type) and issubclass(part, Section):
            below.extend(_sections(part, paper[name], short[name], here))
        else:
            yield _key(here, field.description or "", paper[name], short[name])
    yield from below


def _title(section: type[Section], path: tuple[str, ...]) -> str:
    if not path:
        return "## The experiment"
    name = ".".join(path)
    return f"## `{name}` {{ #{name} }}\n\n{(section.__doc__ or '').strip().splitlines()[0]}"


def _key(path: tuple[str, ...], description: str, paper: object, short: object) -> str:
    name = ".".join(path)
    # Characters of a pattern mean something else in Markdown.
    allowed = re.sub(r"(?<=matches )[^ ]+", r"`\g<0>`", allowed_values(schema_node(Config, path)))
    values = f"both recipes: {_shown(paper)}" if paper == short else f"paper: {_shown(paper)}, short: {_shown(short)}"
    facts = f"{allowed[0].upper()}{allowed[1:]} · {values} · {_readers(name)}"
    return f"### `{name}` {{ #{name} }}\n\n{linked_pages(description)}\n\n{facts}"


def _readers(key: str) -> str:
    steps = steps_that_read(key)
    if not steps:
        return "read by the workflow"
    return "read by " + ", ".join(f"[`{step}`](command-line.md#{_COMMANDS.get(step, step)})" for step in steps)


def _shown(value: object) -> str:
    return f"`{inline_yaml(value)}`"


def _holds(given: str, key: str) -> bool:
    return key == given or key.startswith(f"{given}.")

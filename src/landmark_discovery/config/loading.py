"""Make a configuration from defaults, a recipe and what the user gives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from landmark_discovery.config.consistency import check_consistency
from landmark_discovery.config.refusals import explained_refusal
from landmark_discovery.config.schema import Config
from landmark_discovery.config.yaml_text import (
    MAX_CHARACTERS,
    TwinKeyError,
    YamlError,
    check_values,
    read_yaml,
    shown,
)
from landmark_discovery.errors import UserError

Tree = dict[str, Any]


def load_config(
    given: Mapping[str, Any], overrides: Mapping[str, Any] | None = None, *, where: str | Path | None = None
) -> Config:
    """Make a configuration; the later wins of: the paper's values, the recipe, `given`, `overrides`.

    Args:
        given: keys of the user's file; those that are missing keep the value of the recipe.
        overrides: keys of the command line.
        where: what to call the source in errors.

    Raises:
        UserError: a key that doesn't exist, a value that isn't allowed, or values that contradict each other.
    """
    # Snakemake's own reader of YAML refuses less than ours.
    _check_plain(given, where)
    user = merged(given, overrides or {})
    recipe = user.get("recipe", Config().recipe)
    base = merged(default_values(), recipe_values(recipe) if recipe in ("paper", "short") else {})
    config = _validated(merged(base, user), where)
    # Digits in quotes become a number only there.
    _check_plain(config.model_dump(), where)
    check_consistency(config, where)
    return config.model_copy(update={"dataset": config.dataset.named()})


def read_config_file(path: str | Path) -> Tree:
    """Read the keys of a YAML file.

    Raises:
        UserError: no such file, no YAML, a key that stands twice, or not a list of keys.
    """
    try:
        with Path(path).open(encoding="utf-8") as file:
            content = read_yaml(file.read(MAX_CHARACTERS + 1))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not a text file"
        raise UserError(f"can't be read ({reason})", where=path, remedy="give a YAML file") from error
    except TwinKeyError as error:
        raise _twin_refusal(error, path) from error
    except YamlError as error:
        raise UserError(f"not valid YAML ({error})", where=path) from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise UserError("holds no keys", where=path, remedy="write lines such as `num_landmarks: 10`")
    return content


def refuse_twin_keys(path: str | Path) -> None:
    """Refuse a file in which a key stands twice; other faults are for Snakemake, which has read it already.

    Raises:
        UserError: a key stands twice in one section.
    """
    try:
        with Path(path).open(encoding="utf-8") as file:
            read_yaml(file.read(MAX_CHARACTERS + 1))
    except TwinKeyError as error:
        raise _twin_refusal(error, path) from error
    except (OSError, UnicodeDecodeError, YamlError):
        return


def parse_assignments(assignments: Iterable[str]) -> Tree:
    """Turn `section.key=value` of a command line into a tree; values are YAML.

    Raises:
        UserError: an assignment without `=`, or a value that isn't YAML.
    """
    tree: Tree = {}
    for assignment in assignments:
        name, separator, text = assignment.partition("=")
        if not separator or not name:
            raise UserError(f"{assignment!r} sets no key", remedy="write section.key=value, such as seed=3")
        try:
            value = read_yaml(text)
        except YamlError as error:
            raise UserError(f"{shown(text)} is no YAML value ({error})", where=name, remedy="quote it") from error
        for part in reversed(name.split(".")):
            value = {part: value}
        tree = merged(tree, value)
    return tree


def recipe_values(name: str) -> Tree:
    """Read the keys in which a recipe differs from the paper's values."""
    text = resources.files("landmark_discovery.config").joinpath("recipes", f"{name}.yaml").read_text(encoding="utf-8")
    return dict(read_yaml(text))


def default_values() -> Tree:
    """List every key with the paper's value."""
    return Config().model_dump(mode="json")


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> Tree:
    """Lay `changes` over `base`, section by section; neither is changed."""
    result: Tree = dict(base)
    for key, value in changes.items():
        below = result.get(key)
        result[key] = merged(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return result


def _twin_refusal(problem: TwinKeyError, path: str | Path) -> UserError:
    return UserError(str(problem), where=path, remedy="keep one, with all that belongs under it")


def _check_plain(tree: Mapping[str, Any], where: str | Path | None) -> None:
    try:
        check_values(tree)
    except YamlError as error:
        raise UserError(f"holds {error}", where=where, remedy="take it out") from error


def _validated(tree: Tree, where: str | Path | None) -> Config:
    try:
        return Config.model_validate(tree)
    except ValidationError as error:
        problem = error
    try:
        return Config.model_validate(_with_text_read_as_yaml(tree, problem))
    except ValidationError:
        raise explained_refusal(problem, Config, where) from problem


def _with_text_read_as_yaml(tree: Tree, problem: ValidationError) -> Tree:
    """Read refused texts as YAML, since Snakemake hands nested values of its command line over as texts."""
    result = tree
    for error in problem.errors():
        names = [part for part in error["loc"] if isinstance(part, str)]
        if isinstance(error["input"], str) and len(names) == len(error["loc"]):
            try:
                value: Any = read_yaml(error["input"])
            except YamlError:
                continue
            for name in reversed(names):
                value = {name: value}
            result = merged(result, value)
    return result

"""The settings of one step as JSON: what the workflow passes, and what a command reads back."""

from __future__ import annotations

import json
from typing import Annotated, Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from landmark_discovery.config.base import Section
from landmark_discovery.config.loading import Tree
from landmark_discovery.config.schema import Config
from landmark_discovery.config.steps import canonical_json, step_tree
from landmark_discovery.errors import UserError, nearest_name

_Part = TypeVar("_Part", bound=Section)
# The option that brings them.
WHERE = "--settings"
_REMEDY = "pass --config FILE instead"


def step_settings(config: Config, step: str) -> str:
    """Write the keys that a step depends on as canonical JSON: equal settings, equal text."""
    return canonical_json(step_tree(config, step))


def read_step_settings(text: str) -> Config:
    """Read what `step_settings` wrote; see `read_part`."""
    return read_part(Config, text)


def read_part(section: type[_Part], text: str, remedy: str = _REMEDY) -> _Part:
    """Read some keys of a section from JSON.

    Args:
        section: whose keys they are.
        text: the JSON.
        remedy: what the user can do where it can't be read.

    Returns:
        A section that holds these keys alone; reading any other raises AttributeError, so that a step can't depend on
        what it doesn't declare.

    Raises:
        UserError: no JSON object, unknown keys, or values that aren't allowed.
    """
    return _section(section, read_object(text, remedy), remedy)


def read_object(text: str, remedy: str = _REMEDY) -> Tree:
    """Read the JSON object that a command got as its settings.

    Raises:
        UserError: it is none.
    """
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"not JSON ({error})", where=WHERE, remedy=remedy) from error
    if not isinstance(given, dict):
        raise UserError("not a JSON object", where=WHERE, remedy=remedy)
    return given


def _section(section: type[_Part], given: Tree, remedy: str) -> _Part:
    """Build a section from some of its keys.

    One that is whole also checks itself; of one that isn't, the workflow checked the whole before.
    """
    if _is_whole(section, given):
        try:
            whole: _Part = section.model_validate(given)
            return whole
        except ValidationError as error:
            raise UserError(" ".join(str(error).split()), where=WHERE, remedy=remedy) from error
    values = {name: _value(section, name, value, remedy) for name, value in given.items()}
    # The type checker's plugin forgets which section it is.
    built = cast(_Part, section.model_construct(**values))
    for name in set(section.model_fields) - set(given):
        del built.__dict__[name]
    return built


def _is_whole(section: type[Section], given: Tree) -> bool:
    if set(given) != set(section.model_fields):
        return False
    below = ((_section_type(field), given[name]) for name, field in section.model_fields.items())
    return all(part is None or (isinstance(tree, dict) and _is_whole(part, tree)) for part, tree in below)


def _value(section: type[Section], name: str, value: Any, remedy: str) -> Any:  # noqa: ANN401 - whatever the key holds
    if name not in section.model_fields:
        raise UserError(f"unknown key {name!r}", where=WHERE, remedy=nearest_name(name, section.model_fields))
    field = section.model_fields[name]
    part = _section_type(field)
    if part is not None and isinstance(value, dict):
        return _section(part, value, remedy)
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(Annotated[field.annotation, field])  # type: ignore[arg-type]
        return adapter.validate_python(value)
    except ValidationError as error:
        raise UserError(f"{name} is {value!r}", where=WHERE, remedy=remedy) from error


def _section_type(field: FieldInfo) -> type[Section] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, Section) else None

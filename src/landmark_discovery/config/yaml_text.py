"""YAML from anybody as plain values: nothing runs, and a few lines can't stand for more than fits into memory."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import yaml

MAX_CHARACTERS = 1_000_000
# Aliases written out: `a: &a [x, x]`, `b: &b [*a, *a]` and so on doubles with every line.
MAX_VALUES = 100_000
MAX_WHOLE_NUMBER = 2**63 - 1
_OPEN = -1
_MERGE = "tag:yaml.org,2002:merge"


class YamlError(ValueError):
    """Say why a text isn't YAML that is read here."""


class TwinKeyError(YamlError):
    """Say which key of a mapping stands twice, and where."""


def inline_yaml(value: object) -> str:
    """Write a value as YAML in one line, such as `[1, 2]`."""
    text: str = yaml.safe_dump(value, default_flow_style=True, width=10_000)
    return text.removesuffix("\n...\n").strip()


def read_yaml(text: str) -> Any:  # noqa: ANN401 - whatever stands there
    """Read one YAML document of plain values: None, booleans, numbers, texts, dates, lists and mappings.

    Raises:
        TwinKeyError: a key stands twice in one mapping, which YAML forbids; the first would be lost.
        YamlError: not valid YAML, a tag that asks for anything else, or more than is read.
    """
    if len(text) > MAX_CHARACTERS:
        raise YamlError(f"more than {MAX_CHARACTERS:,} characters")
    try:
        value = _constructed(text)
    except yaml.YAMLError as error:
        raise YamlError(" ".join(str(error).split())) from error
    except RecursionError as error:
        raise YamlError("nested too deeply") from error
    except YamlError:
        raise
    # What stands behind a tag such as !!int or !!timestamp fails in a way of its own for each.
    except (ValueError, ArithmeticError, LookupError, AttributeError, TypeError) as error:
        raise YamlError(f"a value that isn't of its kind ({str(error)[:80]})") from error
    check_values(value)
    return value


def check_values(value: object) -> None:
    """Refuse nested values that have too many parts, contain themselves, or have a whole number of more than 64 bits.

    Raises:
        YamlError: the first fault found.
    """
    try:
        _check_count(value, _parts)
    except RecursionError as error:
        raise YamlError("nested too deeply") from error


def shown(value: object) -> str:
    """Show a value in a message, shortened where it is long."""
    return _SHORT.repr(value)


def _constructed(text: str) -> Any:  # noqa: ANN401 - whatever stands there
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        # Merge keys (<<) copy what they name, so the nodes are counted before they become values.
        _check_count(node, _parts_of_node)
        _refuse_twin_keys(node)
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _refuse_twin_keys(root: object) -> None:
    waiting, seen = [root], set[int]()
    while waiting:
        node = waiting.pop()
        # What an alias repeats is one node.
        if id(node) not in seen:
            seen.add(id(node))
            if isinstance(node, yaml.MappingNode):
                _refuse_twins_of(node)
            waiting.extend(_parts_of_node(node))


def _refuse_twins_of(mapping: yaml.MappingNode) -> None:
    lines: dict[tuple[str, str], int] = {}
    for key, _ in mapping.value:
        # Of merge keys (<<) each counts.
        if isinstance(key, yaml.ScalarNode) and key.tag != _MERGE:
            name, line = (key.tag, key.value), key.start_mark.line + 1
            if name in lines:
                raise TwinKeyError(f"key {shown(key.value)} stands in line {lines[name]} and again in line {line}")
            lines[name] = line


def _check_count(root: object, parts: Callable[[object], Iterable[object]]) -> None:
    counts: dict[int, int] = {}

    def count(value: object) -> int:
        known = counts.get(id(value))
        if known == _OPEN:
            raise YamlError("a list or mapping that contains itself")
        if known is None:
            counts[id(value)] = _OPEN
            known = counts[id(value)] = 1 + sum(map(count, parts(value)))
        return known

    if count(root) > MAX_VALUES:
        raise YamlError(f"more than {MAX_VALUES:,} values, with aliases written out")


def _parts_of_node(node: object) -> Iterable[object]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return node.value if isinstance(node, yaml.SequenceNode) else ()


def _parts(value: object) -> Iterable[object]:
    if isinstance(value, int) and abs(value) > MAX_WHOLE_NUMBER:
        raise YamlError("a whole number of more than 64 bits")
    if isinstance(value, Mapping):
        return [*value, *value.values()]
    return value if isinstance(value, list | tuple | set | frozenset) else ()


_SHORT = reprlib.Repr()
_SHORT.maxlevel, _SHORT.maxdict, _SHORT.maxlist, _SHORT.maxtuple = 4, 8, 12, 12
_SHORT.maxstring = _SHORT.maxother = 200

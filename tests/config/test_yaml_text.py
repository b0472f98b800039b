import datetime
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from mutations import fuzz

from landmark_discovery.config.loading import load_config, read_config_file
from landmark_discovery.config.yaml_text import MAX_CHARACTERS, MAX_VALUES, YamlError, check_values, read_yaml, shown
from landmark_discovery.errors import UserError

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(10 * [f'*{before}'])}]\n"
    for before, name in zip("abcdefghi", "bcdefghij", strict=True)
)
MERGED = "a: &a {x: 1}\n" + "".join(
    f"{name}: &{name} {{<<: [{', '.join(10 * [f'*{before}'])}]}}\n"
    for before, name in zip("abcdefghi", "bcdefghij", strict=True)
)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda parts: st.lists(parts, max_size=4) | st.dictionaries(st.text(max_size=5), parts, max_size=4),
)


def test_plain_values_are_read():
    text = "{a: 1, b: [0.5, true, null, x], c: 2024-05-06, d: &d {e: f}, g: *d, h: {<<: *d}}"
    assert read_yaml(text) == {
        "a": 1,
        "b": [0.5, True, None, "x"],
        "c": datetime.date(2024, 5, 6),
        "d": {"e": "f"},
        "g": {"e": "f"},
        "h": {"e": "f"},
    }
    assert read_yaml("") is None


@given(PLAIN)
@fuzz(60)
def test_what_yaml_writes_is_read_back(value):
    assert read_yaml(yaml.safe_dump(value)) == value


@pytest.mark.parametrize(
    "tag", ["object/apply:os.mkdir [{0}]", "object/new:os.mkdir [{0}]", "name:os.mkdir", "module:os"]
)
def test_a_tag_that_would_run_code_runs_none(tmp_path, tag):
    with pytest.raises(YamlError, match="python"):
        read_yaml("seed: !!python/" + tag.format(tmp_path / "made"))
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("text", [LAUGHS, MERGED], ids=["lists", "merge keys"])
def test_a_few_aliases_that_stand_for_a_billion_values_are_refused(text):
    with pytest.raises(YamlError, match=f"more than {MAX_VALUES:,} values, with aliases written out"):
        read_yaml(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[" * 10_000, "nested too deeply"),
        ("&a [*a]", "contains itself"),
        ("9" * 5000, "isn't of its kind"),
        ("0x" + "f" * 5000, "more than 64 bits"),
        (f"{2**63}", "more than 64 bits"),
        ("2024-13-45", "isn't of its kind"),
        ("!!timestamp x", "isn't of its kind"),
        ("!!bool x", "isn't of its kind"),
        ("!!int x", "isn't of its kind"),
        ("1" + 200 * ":59" + ".5", "isn't of its kind"),
        ("a: [", "expected"),
        ("a\n---\nb", "expected a single document"),
        ("x" * (MAX_CHARACTERS + 1), "1,000,000 characters"),
    ],
)
def test_what_is_no_plain_value_is_refused_with_the_reason(text, reason):
    with pytest.raises(YamlError, match=reason):
        read_yaml(text)


@given(PLAIN)
@fuzz(60)
def test_plain_values_pass_the_check(value):
    check_values(value)


def test_a_configuration_file_that_is_a_bomb_is_refused_by_name(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(LAUGHS)
    with pytest.raises(UserError, match=r"config\.yaml: not valid YAML \(more than 100,000 values"):
        read_config_file(path)


def test_a_configuration_that_never_ends_is_not_read_to_its_end():
    with pytest.raises(UserError, match=r"/dev/zero: not valid YAML \(more than"):
        read_config_file(Path("/dev/zero"))


def test_a_bomb_that_another_reader_let_through_is_refused():
    with pytest.raises(UserError, match=r"config\.yaml: holds more than 100,000 values"):
        load_config({"sweep": yaml.safe_load(LAUGHS)}, where="config.yaml")


def test_numbers_beyond_64_bits_are_refused_however_they_are_written():
    for number in (10**30, "1" + 30 * "0", 16**5000):
        with pytest.raises(UserError, match="more than 64 bits"):
            load_config({"num_landmarks": number})


def test_a_long_value_is_shortened_in_the_message():
    with pytest.raises(UserError) as caught:
        load_config({"num_landmarks": "x" * 100_000})
    assert len(str(caught.value)) < 400
    assert shown([1, "x", {"a": (0.5, None)}]) == "[1, 'x', {'a': (0.5, None)}]"

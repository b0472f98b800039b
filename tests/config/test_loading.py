from datetime import date

import pytest

from landmark_discovery.config.loading import (
    default_values,
    load_config,
    merged,
    parse_assignments,
    read_config_file,
    recipe_values,
)
from landmark_discovery.config.schema import Config
from landmark_discovery.errors import UserError


def message_of(given, **keywords):
    with pytest.raises(UserError) as caught:
        load_config(given, **keywords)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_paper_recipe_changes_no_default():
    assert recipe_values("paper") == {}
    assert load_config({"recipe": "paper"}) == Config(recipe="paper")


def test_the_short_recipe_is_the_default_and_holds_where_nothing_is_given():
    short = recipe_values("short")
    config = load_config({})
    assert config.stage1.detector_target == short["stage1"]["detector_target"] == "bump"
    assert config.stage1.descriptor_loss.margin == 0.8


def test_the_file_wins_over_the_recipe_and_the_command_line_over_both():
    config = load_config(
        {"seed": 5, "stage1": {"iterations": 900, "warmup_iterations": 300}}, {"stage1": {"iterations": 700}}
    )
    assert (config.seed, config.stage1.iterations, config.stage1.warmup_iterations) == (5, 700, 300)


def test_one_key_of_a_section_leaves_its_other_defaults_alone():
    config = load_config({"recipe": "paper", "stage2": {"optimizer": {"learning_rate": 0.5}}})
    assert config.stage2.optimizer.trunk_learning_rate_factor == 0.1
    assert config.stage2.optimizer.milestones == (50_000, 70_000)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"sead": 3}, "mine.yaml: unknown key 'sead'; did you mean 'seed'?"),
        ({"stage1": {"iteratons": 3}}, "mine.yaml: unknown key 'stage1.iteratons'; did you mean 'iterations'?"),
        ({3: 4}, "mine.yaml: unknown key '3'; valid: "),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_name_of_its_section(given, expected):
    assert message_of(given, where="mine.yaml").startswith(expected)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"stage1": {"iterations": "many"}}, "stage1.iterations is 'many'; allowed: a whole number of at least 1"),
        ({"stage1": 4}, "stage1 is 4; allowed: a section of keys"),
        ({"recipe": "papr"}, "recipe is 'papr'; allowed: one of paper, short"),
        ({"augmentation": {"contrast": [3]}}, "augmentation.contrast is [3]; allowed: a list of 2 numbers"),
        ({"augmentation": {"contrast": ["a", 1]}}, "augmentation.contrast.0 is 'a'; allowed: a number above 0"),
        (
            {"stage1": {"optimizer": {"max_gradient_norm": -1}}},
            "stage1.optimizer.max_gradient_norm is -1; allowed: a number above 0, or null",
        ),
        ({"sweep": {"seed": 3}}, "sweep.seed is 3; allowed: a list of whole numbers of at least 0"),
    ],
)
def test_a_value_that_is_not_allowed_is_named_with_what_is(given, expected):
    assert message_of(given) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"num_landmarks": True}, "num_landmarks is True; allowed: a whole number of at least 2; YAML reads yes, no"),
        ({"seed": False}, "seed is False; allowed: a whole number of at least 0; YAML reads"),
        ({"stage1": {"detector_bias": True}}, "stage1.detector_bias is True; allowed: a number, or null; YAML reads"),
        ({"augmentation": {"contrast": [False, 1]}}, "augmentation.contrast is [False, 1]; allowed: a list of 2"),
        ({"evaluation": {"points": (0, True)}}, "evaluation.points is (0, True); allowed: a list of whole numbers"),
        ({"sweep": {"seed": [False]}}, "sweep.seed is [False]; allowed: a list of whole numbers"),
    ],
)
def test_a_boolean_is_no_number(given, expected):
    assert message_of(given).startswith(expected)


def test_what_counts_as_a_number_and_as_a_boolean_stays():
    config = load_config({"seed": "7", "stage1": {"detector_bias": -4, "iterations": 5e3}, "fast": "no"})
    assert (config.seed, config.stage1.detector_bias, config.stage1.iterations) == (7, -4.0, 5000)
    assert config.fast is False
    assert load_config({"fast": 1}).fast is True


@pytest.mark.parametrize(("given", "name"), [(2024, "2024"), (date(2024, 5, 6), "2024-05-06"), ("a.b", "a.b")])
def test_numbers_and_dates_are_names_too(given, name):
    assert load_config({"experiment": given}).experiment == name


def test_a_data_set_may_be_called_by_a_number_but_nothing_by_other_values():
    assert load_config({"dataset": {"name": 300}}).dataset.name == "300"
    assert message_of({"experiment": True}).startswith("experiment is True; allowed: text that matches")
    assert message_of({"experiment": -3}).startswith("experiment is '-3'; allowed: text")


@pytest.mark.parametrize(
    ("path", "name"),
    [("photos/My cats (2024)", "My-cats-2024"), ("/data/boats/", "boats"), ("фото", "images"), ("_a_", "a")],
)
def test_a_folder_without_a_name_is_called_as_it_is_on_disk(path, name):
    assert load_config({"dataset": {"kind": "folder", "path": path}}).dataset.name == name
    assert load_config({"dataset": {"kind": "folder", "path": path, "name": "mine"}}).dataset.name == "mine"


def test_the_folder_in_which_it_runs_has_a_name_too(tmp_path, monkeypatch):
    (tmp_path / "cats").mkdir()
    monkeypatch.chdir(tmp_path / "cats")
    assert load_config({"dataset": {"kind": "folder", "path": "."}}).dataset.name == "cats"


def test_the_home_folder_may_be_written_as_the_shell_writes_it(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    assert load_config({"dataset": {"kind": "folder", "path": "~/x"}}).dataset.path == "/home/me/x"
    assert load_config({"dataset": {"kind": "folder", "path": "a~/~x"}}).dataset.path == "a~/~x"


def test_one_landmark_is_too_few():
    assert message_of({"num_landmarks": 1}) == "num_landmarks is 1; allowed: a whole number of at least 2"
    assert "sweep.num_landmarks" in message_of({"sweep": {"num_landmarks": [1, 10]}})
    assert load_config({"num_landmarks": 2}).num_landmarks == 2


def test_texts_of_the_command_line_are_read_as_yaml():
    # Snakemake reads --config 'stage1={iterations: 42}' into {"iterations": "42"}.
    config = load_config(
        {"recipe": "paper"},
        {
            "stage1": {"iterations": "42000", "detector_bias": "null"},
            "evaluation": {"points": "[1, 2]"},
            "clustering": {"redos": "3"},
        },
    )
    assert (config.stage1.iterations, config.stage1.detector_bias) == (42000, None)
    assert (config.evaluation.points, config.clustering.redos) == ((1, 2), 3)


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"dataset": {"kind": "folder"}}, "dataset.path is missing"),
        ({"dataset": {"path": "x"}}, "dataset.kind is synthetic"),
        ({"stage1": {"warmup_iterations": 99999}}, "stage1.warmup_iterations is 99999, more than"),
        ({"num_landmarks": 101}, "fewer than num_landmarks 101"),
        ({"augmentation": {"scale": [2, 1]}}, "augmentation.scale: [2.0, 1.0] begins above its end"),
        ({"augmentation": {"blur_sigma_px": [0, 1]}}, "augmentation.blur_sigma_px: [0.0, 1.0] isn't within 0 and 0.7"),
        ({"augmentation": {"brightness": [-1, 1]}}, "augmentation.brightness.0 is -1"),
        ({"model": {"norm_groups": 5}}, "model: norm_groups 5 doesn't divide"),
    ],
)
def test_values_that_contradict_each_other_are_refused(given, fault):
    assert fault in message_of(given)


def test_a_config_file_is_read(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("seed: 3\nstage1: {iterations: 5000}\n", encoding="utf-8")
    assert read_config_file(path) == {"seed": 3, "stage1": {"iterations": 5000}}
    path.write_text("# nothing yet\n", encoding="utf-8")
    assert read_config_file(path) == {}


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"seed: [3", "not valid YAML"),
        (b"seed: 1\nexperiment: a\nseed: 2\n", "key 'seed' stands in line 1 and again in line 3; keep one"),
        (b"seed: 1\n'seed': 2\n", "key 'seed' stands in line 1 and again in line 2"),
        (b"stage1: {iterations: 9,\n iterations: 8}\n", "key 'iterations' stands in line 1 and again in line 2"),
        (b"sweep:\n  dataset:\n  - {name: a}\n  - {name: a, name: b}\n", "key 'name' stands in line 4 and again"),
        (b"- 3\n", "holds no keys"),
        (b"seed: \xff\xfe", "can't be read (not a text file)"),
        (b"!!python/object/apply:os.getcwd []", "not valid YAML"),
    ],
)
def test_a_broken_config_file_is_refused_in_one_line(tmp_path, content, fault):
    path = tmp_path / "mine.yaml"
    path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        read_config_file(path)
    assert str(caught.value).startswith(f"{path}: {fault}")
    assert "\n" not in str(caught.value)


def test_a_missing_config_file_is_refused(tmp_path):
    with pytest.raises(UserError, match="No such file"):
        read_config_file(tmp_path / "none.yaml")


def test_assignments_become_a_tree():
    assert parse_assignments(["seed=3", "stage1.iterations=9", "stage1.optimizer.name=adamw", "dataset.path=null"]) == {
        "seed": 3,
        "stage1": {"iterations": 9, "optimizer": {"name": "adamw"}},
        "dataset": {"path": None},
    }
    for wrong in ("seed", "=3", "seed=[3"):
        with pytest.raises(UserError):
            parse_assignments([wrong])


def test_an_assignment_that_names_a_key_twice_is_refused():
    with pytest.raises(UserError, match=r"key 'seed' stands in line 1 and again in line 1"):
        parse_assignments(["sweep={seed: [1], seed: [2]}"])


def test_one_key_in_two_sections_and_two_merge_keys_are_no_twins(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("a: &a {x: 1}\nb: &b {y: 2}\nc: {<<: *a, <<: *b, x: 3}\n", encoding="utf-8")
    assert read_config_file(path)["c"] == {"x": 3, "y": 2}


def test_merging_changes_neither_side():
    base, changes = {"a": {"b": 1, "c": 2}}, {"a": {"b": 3}, "d": 4}
    assert merged(base, changes) == {"a": {"b": 3, "c": 2}, "d": 4}
    assert (base, changes) == ({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}, "d": 4})


@pytest.mark.parametrize("recipe", ["paper", "short", "demo"])
def test_every_recipe_is_a_valid_configuration(recipe):
    config = load_config(recipe_values(recipe))
    assert set(config.model_dump()) == set(default_values())

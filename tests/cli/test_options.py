from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from landmark_discovery.cli.main import app as landmarks_app
from landmark_discovery.cli.options import OutputFile, OutputFolder, labelled_folders, settings_of
from landmark_discovery.config.loading import load_config
from landmark_discovery.config.steps_json import step_settings
from landmark_discovery.errors import UserError


def test_a_file_and_single_keys_lead_to_the_same_settings_as_the_workflow(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("recipe: paper\nstage2: {subpixel: true}\n", encoding="utf-8")
    by_file = settings_of("predict-stage2", None, path, ["num_landmarks=7"])
    whole = load_config({"recipe": "paper", "stage2": {"subpixel": True}, "num_landmarks": 7})
    assert by_file == settings_of("predict-stage2", step_settings(whole, "predict-stage2"), None, None)
    assert (by_file.num_landmarks, by_file.stage2.subpixel) == (7, True)


def test_without_any_option_the_short_recipe_holds():
    assert settings_of("synthesize", None, None, None).dataset.synthetic == load_config({}).dataset.synthetic


def test_both_kinds_of_settings_at_once_are_refused(tmp_path):
    with pytest.raises(UserError, match="--settings says everything"):
        settings_of("evaluate", "{}", tmp_path / "mine.yaml", None)


def test_a_person_is_told_where_the_wrong_key_is(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("sead: 3\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"mine.yaml: unknown key 'sead'"):
        settings_of("evaluate", None, path, None)


def command_that_writes(kind):
    app, worked = typer.Typer(), []

    @app.command()
    def write(output: kind):
        worked.append(output)

    return lambda path: (CliRunner().invoke(app, ["--output", str(path)]).exception, worked)


@pytest.mark.parametrize(
    ("kind", "told"), [(OutputFile, "a folder, not a file"), (OutputFolder, "a file, not a folder")]
)
def test_an_output_of_the_other_kind_is_refused_before_the_work(tmp_path, kind, told):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    write = command_that_writes(kind)
    right, wrong = ("file", "folder") if kind is OutputFile else ("folder", "file")
    error, worked = write(tmp_path / wrong)
    assert isinstance(error, UserError)
    assert told in str(error)
    assert worked == []
    for name in (right, "new"):
        assert write(tmp_path / name)[0] is None
    assert worked == [tmp_path / right, tmp_path / "new"]


@pytest.mark.parametrize(
    "command",
    [
        ("doctor",),
        ("show-config",),
        ("download", "superpoint_v1.pth"),
        ("plot-curves", "--evaluation", "a=nowhere", "--direction", "forward", "--output", "curve.png"),
    ],
)
def test_an_output_that_may_be_left_out_or_given_twice_is_looked_at_too(tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    error = CliRunner().invoke(landmarks_app, [*command, "--output", "folder"]).exception
    assert isinstance(error, UserError)
    assert str(error).startswith("folder: a folder, not a file")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_labelled_folders_keep_their_order_and_may_be_named_by_their_folder():
    folders = labelled_folders(["b=x/y", "a=z"], "--beside")
    assert list(folders.items()) == [("b", Path("x/y")), ("a", Path("z"))]
    assert labelled_folders(["e1/stage2", "other=e2/stage2"], "--evaluation", named_by_folder=True) == {
        "stage2": Path("e1/stage2"),
        "other": Path("e2/stage2"),
    }


@pytest.mark.parametrize(
    ("items", "by_folder", "words"),
    [
        (["x/y"], False, "--runs is 'x/y'; write LABEL=FOLDER"),
        (["=y"], True, "--runs is '=y'; write LABEL=FOLDER"),
        (["a="], True, "--runs is 'a='; write LABEL=FOLDER"),
        (["e1/stage2", "e2/stage2"], True, "--runs gives two runs the label 'stage2'"),
    ],
)
def test_labels_that_are_missing_or_stand_twice_are_refused(items, by_folder, words):
    with pytest.raises(UserError, match=words):
        labelled_folders(items, "--runs", named_by_folder=by_folder)

import re
import shutil
import subprocess
import sys

import pytest
import yaml
from command_checks import FOLDERS, faults
from dry_runs import DryRuns, dry
from shown_commands import ROOT, Command, code_blocks, commands_of, commands_of_shell, pages
from typer.testing import CliRunner

from landmark_discovery.cli.main import app
from landmark_discovery.config.loading import load_config

COMMANDS = [
    command
    for page in pages()
    for command in commands_of(page.read_text(encoding="utf-8"), str(page.relative_to(ROOT)))
]
# Why a command isn't held against anything.
EXEMPTIONS = {
    "snakemake --executor kubernetes": "needs a plugin that isn't installed",
}
DRY_RUNS = sorted(
    {command.words[1:] for command in COMMANDS if command.words[:1] == ("snakemake",) and not command.inline}
)
# Cheap ones, run as they stand.
RUN_AS_SHOWN = ("doctor", "downloads", "show-config")


def is_exempt(command):
    return any(" ".join(command.words).startswith(beginning) for beginning in EXEMPTIONS)


@pytest.fixture(scope="module")
def working_folder(tmp_path_factory):
    """Make a folder in which every shown dry run finds what it names."""
    folder = tmp_path_factory.mktemp("shown") / "project"
    folder.mkdir()
    for name in ("config", "profiles", "envs", "examples", "paper.yaml"):
        (folder / name).symlink_to(ROOT / name)
    shutil.copy(ROOT / "config.yaml", folder)
    for images in (folder / "images", folder / "resources" / "boats"):
        images.mkdir(parents=True)
        for name in ("a.png", "b.png"):
            (images / name).write_bytes(b"not looked at in a dry run")
    (folder / "my.yaml").write_text("experiment: mine\nrecipe: short\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def dry_runs(tmp_path_factory, working_folder):
    runs = DryRuns(ROOT, tmp_path_factory.mktemp("dry"))
    yield lambda words: runs.result(with_own_paths(words, working_folder), working_folder)
    runs.close()


def with_own_paths(words, folder):
    """Put folders that are there in the place of those that a reader replaces."""
    return tuple(re.sub(r"/path/to/\w+|/data\b", str(folder / "images"), word) for word in words)


def test_commands_of_blocks_and_sentences_are_found_on_every_page():
    assert len(COMMANDS) > 100
    shown = {command.page for command in COMMANDS}
    assert {"README.md", "config/README.md", "docs/index.md", "docs/own-images.md", "docs/running.md"} <= shown


@pytest.mark.parametrize("command", sorted(set(COMMANDS), key=str), ids=str)
def test_a_shown_command_names_what_there_is(command):
    if not is_exempt(command):
        assert faults(command) == []


@pytest.mark.parametrize("words", DRY_RUNS, ids=" ".join)
def test_a_shown_run_of_the_workflow_would_run(dry_runs, words):
    if is_exempt(Command("", 0, ("snakemake", *words))):
        pytest.skip("exempt")
    status, output = dry_runs(words)
    assert status == 0, output


@pytest.mark.parametrize(
    "words",
    sorted(
        {
            one.words
            for one in COMMANDS
            if one.words[:1] == ("landmarks",) and one.words[1:2] and one.words[1] in RUN_AS_SHOWN
        }
    ),
    ids=" ".join,
)
def test_a_cheap_command_runs_as_it_stands(words, working_folder, monkeypatch):
    monkeypatch.chdir(working_folder)
    result = CliRunner().invoke(app, list(words[1:]))
    assert result.exit_code == 0, result.output


def test_the_boats_are_drawn_as_it_stands(tmp_path):
    (words,) = {one.words for one in COMMANDS if one.words[:2] == ("python", "examples/draw_boats.py")}
    subprocess.run([sys.executable, ROOT / words[1], *words[2:], "--count", "2"], cwd=tmp_path, check=True)
    assert len(list((tmp_path / "resources" / "boats").glob("*.jpg"))) == 2


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_blocks_of_other_languages_are_what_they_say(page):
    text = page.read_text(encoding="utf-8")
    for block in code_blocks(text, "python"):
        compile(block, page.name, "exec")
    for block in code_blocks(text, "yaml"):
        load_config(yaml.safe_load(block), where=page.name)


def test_exemptions_are_used_and_folders_are_there():
    assert all(any(" ".join(one.words).startswith(beginning) for one in COMMANDS) for beginning in EXEMPTIONS)
    assert all((ROOT / folder).is_dir() for folder in FOLDERS)


@pytest.mark.parametrize(
    "line",
    [
        "landmarks trian-stage1 --output x",
        "landmarks prepare --datset images --output store",
        "landmarks prepare --output store",
        "landmarks train-stage1 --config config/none.yaml",
        "make demmo",
        "snakmake --cores 2",
        "snakemake --configfile config/none.yaml",
        "snakemake --workflow-profile profiles/none",
        "pytest tests/none.py",
        "pip install -r envs/none.txt",
        "python examples/none.py",
        "python examples/draw_boats.py boats --countt 3",
        "python -m benchmarks sped",
        "python -m benchmarks speed --smal",
        "python -m none",
        "torchrun --standalone -m landmark_discovery train-stage9",
        "docker run image landmarks none",
        "mkdocs biuld",
        "LANDMARKS_NONE=1 make test",
    ],
)
def test_a_wrong_command_is_found(line):
    (command,) = commands_of_shell(line)
    assert faults(command)


@pytest.mark.parametrize(
    "line",
    [
        "snakemake --cores 2 --config num_landmark=3",
        "snakemake --cores 2 --config 'stage1={iteration: 3}'",
        "snakemake --cores 2 --config num_landmarks=none",
        "snakemake --cores 2 no_such_target",
        "snakemake --coers 2",
        "snakemake --configfile config/own-images.yaml",
    ],
)
def test_a_wrong_run_of_the_workflow_is_found(dry_runs, line):
    (command,) = commands_of_shell(line)
    status, _ = dry_runs(command.words[1:])
    assert status != 0


def test_wrong_options_in_sentences_are_found_and_needed_ones_may_be_left_out():
    wrong, right = commands_of("Use `landmarks evaluate --nrom box` or `landmarks evaluate --normalizer box`.")
    assert faults(wrong)
    assert faults(right) == []


def test_lines_are_split_as_a_shell_does():
    script = "A=1 make x && landmarks doctor  # why\nsnakemake -n \\\n  --cores 2 | dot -Tsvg > a.svg\n\npytest 'a b'\n"
    commands = commands_of_shell(script, first_line=5)
    assert [command.words for command in commands] == [
        ("make", "x"),
        ("landmarks", "doctor"),
        ("snakemake", "-n", "--cores", "2"),
        ("dot", "-Tsvg"),
        ("pytest", "a b"),
    ]
    assert [command.line for command in commands] == [5, 5, 6, 6, 9]
    assert commands[0].variables == {"A": "1"}


def test_blocks_below_items_of_a_list_are_found_and_other_languages_are_not():
    text = "- an item:\n\n      make demo\n\n```yaml\nmake: none\n```\n\n```sh\nmake test\n```\n"
    assert [command.words for command in commands_of(text)] == [("make", "demo"), ("make", "test")]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--cores", "8"), ("--cores", "1", "-n")),
        (("--workflow-profile", "profiles/slurm"), ("-n",)),
        (("--default-resources", "a=1", "b=2", "--cores", "1"), ("--cores", "1", "-n")),
        (("--snakefile", "/opt/Snakefile", "-n"), ("-n",)),
        (("--rulegraph", "dot"), ("--rulegraph", "dot")),
    ],
)
def test_where_steps_would_run_is_left_out_of_a_dry_run(words, expected):
    assert dry(words) == expected

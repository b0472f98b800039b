import re
from typing import Annotated

import pytest
import typer
from shown_commands import ROOT
from typer.main import get_command

from landmark_discovery.cli.main import app
from landmark_discovery.config.loading import default_values
from landmark_discovery.config.steps import STEPS
from landmark_discovery.documentation.command_line import command_line_page
from landmark_discovery.documentation.configuration import configuration_page, steps_that_read
from landmark_discovery.documentation.pages import generated_pages
from landmark_discovery.documentation.python_api import python_pages


def small_app():
    made = typer.Typer(rich_markup_mode=None)

    @made.command()
    def cut(
        image: Annotated[str, typer.Argument(help="What is cut.")],
        size_px: Annotated[int, typer.Option(help="Side, see docs/running.md.")] = 3,
    ):
        """Cut an image."""

    @made.command(hidden=True)
    def internal():
        """Do something that nobody should."""

    @made.command()
    def other():
        """Do the other thing."""

    return made


def leaves(tree, prefix=""):
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{prefix}{name}.")
        else:
            yield prefix + name


def test_a_command_has_its_words_its_usage_and_its_options():
    page = command_line_page(small_app())
    section = page[page.index("## `landmarks cut`") : page.index("## `landmarks other`")]
    assert section.startswith("## `landmarks cut` { #cut }\n\nCut an image.\n\n    landmarks cut [OPTIONS] image\n\n")
    assert "`--size-px <int>`\n:   Side, see [running](../running.md).  [default: 3]" in section
    assert "What is cut." in section
    assert "--help" not in section
    assert "internal" not in page


def test_every_command_of_the_program_has_its_section():
    page = command_line_page(app)
    assert re.findall(r"^## .* \{ #(.*) \}$", page, re.MULTILINE) == list(get_command(app).commands)


def test_every_key_has_its_section():
    sections = re.findall(r"^### `(.*)` \{ #(.*) \}$", configuration_page(), re.MULTILINE)
    assert all(name == anchor for name, anchor in sections)
    assert sorted(name for name, _ in sections) == sorted(leaves(default_values()))


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (
            "stage1.iterations",
            "A whole number of at least 1 · paper: `200000`, short: `5000` · read by [`train-stage1`]",
        ),
        ("seed", "A whole number of at least 0 · both recipes: `1993` · read by [`train-stage1`]"),
        ("recipe", "One of paper, short · paper: `paper`, short: `short` · read by the workflow"),
        ("evaluation.repeats", "read by [`evaluate`](command-line.md#evaluate)"),
        ("experiment", "Text that matches `^[A-Za-z0-9][A-Za-z0-9_.-]*$` · both"),
    ],
)
def test_a_key_says_what_it_may_hold_both_values_and_who_reads_it(key, words):
    page = configuration_page()
    section = page[page.index(f"### `{key}` ") :].split("\n###")[0]
    assert words in section


def test_steps_that_read_a_key():
    assert steps_that_read("stage2.subpixel") == ["train-stage2", "predict-stage2", "package-model"]
    assert steps_that_read("sweep.seed") == []
    assert all("report" not in steps_that_read(key) for key in leaves(default_values()))


def test_every_step_leads_to_a_command():
    page, commands = configuration_page(), get_command(app).commands
    named = {anchor for _, anchor in re.findall(r"\[`([\w-]+)`\]\(command-line\.md#([\w-]+)\)", page)}
    assert named <= set(commands)
    assert len(named) > len(STEPS) // 2


def test_python_pages_show_every_public_module_once(tmp_path):
    package = tmp_path / "landmark_discovery"
    for name in ("data", "data/kernels", "cli"):
        (package / name).mkdir(parents=True)
    for name in (
        "__init__",
        "geometry",
        "data/__init__",
        "data/store",
        "data/_hidden",
        "data/kernels/fast",
        "cli/__init__",
        "cli/main",
    ):
        (package / f"{name}.py").write_text(f'"""Words of {name}.\n\nMore."""\n', encoding="utf-8")
    pages = python_pages(package)
    assert list(pages) == [f"reference/python/{name}.md" for name in ("index", "data", "shared")]
    assert pages["reference/python/data.md"] == (
        "# `landmark_discovery.data`\n\nWords of data/__init__.\n\n::: landmark_discovery.data.store\n"
    )
    assert "::: landmark_discovery.geometry" in pages["reference/python/shared.md"]
    assert "- [`landmark_discovery.data`](data.md): Words of data/__init__.\n" in pages["reference/python/index.md"]


def test_all_pages_that_are_made_are_made():
    pages = generated_pages(ROOT)
    assert {"reference/command-line.md", "reference/configuration.md", "reference/result-files.md"} <= set(pages)
    assert all(text.startswith("# ") for text in pages.values())
    assert "](../reliability.md)" in pages["reference/result-files.md"]

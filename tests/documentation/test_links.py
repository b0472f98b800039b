import subprocess
import sys

import pytest
from shown_commands import ROOT

from landmark_discovery.documentation.links import Link, anchors_of, broken_links, links_of, read_pages
from landmark_discovery.documentation.pages import generated_pages


def test_no_link_of_the_project_leads_nowhere():
    pages = read_pages(ROOT, generated_pages(ROOT))
    assert len(links_of(pages)) > 100
    assert [str(link) for link in broken_links(ROOT, pages)] == []


@pytest.mark.parametrize(
    ("target", "is_broken"),
    [
        ("b.md", False),
        ("b.md#a-title-with-code", False),
        ("#own", False),
        ("../README.md", False),
        ("picture.png", False),
        ("reference/keys.md#stage1.iterations", False),
        ("https://example.org/none", False),
        ("c.md", True),
        ("b.md#none", True),
        ("#none", True),
        ("none.png", True),
        ("picture.png#part", True),
        ("reference/keys.md#stage1", True),
    ],
)
def test_links_to_files_and_headings(tmp_path, target, is_broken):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "picture.png").touch()
    pages = {
        "README.md": "# Read me",
        "docs/a.md": f"# Own\n\n[words]({target})",
        "docs/b.md": "# B\n\n## A title, with `code`!\n",
        "docs/reference/keys.md": "# Keys\n\n### `stage1.iterations` { #stage1.iterations }\n",
    }
    assert bool(broken_links(tmp_path, pages)) == is_broken


def test_links_in_code_count_for_nothing_and_pictures_count():
    text = "`[no](none.md)`\n\n    [no](none.md)\n\n| a |\n| --- |\n| [yes](b.md) |\n\n![p](p.png)\n"
    assert links_of({"a.md": text}) == [Link("a.md", "b.md"), Link("a.md", "p.png")]


def test_anchors_of_headings_and_of_objects_of_python():
    text = "# 4. Good or bad?\n\n## `the … can't` - be\n\n::: package.module\n"
    assert anchors_of(text) == {"4-good-or-bad", "the-cant-be", "package.module"}


def test_links_that_leave_the_project_are_listed_by_a_command():
    result = subprocess.run(
        [sys.executable, "-m", "landmark_discovery.documentation"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "docs/paper.md: https://" in result.stdout
    assert all(": http" in line for line in result.stdout.splitlines())

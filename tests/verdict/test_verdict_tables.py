import json
import re
from xml.etree import ElementTree

import pytest

from landmark_discovery.errors import UserError
from landmark_discovery.verdict.figures import FigureList, OtherFigure
from landmark_discovery.verdict.judgement import judge_all
from landmark_discovery.verdict.measurements import Measurement
from landmark_discovery.verdict.tables import (
    as_json,
    joint_exit_status,
    junit_xml,
    markdown,
    plain_table,
    read_verdict,
    summary_line,
    verdict_page,
    write_verdict,
)

OTHER = OtherFigure(method="a | b", experiment="celeba_k10", metric="forward_nme", value=2.19, source="later papers")


@pytest.fixture
def verdict(published):
    """Judge one figure of each status, and an experiment without any."""
    figures = [
        published(id="within"),
        published(id="better", sides="worse"),
        published(id="miss", experiment="ls3d_k10"),
        published(id="undecided"),
        published(id="absent"),
        published(id="not-run"),
    ]
    measured = {
        "within": [Measurement(3.0, 20.0), Measurement(3.05, 20.0)],
        "better": [Measurement(1.0, 20.0)],
        "miss": [Measurement(9.25, None)],
        "undecided": [Measurement(3.0), Measurement(3.2)],
        "absent": [Measurement(None, absence="results/a\x07/metrics.json: no such file")],
    }
    listed = FigureList(experiments=("celeba_k10", "ls3d_k10", "demo"), figures=figures, others=(OTHER,))
    return judge_all(listed, measured)


@pytest.fixture
def nothing():
    return judge_all(FigureList(experiments=("demo",)), {})


def rows_of(text):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:2] == "| "]


def test_markdown_has_a_row_a_figure_with_everything_that_a_reader_needs(verdict):
    head, _, *rows = rows_of(markdown(verdict))
    table = {row[1]: dict(zip(head, row, strict=True)) for row in rows if len(row) == len(head)}
    assert table["within"] == {
        "experiment": "celeba_k10",
        "figure": "within",
        "published": "3.00 (quoted)",
        "measured": "3.02 ± 0.04 (2 seeds)",
        "95 % interval": "2.71 to 3.34",
        "difference": "+0.02",
        "accepted (tolerance)": "2.50 to 3.50 (±0.5)",
        "baseline": "20.00",
        "verdict": "within",
    }
    assert table["better"]["measured"] == "1.00 (1 seed)"
    assert table["better"]["accepted (tolerance)"] == "at most 3.50 (+0.5)"
    assert (table["miss"]["95 % interval"], table["miss"]["baseline"]) == ("–", "–")
    assert (table["absent"]["measured"], table["absent"]["difference"]) == ("–", "–")
    assert [row["verdict"] for row in table.values()] == ["within", "better", "miss", "undecided", "absent", "absent"]


def test_markdown_defines_figures_and_words_and_says_why_something_is_absent(verdict):
    text = markdown(verdict)
    assert "6 figures: 1 within, 1 better, 1 miss, 1 undecided, 2 absent" in text
    assert "no published figure of demo is known" in text
    assert "absent: results/a\x07/metrics.json: no such file" in text
    assert "not-run: no run of celeba_k10 was given" in text
    assert "five points Source: a paper. Tolerance 0.5: so much do two runs differ." in text
    assert "| celeba_k10 | a &#124; b | forward_nme | 2.19 | later papers |" in text
    for word in ("within", "better", "miss", "undecided", "absent"):
        assert f"- {word}: " in text


def test_without_published_figures_the_tables_say_so_and_nothing_fails(nothing):
    words = "no published figure of demo is known, so there is nothing to judge"
    assert markdown(nothing) == f"# Verdict: demo\n\n{words}.\n"
    assert plain_table(nothing) == summary_line(nothing) == words
    assert words in verdict_page(nothing)
    assert as_json(nothing)["exit_status"] == 0
    assert ElementTree.fromstring(junit_xml(nothing).encode()).find("testsuite").get("tests") == "0"


def test_the_terminal_gets_an_aligned_table_in_plain_ascii(verdict):
    lines = plain_table(verdict).splitlines()
    assert plain_table(verdict).isascii()
    assert "\x1b" not in plain_table(verdict)
    column = lines[0].index("verdict")
    assert [line[column:] for line in lines[1:5]] == ["within", "better", "miss", "undecided"]
    assert "3.02 +- 0.04 (2 seeds)" in lines[1]
    assert lines[-1].startswith("6 figures: ")


def test_json_keeps_every_number_and_is_strict(verdict):
    content = json.loads(json.dumps(as_json(verdict), allow_nan=False))
    within, better, *_, absent, _ = content["figures"]
    assert (within["status"], within["measured"], within["seeds"]) == ("within", [3.0, 3.05], 2)
    assert within["interval"] == [pytest.approx(2.707, abs=1e-3), pytest.approx(3.343, abs=1e-3)]
    assert (within["id"], within["value"], within["certainty"]) == ("within", 3.0, "quoted")
    assert (better["std"], better["interval"]) == (None, None)
    assert (absent["mean"], absent["measured"]) == (None, [None])
    assert content["exit_status"] == 1
    assert content["experiments_without_figures"] == ["demo"]
    assert content["others"][0]["value"] == 2.19


def test_junit_has_a_case_a_figure_and_can_be_read_back(verdict):
    suite = ElementTree.fromstring(junit_xml(verdict).encode()).find("testsuite")
    counts = {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "6", "failures": "1", "errors": "2", "skipped": "1"}
    outcomes = {(case.get("classname"), case.get("name")): case[0].tag for case in suite}
    assert outcomes == {
        ("celeba_k10", "within"): "system-out",
        ("celeba_k10", "better"): "system-out",
        ("ls3d_k10", "miss"): "failure",
        ("celeba_k10", "undecided"): "skipped",
        ("celeba_k10", "absent"): "error",
        ("celeba_k10", "not-run"): "error",
    }
    miss = suite.find("testcase[@name='miss']/failure").get("message")
    assert miss == "published 3.00 (quoted), accepted 2.50 to 3.50 (±0.5), measured 9.25 (1 seed)"
    assert "results/a?/metrics.json" in suite.find("testcase[@name='absent']/error").get("message")


def test_the_page_of_the_report_has_the_same_rows(verdict):
    page = verdict_page(verdict)
    assert re.search(r'<th scope="row">miss</th><td class="number">miss</td><td class="number">ls3d_k10</td>', page)
    assert "a | b" in page
    assert page.startswith("<!DOCTYPE html>")


def test_files_are_written_and_their_verdict_read_back(verdict, tmp_path):
    write_verdict(tmp_path / "v", verdict)
    names = {path.name for path in (tmp_path / "v").iterdir()}
    assert names == {"verdict.md", "verdict.html", "verdict.json", "verdict.xml"}
    assert read_verdict(tmp_path / "v") == (markdown(verdict), 1)


@pytest.mark.parametrize("content", [None, "{", "{}", "[]", '{"exit_status": null}'])
def test_a_verdict_that_is_not_there_is_an_error_of_the_user(tmp_path, content):
    if content is not None:
        (tmp_path / "verdict.json").write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=r"no readable verdict .*make it with `landmarks verdict`"):
        read_verdict(tmp_path)


@pytest.mark.parametrize(("statuses", "joint"), [([], 0), ([0, 0], 0), ([0, 2], 2), ([2, 1, 0], 1)])
def test_the_worst_of_several_verdicts_counts(statuses, joint):
    assert joint_exit_status(statuses) == joint

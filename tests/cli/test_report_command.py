import json

import pytest


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (("--beside", "nothing"), "--beside is 'nothing'; write LABEL=FOLDER"),
        (("--beside", "a=b", "--beside", "a=c"), "--beside gives two runs the label 'a'"),
        ((), "is given 1 times; give it 2 times, stage 1 or training first"),
    ],
)
def test_wrong_options_of_the_report_are_refused_in_one_line(landmarks, tmp_path, options, fault):
    given = ("--configuration", "c.yaml", "--store", "s", "--evaluation", "e", "--weights", "w", "--output", "r.html")
    result = landmarks("report", *given, *options)
    assert result.returncode == 2
    assert fault in result.stderr
    assert result.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_folders_that_are_no_runs_are_refused_in_one_line(landmarks, tmp_path):
    (tmp_path / "empty").mkdir()
    result = landmarks("compare", "empty", "absent", "--output", "out")
    assert result.returncode == 2
    assert "error: empty: no results of a run" in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_an_unfinished_run_says_how_to_go_on(landmarks, tmp_path):
    for name in ("a", "b"):
        folder = tmp_path / name / "evaluation" / "stage1"
        folder.mkdir(parents=True)
        (folder / "metrics.json").write_text(json.dumps({}))
        (tmp_path / name / "config.yaml").write_text("seed: 1\n")
    result = landmarks("compare", "a", "b", "--output", "out")
    assert result.returncode == 2
    assert (
        "the run isn't finished (evaluation/stage1/predictions.npz is missing); run `snakemake` again" in result.stderr
    )

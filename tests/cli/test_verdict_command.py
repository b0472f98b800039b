import json
from pathlib import Path

import pytest

from landmark_discovery.cli.verdict import parse_runs
from landmark_discovery.errors import UserError

FIGURES = str(Path(__file__).parents[2] / "paper.yaml")


@pytest.fixture
def measured(tmp_path):
    """Write results of a run as the workflow does: MAFL's headline and curves."""

    def write(name, forward, backward):
        folder = tmp_path / "results" / name / "evaluation" / "stage2"
        (folder / "headline").mkdir(parents=True)
        both = {"frame": "image", "num_landmarks": 10, "size_px": 218.0}
        asked = {"one_more_image": True, "forward_lambda": 0.001, "backward_lambda": 0.1}
        five = {**both, "normalizer": "0-1", "num_true_points": 5, "settings": {**asked, "regression_images": 19_000}}
        all_points = {**both, "normalizer": "41-46", "num_true_points": 68}
        all_points["settings"] = {**asked, "regression_images": 300}
        headline = json.dumps({**five, "forward_nme": forward, "mean_shape_nme": 20})
        (folder / "headline" / "metrics.json").write_text(headline, encoding="utf-8")
        (folder / "metrics.json").write_text(json.dumps({**all_points, "backward_nme": backward}), encoding="utf-8")
        return f"celeba_k10=results/{name}"

    return write


def judge(landmarks, *options):
    return landmarks("verdict", "--figures", FIGURES, "--output", "verdict", *options)


@pytest.mark.parametrize(
    ("forward", "backward", "status", "line"),
    [
        (3.2, 4.2, 0, "2 figures: 2 within"),
        (2.0, 4.2, 0, "2 figures: 1 within, 1 better"),
        (5.0, 4.2, 1, "2 figures: 1 within, 1 miss"),
        (3.2, None, 2, "2 figures: 1 within, 1 absent"),
        (5.0, None, 1, "2 figures: 1 miss, 1 absent"),
    ],
)
def test_the_exit_status_says_what_came_out(landmarks, measured, tmp_path, forward, backward, status, line):
    run = measured("one", forward, backward)
    result = judge(landmarks, "--metrics", run)
    assert (result.returncode, result.stderr) == (status, "")
    assert result.stdout.splitlines()[-1] == line
    names = {path.name for path in (tmp_path / "verdict").iterdir()}
    assert names == {"verdict.md", "verdict.html", "verdict.json", "verdict.xml"}
    assert judge(landmarks, "--metrics", run, "--tolerate-misses").returncode == 0
    assert "Judged: `results/one`." in (tmp_path / "verdict" / "verdict.md").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "verdict" / "verdict.json").read_text(encoding="utf-8"))["runs"] == ["results/one"]


def test_several_runs_of_one_experiment_are_its_seeds(landmarks, measured):
    options = [
        part for name, forward in (("a", 3.2), ("b", 3.21)) for part in ("--metrics", measured(name, forward, 4.2))
    ]
    result = judge(landmarks, *options)
    assert result.returncode == 0
    assert "(2 seeds)" in result.stdout


def test_an_experiment_without_published_figures_passes_and_says_so(landmarks):
    result = judge(landmarks, "--metrics", "celeba_k12=results/mine")
    assert result.returncode == 0
    assert result.stdout == "no published figure of celeba_k12 is known, so there is nothing to judge\n"


def test_a_misspelt_experiment_is_refused(landmarks):
    result = judge(landmarks, "--metrics", "celebak10=results/mine")
    assert result.returncode == 2
    assert "unknown experiment 'celebak10'; did you mean 'celeba_k10'?" in result.stderr


def test_one_run_is_one_seed_however_its_folder_is_written(landmarks, measured, tmp_path):
    run = measured("one", 3.2, 4.2)
    again = f"celeba_k10={tmp_path / 'results' / 'one'}"
    assert "twice; give each run once" in judge(landmarks, "--metrics", run, "--metrics", again).stderr


def test_seeds_that_all_miss_are_a_miss_however_wide_their_interval(landmarks, measured):
    options = [part for name, found in (("a", 8.0), ("b", 9.0)) for part in ("--metrics", measured(name, found, 4.2))]
    assert judge(landmarks, *options).returncode == 1


def test_an_experiment_that_was_not_run_is_absent(landmarks, measured):
    result = judge(landmarks, "--metrics", measured("one", 3.2, 4.2), "--experiment", "ls3d_k10")
    assert result.returncode == 2
    assert "ls3d-forward: no run of ls3d_k10 was given" in result.stdout
    assert judge(landmarks).stdout.splitlines()[-1] == (
        "4 figures: 4 absent; no published figure of celeba_k30, ls3d_k30 is known, so there is nothing to judge"
    )


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (("--metrics", "results/one"), "--metrics is 'results/one'; write EXPERIMENT=RESULTS_FOLDER"),
        (("--metrics", "a=b", "--metrics", "a=b"), "--metrics names 'a=b' twice"),
        (("--experiment", "celeba_k1"), "unknown experiment 'celeba_k1'; did you mean 'celeba_k10'?"),
        (("--figures", "none.yaml"), "none.yaml: can't be read"),
    ],
)
def test_wrong_options_are_refused_in_one_line_and_leave_nothing(landmarks, tmp_path, options, fault):
    result = judge(landmarks, *options)
    assert result.returncode == 2
    assert result.stderr.startswith(f"error: {fault}")
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "verdict").exists()


def test_the_summary_of_several_verdicts_ends_with_the_worst_and_can_be_appended_to_a_file(
    landmarks, measured, tmp_path
):
    for name, forward in (("good", 3.2), ("bad", 9.0)):
        options = ("--figures", FIGURES, "--metrics", measured(name, forward, 4.2), "--output", f"verdicts/{name}")
        landmarks("verdict", *options)
    (tmp_path / "summary.md").write_text("before\n", encoding="utf-8")
    result = landmarks("verdict-summary", "verdicts/good", "verdicts/bad", "--append-to", "summary.md")
    assert result.returncode == 1
    text = (tmp_path / "summary.md").read_text(encoding="utf-8")
    assert text.startswith("before\n# Verdict: celeba_k10")
    assert text.count("# Verdict: ") == 2
    shown = landmarks("verdict-summary", "verdicts/good")
    assert shown.returncode == 0
    assert shown.stdout == (tmp_path / "verdicts" / "good" / "verdict.md").read_text(encoding="utf-8")
    assert "error: none: no readable verdict" in landmarks("verdict-summary", "none").stderr


def test_runs_are_grouped_by_experiment():
    assert parse_runs(["a=x", "b=y", "a=z=1"]) == {"a": [Path("x"), Path("z=1")], "b": [Path("y")]}
    with pytest.raises(UserError, match="write EXPERIMENT=RESULTS_FOLDER"):
        parse_runs(["=x"])

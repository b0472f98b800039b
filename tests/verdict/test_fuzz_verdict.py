"""The published figures, the metrics that they are held against, and verdicts, as anybody may have changed them."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from mutations import damaged_bytes, damaged_json, damaged_text, damaged_tree, fuzz, only_user_errors

from landmark_discovery.errors import UserError
from landmark_discovery.verdict.figures import read_figures
from landmark_discovery.verdict.measurements import read_measurements
from landmark_discovery.verdict.tables import read_verdict

# The first figure is enough, and is read fast.
FIGURES = (Path(__file__).parents[2] / "paper.yaml").read_text(encoding="utf-8").partition("\n  - id: mafl-backward")[0]
PIECES = (
    *("", "x", "-1", "0", "3", "0.5", ".nan", ".inf", "9" * 5000, "0x" + "f" * 5000, "yes", "~", "[]", "{}", "[[2]]"),
    *("{a: b}", "{1: 2}", "? [a]\n: b", "&a", "*a", "*tolerance", "<<: *tolerance", "!!set {a}", "!!python/name:os.x"),
    *("2024-01-01", "\n", ": ", "- ", "'", '"', "\0", "\t", "x" * 9000, "celeba_k10", "stage", "both", "backward_nme"),
)
METRICS = {
    "forward_nme": 3.1,
    "backward_nme": 4.2,
    "mean_shape_nme": 9.0,
    "normalizer": "0-1",
    "settings": {"size_px": 218, "normalizer": None},
}


@given(content=damaged_bytes(FIGURES.encode()) | damaged_text(FIGURES, PIECES, r"(?<=: )\S+|\w+(?=:)").map(str.encode))
@fuzz(60)
def test_a_damaged_list_of_figures_is_read_or_refused(tmp_path, content):
    (tmp_path / "paper.yaml").write_bytes(content)
    with only_user_errors():
        read_figures(tmp_path / "paper.yaml")


@given(tree=damaged_tree(yaml.safe_load(FIGURES)))
@fuzz(100)
def test_any_value_in_a_list_of_figures_is_taken_or_refused(tmp_path, tree):
    (tmp_path / "paper.yaml").write_text(yaml.safe_dump(tree), encoding="utf-8")
    with only_user_errors():
        read_figures(tmp_path / "paper.yaml")


@given(content=damaged_json(METRICS))
@fuzz(200)
def test_damaged_metrics_are_judged_or_refused(write_run, published, content):
    run = write_run("run")
    (run / "evaluation/stage2/headline/metrics.json").write_bytes(content)
    figure = published(conditions={"normalizer": "0-1", "size_px": 218})
    with only_user_errors():
        measured = read_measurements([figure], {figure.experiment: [run]})
        assert all(one.value is None or abs(one.value) < 1e309 for one in measured[figure.id])


@given(content=damaged_json({"exit_status": 1}))
@fuzz(100)
def test_a_damaged_verdict_is_read_or_refused(tmp_path, content):
    (tmp_path / "verdict.json").write_bytes(content)
    (tmp_path / "verdict.md").write_text("fine")
    with only_user_errors():
        assert read_verdict(tmp_path)[1] in (0, 1, 2)


def test_a_key_that_is_a_number_is_unknown(tmp_path):
    (tmp_path / "paper.yaml").write_text("experiments: []\nfigures:\n  - {id: a, -1: 2}\n")
    with pytest.raises(UserError, match=r"paper\.yaml, line 3: unknown key '-1'"):
        read_figures(tmp_path / "paper.yaml")


@pytest.mark.parametrize("status", ["1e999", "NaN", "3", "null", '"1"', "[" * 100_000])
def test_a_verdict_without_one_of_its_statuses_is_refused(tmp_path, status):
    (tmp_path / "verdict.json").write_text(f'{{"exit_status": {status}}}')
    (tmp_path / "verdict.md").write_text("fine")
    with pytest.raises(UserError, match="no readable verdict"):
        read_verdict(tmp_path)


@pytest.mark.parametrize("value", ["1e999", "NaN", "9" * 400, "true", '"3"'])
def test_a_figure_that_is_no_number_is_absent(write_run, published, value):
    run = write_run("run")
    (run / "evaluation/stage2/headline/metrics.json").write_text(f'{{"forward_nme": {value}, "settings": [1]}}')
    (measurement,) = read_measurements([published()], {"celeba_k10": [run]})["mafl-forward"]
    assert measurement.value is None
    assert "forward_nme is undefined" in measurement.absence

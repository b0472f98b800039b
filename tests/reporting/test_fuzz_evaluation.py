"""The files of an evaluation, as the report reads them."""

import json

import pytest
from hypothesis import given
from mutations import damaged_bytes, damaged_json, damaged_text, fuzz, only_user_errors

from landmark_discovery.errors import UserError
from landmark_discovery.reporting.curves import curve_figure, read_curve
from landmark_discovery.reporting.summary import read_metrics

METRICS = {"forward_nme": 3.1, "mean_shape_nme": 9.0, "normalizer": "0-1", "settings": {"size_px": 218}}
CURVE = "rank,nme_percent,cumulative_nme_percent\n1,2.5,2.5\n2,3.5,3.0\n3,,\n"
PIECES = (
    "",
    "x",
    "-1",
    "1e308",
    "1e400",
    "nan",
    "inf",
    "9" * 400,
    "9" * 5000,
    "\n",
    ",",
    '"',
    "\0",
    "rank",
    "True",
    "1_0",
)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "forward_curve.csv").write_text(CURVE)
    (tmp_path / "metrics.json").write_text(json.dumps(METRICS))
    return tmp_path


@given(content=damaged_json(METRICS))
@fuzz(150)
def test_damaged_metrics_are_read_or_refused(folder, content):
    (folder / "metrics.json").write_bytes(content)
    with only_user_errors():
        read_metrics(folder / "metrics.json")
    with only_user_errors():
        read_curve(folder, "forward", "demo")


@pytest.mark.filterwarnings("ignore")
@given(content=damaged_bytes(CURVE.encode()) | damaged_text(CURVE, PIECES).map(str.encode))
@fuzz(150)
def test_a_damaged_curve_is_read_or_refused(folder, content):
    (folder / "forward_curve.csv").write_bytes(content)
    with only_user_errors():
        curve = read_curve(folder, "forward", "demo")
        assert curve.errors.shape == curve.cumulative.shape


@pytest.mark.parametrize("text", ["[1]", "null", "[" * 100_000, '{"a": ' + "9" * 5000 + "}"])
def test_metrics_that_are_no_json_object_are_refused(folder, text):
    (folder / "metrics.json").write_text(text)
    with pytest.raises(UserError, match=r"metrics\.json"):
        read_metrics(folder / "metrics.json")
    with pytest.raises(UserError, match="not an evaluation"):
        read_curve(folder, "forward", "demo")


@pytest.mark.parametrize("value", ["9" * 400, "1e999", "[1]", '"x"', "true"])
def test_a_baseline_that_is_no_number_is_unknown(folder, value):
    (folder / "metrics.json").write_text(f'{{"mean_shape_nme": {value}, "normalizer": [1]}}')
    curve = read_curve(folder, "forward", "demo")
    assert (curve.baseline, curve.normalizer) == (None, None)
    assert curve_figure([curve], "forward")

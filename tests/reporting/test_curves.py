import json

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landmark_discovery.errors import UserError
from landmark_discovery.reporting.curves import Curve, curve_figure, plot_curves, read_curve
from landmark_discovery.reporting.figures import label_line_ends, new_figure, spread_apart, write_figure


def evaluation(folder, rows="1,4,2.0,2.0\n2,0,4.0,3.0\n", **metrics):
    folder.mkdir(parents=True, exist_ok=True)
    for direction, column in (("forward", "point"), ("backward", "landmark")):
        header = f"rank,{column},nme_percent,cumulative_nme_percent\n"
        (folder / f"{direction}_curve.csv").write_text(header + rows)
    content = {"normalizer": "36-45", "mean_shape_nme": 20.41, "mean_landmark_nme": None} | metrics
    (folder / "metrics.json").write_text(json.dumps(content))
    return folder


def curve(label="a", values=(2.0, 3.0), baseline=None):
    return Curve(label, np.array(values), np.array(values), baseline, "36-45")


def words(figure):
    texts = [text for axes in figure.axes for text in (*axes.texts, axes.title, axes.xaxis.label, axes.yaxis.label)]
    return [text.get_text() for text in texts + figure.texts]


def test_a_curve_is_read_with_its_baseline(tmp_path):
    read = read_curve(evaluation(tmp_path), "forward", "stage 2")
    assert read.errors.tolist() == [2.0, 4.0]
    assert read.cumulative.tolist() == [2.0, 3.0]
    assert (read.label, read.baseline, read.normalizer) == ("stage 2", 20.41, "36-45")
    assert read_curve(tmp_path, "backward", "stage 2").baseline is None


def test_the_plot_says_what_it_shows_in_words_and_units(tmp_path):
    figure = curve_figure([read_curve(evaluation(tmp_path), "forward", "stage 2")], "forward")
    said = words(figure)
    assert "stage 2: 3.0 %" in said
    assert "baseline, mean shape: 20.4 %" in said
    assert "NME, mean of these (%)" in said
    assert any("distance of true points 36 and 45" in text for text in said)


def test_the_line_runs_over_the_cumulative_means():
    figure = curve_figure([Curve("a", np.array([2.0, 4.0]), np.array([2.0, 3.0]))], "forward")
    assert [line.get_ydata().tolist() for line in figure.axes[0].lines] == [[2.0, 4.0], [2.0, 3.0]]


def test_several_experiments_share_equal_baselines_and_keep_their_labels():
    figure = curve_figure([curve("a", baseline=20.01), curve("b", (1.0, 5.0), 20.04)], "forward")
    assert {"a: 3.0 %", "b: 5.0 %", "baseline, mean shape: 20.0 %"} <= set(words(figure))
    assert len(figure.axes[0].lines) == 3


def test_without_ground_truth_the_plot_says_so(tmp_path):
    figure = curve_figure([read_curve(evaluation(tmp_path, rows=""), "backward", "a")], "backward")
    assert words(figure) == ["Backward error: no ground truth"]


def test_where_no_landmark_was_found_the_plot_says_that():
    unknown = Curve("a", np.full(2, np.nan), np.full(2, np.nan))
    assert words(curve_figure([unknown], "backward")) == ["Backward error: no landmark was found"]


def test_a_curve_ends_before_points_that_nothing_is_known_about():
    partly = Curve("a", np.array([2.0, np.nan]), np.array([2.0, np.nan]))
    assert "a: 2.0 %" in words(curve_figure([partly], "backward"))


def test_png_and_svg_have_the_same_bytes_again_and_no_date(tmp_path):
    for name in ("a", "b"):
        folder = evaluation(tmp_path / name)
        plot_curves({"stage 2": folder}, "forward", [folder / "curve.png", folder / "curve.svg"])
    for name in ("curve.png", "curve.svg"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert "dc:date" not in (tmp_path / "a" / "curve.svg").read_text()
    assert b"Software" not in (tmp_path / "a" / "curve.png").read_bytes()


def test_the_callers_matplotlib_stays_as_it_was(tmp_path):
    with mpl.rc_context({"font.size": 33}):
        plot_curves({"a": evaluation(tmp_path)}, "forward", [tmp_path / "curve.png"])
        assert mpl.rcParams["font.size"] == 33


def test_another_ending_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(UserError, match=r"use \.png or \.svg"):
        write_figure(curve_figure([curve()], "forward"), [tmp_path / "a.png", tmp_path / "a.pdf"])
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_header_and_a_missing_file_are_named(tmp_path):
    evaluation(tmp_path)
    (tmp_path / "forward_curve.csv").write_text("rank,error\n1,2\n")
    with pytest.raises(UserError, match=r"forward_curve\.csv: column 'nme_percent' is missing"):
        read_curve(tmp_path, "forward", "a")
    with pytest.raises(UserError, match="not an evaluation"):
        read_curve(tmp_path / "nowhere", "forward", "a")


def test_labels_that_would_cover_each_other_move_apart_and_the_others_stay():
    assert spread_apart(np.array([1.0, 1.0, 9.0]), 2.0).tolist() == [0.0, 2.0, 9.0]
    assert spread_apart(np.array([5.0, 1.0]), 2.0).tolist() == [5.0, 1.0]


@pytest.mark.parametrize(("end", "outermost"), [(0, min), (10, max)])
def test_labels_at_a_limit_of_the_axes_move_apart_within_them(end, outermost):
    axes = new_figure(6, 4).add_subplot()
    axes.set_ylim(0, 10)
    label_line_ends(axes, [(1, end, "a", "black"), (1, end, "b", "black")])
    first, second = (text.xy[1] for text in axes.texts)
    assert first < second
    assert outermost(first, second) == pytest.approx(end)


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=12), st.floats(0, 10))
def test_labels_keep_their_order_and_distance(values, gap):
    heights = np.array(values)
    moved = spread_apart(heights, gap)
    order = np.argsort(heights, kind="stable")
    assert (np.diff(moved[order]) >= gap - 1e-9).all()
    assert moved.mean() == pytest.approx(heights.mean(), abs=1e-9)


def test_a_number_too_large_for_a_float_is_refused(tmp_path):
    row = "0,1," + "9" * 400
    (tmp_path / "forward_curve.csv").write_text(f"rank,nme_percent,cumulative_nme_percent\n{row}\n", encoding="utf-8")
    (tmp_path / "metrics.json").write_text("{}", encoding="utf-8")
    with pytest.raises(UserError, match="not an evaluation"):
        read_curve(tmp_path, "forward", "ours")

import json

import numpy as np
import pytest

from landmark_discovery.reporting.curve_plots import curve_plot, curve_table, normalizer_words
from landmark_discovery.reporting.curves import Curve
from landmark_discovery.reporting.marks import hex_color
from landmark_discovery.reporting.plots import Plot, layout, line, line_style, numbers, plot_data

NAN = float("nan")


def curve(label="stage 2", errors=(2.0, 4.0), names=("4", "0"), baseline=20.0, normalizer="36-45"):
    values = np.array(errors)
    return Curve(label, values, np.cumsum(values) / np.arange(1, len(values) + 1), baseline, normalizer, names)


def test_every_curve_is_a_line_over_ranks():
    plot = curve_plot([curve(), curve("stage 1", (3.0, 5.0))], "forward", "plot")
    first, second, dots = plot.traces
    assert (first["x"], first["y"]) == ([1.0, 2.0], [2.0, 3.0])
    assert second["y"] == [3.0, 4.0]
    assert first["line"] != second["line"]
    assert dots["y"] == [2.0, 4.0]


def test_a_point_of_the_first_curve_can_be_told_and_one_of_another_run_cannot():
    plot = curve_plot([curve(), curve("other", names=("1", "2"))], "backward", "plot")
    first, second, dots = plot.traces
    assert first["customdata"] == dots["customdata"] == ["4", "0"]
    assert second["customdata"] is None
    assert "Landmark 1" in second["hovertext"][0]


def test_landmarks_have_their_colours():
    dots = curve_plot([curve()], "backward", "plot").traces[-1]
    assert dots["marker"]["color"] == [hex_color(4), hex_color(0)]


def test_the_baseline_is_a_line_with_words():
    drawn = curve_plot([curve(), curve("b", baseline=20.04)], "forward", "plot").layout
    assert [shape["y0"] for shape in drawn["shapes"]] == [20.0]
    assert [note["text"] for note in drawn["annotations"]] == ["ignoring the image: 20.0 %"]
    both = curve_plot([curve(), curve("b", baseline=30.0)], "forward", "plot").layout
    assert [note["text"] for note in both["annotations"]] == ["ignoring the image: 20.0 to 30.0 %"]


def test_what_is_undefined_is_a_gap_and_valid_json():
    plot = curve_plot([curve(errors=(2.0, NAN), baseline=None)], "backward", "plot")
    assert plot.traces[0]["y"] == [2.0, None]
    assert "undefined" in plot.traces[0]["hovertext"][1]
    assert "NaN" not in plot_data([plot])


def test_without_any_error_there_is_no_plot():
    assert curve_plot([curve(errors=(), names=())], "forward", "plot") is None
    assert curve_plot([curve(errors=(NAN,), names=("0",))], "forward", "plot") is None


def test_labels_are_words_and_never_markup():
    plot = curve_plot([curve("<b>x</b>"), curve("y")], "forward", "plot")
    assert plot.traces[0]["name"] == "&lt;b&gt;x&lt;/b&gt;"
    assert "<b>x" not in plot.place


def test_the_numbers_behind_a_curve_are_a_table():
    table = curve_table([curve()], "forward")
    row = '<th scope="row">True point 0</th><td class="number">2</td><td class="number">4.00 %</td>'
    assert row + '<td class="number">3.00 %</td>' in table
    assert curve_table([curve(errors=(), names=())], "forward") == ""


def test_errors_are_told_with_what_they_are_divided_by():
    assert "distance of true points 36 and 45" in normalizer_words([curve()])
    assert normalizer_words([curve(normalizer=None)]) == ""


def test_the_first_lines_all_look_different():
    assert len({line_style(position) for position in range(32)}) == 32


def test_a_legend_names_lines_of_which_there_are_several():
    lines = tuple(line(name, [1], [2], color="#123456", dash="dot") for name in ("a", "b"))
    drawn = layout("T", "x", "y")
    assert Plot("p", "words", lines, drawn).place.count('data-plot="p"') == 2
    assert "legend" not in Plot("p", "words", lines[:1], drawn).place


def test_a_plot_is_told_in_words_too():
    place = Plot("p", 'say "this" & that', (), layout("T", "x", "y")).place
    assert 'role="img" aria-label="say &quot;this&quot; &amp; that"' in place


def test_plots_are_data_that_the_page_can_read():
    text = plot_data([Plot("p", "w", (line("a", [1, 2], [0.123456789, NAN], color="#000"),), layout("T", "x", "y"))])
    content = json.loads(text[text.index(">") + 1 : text.rindex("<")])
    assert content["p"]["traces"][0]["y"] == [0.123457, None]
    assert plot_data([]) == ""


@pytest.mark.parametrize("value", [NAN, float("inf")])
def test_numbers_that_json_lacks_are_left_out(value):
    assert numbers([1.0, value]) == [1.0, None]

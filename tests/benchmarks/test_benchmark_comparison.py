import pytest

from benchmarks.comparison import Change, compare, comparison_markdown
from benchmarks.figures import Variant, cost, rate
from benchmarks.report import Report, read_report
from landmark_discovery.errors import UserError

FAST, PLAIN = Variant("bfloat16", "fast"), Variant("bfloat16", "plain")


def speeds(*values, variant=FAST, name="stage 1"):
    return rate(name, "images/s", 1, [1 / value for value in values], variant)


def report(*figures, gpu="H100", images=10):
    return Report("speed", {"gpu": gpu}, {"commit": "abc"}, {"images": images}, list(figures))


@pytest.mark.parametrize(
    ("before", "after", "worse", "better"),
    [
        ((100, 101, 102), (90, 91, 92), True, False),
        ((90, 91, 92), (100, 101, 102), False, True),
        ((100, 101, 102), (100, 101, 102), False, False),
        # The later median is under all earlier values, but a later value reaches the earlier median.
        ((100, 104, 105), (90, 99, 104), False, False),
        # An earlier value is as low as the later median.
        ((95, 101, 102), (94, 95, 96), False, False),
    ],
)
def test_a_rate_changed_where_both_medians_lie_beyond_the_other_spread(before, after, worse, better):
    change = Change(speeds(*before), speeds(*after))
    assert (change.is_worse, change.is_better) == (worse, better)


def test_of_costs_more_is_worse():
    change = Change(cost("clustering", "s", [1.0, 1.1]), cost("clustering", "s", [1.3, 1.2]))
    assert change.is_worse
    assert not change.is_better


def test_less_than_2_percent_is_no_change_even_without_spread():
    before = cost("peak", "GiB", [1.0])
    assert not Change(before, cost("peak", "GiB", [1.01])).is_worse
    assert Change(before, cost("peak", "GiB", [1.03])).is_worse


def test_figures_are_paired_by_name_and_variant():
    before = report(speeds(10), speeds(5, variant=PLAIN), speeds(7, name="stage 2"))
    after = report(speeds(20, variant=PLAIN), speeds(8), speeds(3, name="new"))
    assert [(change.before.median, change.after.median) for change in compare(before, after)] == [(5, 20), (10, 8)]


def test_the_text_lists_what_got_slower_with_both_values_and_what_is_no_longer_measured():
    before = report(speeds(100, 101, 102), speeds(5, variant=PLAIN), speeds(7, name="stage 2"))
    text = comparison_markdown(before, report(speeds(50, 50.5, 51), speeds(5, variant=PLAIN)))
    worse, better = text.split("Better than before")
    assert "Worse than before, beyond the spread of both: 1" in worse
    assert "stage 1 (bfloat16, fast): 101 (100 to 102; 3) before, 50.5 (50 to 51; 3) now, images/s, times 0.50" in worse
    assert "none" in better.split("\n")[0]
    assert "Within the spread: 1 of 2 figures" in better
    assert "- stage 2 (bfloat16, fast)" in better
    assert "Not comparable" not in text


def test_another_machine_or_workload_is_named_first():
    text = comparison_markdown(report(speeds(1)), report(speeds(1), gpu="A100", images=20))
    assert "another machine**: gpu was H100, is A100" in text
    assert "another workload**: images" in text
    assert text.index("another machine") < text.index("Worse")


def test_a_report_survives_its_file(tmp_path):
    written = report(speeds(1, 2), cost("clustering", "s", [3]))
    written.missing["stage2"] = "no time left"
    written.write(tmp_path, "text")
    assert read_report(tmp_path / "benchmarks.json") == written
    assert (tmp_path / "benchmarks.md").read_text() == "text"


@pytest.mark.parametrize(("name", "content"), [("a.json", None), ("b.json", "no JSON"), ("c.json", '{"figures": 1}')])
def test_what_is_no_report_is_refused_by_name(tmp_path, name, content):
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(UserError, match=name):
        read_report(tmp_path / name)

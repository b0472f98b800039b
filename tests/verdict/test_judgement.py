import pytest
from hypothesis import given
from hypothesis import strategies as st

from landmark_discovery.verdict.figures import FigureList, OtherFigure
from landmark_discovery.verdict.judgement import MEANINGS, Status, judge, judge_all, summarise
from landmark_discovery.verdict.measurements import Measurement

ABSENT = Measurement(None, 20.0, "no such file")
PERCENT = st.floats(0.01, 50)


def runs(*values):
    return [Measurement(value, 20.0) for value in values]


@pytest.mark.parametrize(
    ("sides", "value", "status"),
    [
        ("both", 3.0, "within"),
        ("both", 3.5, "within"),
        ("both", 2.5, "within"),
        ("both", 3.51, "miss"),
        ("both", 2.49, "miss"),
        ("worse", 3.5, "within"),
        ("worse", 2.5, "within"),
        ("worse", 2.49, "better"),
        ("worse", 3.51, "miss"),
    ],
)
def test_with_one_seed_the_value_itself_is_held_against_the_range(published, sides, value, status):
    judgement = judge(published(sides=sides), runs(value))
    assert judgement.status == status
    assert judgement.difference == pytest.approx(value - 3)


def test_ends_of_the_range_count_although_decimals_are_not_exact_in_binary(published):
    assert 0.7 + 0.1 < 0.8
    assert judge(published(value=0.7, tolerance=0.1), runs(0.8)).status is Status.within
    assert 0.8 - 0.1 > 0.7
    assert judge(published(value=0.8, tolerance=0.1), runs(0.7)).status is Status.within


# With two seeds, half of the interval is 12.706 * std / sqrt(2) = 6.353 times their distance.
@pytest.mark.parametrize(
    ("sides", "values", "status"),
    [
        ("both", (3.0, 3.05), "within"),  # 2.71 to 3.34
        ("both", (3.0, 3.2), "undecided"),  # 1.83 to 4.37: covers the whole range
        ("both", (3.4, 3.42), "undecided"),  # 3.28 to 3.54
        ("both", (4.0, 4.02), "miss"),  # 3.88 to 4.14
        ("both", (2.0, 2.02), "miss"),
        ("both", (2.0, 4.0), "undecided"),  # -9.71 to 15.71: both are outside, their mean is not
        ("worse", (2.0, 2.02), "better"),  # 1.88 to 2.14
        ("worse", (2.4, 2.45), "within"),  # 2.11 to 2.74: not surely better
        ("worse", (1.0, 1.5), "undecided"),  # -1.93 to 4.43
    ],
)
def test_with_several_seeds_the_interval_of_their_mean_decides(published, sides, values, status):
    assert judge(published(sides=sides), runs(*values)).status == status


@pytest.mark.parametrize(
    ("values", "quantile"), [((1.0, 2.0), 12.7062), ((1, 2, 3), 4.30265), ((1, 2, 3, 4, 5), 2.77645)]
)
def test_the_interval_is_students_with_the_quantiles_of_the_usual_table(values, quantile):
    summary = summarise(values)
    mean = sum(values) / len(values)
    std = (sum((value - mean) ** 2 for value in values) / (len(values) - 1)) ** 0.5
    assert (summary.count, summary.mean, summary.std) == (len(values), pytest.approx(mean), pytest.approx(std))
    half = quantile * std / len(values) ** 0.5
    assert (summary.low, summary.high) == (pytest.approx(mean - half, rel=1e-5), pytest.approx(mean + half, rel=1e-5))


def test_one_seed_has_no_spread_and_none_has_nothing():
    assert summarise([]) is None
    summary = summarise([3.0])
    assert (summary.std, summary.low, summary.high) == (None, 3.0, 3.0)


def test_seeds_that_agree_exactly_have_an_interval_without_width():
    summary = summarise([0.1] * 3)
    assert (summary.std, summary.low, summary.high) == (0.0, summary.mean, summary.mean)


def test_a_figure_that_one_of_several_runs_lacks_is_absent_and_its_others_are_shown(published):
    judgement = judge(published(), [*runs(3.0, 3.1), ABSENT])
    assert judgement.status is Status.absent
    assert judgement.summary.count == 2
    assert judgement.absences == ("no such file",)
    assert judgement.baseline == 20.0


@pytest.mark.parametrize("measurements", [[], [ABSENT]])
def test_a_figure_that_no_run_has_is_absent(published, measurements):
    judgement = judge(published(), measurements)
    assert (judgement.status, judgement.summary, judgement.difference) == (Status.absent, None, None)


@pytest.mark.parametrize(
    ("values", "status"),
    [((3.0, 3.0), 0), ((3.0, 9.0), 1), ((3.0, None), 2), ((9.0, None), 1), ((3.0, (3.0, 3.2)), 0), ((), 0)],
)
def test_a_miss_outweighs_an_absent_figure_and_undecided_ones_pass(published, values, status):
    figures = [published(id=f"f{index}") for index in range(len(values))]
    given = [value if isinstance(value, tuple) else (value,) for value in values]
    measured = {figure.id: runs(*seeds) for figure, seeds in zip(figures, given, strict=True)}
    listed = FigureList(experiments=("celeba_k10",), figures=figures)
    assert judge_all(listed, measured).exit_status == status


def test_a_verdict_names_experiments_without_figures_and_judges_no_other_method(published):
    other = OtherFigure(method="another", experiment="celeba_k10", metric="forward_nme", value=1, source="a paper")
    listed = FigureList(experiments=("celeba_k10", "demo"), figures=(published(),), others=(other,))
    verdict = judge_all(listed, {"mafl-forward": runs(3.0)})
    assert verdict.unpublished == ("demo",)
    assert verdict.counts == {Status.within: 1}
    assert verdict.others == (other,)


def test_every_status_is_explained():
    assert list(MEANINGS) == list(Status)


@given(PERCENT, st.sampled_from(["both", "worse"]))
def test_one_seed_is_never_undecided_and_lower_is_never_worse(published, value, sides):
    order = [Status.better, Status.within, Status.miss]
    figure = published(sides=sides)
    status = judge(figure, runs(value)).status
    assert status in order
    if sides == "worse":
        assert order.index(judge(figure, runs(value / 2)).status) <= order.index(status)


@given(st.lists(PERCENT, min_size=1, max_size=6), st.floats(0, 20))
def test_a_larger_tolerance_never_refuses_what_a_smaller_one_accepts(published, values, more):
    before = judge(published(), runs(*values)).status
    after = judge(published(tolerance=0.5 + more), runs(*values)).status
    assert before is not Status.within or after is Status.within
    assert after is not Status.miss or before is Status.miss


@given(st.lists(PERCENT, min_size=2, max_size=6), st.randoms())
def test_the_order_of_seeds_changes_nothing(published, values, random):
    shuffled = random.sample(values, len(values))
    first, second = judge(published(), runs(*values)), judge(published(), runs(*shuffled))
    assert first.status is second.status
    assert first.summary.mean == second.summary.mean


@given(st.lists(PERCENT, min_size=2, max_size=8))
def test_the_interval_lies_around_the_mean_of_values(values):
    summary = summarise(values)
    assert summary.low <= summary.mean <= summary.high
    assert min(values) - 1e-9 <= summary.mean <= max(values) + 1e-9

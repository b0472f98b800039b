import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from landmark_discovery.reporting.comparison.groups import Difference, difference, group_runs, spread
from landmark_discovery.reporting.comparison.runs import FinishedRun

VALUES = st.lists(st.floats(0, 100).map(lambda value: round(value, 3)), min_size=2, max_size=6)


def run(label, seed, **changes):
    configuration = {"experiment": label, "seed": seed, "num_landmarks": 10, "bind": [label], **changes}
    return FinishedRun(label, None, configuration, ({}, {}), {}, {}, frozenset(), None)


def test_runs_that_differ_in_the_seed_alone_are_one_group():
    groups = group_runs([run("a", 1), run("b", 2, num_landmarks=30), run("c", 3), run("d", 3, num_landmarks=30)])
    assert [[one.label for one in group.runs] for group in groups] == [["a", "c"], ["b", "d"]]
    assert [group.name for group in groups] == ["a and 1 more run", "b and 1 more run"]


def test_a_group_of_one_has_the_name_of_its_run():
    assert [group.name for group in group_runs([run("a", 1), run("b", 1, num_landmarks=30)])] == ["a", "b"]


@pytest.mark.filterwarnings("ignore:Precision loss")
@given(first=VALUES, second=VALUES)
def test_the_interval_is_that_of_welchs_t(first, second):
    found = difference(spread(first), spread(second))
    if len(set(first)) == len(set(second)) == 1:
        assert found.interval == (found.value, found.value)
        return
    wanted = stats.ttest_ind(second, first, equal_var=False).confidence_interval(0.95)
    assert found.interval == pytest.approx((wanted.low, wanted.high), rel=1e-6, abs=1e-6)


def test_one_run_has_no_spread_and_a_difference_to_it_no_interval():
    alone = spread([5.0])
    assert (alone.count, alone.std) == (1, None)
    found = difference(spread([4.0, 6.0]), alone)
    assert found.value == 0
    assert found.interval is None
    assert found.is_clear is None
    assert spread([]) is None


def test_a_difference_is_clear_where_its_interval_leaves_out_zero():
    assert Difference(-1.0, (-1.5, -0.5)).is_clear
    assert not Difference(-1.0, (-2.5, 0.5)).is_clear
    assert not Difference(0.0, (0.0, 0.0)).is_clear


def test_mean_and_deviation_are_those_of_the_sample():
    found = spread([1.0, 3.0])
    assert (found.count, found.mean, found.std) == (2, 2.0, pytest.approx(math.sqrt(2)))

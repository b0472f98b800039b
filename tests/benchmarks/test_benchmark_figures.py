import json

import pytest

from benchmarks.figures import Figure, Variant, cost, rate

FAST = Variant("bfloat16", "fast")


def test_a_rate_is_a_count_over_each_time():
    figure = rate("stage 1", "images/s", 100, [0.5, 0.25, 1.0], FAST)
    assert figure.values == (200, 400, 100)
    assert (figure.median, figure.best, figure.worst) == (200, 400, 100)


def test_of_costs_the_lowest_is_the_best():
    figure = cost("clustering", "s", [3, 1, 2, 10])
    assert (figure.median, figure.best, figure.worst) == (2.5, 1, 10)


@pytest.mark.parametrize("figure", [rate("a", "images/s", 1, [2, 4], FAST), cost("b", "s", [1])])
def test_a_figure_survives_its_json(figure):
    tree = json.loads(json.dumps(figure.as_json()))
    assert Figure.from_json(tree) == figure
    assert tree["lowest"] <= tree["median"] <= tree["highest"]

import pytest

from landmark_discovery.errors import UserError
from landmark_discovery.verdict.measurements import Measurement, metrics_path, read_measurements


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({}, "results/a/evaluation/stage2/headline/metrics.json"),
        ({"evaluation": "curves", "stage": 1}, "results/a/evaluation/stage1/metrics.json"),
    ],
)
def test_each_protocol_has_its_own_file_of_metrics(published, changes, path):
    assert metrics_path("results/a", published(**changes)).as_posix() == path


def test_each_run_gives_one_measurement_with_the_baseline_of_its_direction(published, write_run):
    metrics = {"forward_nme": 3.25, "backward_nme": 4, "mean_shape_nme": 20.0, "mean_landmark_nme": 9.0}
    runs = {"celeba_k10": [write_run("one", **metrics), write_run("two", **{**metrics, "forward_nme": 3.5})]}
    forward, backward = published(id="f"), published(id="b", metric="backward_nme")
    assert read_measurements([forward, backward], runs) == {
        "f": (Measurement(3.25, 20.0), Measurement(3.5, 20.0)),
        "b": (Measurement(4.0, 9.0), Measurement(4.0, 9.0)),
    }


def test_without_a_run_there_is_no_measurement(published):
    assert read_measurements([published()], {"ls3d_k10": ["somewhere"]}) == {"mafl-forward": ()}


def test_a_run_without_that_file_says_which_one_is_missing(published, write_run):
    run = write_run("one", protocol="", forward_nme=3.0)
    ((measurement,),) = read_measurements([published()], {"celeba_k10": [run]}).values()
    assert measurement.value is None
    assert measurement.absence.endswith("one/evaluation/stage2/headline/metrics.json: no such file")


@pytest.mark.parametrize("metrics", [{"forward_nme": None}, {}, {"forward_nme": "3"}, {"forward_nme": True}])
def test_an_undefined_figure_is_absent_and_keeps_its_baseline(published, write_run, metrics):
    run = write_run("one", mean_shape_nme=20.0, **metrics)
    ((measurement,),) = read_measurements([published()], {"celeba_k10": [run]}).values()
    assert (measurement.value, measurement.baseline) == (None, 20.0)
    assert measurement.absence.endswith("forward_nme is undefined")


def test_a_number_of_another_definition_is_not_compared(published, write_run):
    figure = published(conditions={"num_true_points": 5, "normalizer": "0-1"})
    run = write_run("one", forward_nme=3.0, num_true_points=5, normalizer="36-45")
    ((measurement,),) = read_measurements([figure], {"celeba_k10": [run]}).values()
    assert measurement.value is None
    assert measurement.absence.endswith("another definition, normalizer is '36-45', not '0-1'")
    run = write_run("one", forward_nme=3.0, num_true_points=5, normalizer="0-1")
    assert read_measurements([figure], {"celeba_k10": [run]})[figure.id][0].value == 3.0


def test_a_broken_file_is_an_error_and_no_absence(published, write_run):
    run = write_run("one")
    metrics_path(run, published()).write_text("{", encoding="utf-8")
    with pytest.raises(UserError, match="not readable metrics"):
        read_measurements([published()], {"celeba_k10": [run]})


@pytest.mark.parametrize(
    ("settings", "absent"),
    [
        ({"regression_images": 300, "forward_lambda": 0.1}, False),
        ({"regression_images": 200, "forward_lambda": 0.1}, True),
        ({}, True),
    ],
)
def test_what_was_asked_for_belongs_to_the_definition_even_where_fewer_images_were_there(
    published, write_run, settings, absent
):
    figure = published(conditions={"regression_images": 300})
    run = write_run("one", forward_nme=3.0, regression_images=20, settings=settings)
    ((measurement,),) = read_measurements([figure], {"celeba_k10": [run]}).values()
    assert (measurement.value is None) == absent
    assert ("regression_images is" in measurement.absence) == absent

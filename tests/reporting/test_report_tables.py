import pandas as pd
import pytest

from landmark_discovery.errors import UserError
from landmark_discovery.reporting.summary import read_benchmarks, read_metrics
from landmark_discovery.reporting.tables import (
    duration,
    fraction_of,
    mean_of,
    memory,
    number_word,
    percent,
    share,
)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "–"), (0.04, "0.0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (3600, "1 h 00 min"), (7321, "2 h 02 min")],
)
def test_time_spans_read_as_people_say_them(seconds, words):
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("ratio", "words"),
    [(0.2115, "a fifth"), (0.25, "a quarter"), (0.48, "half"), (0.44, "44 %"), (0.9, "90 %"), (0.001, "0 %")],
)
def test_a_ratio_is_said_as_the_fraction_that_it_is_about(ratio, words):
    assert fraction_of(ratio) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "undefined"),
        (1.0, "100 %"),
        (0.0, "0 %"),
        (0.996, "99.6 %"),
        (0.004, "0.4 %"),
        (0.99999, "over 99.9 %"),
        (0.0001, "under 0.1 %"),
        (0.5, "50 %"),
    ],
)
def test_only_all_of_something_is_a_hundred_percent(value, words):
    assert share(value) == words


def test_small_counts_are_words():
    assert [number_word(count) for count in (1, 10, 12, 13, 1200)] == ["one", "ten", "twelve", "13", "1,200"]


def test_what_has_no_value_is_undefined_and_never_zero():
    assert percent(None) == "undefined"
    assert percent(5.676) == "5.68 %"
    assert percent(5.676, 1) == "5.7 %"
    assert (memory(None), memory(1500.4)) == ("–", "1,500 MB")


def test_columns_are_averaged_and_what_was_not_measured_has_no_mean():
    table = pd.DataFrame({"s": [100.0, 110.0], "max_rss": ["-", "NA"]})
    assert mean_of(table, "s") == 105
    assert mean_of(table, "max_rss") is None
    assert mean_of(table, "mean_load") is None


def test_benchmarks_are_named_by_their_steps_and_absent_ones_left_out(tmp_path):
    own, shared = tmp_path / "benchmarks" / "train_stage1.tsv", tmp_path / "prepare" / "faces-0123456789.tsv"
    other = tmp_path / "prepare" / "faces-0123456789-evaluation.tsv"
    for path in (own, shared, other):
        path.parent.mkdir(exist_ok=True)
        path.write_text("s\tmax_rss\n12.5\t100\n")
    found = read_benchmarks([shared, other, own, tmp_path / "absent.tsv"])
    assert list(found) == ["prepare", "prepare_evaluation", "train_stage1"]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b'"'])
def test_a_broken_benchmark_is_named(tmp_path, content):
    (tmp_path / "step.tsv").write_bytes(content)
    with pytest.raises(UserError, match=r"step\.tsv: not a benchmark of Snakemake"):
        read_benchmarks([tmp_path / "step.tsv"])


def test_broken_metrics_are_named(tmp_path):
    (tmp_path / "metrics.json").write_text("[1]")
    with pytest.raises(UserError, match=r"metrics\.json: not a JSON object"):
        read_metrics(tmp_path / "metrics.json")

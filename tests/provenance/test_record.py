import hashlib
import json

import pytest

from landmark_discovery import __version__
from landmark_discovery.downloads.lock import pin
from landmark_discovery.errors import UserError
from landmark_discovery.provenance.record import (
    code_facts,
    input_record,
    provenance,
    seeds,
    step_record,
    time_span,
    write_maker,
)

DIGEST_OF_ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.fixture
def configuration(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("seed: 7\ndataset: {synthetic: {seed: 8}}\n", encoding="utf-8")
    return path


def test_a_record_names_code_configuration_software_machine_and_times(configuration, write_benchmark, tmp_path):
    record = provenance(
        configuration, [write_benchmark("train_stage1", "60\t0:01:00\t900\t150"), tmp_path / "none.tsv"]
    )
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert record["code"]["version"] == __version__
    assert record["seeds"]["seed"] == 7
    assert record["seeds"]["dataset.synthetic.seed"] == 8
    assert {"Python", "torch", "numpy", "opencv-python-headless", "snakemake"} <= set(record["versions"])
    assert record["packages"]["numpy"] == record["versions"]["numpy"]
    assert record["machine"]["cpu_cores"] >= 1
    assert (record["started"], record["ended"]) == ("2026-01-02T03:03:05+00:00", "2026-01-02T03:04:05+00:00")
    assert [step["step"] for step in record["steps"]] == ["train_stage1"]


def test_the_digest_of_a_configuration_is_that_of_all_its_values_however_they_are_written(configuration, tmp_path):
    first = provenance(configuration)["configuration"]
    other = tmp_path / "other.yaml"
    other.write_text("dataset:\n  synthetic:\n    seed: 8\nseed: 7\nrecipe: short\n", encoding="utf-8")
    assert provenance(other)["configuration"]["sha256"] == first["sha256"]
    other.write_text("seed: 8\n", encoding="utf-8")
    assert provenance(other)["configuration"]["sha256"] != first["sha256"]
    assert first["values"]["stage1"]["iterations"] > 0


def test_a_configuration_that_is_not_valid_is_refused(configuration):
    configuration.write_text("sead: 7\n", encoding="utf-8")
    with pytest.raises(UserError, match="unknown key 'sead'; did you mean 'seed'"):
        provenance(configuration)


def test_seeds_are_found_in_every_section():
    values = {
        "seed": 1,
        "seeds": 9,
        "data": {"split_seed": 2, "deep": {"seed": 3, "seed_name": "x"}},
        "sweep": {"seed": []},
    }
    assert dict(seeds(values)) == {"seed": 1, "data.split_seed": 2, "data.deep.seed": 3}


def test_a_step_ended_when_its_benchmark_was_written(write_benchmark):
    assert step_record(write_benchmark("predict", "65.5\t0:01:05\t12.5\t150")) == {
        "step": "predict",
        "started": "2026-01-02T03:02:59+00:00",
        "ended": "2026-01-02T03:04:05+00:00",
        "seconds": 65.5,
        "max_rss_mb": 12.5,
    }


def test_what_was_too_short_to_measure_is_none(write_benchmark):
    record = step_record(write_benchmark("a", "NA\tNA\t-\t-"))
    assert (record["started"], record["seconds"], record["max_rss_mb"]) == (None, None, None)


def test_of_a_repeated_step_the_last_time_counts(write_benchmark):
    assert step_record(write_benchmark("a", "10\t-\t5\t-", "20\t-\t6\t-"))["seconds"] == 20


def test_a_step_that_experiments_share_is_named_by_its_folder(write_benchmark, tmp_path):
    path = write_benchmark("synthetic-0123", "1\t-\t1\t-", folder=tmp_path / "benchmarks" / "prepare")
    assert step_record(path)["step"] == "prepare"


def test_a_file_that_is_no_benchmark_is_named(tmp_path):
    (tmp_path / "a.tsv").write_bytes(b"")
    with pytest.raises(UserError, match=r"a\.tsv: not a benchmark of Snakemake"):
        step_record(tmp_path / "a.tsv")


def test_the_whole_lasts_from_the_first_start_to_the_last_end(write_benchmark, moment):
    steps = [
        step_record(write_benchmark("b", "30\t-\t1\t-", ended=moment + 100)),
        step_record(write_benchmark("a", "20\t-\t1\t-")),
        step_record(write_benchmark("c", "NA\t-\t1\t-", ended=moment + 101)),
    ]
    assert time_span(steps) == {
        "started": "2026-01-02T03:03:45+00:00",
        "ended": "2026-01-02T03:05:46+00:00",
        "seconds": 50.0,
    }
    assert time_span([]) == {"started": None, "ended": None, "seconds": None}


def test_a_file_is_described_by_its_size_and_digest(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"abc")
    name = str(tmp_path / "a.bin")
    assert input_record(name) == {"path": name, "bytes": 3, "sha256": DIGEST_OF_ABC, "digest_of": name}


def test_a_data_set_stands_for_its_facts(tmp_path):
    (tmp_path / "store").mkdir()
    with pytest.raises(UserError, match=r"facts\.json: no such input"):
        input_record(tmp_path / "store")
    (tmp_path / "store" / "facts.json").write_bytes(b"abc")
    record = input_record(tmp_path / "store")
    assert record["path"] == str(tmp_path / "store")
    assert record["sha256"] == DIGEST_OF_ABC
    assert record["digest_of"].endswith("facts.json")


@pytest.mark.parametrize("line", ["{0}\n", "{0}  celeba.zip\n"])
def test_a_kept_digest_stands_for_its_file_which_is_not_read_again(tmp_path, line):
    kept = tmp_path / "celeba.zip.sha256"
    kept.write_text(line.format(DIGEST_OF_ABC), encoding="utf-8")
    expected = {"path": str(tmp_path / "celeba.zip"), "bytes": None, "sha256": DIGEST_OF_ABC, "digest_of": str(kept)}
    assert input_record(kept) == expected
    (tmp_path / "celeba.zip").write_bytes(b"other")
    assert input_record(kept) == {**expected, "bytes": 5}


def test_a_file_that_only_looks_like_a_digest_is_described_itself(tmp_path):
    (tmp_path / "a.sha256").write_bytes(b"abc")
    assert input_record(tmp_path / "a.sha256")["sha256"] == DIGEST_OF_ABC


def test_an_input_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UserError, match="no such input"):
        input_record(tmp_path / "none")


def test_inputs_and_pinned_downloads_are_listed(configuration, tmp_path):
    digest = hashlib.sha256(b"abc").hexdigest()
    pin(tmp_path / "downloads.lock", "celeba.zip", 3, digest)
    record = provenance(configuration, inputs=[configuration], lock=tmp_path / "downloads.lock")
    assert [one["path"] for one in record["inputs"]] == [str(configuration)]
    assert record["downloads"] == [{"name": "celeba.zip", "bytes": 3, "sha256": digest}]


def test_who_made_the_weights_stays_when_a_later_run_makes_none(tmp_path):
    (tmp_path / "config.yaml").write_text("recipe: short\n", encoding="utf-8")
    assert provenance(tmp_path / "config.yaml")["trained_by"] == {}
    (tmp_path / "stage1").mkdir()
    write_maker(tmp_path / "stage1" / "weights.safetensors")
    maker = provenance(tmp_path / "config.yaml")["trained_by"]["stage1"]
    assert maker["code"] == code_facts()
    assert {"versions", "machine", "ended"} <= set(maker)

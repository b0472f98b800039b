"""What a run left behind, as its crate and its provenance read it."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutations import ODD_VALUES, damaged_bytes, damaged_json, damaged_text, fuzz, only_user_errors

from landmark_discovery.errors import UserError
from landmark_discovery.provenance.crate import write_crate
from landmark_discovery.provenance.record import input_record, provenance, step_record

ROOT = Path(__file__).parents[2]
RECORD = {
    "code": {"version": "1.0", "revision": "abc", "clean": True},
    "inputs": [{"path": "data/a.zip", "bytes": 5, "sha256": "0" * 64, "digest_of": "data/a.zip"}],
    "started": "2026-01-02T03:04:05+00:00",
    "ended": "2026-01-02T03:04:06+00:00",
}
BENCHMARK = "s\th:m:s\tmax_rss\tmean_load\n60.5\t0:01:00\t100.5\t90\n61\t-\tNA\t-\n"
PIECES = ("", "-", "x", "\t", "\n", '"', "1e308", "-1e308", "1e400", "nan", "9" * 400, "9" * 5000, "\0", "s", "1_0")


@pytest.fixture
def project(tmp_path):
    """Make the root of a project with a Snakefile, and nothing else to pack."""
    (tmp_path / "project" / "workflow").mkdir(parents=True)
    for name in ("Snakefile", "workflow/Snakefile"):
        (tmp_path / "project" / name).write_text("rule all: input: []\n")
    return tmp_path / "project"


@pytest.fixture
def results(tmp_path):
    """Write what a crate needs of a finished run."""
    folder = tmp_path / "results" / "tiny"
    for stage in (1, 2):
        (folder / f"evaluation/stage{stage}").mkdir(parents=True)
        (folder / f"evaluation/stage{stage}/metrics.json").write_text("{}")
    (folder / "config.yaml").write_text("dataset: {name: drawn, kind: synthetic}\n")
    (folder / "provenance.json").write_text(json.dumps(RECORD))
    return folder


@given(content=damaged_json(RECORD))
@fuzz(80)
def test_a_run_with_a_damaged_provenance_is_packed_or_refused(results, project, tmp_path, content):
    (results / "provenance.json").write_bytes(content)
    with only_user_errors():
        write_crate(results, tmp_path / "crate.zip", project)


@given(dataset=st.sampled_from(ODD_VALUES))
@fuzz(25)
def test_a_run_with_any_data_set_in_its_configuration_is_packed_or_refused(results, project, tmp_path, dataset):
    (results / "config.yaml").write_text(json.dumps({"dataset": dataset}))
    with only_user_errors():
        write_crate(results, tmp_path / "crate.zip", project)


@given(content=damaged_bytes(BENCHMARK.encode()) | damaged_text(BENCHMARK, PIECES, r"[^\t\n]+").map(str.encode))
@fuzz(150)
def test_a_damaged_benchmark_is_read_or_refused(tmp_path, content):
    (tmp_path / "step.tsv").write_bytes(content)
    with only_user_errors():
        step_record(tmp_path / "step.tsv")


@pytest.mark.parametrize("row", ["1e308\t5", "-1e308\t5", "1e15\t5", "5\t" + "9" * 400])
def test_a_step_of_more_time_or_memory_than_there_are_numbers_is_refused(tmp_path, row):
    (tmp_path / "step.tsv").write_text(f"s\tmax_rss\n{row}\n")
    with pytest.raises(UserError, match=r"step\.tsv: not a benchmark of Snakemake"):
        step_record(tmp_path / "step.tsv")


@given(content=damaged_bytes(b"0" * 64 + b"  a.zip\n"))
@fuzz(50)
def test_any_digest_beside_an_input_is_taken_or_passed_over(tmp_path, content):
    (tmp_path / "a.zip.sha256").write_bytes(content)
    assert len(input_record(tmp_path / "a.zip.sha256")["sha256"]) == 64


@pytest.mark.parametrize("text", ["", "[1]", "{", "[" * 100_000, '{"a": ' + "9" * 5000 + "}"])
def test_makers_that_are_no_json_object_are_refused(results, text):
    (results / "stage1").mkdir()
    (results / "stage1" / "made_by.json").write_text(text)
    (results / "config.yaml").write_text("recipe: short\n")
    with pytest.raises(UserError, match=r"stage1/made_by\.json: not "):
        provenance(results / "config.yaml")

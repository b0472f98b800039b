import json
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_provenance_is_written_as_json(landmarks, tmp_path):
    (tmp_path / "config.yaml").write_text("seed: 5\n", encoding="utf-8")
    (tmp_path / "a.tsv").write_text("s\tmax_rss\n1.5\t10\n", encoding="utf-8")
    options = ("--configuration", "config.yaml", "--benchmark", "a.tsv", "--input", "config.yaml")
    result = landmarks("provenance", *options, "--output", "out/provenance.json")
    assert result.returncode == 0, result.stderr
    record = json.loads((tmp_path / "out" / "provenance.json").read_text(encoding="utf-8"))
    assert record["seeds"]["seed"] == 5
    assert record["seconds"] == 1.5
    assert record["inputs"][0]["path"] == "config.yaml"


def test_provenance_of_an_input_that_is_not_there_leaves_nothing(landmarks, tmp_path):
    (tmp_path / "config.yaml").write_text("seed: 5\n", encoding="utf-8")
    options = ("--configuration", "config.yaml", "--input", "none", "--output", "provenance.json")
    result = landmarks("provenance", *options)
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert result.stderr.startswith("error: none: no such input; ")
    assert not (tmp_path / "provenance.json").exists()


def test_a_crate_of_no_finished_run_is_refused_in_one_line(landmarks, tmp_path):
    result = landmarks("crate", "results/demo", "--root", ROOT, "--output", "demo.crate.zip")
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert "no finished run: config.yaml is missing; finish it with `snakemake`" in result.stderr
    assert list(tmp_path.iterdir()) == []

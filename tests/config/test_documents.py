import json
from pathlib import Path

import pytest
import yaml

from landmark_discovery.config.documents import (
    COMMAND,
    check_documents,
    documents,
    explicit_yaml,
    stale_documents,
    write_documents,
)
from landmark_discovery.config.loading import load_config, read_config_file, recipe_values
from landmark_discovery.errors import UserError

ROOT = Path(__file__).parents[2]


def test_the_generated_files_of_the_project_are_up_to_date():
    assert stale_documents(ROOT) == [], f"run `{COMMAND}`"


def test_config_yaml_is_the_demo_with_every_key():
    config = load_config(recipe_values("demo"))
    assert yaml.safe_load(documents()["config.yaml"]) == config.model_dump(mode="json")


def test_explicit_yaml_says_what_each_key_means_above_it():
    lines = explicit_yaml(load_config({"seed": 5})).splitlines()
    assert lines[lines.index("seed: 5") - 1] == "# Seed of training."
    assert lines[lines.index("    margin: 0.8") - 1] == "    # Negatives nearer than this are pushed apart."


def test_the_schema_accepts_every_configuration_file_of_the_project():
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(documents()["workflow/schemas/config.schema.json"])
    for path in [ROOT / "config.yaml", *sorted((ROOT / "config").glob("*.yaml"))]:
        jsonschema.validate(read_config_file(path), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"stage1": {"iteratons": 3}}, schema)


def test_the_table_of_keys_has_the_papers_value_and_that_of_the_short_recipe():
    rows = [line.split(" | ") for line in documents()["config/README.md"].splitlines() if line.startswith("| `")]
    table = {cells[0].strip("| `"): cells[1:4] for cells in rows}
    assert table["training_clusters"] == ["a whole number of at least 1", "`100`", ""]
    assert table["detector_target"] == ["one of pixel, bump", "`pixel`", "`bump`"]
    assert table["recipe"][1:] == ["`paper`", "`short`"]


def test_drift_is_refused_with_the_command_that_ends_it(tmp_path):
    assert sorted(write_documents(tmp_path)) == sorted(documents())
    check_documents(tmp_path)
    assert write_documents(tmp_path) == []
    (tmp_path / "config.yaml").write_text("seed: 3\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"^config.yaml drifted .* run `landmarks config-documents`$"):
        check_documents(tmp_path)
    assert write_documents(tmp_path) == ["config.yaml"]


@pytest.mark.parametrize("path", sorted((ROOT / "config").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_experiment_of_the_project_loads(path):
    given = read_config_file(path)
    folder = {"dataset": {"path": "somewhere"}} if given["dataset"]["kind"] == "folder" else {}
    config = load_config(given, folder, where=path)
    assert config.experiment == path.stem

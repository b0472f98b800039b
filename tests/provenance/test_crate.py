import json
import zipfile
from pathlib import Path, PurePosixPath

import pytest

from landmark_discovery.errors import UserError
from landmark_discovery.provenance.crate import PROFILES, parameter_of, result_files, write_crate

ROOT = Path(__file__).parents[2]
CURVES = tuple(f"{way}_curve.{kind}" for way in ("forward", "backward") for kind in ("csv", "png", "svg"))
RESULTS = (
    *(f"evaluation/stage{stage}/{name}" for stage in (1, 2) for name in ("metrics.json", "predictions.npz", *CURVES)),
    *(f"stage{stage}/{name}" for stage in (1, 2) for name in ("weights.safetensors", "training_log.csv")),
    "evaluation/stage2/headline/metrics.json",
    "pseudo_groundtruth.npz",
    "verdict/verdict.json",
    "logs/train stage1.log",
)
SHOWING_IMAGES = ("pictures/stage2/landmarks.png", "stage1/round_01.png", "report.html")


@pytest.fixture
def results(tmp_path, write_benchmark):
    """Write a small results folder of a finished run, with its times in benchmarks alone."""
    folder = tmp_path / "results" / "tiny"
    for name in (*RESULTS, *SHOWING_IMAGES, ".half-written.json"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name, encoding="utf-8")
    (folder / "config.yaml").write_text("dataset: {name: drawn, kind: synthetic}\n", encoding="utf-8")
    write_benchmark("train_stage1", "60\t-\t1\t-", folder=folder / "benchmarks")
    return folder


class Crate:
    """A crate that was read back: names of its files, and its entities by their ids."""

    def __init__(self, path):
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
            self.names = archive.namelist()
            metadata = json.loads(archive.read("ro-crate-metadata.json"))
        assert metadata["@context"] == "https://w3id.org/ro/crate/1.1/context"
        self.entities = {entity["@id"]: entity for entity in metadata["@graph"]}
        assert len(self.entities) == len(metadata["@graph"])
        self.root = self.entities["./"]

    def of_type(self, name):
        types = {key: entity["@type"] for key, entity in self.entities.items()}
        return [self.entities[key] for key, found in types.items() if name == found or name in as_list(found)]


def as_list(value):
    return value if isinstance(value, list) else [value]


def ids(value):
    return [reference["@id"] for reference in as_list(value)]


@pytest.fixture
def crate(results, tmp_path):
    write_crate(results, tmp_path / "tiny.zip", ROOT)
    return Crate(tmp_path / "tiny.zip")


def test_every_file_that_is_named_is_in_the_crate_and_every_file_in_it_is_named(crate):
    named = {key.replace("%20", " ") for key in ids(crate.root["hasPart"])}
    assert named | {"ro-crate-metadata.json"} == set(crate.names)
    assert len(crate.names) == len(set(crate.names))
    assert {f"results/tiny/{name}" for name in RESULTS} <= named
    assert {"Snakefile", "workflow/Snakefile", "workflow/rules/stage1.smk", "LICENSE"} <= named


def test_every_reference_leads_to_an_entity_or_to_the_web(crate):
    def references(value):
        if isinstance(value, dict):
            yield from [value["@id"]] if set(value) == {"@id"} else []
            value = list(value.values())
        if isinstance(value, list):
            for part in value:
                yield from references(part)

    for entity in crate.entities.values():
        for target in references(entity):
            assert target in crate.entities or target.startswith("https://"), target


def test_the_crate_conforms_to_the_profiles_of_workflow_runs(crate):
    assert set(ids(crate.root["conformsTo"])) == set(PROFILES)
    for address in PROFILES:
        assert crate.entities[address]["@type"] == "CreativeWork"
        assert crate.entities[address]["version"] == address.rsplit("/", 1)[1]
    descriptor = crate.entities["ro-crate-metadata.json"]
    assert "https://w3id.org/ro/crate/1.1" in ids(descriptor["conformsTo"])
    assert "https://w3id.org/workflowhub/workflow-ro-crate/1.0" in ids(descriptor["conformsTo"])
    assert crate.root["license"] == {"@id": "https://spdx.org/licenses/MIT"}
    assert {"name", "description", "datePublished"} <= set(crate.root)


def test_the_main_entity_is_a_snakemake_workflow(crate):
    workflow = crate.entities[crate.root["mainEntity"]["@id"]]
    assert set(workflow["@type"]) == {"File", "SoftwareSourceCode", "ComputationalWorkflow"}
    language = crate.entities[workflow["programmingLanguage"]["@id"]]
    assert (language["@type"], language["name"]) == ("ComputerLanguage", "Snakemake")


def test_the_run_names_its_times_its_inputs_and_its_results(crate):
    (action,) = crate.of_type("CreateAction")
    assert crate.root["mentions"] == {"@id": action["@id"]}
    assert action["instrument"] == crate.root["mainEntity"]
    assert (action["startTime"], action["endTime"]) == ("2026-01-02T03:03:05+00:00", "2026-01-02T03:04:05+00:00")
    objects = [crate.entities[key] for key in ids(action["object"])]
    assert objects[0]["@id"] == "results/tiny/config.yaml"
    assert objects[1]["value"] == "drawn (synthetic)"
    made = set(ids(action["result"]))
    for name in ("evaluation/stage2/metrics.json", "evaluation/stage1/forward_curve.csv", "stage2/weights.safetensors"):
        assert f"results/tiny/{name}" in made
    assert not any("log" in name for name in made)


def test_each_parameter_of_the_workflow_and_its_values_name_each_other(crate):
    workflow = crate.entities[crate.root["mainEntity"]["@id"]]
    parameters = {key: crate.entities[key] for key in ids(workflow["input"]) + ids(workflow["output"])}
    assert {entity["@id"] for entity in crate.of_type("FormalParameter")} == set(parameters)
    for key, parameter in parameters.items():
        for value in ids(parameter["workExample"]):
            assert crate.entities[value]["exampleOfWork"] == {"@id": key}
            assert parameter["additionalType"] in as_list(crate.entities[value]["@type"])


def test_pictures_of_the_data_set_stay_out_unless_asked_for(results):
    without = set(map(str, result_files(results, pictures=False)))
    assert set(map(str, result_files(results, pictures=True))) - without == set(SHOWING_IMAGES)
    assert ".half-written.json" not in without


def test_what_served_to_get_there_or_went_wrong_on_the_way_stays_out(results):
    before = result_files(results, pictures=True)
    for name in ("stage1/bad_batch_0.npz", "stage1/checkpoints/ab/000000005.safetensors", "stage1/.lock/x"):
        (results / name).parent.mkdir(parents=True, exist_ok=True)
        (results / name).touch()
    assert result_files(results, pictures=True) == before


def test_provenance_brings_revision_times_and_digests(results, tmp_path):
    record = {
        "code": {"version": "0.1.0", "revision": "abcdef", "clean": True},
        "inputs": [{"path": "store", "bytes": 3, "sha256": "0123"}],
        "started": "2026-05-01T00:00:00+00:00",
        "ended": "2026-05-02T00:00:00+00:00",
    }
    (results / "provenance.json").write_text(json.dumps(record), encoding="utf-8")
    write_crate(results, tmp_path / "tiny.zip", ROOT)
    crate = Crate(tmp_path / "tiny.zip")
    (action,) = crate.of_type("CreateAction")
    assert (action["startTime"], action["endTime"]) == (record["started"], record["ended"])
    assert crate.entities["Snakefile"]["version"] == "0.1.0+abcdef"
    values = {entity["name"]: entity["value"] for entity in crate.of_type("PropertyValue")}
    assert values["store"] == "sha256:0123"


def test_equal_results_give_equal_bytes(results, tmp_path):
    for name in ("first.zip", "second.zip"):
        write_crate(results, tmp_path / name, ROOT)
    assert (tmp_path / "first.zip").read_bytes() == (tmp_path / "second.zip").read_bytes()


@pytest.mark.parametrize("name", ["config.yaml", "evaluation/stage2/metrics.json"])
def test_a_run_that_is_not_finished_is_refused_and_nothing_is_left(results, tmp_path, name):
    (results / name).unlink()
    with pytest.raises(UserError, match=rf"no finished run: {name} is missing"):
        write_crate(results, tmp_path / "out" / "tiny.zip", ROOT)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", ["{", "[]", "{}"])
def test_a_provenance_that_cannot_be_read_is_named(results, tmp_path, content):
    (results / "provenance.json").write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=r"provenance\.json: no readable provenance"):
        write_crate(results, tmp_path / "tiny.zip", ROOT)


def test_a_run_without_any_time_is_refused(results, tmp_path):
    (results / "benchmarks" / "train_stage1.tsv").unlink()
    with pytest.raises(UserError, match="nothing tells when it ran"):
        write_crate(results, tmp_path / "tiny.zip", ROOT)


def test_another_folder_than_the_projects_root_is_refused(results, tmp_path):
    with pytest.raises(UserError, match="not the root of the project"):
        write_crate(results, tmp_path / "tiny.zip", tmp_path)


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("evaluation/stage1/headline/metrics.json", "metrics"),
        ("evaluation/stage1/backward_curve.svg", "curves"),
        ("stage1/weights.safetensors", "weights"),
        ("verdict/verdict.md", "verdict"),
        ("stage1/training_log.csv", None),
        ("config.yaml", None),
    ],
)
def test_files_belong_to_outputs_by_their_names(path, parameter):
    assert parameter_of(PurePosixPath(path)) == parameter


def test_a_page_that_may_carry_a_photograph_stays_out_unless_pictures_are_asked_for(results):
    (results / "model").mkdir(exist_ok=True)
    (results / "model" / "page.html").touch()
    assert "model/page.html" not in map(str, result_files(results, pictures=False))
    assert "model/page.html" in map(str, result_files(results, pictures=True))


def test_a_crate_among_the_results_does_not_pack_itself(results):
    write_crate(results, results / "tiny.zip", ROOT)
    first = (results / "tiny.zip").read_bytes()
    write_crate(results, results / "tiny.zip", ROOT)
    assert (results / "tiny.zip").read_bytes() == first

"""A finished run as a Workflow Run RO-Crate: its files, and in linked data what made them.

Profile: Workflow Run Crate 0.5 (https://w3id.org/ro/wfrun/workflow/0.5), on RO-Crate 1.1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from rocrate.model import ContextEntity, File
from rocrate.rocrate import ROCrate

import landmark_discovery
from landmark_discovery.config.loading import read_config_file
from landmark_discovery.errors import UserError
from landmark_discovery.files import atomic_file, read_json
from landmark_discovery.provenance.environment import package_version
from landmark_discovery.provenance.record import step_record, time_span

PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
LICENCE = "https://spdx.org/licenses/MIT"
_PARAMETER_PROFILE = "https://bioschemas.org/profiles/FormalParameter/1.0-RELEASE"
_WORKFLOW_PROFILE = "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"

# What a run leaves in an experiment's folder, as parameters of the workflow; other files are there, but are no result.
OUTPUTS = {
    "metrics": ("*/metrics.json",),
    "curves": ("*_curve.csv", "*_curve.png", "*_curve.svg"),
    "predictions": ("*/predictions.npz",),
    "weights": ("*/weights.safetensors",),
    "pseudo_groundtruth": ("pseudo_groundtruth.npz",),
    "verdict": ("verdict/verdict.*",),
}
_NEEDED = ("config.yaml", "evaluation/stage1/metrics.json", "evaluation/stage2/metrics.json")
_MAKE_PROVENANCE = "make it with `landmarks provenance`"
# Beside the main Snakefile.
_WORKFLOW_FILES = ("LICENSE", "envs/*", "workflow/**/*")
_FORMATS = {
    ".csv": "text/csv",
    ".html": "text/html",
    ".jpg": "image/jpeg",
    ".json": "application/json",
    ".log": "text/plain",
    ".md": "text/markdown",
    ".npz": "application/zip",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".tsv": "text/tab-separated-values",
    ".txt": "text/plain",
    ".xml": "application/xml",
    ".yaml": "application/yaml",
}


def write_crate(results: str | Path, output: str | Path, root: str | Path, *, pictures: bool = False) -> None:
    """Pack a finished run and its workflow into a zip file, a Workflow Run RO-Crate.

    Args:
        results: folder of the experiment, such as results/demo.
        output: zip file to write.
        root: root of the project, which has the workflow.
        pictures: also pack what shows images of the data set. Their licence may forbid that, so they stay out unless
            asked for.

    Raises:
        UserError: no finished run, or no workflow at `root`.
    """
    folder, project = Path(results), Path(root)
    missing = [name for name in _NEEDED if not (folder / name).is_file()]
    if missing:
        raise UserError(f"no finished run: {missing[0]} is missing", where=folder, remedy="finish it with `snakemake`")
    if not (project / "workflow" / "Snakefile").is_file():
        raise UserError("not the root of the project", where=project.resolve(), remedy="go there, or give --root")
    crate = _crate(folder, project, pictures, Path(output))
    with atomic_file(output) as temporary:
        crate.write_zip(temporary)


def result_files(results: Path, *, pictures: bool) -> list[PurePosixPath]:
    """List the files of a run that go into its crate, relative to its folder.

    Args:
        results: folder of the experiment.
        pictures: whether files that show images of the data set go too.
    """
    found = (PurePosixPath(path.relative_to(results).as_posix()) for path in results.rglob("*") if path.is_file())
    return sorted(path for path in found if _lasts(path) and (pictures or not _shows_images(path)))


def parameter_of(path: PurePosixPath) -> str | None:
    """Name the output of the workflow that a file in the folder of an experiment belongs to; None: to none."""
    return next((name for name, patterns in OUTPUTS.items() if any(map(path.match, patterns))), None)


def _lasts(path: PurePosixPath) -> bool:
    """Say whether a file is a result, not what served to get there or went wrong on the way."""
    passing = "checkpoints" in path.parts or path.match("bad_batch_*.npz")
    return not passing and not any(part.startswith(".") for part in path.parts)


def _shows_images(path: PurePosixPath) -> bool:
    in_stage = path.parts[0].startswith("stage") and path.suffix in (".png", ".jpg")
    return path.parts[0] == "pictures" or path.name == "report.html" or path.match("model/*.html") or in_stage


def _crate(folder: Path, project: Path, pictures: bool, output: Path) -> ROCrate:
    name = folder.resolve().name
    record = _record(folder)
    crate = ROCrate(version="1.1")
    _describe(crate, name, record)
    workflow = _add_workflow(crate, project, record)
    files = {
        path: _add_file(crate, folder / path, f"results/{name}/{path}")
        for path in result_files(folder, pictures=pictures)
        # A crate that lies among the results isn't one of them.
        if (folder / path).resolve() != output.resolve()
    }
    configuration = files[PurePosixPath("config.yaml")]
    inputs = {"configuration": [configuration], **_named_inputs(crate, folder, record)}
    outputs = {output: [entity for path, entity in files.items() if parameter_of(path) == output] for output in OUTPUTS}
    workflow["input"] = list(_parameters(crate, inputs))
    workflow["output"] = list(_parameters(crate, outputs))
    _add_action(crate, name, record, inputs, outputs)
    return crate


def _describe(crate: ROCrate, name: str, record: Mapping[str, Any]) -> None:
    crate.name = f"Landmark discovery: {name}"
    crate.description = (
        "A run of a workflow that discovers object landmarks without annotation. The licence is that of code and "
        "figures; that of the weights depends on the images that they were trained on."
    )
    # Not the time of packing, so that equal results give equal bytes.
    crate.datePublished = record["ended"]
    crate.license = crate.add(ContextEntity(crate, LICENCE, {"@type": "CreativeWork", "name": "MIT License"}))
    crate.root_dataset["conformsTo"] = [_profile(crate, address) for address in PROFILES]


def _record(folder: Path) -> dict[str, Any]:
    """Read the run's provenance; without that file, its times alone from its benchmarks, and this package's version."""
    path = folder / "provenance.json"
    record = _read_provenance(path) if path.is_file() else _record_of_benchmarks(folder / "benchmarks")
    if record["ended"] is None:
        raise UserError("nothing tells when it ran", where=folder, remedy="make provenance.json with its benchmarks")
    return record


def _read_provenance(path: Path) -> dict[str, Any]:
    try:
        content = read_json(path)
    except UserError as error:
        raise UserError(f"no readable provenance ({error.what})", where=path, remedy=_MAKE_PROVENANCE) from error
    record: dict[str, Any] = {key: content.get(key) for key in ("code", "inputs", "started", "ended")}
    code, inputs = record["code"], record["inputs"]
    right = _has_texts(code, "version", "revision") and isinstance(inputs, list)
    right = right and all(_has_texts(one, "path", "sha256") for one in inputs)
    if not right or not all(isinstance(record[key], str | None) for key in ("started", "ended")):
        raise UserError(
            "no readable provenance (of code, inputs, started and ended, one isn't what it should be)",
            where=path,
            remedy=_MAKE_PROVENANCE,
        )
    return record


def _has_texts(value: object, *keys: str) -> bool:
    return isinstance(value, dict) and all(isinstance(value.get(key), str) for key in keys)


def _record_of_benchmarks(folder: Path) -> dict[str, Any]:
    code = {"version": landmark_discovery.__version__, "revision": "unknown"}
    span = time_span([step_record(benchmark) for benchmark in sorted(folder.glob("*.tsv"))])
    return {"code": code, "inputs": [], **span}


def _profile(crate: ROCrate, address: str) -> ContextEntity:
    name, version = PROFILES[address]
    return crate.add(ContextEntity(crate, address, {"@type": "CreativeWork", "name": name, "version": version}))


def _add_workflow(crate: ROCrate, project: Path, record: Mapping[str, Any]) -> Any:  # noqa: ANN401 - untyped library
    code = record["code"]
    properties = {
        "name": "Landmark discovery",
        "version": code["version"] if code["revision"] == "unknown" else f"{code['version']}+{code['revision']}",
        "license": {"@id": LICENCE},
        "conformsTo": {"@id": _WORKFLOW_PROFILE},
        "encodingFormat": "text/plain",
    }
    crate.add(ContextEntity(crate, _WORKFLOW_PROFILE, {"@type": "CreativeWork", "name": "ComputationalWorkflow"}))
    workflow = crate.add_workflow(
        project / "Snakefile",
        "Snakefile",
        main=True,
        lang="snakemake",
        lang_version=package_version("snakemake"),
        properties=properties,
        record_size=True,
    )
    parts = sorted(path for pattern in _WORKFLOW_FILES for path in project.glob(pattern) if path.is_file())
    workflow["hasPart"] = [_add_file(crate, path, path.relative_to(project).as_posix()) for path in parts]
    return workflow


def _add_file(crate: ROCrate, path: Path, name: str) -> File:
    properties = {"name": name, "encodingFormat": _FORMATS.get(path.suffix, "application/octet-stream")}
    if path.suffix in ("", ".smk", ".rst", ".sh"):
        properties["encodingFormat"] = "text/plain"
    return crate.add_file(path, name, properties=properties, record_size=True)


def _named_inputs(crate: ROCrate, folder: Path, record: Mapping[str, Any]) -> dict[str, list[ContextEntity]]:
    """Name what went in but isn't packed: the data set, and with their digests the files of the provenance."""
    given = read_config_file(folder / "config.yaml").get("dataset")
    dataset = given if isinstance(given, dict) else {}
    values = [("dataset", f"{dataset.get('name', 'unknown')} ({dataset.get('kind', 'unknown')})")]
    values += [(Path(one["path"]).as_posix(), f"sha256:{one['sha256']}") for one in record["inputs"]]
    entities = [
        crate.add(ContextEntity(crate, f"#input-{position}", {"@type": "PropertyValue", "name": name, "value": value}))
        for position, (name, value) in enumerate(values)
    ]
    return {"dataset": entities[:1], "inputs": entities[1:]}


def _parameters(crate: ROCrate, values: Mapping[str, list[Any]]) -> Iterator[ContextEntity]:
    """Add one formal parameter for all values that belong to it, linked both ways; none where there is no value."""
    crate.add(ContextEntity(crate, _PARAMETER_PROFILE, {"@type": "CreativeWork", "name": "FormalParameter"}))
    for name, entities in values.items():
        if entities:
            properties = {
                "@type": "FormalParameter",
                "name": name,
                "additionalType": "File" if isinstance(entities[0], File) else "PropertyValue",
                "workExample": entities[0] if len(entities) == 1 else entities,
                "conformsTo": {"@id": _PARAMETER_PROFILE},
            }
            parameter = crate.add(ContextEntity(crate, f"#parameter-{name}", properties))
            for entity in entities:
                entity["exampleOfWork"] = parameter
            yield parameter


def _add_action(
    crate: ROCrate,
    name: str,
    record: Mapping[str, Any],
    inputs: Mapping[str, list[Any]],
    outputs: Mapping[str, list[Any]],
) -> None:
    properties: dict[str, Any] = {
        "@type": "CreateAction",
        "name": f"Run of {name}",
        "description": f"Landmarks discovered and measured by the experiment {name}",
        "endTime": record["ended"],
        "actionStatus": "http://schema.org/CompletedActionStatus",
        "instrument": crate.mainEntity,
        "object": [entity for entities in inputs.values() for entity in entities],
        "result": [entity for entities in outputs.values() for entity in entities],
    }
    if record["started"] is not None:
        properties["startTime"] = record["started"]
    crate.root_dataset["mentions"] = crate.add(ContextEntity(crate, f"#run-{name}", properties))

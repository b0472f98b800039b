import json
import shutil

import pytest
import yaml


@pytest.fixture
def change_metrics():
    """Rewrite the metrics of a stage of a run."""
    return _change_metrics


@pytest.fixture
def make_run(small_run, tmp_path):
    """Copy the small run, with other keys of its configuration and other errors."""

    def make(name, seed=1993, factor=1.0, **keys):
        folder = shutil.copytree(small_run, tmp_path / "results" / name)
        path = folder / "config.yaml"
        configuration = yaml.safe_load(path.read_text(encoding="utf-8"))
        path.write_text(yaml.safe_dump({**configuration, "experiment": name, "seed": seed, **keys}), encoding="utf-8")
        for stage in (1, 2):
            _change_metrics(folder, stage, lambda old: {**old, "forward_nme": factor * old["forward_nme"]})
        return folder

    return make


def _change_metrics(folder, stage, change):
    path = folder / "evaluation" / f"stage{stage}" / "metrics.json"
    path.write_text(json.dumps(change(json.loads(path.read_text(encoding="utf-8")))), encoding="utf-8")

import os
import subprocess
import sys

import faiss
import pytest
import torch

from landmark_discovery.cli import machine
from landmark_discovery.cli.machine import Finding, describe_machine, memory_gib, package_version


def test_everything_worth_knowing_is_listed():
    names = [finding.name for finding in describe_machine()]
    for name in ("Python", "torch", "NVIDIA driver", "faiss", "snakemake", "memory", "disk"):
        assert name in names
    assert any(name.startswith("GPU") for name in names)


def test_a_package_that_is_not_there_is_missing(monkeypatch):
    monkeypatch.setattr(machine, "package_version", lambda name: None if name == "pandas" else package_version(name))
    missing = [finding for finding in describe_machine() if finding.missing]
    assert [finding.name for finding in missing] == ["pandas"]
    assert str(missing[0]).startswith("MISSING pandas")


def test_what_is_optional_is_never_missing(monkeypatch):
    monkeypatch.setattr(
        machine, "package_version", lambda name: None if name in ("snakemake", "tensorboard") else package_version(name)
    )
    assert not any(finding.missing for finding in describe_machine())


@pytest.mark.parametrize(
    ("faiss_sees", "torch_sees", "words"),
    [
        (2, True, "sees 2 GPU"),
        (0, True, "built for the CPU, so PyTorch clusters on the GPU"),
        (0, False, "clusters on the CPU"),
    ],
)
def test_where_clustering_happens_is_told(monkeypatch, faiss_sees, torch_sees, words):
    monkeypatch.setattr(faiss, "get_num_gpus", lambda: faiss_sees, raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: torch_sees)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    told = next(finding for finding in describe_machine() if finding.name == "faiss")
    assert told.value.endswith(f", {words}")


def test_an_unknown_package_has_no_version():
    assert package_version("no-such-package-anywhere") is None


def test_memory_is_that_of_the_machine_or_of_its_container(monkeypatch):
    assert memory_gib() > 0
    pages = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 2**20}
    monkeypatch.setattr(machine.os, "sysconf", pages.__getitem__)
    assert memory_gib() <= 4.0


@pytest.mark.parametrize(("missing", "status"), [(True, 1), (False, 0)])
def test_doctor_ends_with_status_1_where_something_is_missing(monkeypatch, capsys, tmp_path, missing, status):
    monkeypatch.setattr(machine, "describe_machine", lambda: [Finding("disk", "0.1 GiB free", missing)])
    monkeypatch.setattr("sys.argv", ["landmarks", "doctor", "--output", str(tmp_path / "machine.txt")])
    from landmark_discovery.cli.main import main

    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == status
    assert "0.1 GiB free" in capsys.readouterr().out
    assert "0.1 GiB free" in (tmp_path / "machine.txt").read_text(encoding="utf-8")


def test_steps_that_wait_leave_the_cores_to_the_step_beside_them(tmp_path):
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    environment["OMP_DISPLAY_ENV"] = "true"
    command = [sys.executable, "-m", "landmark_discovery", "doctor"]
    said = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True).stderr
    assert "OMP_WAIT_POLICY = 'PASSIVE'" in said
    assert "OMP_WAIT_POLICY = 'ACTIVE'" not in said

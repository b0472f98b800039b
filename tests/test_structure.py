"""The direction in which the packages know each other, as README.md describes it."""

import ast
from pathlib import Path

import landmark_discovery

ROOT = Path(landmark_discovery.__file__).parent
# Each package may import those before it; training and clustering know each other.
ORDER = (
    "config",
    "models",
    "heatmaps",
    "downloads",
    "data",
    "bootstrap",
    "clustering",
    "training",
    "pretrained",
    "evaluation",
    "reporting",
    "provenance",
    "bootstrap_training",
    "keypoint_evaluation",
    "verdict",
    "inference",
    "export",
    "cli",
    "documentation",
)


def imported_by(path):
    """List the modules that a file imports, at its top or within functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def packages_imported_by(path):
    modules = (module.split(".") for module in imported_by(path) if module.startswith(f"{ROOT.name}."))
    return {module[1] for module in modules if (ROOT / module[1]).is_dir()}


def test_every_package_has_its_place():
    assert {path.parent.name for path in ROOT.glob("*/__init__.py")} == set(ORDER)


def test_a_package_imports_none_that_stands_after_it():
    backwards = {
        f"{path.relative_to(ROOT)} imports {other}"
        for place, package in enumerate(ORDER)
        for path in (ROOT / package).rglob("*.py")
        for other in packages_imported_by(path) & set(ORDER[place + 1 :])
        if (package, other) != ("clustering", "training")
    }
    assert backwards == set()


def test_networks_and_heatmaps_know_nothing_of_the_package():
    for package in ("models", "heatmaps"):
        for path in (ROOT / package).rglob("*.py"):
            assert packages_imported_by(path) <= {package}, path


def test_what_lies_beside_the_packages_knows_none_of_them():
    for path in ROOT.glob("*.py"):
        if path.stem not in ("__init__", "__main__"):
            assert packages_imported_by(path) == set(), path


def test_the_configuration_which_the_workflow_reads_needs_no_package_of_numbers():
    for path in (ROOT / "config").rglob("*.py"):
        assert not {module.split(".")[0] for module in imported_by(path)} & {"numpy", "torch", "pandas"}, path


def test_evaluation_needs_no_network():
    for path in (ROOT / "evaluation").rglob("*.py"):
        assert "torch" not in {module.split(".")[0] for module in imported_by(path)}, path

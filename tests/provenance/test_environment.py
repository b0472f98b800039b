import subprocess

import pytest

from landmark_discovery.provenance import environment
from landmark_discovery.provenance.environment import (
    code_revision,
    gpu_driver,
    installed_packages,
    memory_gib,
    package_version,
    processor_name,
    program_output,
    software_versions,
)


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """Make a repository with one committed file, and give what runs git in it."""
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)

    def git(*arguments):
        identity = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
        return subprocess.run(
            ["git", "-C", tmp_path, *identity, *arguments], capture_output=True, text=True, check=True
        )

    git("init", "--quiet")
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "code.py").write_text("1", encoding="utf-8")
    git("add", ".")
    git("commit", "--quiet", "-m", "first")
    return tmp_path, git


def test_a_committed_file_has_a_revision_and_a_clean_tree(repository):
    folder, git = repository
    commit = git("rev-parse", "HEAD").stdout.strip()
    assert code_revision(folder / "package" / "code.py") == (commit, True)


@pytest.mark.parametrize("name", ["package/code.py", "elsewhere.txt"])
def test_a_change_or_a_new_file_anywhere_makes_the_tree_unclean(repository, name):
    folder, _ = repository
    (folder / name).write_text("2", encoding="utf-8")
    assert code_revision(folder / "package" / "code.py")[1] is False


def test_code_that_merely_lies_in_another_projects_tree_has_no_revision(repository):
    folder, _ = repository
    (folder / "installed.py").write_text("3", encoding="utf-8")
    assert code_revision(folder / "installed.py") == ("unknown", None)


def test_outside_of_git_the_revision_is_unknown(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert code_revision(tmp_path / "code.py") == ("unknown", None)


def test_without_git_the_revision_is_unknown(repository, monkeypatch):
    monkeypatch.setattr(environment.shutil, "which", lambda _: None)
    assert code_revision(repository[0] / "package" / "code.py") == ("unknown", None)


def test_versions_are_those_that_are_installed():
    versions = software_versions()
    assert versions["numpy"] == package_version("numpy") == installed_packages()["numpy"]
    assert list(installed_packages()) == sorted(installed_packages(), key=str.lower)
    assert package_version("no-such-package-anywhere") is None


@pytest.mark.parametrize(("limit", "memory"), [(2 * 2**30, 2.0), (8 * 2**30, 4.0), ("max", 4.0), (None, 4.0)])
def test_of_machine_and_container_the_smaller_memory_counts(tmp_path, monkeypatch, limit, memory):
    if limit is not None:
        (tmp_path / "memory.max").write_text(f"{limit}\n", encoding="utf-8")
    monkeypatch.setattr(environment, "Path", lambda path: tmp_path / path.rpartition("/")[2])
    monkeypatch.setattr(environment.os, "sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 2**20}.__getitem__)
    assert memory_gib() == memory


def test_what_nothing_tells_is_none(monkeypatch):
    assert processor_name() is None or processor_name()
    monkeypatch.setattr(environment.shutil, "which", lambda _: None)
    assert gpu_driver() is None


def test_a_program_that_fails_says_nothing():
    assert program_output("sh", "-c", "echo a; echo b") == "a\nb"
    assert program_output("sh", "-c", "echo a; exit 3") is None
    assert program_output("no-such-program-anywhere") is None

import subprocess
from pathlib import Path

import pytest

from landmark_discovery.config.container import (
    LOCK_FILES,
    bind_variable,
    bound_folders,
    container_image,
    image_tag,
    is_inside_container,
    require_image,
)
from landmark_discovery.errors import UserError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path):
    (tmp_path / "envs").mkdir()
    for name in {name for names in LOCK_FILES.values() for name in names}:
        (tmp_path / name).write_text(f"of {name}\n")
    return tmp_path


def test_the_makefile_and_the_workflow_give_an_image_the_same_tag():
    tags = subprocess.run(["make", "-s", "image-tags"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert tags.split() == [image_tag(ROOT, "cpu"), image_tag(ROOT, "gpu")]


def test_another_version_of_a_package_makes_another_tag(project):
    before = image_tag(project, "cpu"), image_tag(project, "gpu")
    (project / "envs" / "requirements.txt").write_text("faiss-cpu==9\n")
    assert image_tag(project, "cpu") != before[0]
    assert image_tag(project, "gpu") == before[1]


def test_an_image_is_a_file_of_the_project_or_one_in_a_registry(project):
    tag = image_tag(project, "cpu")
    assert container_image("docker/x-{tag}.sif", {}, project, "cpu") == str(project / "docker" / f"x-{tag}.sif")
    assert container_image("/images/x.sif", {}, project, "cpu") == "/images/x.sif"
    assert container_image("docker://host/x:{tag}", {}, project, "cpu") == f"docker://host/x:{tag}"


def test_the_environment_names_another_image_than_the_configuration(project):
    assert container_image("a.sif", {"LANDMARKS_CONTAINER": "/b.sif"}, project, "cpu") == "/b.sif"


def test_an_image_that_is_not_there_is_named_with_the_ways_to_get_one(tmp_path):
    with pytest.raises(
        UserError, match=r"none\.sif: there is no such container image; make it with `make sif`, or name"
    ):
        require_image(str(tmp_path / "none.sif"))
    with pytest.raises(UserError, match="`make sif-gpu`"):
        require_image(str(tmp_path / "x-gpu.sif"))
    (tmp_path / "there.sif").touch()
    require_image(str(tmp_path / "there.sif"))
    require_image("docker://host/x:1")


def test_folders_outside_the_working_folder_are_bound_once(tmp_path):
    for name in ("work/inside", "data/images", "other"):
        (tmp_path / name).mkdir(parents=True)
    folders = [tmp_path / name for name in ("work/inside", "data", "data/images", "other", "missing")]
    assert bound_folders(folders, tmp_path / "work") == [str(tmp_path / "data"), str(tmp_path / "other")]


def test_a_link_out_of_the_working_folder_binds_what_it_leads_to(tmp_path):
    (tmp_path / "work").mkdir()
    (tmp_path / "large disk").mkdir()
    (tmp_path / "work" / "resources").symlink_to(tmp_path / "large disk")
    assert bound_folders([tmp_path / "work" / "resources"], tmp_path / "work") == [str(tmp_path / "large disk")]


def test_a_link_outside_is_bound_by_its_own_name_too(tmp_path):
    for name in ("work", "big"):
        (tmp_path / name).mkdir()
    (tmp_path / "scratch").symlink_to(tmp_path / "big")
    bound = bound_folders([tmp_path / "scratch"], tmp_path / "work")
    assert bound == [str(tmp_path / "big"), str(tmp_path / "scratch")]


def test_what_the_user_has_bound_stays_bound():
    assert bind_variable(["/b", "/a"], {"APPTAINER_BIND": "/a:/inside,/b"}) == "/a:/inside,/b,/a"
    assert bind_variable(["/b"], {"SINGULARITY_BIND": "/site"}) == "/site,/b"
    assert bind_variable([], {}) == ""


@pytest.mark.parametrize("mark", [".dockerenv", "run/.containerenv", ".singularity.d"])
def test_a_container_is_known_by_the_files_that_its_engine_leaves(tmp_path, mark):
    assert not is_inside_container({}, tmp_path)
    (tmp_path / mark).parent.mkdir(exist_ok=True)
    (tmp_path / mark).touch()
    assert is_inside_container({}, tmp_path)
    assert is_inside_container({"APPTAINER_CONTAINER": "x.sif"}, tmp_path / "run")
    assert is_inside_container({"container": "podman"}, tmp_path / "run")

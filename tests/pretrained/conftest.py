import pytest
import torch
from fake_checkpoints import SMALL, authors_checkpoint


@pytest.fixture(scope="session")
def small_model():
    """Describe a network of milliseconds: maps of 8 x 8 cells."""
    return SMALL


@pytest.fixture(scope="session")
def authors_content():
    """Give what stands in one of the authors' files, with random weights."""
    return authors_checkpoint


@pytest.fixture
def authors_file(tmp_path):
    """Write one of the authors' files; `change` is given its content and gives what is written instead."""

    def write(stage, change=lambda content: content, zipped=True, **options):
        path = tmp_path / f"stage{stage}.pth"
        torch.save(change(authors_checkpoint(stage, **options)), path, _use_new_zipfile_serialization=zipped)
        return path

    return write

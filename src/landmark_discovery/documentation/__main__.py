"""List the links that leave the project: `python -m landmark_discovery.documentation`, from its root."""

from pathlib import Path

from landmark_discovery.documentation.links import links_of, read_pages
from landmark_discovery.documentation.pages import generated_pages

for one in links_of(read_pages(Path(), generated_pages(Path()))):
    if one.is_external:
        print(one)

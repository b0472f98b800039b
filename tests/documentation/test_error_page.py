"""The page of errors quotes messages: each must be one that the package can say."""

import ast
import re

import pytest
from shown_commands import ROOT

PAGE = (ROOT / "docs" / "faq.md").read_text(encoding="utf-8")
MESSAGES = re.findall(r"^### `([^`]+)`$", PAGE, re.MULTILINE)


def texts_of(source):
    """Give each text of a module as a regular expression, in which what is filled in matches anything."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield re.escape(node.value)
        elif isinstance(node, ast.JoinedStr):
            parts = (re.escape(part.value) if isinstance(part, ast.Constant) else ".*" for part in node.values)
            yield "".join(parts)


@pytest.fixture(scope="module")
def texts():
    """Give all texts of the package and its Makefile, one after another; … stands for what is filled in."""
    made = [text for path in (ROOT / "src").rglob("*.py") for text in texts_of(path.read_text(encoding="utf-8"))]
    plain = [re.sub(r"\\(.)", r"\1", text.replace(".*", "…")) for text in made]
    return "\n".join([*plain, (ROOT / "Makefile").read_text(encoding="utf-8").replace("$(PYTHON)", "python3")])


def is_said(message, texts):
    """Say whether what is wrong and what to do, which `;` parts, are both in the texts."""
    return all(_is_there(part, texts) for part in message.split("; "))


def _is_there(part, texts):
    wanted = [re.escape(words.strip()) for words in part.split("…") if words.strip()]
    return re.search(r"[^\n]*".join(wanted), texts) is not None


def test_there_are_the_errors_that_people_meet():
    assert len(MESSAGES) >= 25
    assert len(set(MESSAGES)) == len(MESSAGES)


@pytest.mark.parametrize("message", MESSAGES)
def test_a_quoted_message_is_one_of_the_package(message, texts):
    assert is_said(message, texts)


def test_a_message_that_nobody_says_is_found(texts):
    assert not is_said("no images in this forest", texts)
    assert not is_said("the box … has no volume", texts)


def test_keys_that_a_page_names_are_keys():
    from landmark_discovery.config.allowed import schema_node
    from landmark_discovery.config.schema import Config

    for page in ("faq.md", "own-images.md"):
        text = (ROOT / "docs" / page).read_text(encoding="utf-8")
        sections = "stage1|stage2|clustering|bootstrap|dataset|augmentation|evaluation|downloads|model"
        names = re.findall(rf"`((?:{sections})\.[a-z0-9_.]+)", text)
        assert names
        for name in names:
            schema_node(Config, name.split("."))

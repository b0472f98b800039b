import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from shown_commands import ROOT

from landmark_discovery.documentation.markdown import linked_pages, list_content_indented

markdown = pytest.importorskip("markdown", reason="the site needs envs/requirements-docs.txt").markdown


def code_on_the_site(text):
    """Give the blocks of code as the site's own reader of Markdown sees them."""
    html = markdown(list_content_indented(text), extensions=["tables"])
    return [part.partition("</code></pre>")[0].strip() for part in html.split("<pre><code>")[1:]]


def code_on_github(text):
    return [token.content.strip() for token in MarkdownIt().parse(text) if token.type == "code_block"]


def test_code_below_an_item_stays_code():
    text = "- an item\n  that goes on:\n\n      make demo\n\n  and on.\n- another\n\nA paragraph.\n\n    make test\n"
    assert code_on_the_site(text) == ["make demo", "make test"]


def test_numbered_items_and_fences():
    assert list_content_indented("1. one\n\n       x = 1\n") == "1. one\n\n        x = 1\n"
    fenced = "```\n- no item\n  as it is\n```\n"
    assert list_content_indented(fenced) == fenced


def test_a_paragraph_ends_the_list():
    text = "- item\n\nParagraph.\n  indented by hand\n"
    assert list_content_indented(text) == text


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_every_page_has_the_same_code_on_the_site_as_on_github(page):
    text = page.read_text(encoding="utf-8")
    without_fences = "".join(part for part in text.split("```")[::2])
    escaped = [
        block.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        for block in code_on_github(without_fences)
    ]
    assert [block.replace("&quot;", '"') for block in code_on_the_site(without_fences)] == escaped


@given(
    st.lists(
        st.sampled_from(["- item", "words", "", "    make demo", "      make demo", "  more words", "# Title"]),
        max_size=12,
    )
)
def test_nothing_but_spaces_at_the_beginning_changes(lines):
    before = "\n".join(lines)
    after = list_content_indented(before).split("\n")
    assert [line.lstrip() for line in after] == [line.lstrip() for line in lines or [""]]
    assert all(len(new) - len(old) in (0, 2) for new, old in zip(after, lines or [""], strict=True))


def test_pages_that_a_description_names_become_links():
    words = "One a GPU (docs/several-gpus.md); see config/README.md."
    assert (
        linked_pages(words) == "One a GPU ([several-gpus](../several-gpus.md)); see [configuration](configuration.md)."
    )

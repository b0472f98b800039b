"""The report as a browser shows it; skipped where there is none."""

import pytest

from landmark_discovery.reporting.report.page import write_report

pytestmark = pytest.mark.browser
WIDTHS = (390, 1600)


@pytest.fixture(scope="module")
def address(small_run, files_of, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report(path, files_of(small_run))
    return path.as_uri()


@pytest.fixture
def open_page(open_at, address):
    """Open the report at a width, once its last plot is there."""

    def open_report(width=1600):
        page = open_at(address, width)
        page.wait_for_selector("#backward-plot .main-svg")
        return page

    return open_report


@pytest.mark.parametrize("width", WIDTHS)
def test_it_opens_without_complaint_or_network_and_every_picture_is_there(open_page, address, width):
    page = open_page(width)
    assert page.said == []
    assert [url for url in page.asked if not url.startswith("data:")] == [address]
    broken = "[...document.images].filter(image => !(image.complete && image.naturalWidth > 0)).map(image => image.alt)"
    assert page.evaluate("document.images.length") > 10
    assert page.evaluate(broken) == []


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_overflows(open_page, width):
    page = open_page(width)
    # What is folded may not overflow either.
    page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true; })")
    wide, room = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert wide <= room


def test_pointing_at_a_landmark_shows_its_error_and_its_gallery(open_page):
    page = open_page()
    panel = page.locator('.panel[data-plot="backward-plot"]')
    chosen = panel.locator("select").input_value()
    for number in range(2):
        page.locator("#backward-plot .trace .points path").nth(-1 - number).hover(force=True)
        page.wait_for_timeout(200)
        if panel.locator("select").input_value() != chosen:
            break
    other = panel.locator("select").input_value()
    assert other != chosen
    assert "Error" in panel.locator("p").first.inner_text()
    shown = panel.locator(".patches img").first.get_attribute("src")
    assert shown == page.locator(f"#landmark-{other} img").first.get_attribute("src")


def test_a_true_point_can_be_chosen_by_keyboard(open_page):
    page = open_page()
    panel = page.locator('.panel[data-plot="forward-plot"]')
    before = panel.locator("img").get_attribute("src")
    panel.locator("select").focus()
    page.keyboard.press("ArrowDown")
    assert panel.locator("select").input_value() == "1"
    assert panel.locator("img").get_attribute("src") != before
    assert "ring: true place" in panel.inner_text()


def test_a_name_of_the_legend_hides_its_curve(open_page):
    page = open_page()
    button = page.locator('.legend button[data-plot="forward-plot"]').nth(1)
    lines = page.locator("#forward-plot .scatterlayer .js-line")
    count = lines.count()
    button.click()
    assert (lines.count(), button.get_attribute("aria-pressed")) == (count - 1, "false")
    button.click()
    assert (lines.count(), button.get_attribute("aria-pressed")) == (count, "true")


def test_the_slider_moves_through_the_rounds_by_keys(open_page):
    page = open_page()
    slides, words = page.locator(".slides img"), page.locator(".slide-words")
    visible = [slides.nth(position).is_visible() for position in range(3)]
    assert visible == [False, False, True]
    page.locator(".slider input").focus()
    page.keyboard.press("ArrowLeft")
    assert [slides.nth(position).is_visible() for position in range(3)] == [False, True, False]
    assert words.inner_text().startswith("Round 0")
    page.keyboard.press("Home")
    assert words.inner_text().startswith("Bootstrap keypoints")


def test_a_heading_sorts_the_landmarks_both_ways(open_page):
    page = open_page()
    table = page.locator("table.sortable")
    column = [heading.strip() for heading in table.locator("thead th").all_inner_texts()].index("Backward error")

    def values():
        cells = table.locator(f"tbody tr > :nth-child({column + 1})").all_inner_texts()
        return [float(cell.split()[0]) for cell in cells]

    button = table.locator("thead button").nth(column)
    button.click()
    assert values() == sorted(values())
    assert table.locator("thead th").nth(column).get_attribute("aria-sort") == "ascending"
    button.click()
    assert values() == sorted(values(), reverse=True)


def test_on_a_phone_the_contents_open_and_lead_to_a_section(open_page):
    page = open_page(390)
    contents = page.locator("details.contents")
    contents.locator("summary").click()
    contents.locator('a[href="#time"]').click()
    assert contents.get_attribute("open") is None
    top = page.locator("#time").bounding_box()["y"]
    assert 0 <= top < 300


def test_on_paper_nothing_sticks_and_what_is_folded_is_open(open_page):
    page = open_page()
    page.emulate_media(media="print")
    page.wait_for_timeout(300)
    sticking = (
        "[...document.querySelectorAll('body *')].filter(element => element.getClientRects().length && "
        "['fixed', 'sticky'].includes(getComputedStyle(element).position)).length"
    )
    assert page.evaluate(sticking) == 0
    assert page.locator("#definitions dt").first.is_visible()
    assert not page.locator("#configuration pre").is_visible()
    page.emulate_media(media="screen")
    page.wait_for_timeout(300)
    assert not page.locator("#definitions dt").first.is_visible()

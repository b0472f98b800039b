"""The comparison as a browser shows it; skipped where there is none."""

import pytest

from landmark_discovery.reporting.comparison.page import write_comparison

pytestmark = pytest.mark.browser
PLOTS = ("forward-stage1-plot", "backward-stage1-plot", "forward-stage2-plot", "backward-stage2-plot")


@pytest.fixture
def address(make_run, tmp_path):
    write_comparison(
        tmp_path / "out", [make_run("a"), make_run("b", seed=2, factor=1.2), make_run("c", recipe="paper")]
    )
    return (tmp_path / "out" / "compare.html").as_uri()


@pytest.mark.parametrize("width", [390, 1600])
def test_it_opens_without_complaint_network_or_overflow(open_at, address, width):
    page = open_at(address, width)
    page.wait_for_selector(f"#{PLOTS[-1]} .main-svg")
    assert page.said == []
    assert [url for url in page.asked if not url.startswith("data:")] == [address]
    page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true; })")
    wide, room = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert wide <= room


def test_each_plot_has_a_curve_a_run_which_its_name_hides(open_at, address):
    page = open_at(address)
    for plot in PLOTS:
        page.wait_for_selector(f"#{plot} .main-svg")
        lines = page.locator(f"#{plot} .scatterlayer .js-line")
        assert lines.count() == 3
        button = page.locator(f'.legend button[data-plot="{plot}"]').nth(1)
        button.click()
        assert (lines.count(), button.get_attribute("aria-pressed")) == (2, "false")

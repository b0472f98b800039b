"""A page of sections with a table of contents, and plots that answer to the pointer, in one file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape, unescape

from landmark_discovery.reporting import html
from landmark_discovery.reporting.plots import Plot, plot_data

_TITLE = re.compile(r'<section id="([^"]+)">\n<h2>(.*?)</h2>')


def interactive_page(title: str, subtitle: str, sections: Sequence[str], plots: Sequence[Plot]) -> str:
    """Put sections into a page with a table of contents and plots.

    Args:
        title: plain words.
        subtitle: plain words below it.
        sections: made by `html.section`; empty ones are left out.
        plots: that appear in the sections.
    """
    head = f'<header><h1>{escape(title)}</h1><p class="quiet">{escape(subtitle)}</p></header>'
    links = [
        f'<li><a href="#{identifier}">{escape(unescape(words))}</a></li>'
        for identifier, words in _TITLE.findall("\n".join(sections))
    ]
    contents = f"<ul>{''.join(links)}</ul>"
    return html.page(
        title,
        head,
        f'<details class="contents"><summary>Contents</summary><nav aria-label="Contents">{contents}</nav></details>',
        f'<nav class="sidebar" aria-label="Contents">{contents}</nav>',
        "<noscript><p>The plots and the slider need JavaScript; every number stands in a table too.</p></noscript>",
        f"<main>\n{chr(10).join(section for section in sections if section)}\n</main>",
        plot_data(plots),
        style=html.asset("report.css"),
        scripts=([plotly_script()] if plots else []) + [html.asset("report.js")],
    )


def plotly_script() -> str:
    """Give plotly's JavaScript, which draws the plots without any network."""
    from plotly.offline import get_plotlyjs  # type: ignore[import-untyped]

    return str(get_plotlyjs())

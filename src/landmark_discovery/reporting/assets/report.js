/* What moves on a report: plots, the panel of the point that is pointed at, tables that sort, the slider over rounds.
   Everything that is shown stands in the page; nothing is fetched. */
"use strict";

(function () {
  const contentOf = (id) => {
    const holder = document.getElementById(id);
    return holder ? JSON.parse(holder.textContent) : {};
  };

  /* Plots. */
  const settings = { displayModeBar: false, responsive: true, doubleClick: false };
  for (const [id, plot] of Object.entries(contentOf("plots"))) {
    Plotly.newPlot(id, plot.traces, plot.layout, settings);
  }
  const plots = document.querySelectorAll(".plot");
  for (const button of document.querySelectorAll(".legend button")) {
    button.addEventListener("click", () => {
      const visible = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(visible));
      Plotly.restyle(button.dataset.plot, { visible }, [Number(button.dataset.trace)]);
    });
  }
  const fit = () => plots.forEach((plot) => Plotly.Plots.resize(plot));

  /* The panel beside a curve: what is pointed at, clicked, or chosen by keyboard. */
  for (const panel of document.querySelectorAll(".panel")) {
    const details = contentOf(panel.dataset.details);
    const choice = panel.querySelector("select");
    const shown = panel.querySelector(".shown");

    const paragraph = (words, quiet) => {
      const element = document.createElement("p");
      element.textContent = words;
      if (quiet) element.className = "quiet";
      shown.append(element);
    };
    const show = (name) => {
      const detail = details[name];
      if (!detail || shown.dataset.name === name) return;
      shown.dataset.name = name;
      choice.value = name;
      shown.replaceChildren();
      paragraph(detail.words, false);
      if (detail.picture) {
        const picture = new Image();
        picture.src = detail.picture;
        picture.alt = detail.note;
        shown.append(picture);
        paragraph(detail.note, true);
      }
      const gallery = detail.gallery && document.getElementById(detail.gallery);
      const patches = gallery && gallery.querySelector(".patches");
      if (patches) shown.append(patches.cloneNode(true));
    };

    choice.addEventListener("change", () => show(choice.value));
    const plot = document.getElementById(panel.dataset.plot);
    for (const event of ["plotly_hover", "plotly_click"]) {
      plot.on(event, ({ points }) => {
        const named = points.find((point) => point.customdata !== undefined && point.customdata !== null);
        if (named) show(String(named.customdata));
      });
    }
    show(choice.value);
  }

  /* Tables that sort. What has no value stays at the end, whichever way. */
  for (const table of document.querySelectorAll("table.sortable")) {
    const headings = [...table.tHead.rows[0].cells];
    const body = table.tBodies[0];
    headings.forEach((heading, column) => {
      heading.querySelector("button").addEventListener("click", () => {
        const sign = heading.getAttribute("aria-sort") === "ascending" ? -1 : 1;
        const valueOf = (row) => row.cells[column].dataset.value;
        const rows = [...body.rows].sort((first, second) => {
          const [a, b] = [valueOf(first), valueOf(second)];
          if (a === "" || b === "") return (a === "") - (b === "");
          return sign * (Number(a) - Number(b));
        });
        body.append(...rows);
        headings.forEach((other) => other.setAttribute("aria-sort", "none"));
        heading.setAttribute("aria-sort", sign === 1 ? "ascending" : "descending");
      });
    });
  }

  /* The slider over rounds; arrow keys move it as any range. */
  for (const box of document.querySelectorAll(".slider-box")) {
    const range = box.querySelector("input");
    const slides = [...box.querySelectorAll(".slides img")];
    range.addEventListener("input", () => {
      slides.forEach((slide, position) => { slide.hidden = position !== Number(range.value); });
      const words = slides[Number(range.value)].dataset.words;
      box.querySelector(".slide-words").textContent = words;
      range.setAttribute("aria-valuetext", words);
    });
  }

  /* On a phone the contents fold away once something was chosen. */
  for (const contents of document.querySelectorAll("details.contents")) {
    contents.addEventListener("click", (event) => { if (event.target.closest("a")) contents.open = false; });
  }

  /* On paper all that is folded is open, and plots are as wide as the page. Some browsers tell of paper one way, some
     the other, some both. */
  let opened = null;
  const toPaper = () => {
    opened = opened || [...document.querySelectorAll("main details:not([open])")];
    opened.forEach((details) => { details.open = true; });
    fit();
  };
  const toScreen = () => {
    (opened || []).forEach((details) => { details.open = false; });
    opened = null;
    fit();
  };
  window.addEventListener("beforeprint", toPaper);
  window.addEventListener("afterprint", toScreen);
  window.matchMedia("print").addEventListener("change", (event) => (event.matches ? toPaper() : toScreen()));
})();

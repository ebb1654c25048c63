"use strict";
// Draws every plot of the page, in the colours of the page: light or dark as the reader's system is, or as he chooses;
// always light on paper.
(function () {
  const plots = JSON.parse(document.getElementById("plots").textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const NARROW = 600;
  let chosen = null;

  function theme() {
    return chosen || (dark.matches ? "dark" : "light");
  }

  // What a layout says of colours; the figures themselves say nothing of them.
  function colours(layout) {
    const style = getComputedStyle(document.documentElement);
    const ink = style.getPropertyValue("--ink").trim(), line = style.getPropertyValue("--line").trim();
    const raised = style.getPropertyValue("--raised").trim();
    const found = {"font.color": ink, "hoverlabel.bgcolor": raised, "hoverlabel.bordercolor": line,
                   "hoverlabel.font.color": ink, "modebar.color": line, "modebar.activecolor": ink, "modebar.bgcolor": "rgba(0,0,0,0)"};
    for (const key of Object.keys(layout).filter((name) => /^[xy]axis\d*$/.test(name))) {
      Object.assign(found, {[key + ".gridcolor"]: line, [key + ".linecolor"]: line, [key + ".zerolinecolor"]: line});
    }
    return found;
  }

  function placed(layout, changes) {
    const copy = structuredClone(layout);
    for (const [path, value] of Object.entries(changes)) {
      const names = path.split("."), last = names.pop();
      names.reduce((part, name) => (part[name] = part[name] || {}), copy)[last] = value;
    }
    return copy;
  }

  function narrowed(layout) {
    if (window.innerWidth >= NARROW) return layout;
    const copy = placed(layout, {"font.size": 10, "dragmode": false, "margin.r": 8});
    for (const key of Object.keys(copy).filter((name) => /^xaxis\d*$/.test(name))) copy[key].nticks = 5;
    return copy;
  }

  function draw() {
    document.documentElement.dataset.theme = theme();
    for (const [name, figure] of Object.entries(plots)) {
      const layout = narrowed(placed(figure.layout, colours(figure.layout)));
      Plotly.newPlot(name, figure.data, layout, {
        responsive: true, displaylogo: false, displayModeBar: window.innerWidth < NARROW ? false : "hover", modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
        toImageButtonOptions: {filename: name, scale: 2}});
    }
    document.documentElement.dataset.drawn = Object.keys(plots).length;
  }

  function recolour() {
    document.documentElement.dataset.theme = theme();
    for (const [name, figure] of Object.entries(plots)) Plotly.relayout(name, colours(figure.layout));
  }

  document.getElementById("theme").addEventListener("click", function () {
    chosen = theme() === "dark" ? "light" : "dark";
    recolour();
  });
  dark.addEventListener("change", recolour);

  let before = null;
  window.addEventListener("beforeprint", function () {
    before = chosen;
    chosen = "light";
    document.querySelectorAll("details").forEach((part) => { part.dataset.was = part.open; part.open = true; });
    recolour();
    for (const name of Object.keys(plots)) Plotly.relayout(name, {width: 680});
  });
  window.addEventListener("afterprint", function () {
    chosen = before;
    document.querySelectorAll("details").forEach((part) => { part.open = part.dataset.was === "true"; });
    recolour();
    for (const name of Object.keys(plots)) Plotly.relayout(name, {width: null, autosize: true});
  });

  draw();
}());

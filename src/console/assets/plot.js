// Draws the history of use where a page has a place for it. The page has the same figures as a table.
"use strict";
(() => {
  const draw = (place, data) => {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    const step = uPlot.paths.stepped({ align: 1 });
    const line = (label, stroke, more) => ({ label, stroke, width: 2, paths: step, points: { show: false }, ...more });
    const axis = { stroke: colour("--text"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line") } };
    const moment = new Intl.DateTimeFormat(document.documentElement.lang, {
      year: "numeric", month: "short", day: "numeric", ...(data.Period === "year" ? {} : { hour: "2-digit", minute: "2-digit" }),
    });
    const label = new Intl.DateTimeFormat(document.documentElement.lang,
      data.Period === "day" ? { hour: "2-digit", minute: "2-digit" } : { day: "numeric", month: "short" });
    const options = {
      width: place.clientWidth,
      height: 260,
      scales: { y: { range: (_, low, high) => [0, Math.max(1, high) * 1.05] } },
      axes: [
        { ...axis, values: (_, splits) => splits.map((at) => label.format(new Date(at * 1000))) },
        { ...axis, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 100000], size: 60 },
      ],
      series: [
        { label: place.dataset.time, value: (_, at) => (at == null ? "–" : moment.format(new Date(at * 1000))) },
        line(place.dataset.seats, colour("--faint"), { dash: [6, 4] }),
        line(place.dataset.used, colour("--accent"), { fill: colour("--accent") + "33" }),
        line(place.dataset.refused, colour("--bad"), { width: 1 }),
      ],
    };
    place.replaceChildren();
    return new uPlot(options, [data.Time, data.Seats, data.Used, data.Refused], place);
  };

  const show = async (place) => {
    const answer = await fetch(place.dataset.plot, { headers: { accept: "application/json" } });
    if (!answer.ok || !(answer.headers.get("content-type") || "").includes("json")) return;
    const data = await answer.json();
    let plot = draw(place, data);
    let width = place.clientWidth;
    new ResizeObserver(() => {
      if (place.clientWidth === width) return;
      width = place.clientWidth;
      plot.setSize({ width, height: 260 });
    }).observe(place);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      plot.destroy();
      plot = draw(place, data);
    });
  };
  for (const place of document.querySelectorAll("[data-plot]")) show(place).catch(() => {});
})();

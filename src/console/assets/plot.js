// Draws the history of use where a page has a place for it. The page has the same figures as a table.
"use strict";
(() => {
  // The length of the day's slots: so often there is something new.
  const SLOT = 5 * 60 * 1000;

  // Length of each period and of its slots, in seconds.
  const PERIODS = { day: [86400, 300], week: [7 * 86400, 3600], year: [365 * 86400, 86400] };

  // The whole period, also where the history is shorter; the last slot is drawn to its end.
  const lines = (data) => {
    const all = [data.Time, data.Seats, data.Used, data.Refused];
    if (data.Time.length === 0) return all;
    const [length, slot] = PERIODS[data.Period];
    const end = data.Time.at(-1) + slot;
    const early = data.Time[0] > end - length;
    const around = (row, before, behind) => [...(early ? [before] : []), ...row, behind];
    return all.map((row, at) => (at === 0 ? around(row, end - length, end) : around(row, null, row.at(-1))));
  };

  const language = document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang;

  const draw = (place, data) => {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    const step = uPlot.paths.stepped({ align: 1 });
    const line = (label, stroke, more) => ({ label, stroke, width: 2, paths: step, points: { show: false }, ...more });
    const axis = { stroke: colour("--text"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line") } };
    // A slot of the year is a day of UTC.
    const timeZone = data.Period === "year" ? "UTC" : undefined;
    const moment = new Intl.DateTimeFormat(language, {
      timeZone, year: "numeric", month: "short", day: "numeric", ...(data.Period === "year" ? {} : { hour: "2-digit", minute: "2-digit" }),
    });
    const label = new Intl.DateTimeFormat(language,
      data.Period === "day" ? { hour: "2-digit", minute: "2-digit" } : { timeZone, day: "numeric", month: "short" });
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
    return new uPlot(options, lines(data), place);
  };

  const load = async (place) => {
    const answer = await fetch(place.dataset.plot, { headers: { accept: "application/json" } });
    if (!answer.ok || !(answer.headers.get("content-type") || "").includes("json")) return undefined;
    return answer.json();
  };

  const show = async (place) => {
    let data = await load(place);
    if (!data) return;
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
    const renew = async () => {
      const newer = document.hidden ? undefined : await load(place).catch(() => undefined);
      if (!newer) return;
      data = newer;
      plot.setData(lines(data));
    };
    setInterval(renew, SLOT);
    document.addEventListener("visibilitychange", renew);
  };
  for (const place of document.querySelectorAll("[data-plot]")) show(place).catch(() => {});
})();

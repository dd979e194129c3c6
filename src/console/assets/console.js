// What a page can do better with a script. Everything works without it.
"use strict";
(() => {
  // Times in the reader's own zone, which is said with them.
  const language = document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang;
  const format = new Intl.DateTimeFormat(language, {
    year: "numeric", month: "short", day: "numeric",
    hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "short",
  });
  const tell = (root) => {
    for (const time of root.querySelectorAll("time[datetime]")) {
      const date = new Date(time.dateTime);
      if (!Number.isNaN(date.getTime())) {
        time.title = time.dateTime;
        time.textContent = format.format(date);
      }
    }
  };
  tell(document);
  document.body.addEventListener("htmx:load", (event) => tell(event.detail.elt));

  // A table that is drawn anew stays where it was scrolled to.
  const scrolled = new Map();
  document.body.addEventListener("htmx:beforeSwap", () => {
    for (const box of document.querySelectorAll(".wide[id]")) scrolled.set(box.id, box.scrollLeft);
  });
  document.body.addEventListener("htmx:afterSwap", () => {
    for (const box of document.querySelectorAll(".wide[id]")) box.scrollLeft = scrolled.get(box.id) ?? 0;
  });

  // Without its stream a page shows what was, and says so; not while one page goes and the next one comes.
  let silent;
  document.body.addEventListener("htmx:sseError", () => {
    const since = new Date();
    silent ??= setTimeout(() => {
      document.getElementById("lost-at").textContent = format.format(since);
      document.getElementById("lost").hidden = false;
    }, 1500);
  });
  document.body.addEventListener("htmx:sseOpen", () => {
    clearTimeout(silent);
    silent = undefined;
    document.getElementById("lost").hidden = true;
  });

  // A page that nobody sees has no stream: a browser has six connections to the node for all of its pages. To the library
  // it was lost, so the page has another one soon after it is seen again.
  let stream, left = false;
  const pause = () => {
    if (!stream || stream.readyState === EventSource.CLOSED) return;
    stream.close();
    left = true;
  };
  const open = htmx.createEventSource;
  htmx.createEventSource = (address) => {
    stream = open(address);
    if (document.hidden) pause();
    return stream;
  };
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return pause();
    if (left) stream.onerror(new Event("error"));
    left = false;
  });

  // The login is over: the page shows the form, unless it is on its way there: a second way out would stop the first.
  let leaving = false;
  addEventListener("beforeunload", () => { leaving = true; });
  document.body.addEventListener("htmx:sseClose", (event) => {
    if (event.detail.type === "message" && !leaving) location.reload();
  });

  // A box in a table's heading checks all of its rows.
  document.body.addEventListener("change", (event) => {
    if (!event.target.matches("input[data-all]")) return;
    for (const box of document.querySelectorAll(`input[name="${event.target.dataset.all}"]`)) {
      box.checked = event.target.checked;
    }
  });
})();

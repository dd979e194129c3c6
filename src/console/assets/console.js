// What a page can do better with a script. Everything works without it.
"use strict";
(() => {
  // Times in the reader's own zone, which is said with them.
  const format = new Intl.DateTimeFormat(document.documentElement.lang, {
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

  // The login is over: the page shows the form.
  document.body.addEventListener("htmx:sseClose", (event) => {
    if (event.detail.type === "message") location.reload();
  });

  // A box in a table's heading checks all of its rows.
  document.body.addEventListener("change", (event) => {
    if (!event.target.matches("input[data-all]")) return;
    for (const box of document.querySelectorAll(`input[name="${event.target.dataset.all}"]`)) {
      box.checked = event.target.checked;
    }
  });
})();

"use strict";
(() => {
  const all = (what, root) => Array.from((root || document).querySelectorAll(what));

  // A field that narrows the rows of the table which it names, and says how many are left.
  for (const field of all("input[data-rows]")) {
    const rows = all("tbody tr", document.getElementById(field.dataset.rows));
    const count = document.getElementById(field.dataset.rows + "-count");
    field.addEventListener("input", () => {
      const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      let left = 0;
      for (const row of rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
        left += row.hidden ? 0 : 1;
      }
      count.textContent = left + " of " + rows.length;
    });
  }

  // The picture: larger, smaller, as it was; names that are looked for.
  const picture = document.getElementById("picture");
  if (picture) {
    const svg = picture.querySelector("svg");
    let size = 1;
    const set = (next) => {
      size = Math.min(12, Math.max(1, next));
      svg.style.width = size * 100 + "%";
    };
    const act = { larger: () => set(size * 1.5), smaller: () => set(size / 1.5), whole: () => set(1) };
    for (const button of all("button[data-picture]")) {
      button.addEventListener("click", act[button.dataset.picture]);
    }
    picture.addEventListener("keydown", (event) => {
      const key = { "+": "larger", "=": "larger", "-": "smaller", 0: "whole" }[event.key];
      if (key) { act[key](); event.preventDefault(); }
    });
    const names = all("text", svg);
    const field = document.getElementById("picture-search");
    const said = document.getElementById("picture-count");
    field.addEventListener("input", () => {
      const word = field.value.trim().toLowerCase();
      let first = null, found = 0;
      for (const name of names) {
        const hit = word !== "" && name.textContent.toLowerCase().includes(word);
        name.classList.toggle("found", hit);
        if (hit) { found += 1; first = first || name; }
      }
      said.textContent = word ? found + " found" : "";
      if (first) first.scrollIntoView({ block: "nearest", inline: "center" });
    });
  }

  // What a link leads to is open when one gets there; all is open on paper.
  const open = () => {
    const there = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (there && there.tagName === "DETAILS") there.open = true;
  };
  window.addEventListener("hashchange", open);
  open();
  let closed = [];
  window.addEventListener("beforeprint", () => {
    closed = all("details:not([open])");
    for (const one of closed) one.open = true;
  });
  window.addEventListener("afterprint", () => { for (const one of closed) one.open = false; });
})();

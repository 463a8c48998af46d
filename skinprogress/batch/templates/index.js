"use strict";
const table = document.querySelector("[data-clients]");
if (table) {
  const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  // "jorg" finds "Jörg".
  const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const folded = new Map([...document.querySelectorAll("[data-of]")].map((part) => [part.dataset.of, part]));
  const rows = [...table.tBodies[0].rows].map((row) => {
    const more = folded.get(row.cells[0].dataset.key);
    return {
      row,
      more,
      keys: [...row.cells].map((cell) => cell.dataset.key ?? cell.textContent.trim()),
      text: plain(`${row.textContent} ${more?.textContent ?? ""}`),
    };
  });

  const headings = [...table.tHead.rows[0].cells];
  const sortBy = (column) => {
    const falling = headings[column].getAttribute("aria-sort") === "ascending";
    for (const heading of headings) heading.removeAttribute("aria-sort");
    headings[column].setAttribute("aria-sort", falling ? "descending" : "ascending");
    const turn = falling ? -1 : 1;
    rows.sort((one, other) => {
      const [a, b] = [one.keys[column], other.keys[column]];
      // What is missing comes last, whichever way.
      return a && b ? turn * collator.compare(a, b) : Number(!a) - Number(!b);
    });
    table.tBodies[0].append(...rows.map(({ row }) => row));
  };
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = heading.textContent;
    button.addEventListener("click", () => sortBy(column));
    heading.replaceChildren(button);
  });

  const controls = document.querySelector("[data-controls]");
  const find = controls.querySelector("[data-find]");
  const found = document.querySelector("[data-found]");
  const show = () => {
    const words = plain(find.value).split(/\s+/).filter(Boolean);
    const kind = controls.querySelector(":checked").value;
    let n = 0;
    for (const { row, more, text } of rows) {
      const shown = (kind === "all" || row.dataset.is.split(" ").includes(kind)) && words.every((word) => text.includes(word));
      row.hidden = !shown;
      if (more) more.hidden = !shown;
      n += shown;
    }
    found.textContent = n === rows.length ? "" : n ? `${n} of ${rows.length} shown` : "No client fits. Show all, or look for fewer words.";
  };
  controls.addEventListener("input", show);
  controls.hidden = false;
  show();
}

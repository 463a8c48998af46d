"use strict";
// On a narrow screen a chart is shown whole first, and in its own size when tapped.
for (const chart of document.querySelectorAll("[data-chart]")) {
  const toggle = () => chart.setAttribute("aria-pressed", String(chart.classList.toggle("large")));
  chart.addEventListener("click", toggle);
  chart.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    toggle();
  });
}
// Paper cannot be unfolded: what a printed report needs is opened for it, the rest is left out.
window.addEventListener("beforeprint", () => {
  for (const folded of document.querySelectorAll("details.on-paper:not([open])")) {
    folded.open = true;
    folded.dataset.folded = "";
  }
});
window.addEventListener("afterprint", () => {
  for (const folded of document.querySelectorAll("details[data-folded]")) {
    folded.open = false;
    delete folded.dataset.folded;
  }
});

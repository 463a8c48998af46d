"use strict";
// The before/after slider: the range input is the one truth (keyboard, screen readers); the picture follows it and
// may be dragged by pointer or touch.
for (const slider of document.querySelectorAll("[data-slider]")) {
  const input = slider.closest("figure").querySelector("input[type=range]");
  const show = () => {
    slider.style.setProperty("--cut", input.value + "%");
    input.setAttribute("aria-valuetext", input.value + " % before");
  };
  const follow = (event) => {
    const box = slider.getBoundingClientRect();
    const share = (event.clientX - box.left) / box.width;
    input.value = String(Math.round(100 * Math.min(1, Math.max(0, share))));
    show();
  };
  let dragging = false;
  slider.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    dragging = true;
    slider.setPointerCapture(event.pointerId);
    follow(event);
    input.focus({ preventScroll: true });
    event.preventDefault();
  });
  slider.addEventListener("pointermove", (event) => { if (dragging) follow(event); });
  for (const end of ["pointerup", "pointercancel"]) slider.addEventListener(end, () => { dragging = false; });
  input.addEventListener("input", show);
  show();
}
// On a narrow screen a chart is shown whole first, and in its own size when tapped.
for (const chart of document.querySelectorAll("[data-chart]")) {
  const toggle = () => chart.classList.toggle("large");
  chart.addEventListener("click", toggle);
  chart.addEventListener("keydown", (event) => { if (event.key === "Enter") toggle(); });
}
// Paper cannot be unfolded.
window.addEventListener("beforeprint", () => {
  for (const folded of document.querySelectorAll("details:not([open])")) {
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

// The before/after viewer: figure[data-viewer], one a view, id "viewer-VIEW". Its controls for tests and tools:
//   select[data-choose=left|right], button[data-swap], input[data-mode-choice][value=slider|side|blink] (radio buttons),
//   select[data-choose-overlay] (none, map, or a measure), button[data-zoom=in|out|whole], output[data-zoomed],
//   [data-stage] (role group, focusable: + − 0 and arrow keys; the wheel zooms when it or another control of the figure
//   has the focus, or with Ctrl), [data-range] input (the dividing line), [data-step] and [data-play] (blink),
//   [data-pane] with [data-scene] (the zoomed part, by transform: translate() scale()), [data-status] (role status),
//   [data-key] (figures of the overlay), [data-role|name|when|remarks|lead|footer] (the words below).
// The figure carries the state: data-mode, data-overlay, data-left and data-right (numbers of sessions),
//   data-grade, data-live.
for (const figure of document.querySelectorAll("[data-viewer]")) {
  const MOST_ZOOM = 8, STEP = 1.25, NUDGE_PX = 40, BLINK_MS = 900;
  const find = (selector) => figure.querySelector(selector);
  const all = (selector) => [...figure.querySelectorAll(selector)];
  const content = JSON.parse(find("[data-content]").textContent);
  const { sessions, pairs, words, measures = [], regions, verdicts, changes } = content;
  const stage = find("[data-stage]"), panes = all("[data-pane]"), scenes = all("[data-scene]");
  const images = scenes.map((scene) => scene.querySelector("img"));
  const range = find("[data-range] input"), divider = find("[data-divider]"), key = find("[data-key]");
  const SVG = find("svg").namespaceURI;
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  content.chosen.forEach((number, side) => { sessions[number].picture = images[side].getAttribute("src"); });
  const say = (name, values = {}) => words[name].replace(/\{(\w+)\}/g, (gap, value) => values[value] ?? gap);
  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
  const make = (name, attributes = {}, text = "", space = "") => {
    const element = space ? document.createElementNS(space, name) : document.createElement(name);
    for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
    if (text) element.textContent = text;
    return element;
  };

  const state = { pair: [...content.chosen], mode: "slider", overlay: "none", cut: 0.5, zoom: 1, x: 0, y: 0, front: 1 };
  let width = 1, height = 1, gap = 0, painting = 0, resting = 0, blinking = 0;

  // --- What moves: transforms only, once a frame, so that the compositor does all of it.
  function paint() {
    painting = 0;
    const cut = state.mode === "slider" ? state.cut * width : 0;
    panes[1].style.transform = cut ? `translate3d(${cut}px, 0, 0)` : "none";
    scenes.forEach((scene, side) => {
      scene.style.transform = `translate3d(${state.x - side * cut}px, ${state.y}px, 0) scale(${state.zoom})`;
    });
    divider.style.transform = `translate3d(${cut}px, 0, 0)`;
  }
  function move() {
    // Layers of their own while something moves; afterwards they are drawn anew, sharp at the new zoom.
    stage.setAttribute("data-moving", "");
    clearTimeout(resting);
    resting = setTimeout(rest, 250);
    painting ||= requestAnimationFrame(paint);
  }
  function rest() {
    if (fingers.size) return;
    stage.removeAttribute("data-moving");
    stage.toggleAttribute("data-zoomed", state.zoom > 1);
    range.value = Math.round(100 * state.cut);
    range.setAttribute("aria-valuetext", say("range", { percent: range.value, a: sessions[state.pair[0]].name, b: sessions[state.pair[1]].name }));
    const percent = say("zoom", { percent: Math.round(100 * state.zoom) });
    if (find("output").textContent !== percent) find("output").textContent = percent;
    find("[data-zoom=out]").disabled = find("[data-zoom=whole]").disabled = state.zoom === 1;
    find("[data-zoom=in]").disabled = state.zoom === MOST_ZOOM;
  }
  function pan(x, y) {
    state.x = clamp(x, width * (1 - state.zoom), 0);
    state.y = clamp(y, height * (1 - state.zoom), 0);
    move();
  }
  function zoomTo(zoom, x = width / 2, y = height / 2) {
    const to = clamp(zoom, 1, MOST_ZOOM), share = to / state.zoom;
    state.zoom = to;
    pan(x - (x - state.x) * share, y - (y - state.y) * share);
  }
  function cutAt(share) {
    state.cut = clamp(share, 0, 1);
    move();
  }
  const inPane = (event, box) => {
    const x = event.clientX - box.left;
    return [state.mode === "side" && x > width + gap / 2 ? x - width - gap : x, event.clientY - box.top];
  };

  // --- Pointers: one drags the dividing line or the zoomed picture, two pinch.
  const fingers = new Map();
  let box = stage.getBoundingClientRect(), drag = "", pressed = null;
  stage.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    box = stage.getBoundingClientRect();
    fingers.set(event.pointerId, event);
    stage.setPointerCapture(event.pointerId);
    pressed = event;
    drag = fingers.size > 1 ? "pinch" : event.target === divider ? "cut" : state.zoom > 1 ? "pan" : state.mode !== "slider" ? "" : event.pointerType === "touch" ? "wait" : "cut";
    if (drag === "cut" && event.target !== divider) cutAt((event.clientX - box.left) / width);
    stage.focus({ preventScroll: true });
    if (event.pointerType === "mouse") event.preventDefault();
  });
  stage.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    if (drag === "pinch" && fingers.size === 2) {
      const [a, b] = [...fingers.values()], spread = Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
      const middle = [(a.clientX + b.clientX) / 2, (a.clientY + b.clientY) / 2];
      fingers.set(event.pointerId, event);
      const [c, d] = [...fingers.values()], now = Math.hypot(c.clientX - d.clientX, c.clientY - d.clientY);
      const [x, y] = inPane({ clientX: (c.clientX + d.clientX) / 2, clientY: (c.clientY + d.clientY) / 2 }, box);
      zoomTo(state.zoom * now / Math.max(spread, 1), x, y);
      pan(state.x + (c.clientX + d.clientX) / 2 - middle[0], state.y + (c.clientY + d.clientY) / 2 - middle[1]);
      return;
    }
    fingers.set(event.pointerId, event);
    // A finger may be about to scroll the page: it moves the line when it goes sideways or is lifted.
    if (drag === "wait" && Math.abs(event.clientX - pressed.clientX) > Math.abs(event.clientY - pressed.clientY)) drag = "cut";
    if (drag === "cut") cutAt((event.clientX - box.left) / width);
    if (drag === "pan") pan(state.x + event.clientX - before.clientX, state.y + event.clientY - before.clientY);
  });
  for (const end of ["pointerup", "pointercancel"])
    stage.addEventListener(end, (event) => {
      if (!fingers.delete(event.pointerId)) return;
      const tapped = end === "pointerup" && Math.hypot(event.clientX - pressed.clientX, event.clientY - pressed.clientY) < 8;
      if (drag === "wait" && tapped) cutAt((event.clientX - box.left) / width);
      if (state.mode === "blink" && tapped && state.zoom === 1 && !drag) { stop(); bring(1 - state.front); }
      drag = fingers.size === 1 && state.zoom > 1 ? "pan" : "";
      move();
    });
  stage.addEventListener("wheel", (event) => {
    if (!(event.ctrlKey || event.metaKey || figure.contains(document.activeElement))) return;
    const lines = event.deltaMode === 1 ? 16 : 1;
    const to = clamp(state.zoom * Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.0022)), 1, MOST_ZOOM);
    // At the end of the way the page scrolls on.
    if (to === state.zoom && !event.ctrlKey) return;
    event.preventDefault();
    zoomTo(to, ...inPane(event, stage.getBoundingClientRect()));
  }, { passive: false });

  // --- Keys, on the pictures and on every control that does not want them for itself.
  figure.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("select")) return;
    if (event.key === "+" || event.key === "=") zoomTo(state.zoom * STEP);
    else if (event.key === "-" || event.key === "−") zoomTo(state.zoom / STEP);
    else if (event.key === "0") zoomTo(1);
    else if (event.target !== stage) return;
    else if (/^Arrow/.test(event.key) && state.zoom > 1) {
      const [x, y] = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
      pan(state.x + x * NUDGE_PX, state.y + y * NUDGE_PX);
    } else if (/^Arrow(Left|Right)$/.test(event.key) && state.mode === "slider") cutAt(state.cut + (event.key === "ArrowLeft" ? -0.02 : 0.02));
    else if (/^(Home|End)$/.test(event.key) && state.mode === "slider") cutAt(event.key === "Home" ? 0 : 1);
    else if ((event.key === " " || /^Arrow(Left|Right)$/.test(event.key)) && state.mode === "blink") { stop(); bring(1 - state.front); }
    else return;
    event.preventDefault();
  });
  range.addEventListener("input", () => cutAt(range.value / 100));
  for (const button of all("[data-zoom]"))
    button.addEventListener("click", () => zoomTo({ in: state.zoom * STEP, out: state.zoom / STEP, whole: 1 }[button.dataset.zoom]));

  // --- Blinking: by itself unless people asked for less motion, and always by a button.
  function bring(front) {
    state.front = front;
    [...panes, ...all("[data-notes]")].forEach((part, k) => part.toggleAttribute("data-hidden", k % 2 !== front));
  }
  function play() {
    stop();
    blinking = setInterval(() => { if (!document.hidden && !fingers.size) bring(1 - state.front); }, BLINK_MS);
    told();
  }
  function stop() {
    clearInterval(blinking);
    blinking = 0;
    told();
  }
  function told() {
    find("[data-play]").textContent = say(blinking ? "pause" : "play");
  }
  find("[data-step]").addEventListener("click", () => { stop(); bring(1 - state.front); announce(say("blink_shows", { name: sessions[state.pair[state.front]].name })); });
  find("[data-play]").addEventListener("click", () => (blinking ? stop() : play()));

  // --- What is shown.
  let speaking = 0;
  function announce(text) {
    clearTimeout(speaking);
    speaking = setTimeout(() => { find("[data-status]").textContent = text; }, 300);
  }
  const inTime = () => (state.pair[0] < state.pair[1] ? state.pair : [state.pair[1], state.pair[0]]);
  function show(quietly) {
    const [left, right] = state.pair, reversed = left > right, about = pairs[inTime().join("-")];
    Object.assign(figure.dataset, { mode: state.mode, overlay: state.overlay, left, right, grade: about.grade });
    for (const input of all("[data-mode-choice]")) input.checked = input.value === state.mode;
    state.pair.forEach((number, side) => {
      const session = sessions[number], part = (name) => all(`[data-${name}]`)[side];
      const role = say(reversed === (side === 0) ? "after" : "before");
      find(`[data-choose=${side ? "right" : "left"}]`).value = number;
      if (images[side].getAttribute("src") !== session.picture) images[side].src = session.picture;
      images[side].alt = session.alt;
      part("tag").replaceChildren(`${role} · `, make("bdi", {}, session.name));
      part("banner").textContent = session.banner && session.banner[0].toUpperCase() + session.banner.slice(1);
      part("banner").hidden = !session.banner;
      part("role").textContent = role;
      part("name").textContent = session.name;
      part("when").textContent = session.when && session.when[0].toUpperCase() + session.when.slice(1) + ".";
      part("remarks").textContent = session.remarks;
    });
    find("[data-pair-banner]").textContent = about.banner;
    find("[data-pair-banner]").hidden = !about.banner;
    find("[data-lead]").textContent = (reversed ? say("reversed") + " " : "") + about.lead;
    find("[data-footer]").textContent = about.footer;
    find("[data-range]").hidden = state.mode !== "slider";
    find("[data-blinks]").hidden = state.mode !== "blink";
    if (state.mode !== "blink") { stop(); bring(1); panes[0].removeAttribute("data-hidden"); }
    const said = overlay();
    measure();
    if (!quietly) {
      const [a, b] = state.pair.map((number) => [sessions[number].name, sessions[number].when].filter(Boolean).join(", "));
      announce([say("shows", { mode: say(state.mode), a, b }), about.banner, reversed && say("reversed"), about.lead, said].filter(Boolean).join(" "));
    }
  }

  // --- Maps and regions on the face.
  function overlay() {
    const chosen = measures.find((m) => m.name === state.overlay), rows = chosen && changes[inTime().join("-")]?.[chosen.name];
    key.replaceChildren();
    key.hidden = state.overlay === "none";
    scenes.forEach((scene, side) => {
      const session = sessions[state.pair[side]];
      for (const old of scene.querySelectorAll("svg, .viewer-map")) old.remove();
      if (state.overlay === "map" && session.redness) scene.append(make("img", { class: "viewer-map", src: session.redness, alt: "", decoding: "sync" }));
      if (rows) scene.append(drawRegions(session, rows, side));
    });
    if (state.overlay === "map") {
      key.append(scale(content.map.colors, content.map.ends, say("scale_map", { low: content.map.ends[0], high: content.map.ends[1] })), make("p", { class: "soft" }, content.map.note));
      const without = state.pair.filter((number) => !sessions[number].redness).map((number) => say("no_map", { name: sessions[number].name }));
      if (without.length) key.append(make("p", {}, without.join(" ")));
      return without.join(" ");
    }
    if (!chosen) return "";
    if (!rows) {
      const text = say("not_measured", { measure: chosen.title });
      key.append(make("p", {}, text));
      return text;
    }
    const [a, b] = inTime().map((number) => sessions[number].name), title = say("from_to", { measure: chosen.title, a, b });
    const list = make("ul", { class: "viewer-figures", role: "list" });
    for (const [region, verdict, , figureText] of rows) {
      const item = make("li"), [sign, word] = verdicts[verdict];
      item.append(make("span", { class: "sign", "aria-hidden": "true" }, sign), make("span", { class: "place" }, `${regions[region].title}: ${word}`), make("span", { class: "figure" }, figureText || say("no_figure")));
      list.append(item);
    }
    key.append(make("p", {}, title));
    const judged = rows.filter(([, , color]) => color).map(([, verdict]) => verdicts[verdict][2]);
    if (judged.includes(true)) key.append(scale(chosen.colors, chosen.ends, chosen.ends.join(" – ")));
    if (judged.includes(false)) key.append(scale(content.unjudged, [say("small"), say("large")], say("unjudged")), make("p", { class: "soft" }, say("unjudged")));
    if (judged.length < rows.length) key.append(make("p", { class: "soft" }, say("hatched")));
    key.append(list);
    const counts = new Map();
    for (const [, verdict] of rows) counts.set(verdicts[verdict][1], (counts.get(verdicts[verdict][1]) ?? 0) + 1);
    return `${title}: ${[...counts].map(([word, n]) => `${n} ${word}`).join(", ")}.`;
  }
  function drawRegions(session, rows, side) {
    const svg = make("svg", { viewBox: `0 0 ${content.width} ${content.height}`, "aria-hidden": "true" }, "", SVG);
    const hatch = `hatch-${content.view}-${side}`, unit = content.height / 1000;
    const pattern = make("pattern", { id: hatch, width: 14 * unit, height: 14 * unit, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" }, "", SVG);
    pattern.append(make("rect", { width: 14 * unit, height: 14 * unit, fill: "#e3e5e7", "fill-opacity": 0.55 }, "", SVG), make("rect", { width: 3 * unit, height: 14 * unit, fill: "#5c666d" }, "", SVG));
    svg.append(make("defs", {}, "", SVG));
    svg.firstChild.append(pattern);
    const signs = [];
    for (const [region, verdict, color, text] of rows) {
      const { name, title, whole } = regions[region], [sign, word] = verdicts[verdict];
      if (!session.outlines[name]) continue;
      const path = make("path", { d: session.outlines[name], ...(whole ? { fill: "none", stroke: "#fff", "stroke-width": 1.5, "stroke-dasharray": "5 4" } : { fill: color || `url(#${hatch})`, "fill-opacity": color ? 0.82 : 1, stroke: "#fff", "stroke-width": 1.5 }) }, "", SVG);
      path.append(make("title", {}, [`${title}: ${word}`, text].filter(Boolean).join(", "), SVG));
      svg.append(path);
      if (whole) continue;
      const [x, y] = session.middles[name];
      signs.push(make("circle", { cx: x, cy: y, r: 17 * unit, fill: "#fff", "fill-opacity": 0.92 }, "", SVG));
      signs.push(make("text", { x, y: y + 8 * unit, "text-anchor": "middle", "font-size": 23 * unit, "font-weight": 700, fill: "#1d2a33" }, sign, SVG));
    }
    svg.append(...signs);
    return svg;
  }
  function scale(colors, ends, label) {
    const bar = make("span", { class: "viewer-scale", role: "img", "aria-label": label }), labels = make("span", { "aria-hidden": "true" });
    const svg = make("svg", { viewBox: `0 0 ${colors.length} 1`, preserveAspectRatio: "none", "aria-hidden": "true" }, "", SVG);
    colors.forEach((color, k) => svg.append(make("rect", { x: k, width: 1.05, height: 1, fill: color }, "", SVG)));
    labels.append(make("span", {}, ends[0]), make("span", {}, ends[1]));
    bar.append(svg, labels);
    return bar;
  }

  // --- Choices.
  all("[data-choose]").forEach((select, side) => select.addEventListener("change", () => {
    const before = state.pair[side], chosen = Number(select.value);
    // The session of the other picture: the two change places.
    if (chosen === state.pair[1 - side]) state.pair[1 - side] = before;
    state.pair[side] = chosen;
    show();
  }));
  find("[data-swap]").addEventListener("click", () => { state.pair.reverse(); show(); });
  for (const input of all("[data-mode-choice]"))
    input.addEventListener("change", () => {
      state.mode = input.value;
      show();
      if (state.mode === "blink") { bring(1); if (!calm.matches) play(); }
    });
  find("[data-choose-overlay]").addEventListener("change", (event) => { state.overlay = event.target.value; show(); });

  // --- Sizes are read when they change, never while something moves.
  function measure() {
    const was = width;
    width = panes[0].clientWidth || 1;
    height = panes[0].clientHeight || 1;
    gap = state.mode === "side" ? stage.clientWidth - 2 * width : 0;
    state.x = clamp(state.x * width / was, width * (1 - state.zoom), 0);
    state.y = clamp(state.y * width / was, height * (1 - state.zoom), 0);
    paint();
    rest();
  }
  new ResizeObserver(measure).observe(panes[0]);

  // --- On paper: the pair of the headline, whole, side by side.
  let kept = null;
  window.addEventListener("beforeprint", () => {
    kept = { ...state, pair: [...state.pair] };
    Object.assign(state, { pair: [...content.chosen], mode: "side", overlay: "none", zoom: 1, x: 0, y: 0 });
    show(true);
  });
  window.addEventListener("afterprint", () => {
    if (kept) Object.assign(state, kept);
    kept = null;
    show(true);
  });

  figure.style.setProperty("--ratio", content.width / content.height);
  figure.dataset.live = "";
  for (const control of [find(".viewer-panel"), find("[data-hint]")]) control.hidden = false;
  stage.tabIndex = 0;
  stage.setAttribute("role", "group");
  stage.setAttribute("aria-label", document.getElementById(`keys-${content.view}`).textContent);
  stage.setAttribute("aria-describedby", `hint-${content.view}`);
  show(true);
}

// What a page must hold for everybody to use it, checked in the page itself. Returns the faults by rule, {} when all
// is well. Names of controls are not computed here: the browser's own accessibility tree has them.
() => {
  const faults = {};
  const fault = (rule, element, detail = "") => {
    const text = (element.textContent || element.alt || element.value || "").trim().replace(/\s+/g, " ").slice(0, 50);
    const name = element.tagName.toLowerCase() + (element.id ? "#" + element.id : "") + [...element.classList].map((c) => "." + c).join("");
    (faults[rule] ??= []).push(`${name} “${text}” ${detail}`.trim());
  };
  const all = (selector) => [...document.querySelectorAll(selector)];
  const shown = (element) => element.checkVisibility({ visibilityProperty: true }) && element.getClientRects().length > 0;
  // Moved off the page or clipped to nothing: for screen readers only.
  const spokenOnly = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const box = e.getBoundingClientRect();
      const { position, clipPath } = getComputedStyle(e);
      if (position === "absolute" && (clipPath === "inset(50%)" || (box.width <= 1.5 && box.height <= 1.5))) return true;
    }
    return false;
  };

  // --- the document
  if (!document.documentElement.lang) fault("lang", document.documentElement);
  if (!document.title.trim()) fault("title", document.head);
  for (const meta of all("meta[name=viewport]"))
    if (/user-scalable\s*=\s*no|maximum-scale/.test(meta.content)) fault("zoom forbidden", meta, meta.content);
  const seen = new Set();
  for (const element of all("[id]")) {
    if (seen.has(element.id)) fault("id twice", element);
    seen.add(element.id);
  }
  for (const name of ["for", "aria-labelledby", "aria-describedby", "aria-controls", "aria-owns", "headers"])
    for (const element of all(`[${name}]`))
      for (const id of element.getAttribute(name).split(/\s+/))
        if (!document.getElementById(id)) fault("names an id that is not there", element, `${name}=${id}`);

  // --- structure
  const headings = all("h1, h2, h3, h4, h5, h6").filter(shown);
  if (headings.filter((h) => h.tagName === "H1").length !== 1) fault("one h1", document.body);
  let level = 0;
  for (const heading of headings) {
    if (!heading.textContent.trim()) fault("empty heading", heading);
    if (+heading.tagName[1] > level + 1) fault("heading level left out", heading, `after h${level}`);
    level = +heading.tagName[1];
  }
  const landmarks = "header, main, footer, nav, aside";
  for (const name of ["main", "body > header", "body > footer"]) if (all(name).length !== 1) fault("landmark", document.body, name);
  for (const image of all("img")) {
    // What is drawn over a picture that has a text needs none of its own.
    const spare = image.closest("[aria-hidden=true]") || [...image.parentElement.children].some((c) => c !== image && c.alt?.trim());
    if (!image.hasAttribute("alt")) fault("no alt", image);
    else if (!image.alt.trim() && !spare) fault("empty alt", image);
    // A control says its own label and nothing that is inside.
    const control = image.closest("button, [role=button], [role=img]");
    if (control?.ariaLabel && image.alt && !control.ariaLabel.includes(image.alt)) fault("alt is not heard", image);
    if (/^\S+\.(jpe?g|png|webp)$/i.test(image.alt.trim())) fault("alt is a file name", image);
  }
  for (const item of all("li")) if (!item.parentElement.matches("ul, ol, menu")) fault("li outside a list", item);
  for (const cell of all("table")) if (!cell.querySelector("th")) fault("table without headers", cell);
  for (const group of all("fieldset")) if (!group.querySelector(":scope > legend")) fault("fieldset without legend", group);

  // --- what can be operated
  const operable = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex], [contenteditable]";
  for (const element of all("[tabindex]")) if (element.tabIndex > 0) fault("positive tabindex", element);
  for (const element of all(`[aria-hidden=true] :is(${operable}), [aria-hidden=true]:is(${operable})`))
    if (element.tabIndex >= 0 && shown(element)) fault("focus inside aria-hidden", element);
  for (const element of all(`:is(a[href], button, summary) :is(${operable})`)) fault("control inside a control", element);
  for (const element of all("*")) {
    if (!shown(element)) continue;
    const style = getComputedStyle(element);
    const scrolls = /auto|scroll/.test(style.overflowX) && element.scrollWidth > element.clientWidth + 1;
    if (scrolls && element !== document.documentElement && element.tabIndex < 0 && !element.querySelector(operable))
      fault("scrolls, but not by keyboard", element);
  }
  // The box that a finger meets: of a hidden radio button it is its label.
  const targetOf = (element) => {
    const box = element.getBoundingClientRect();
    const unseen = getComputedStyle(element).opacity === "0" || box.width < 2;
    return unseen && element.labels?.length ? element.labels[0] : element;
  };
  for (const element of all("a[href], button, input:not([type=hidden]), select, textarea, summary")) {
    if (!shown(element) || element.disabled) continue;
    let box = targetOf(element).getBoundingClientRect();
    // A tick box may be small where its label around it is not.
    if (element.matches("[type=checkbox], [type=radio]") && element.labels?.length) {
      const label = element.labels[0].getBoundingClientRect();
      if (label.height >= box.height) box = label;
    }
    if (box.width < 23.5 || box.height < 23.5) fault("target below 24 px", element, `${box.width.toFixed(1)} × ${box.height.toFixed(1)}`);
  }
  const looks = (element) => {
    const s = getComputedStyle(element);
    const outline = s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0 ? s.outline : "";
    return `${outline}|${s.boxShadow}|${s.backgroundColor}|${s.borderColor}|${s.textDecoration}`;
  };
  const focused = document.activeElement;
  for (const element of all(operable)) {
    if (!shown(element) || element.disabled || element.tabIndex < 0) continue;
    const target = targetOf(element);
    element.blur();
    const before = looks(target);
    element.focus({ preventScroll: true, focusVisible: true });
    if (document.activeElement !== element) fault("takes no focus", element);
    else if (looks(target) === before) fault("focus cannot be seen", element);
    element.blur();
  }
  focused?.focus?.({ preventScroll: true });

  // --- contrast
  const pen = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const known = new Map();
  const rgba = (color) => {
    if (!known.has(color)) {
      pen.clearRect(0, 0, 1, 1);
      pen.fillStyle = color;
      pen.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
      known.set(color, [r, g, b, a / 255]);
    }
    return known.get(color);
  };
  const over = ([r, g, b, a], under) => [r, g, b].map((x, i) => x * a + under[i] * (1 - a));
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((x) => (x /= 255) <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (a, b) => {
    const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (light + 0.05) / (dark + 0.05);
  };
  const paper = rgba(getComputedStyle(document.body).backgroundColor);
  const page = paper[3] ? paper : matchMedia("(prefers-color-scheme: dark)").matches ? [18, 18, 18, 1] : [255, 255, 255, 1];
  // What can lie under an element: the colours of its ancestors; where it lies on a picture, both white and black.
  const grounds = (element) => {
    const layers = [];
    let onPicture = false;
    for (let e = element; e && e !== document.documentElement; e = e.parentElement) {
      const style = getComputedStyle(e);
      const color = rgba(style.backgroundColor);
      if (color[3]) layers.push(color);
      if (color[3] === 1) break;
      if (style.backgroundImage !== "none") onPicture = true;
      if (/absolute|fixed/.test(style.position) && e.offsetParent?.querySelector("img, canvas, video")) onPicture = true;
      if (onPicture) break;
    }
    const bottoms = onPicture ? [[255, 255, 255], [0, 0, 0]] : [page.slice(0, 3)];
    return bottoms.map((bottom) => layers.reduceRight((under, layer) => over(layer, under), bottom));
  };
  const opacityOf = (element) => {
    let share = 1;
    for (let e = element; e; e = e.parentElement) share *= +getComputedStyle(e).opacity;
    return share;
  };
  const judge = (element, style) => {
    const size = parseFloat(style.fontSize);
    const least = size >= 24 || (size >= 18.66 && +style.fontWeight >= 700) ? 3 : 4.5;
    const [r, g, b, a] = rgba(style.color);
    const worst = Math.min(...grounds(element).map((under) => ratio(over([r, g, b, a * opacityOf(element)], under), under)));
    if (worst < least - 0.005) fault("contrast", element, `${worst.toFixed(2)} of ${least}, ${style.color}`);
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const judged = new Set();
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || judged.has(element) || element.matches("script, style, option, svg *")) continue;
    judged.add(element);
    if (!shown(element) || spokenOnly(element) || element.closest(":disabled, [aria-disabled=true]")) continue;
    judge(element, getComputedStyle(element));
    // A link that skips to a part of the page stands before all of them.
    if (!element.closest(`${landmarks}, dialog, body > a[href^="#"]`)) fault("text outside the landmarks", element);
  }
  for (const element of all("select, input[type=text], input[type=number], input[type=date]")) if (shown(element) && !element.disabled && !judged.has(element)) judge(element, getComputedStyle(element));
  for (const element of all("*"))
    for (const pseudo of ["::before", "::after"]) {
      const style = getComputedStyle(element, pseudo);
      if (/[\p{L}\p{N}]/u.test(style.content.replace(/^(none|normal|attr|counter).*$/, "")) && style.display !== "none" && shown(element)) judge(element, style);
    }
  return faults;
}

// What stands out of the page to the side; nothing may, except inside a part that scrolls by itself.
() => {
  const wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= wide) return [];
  const out = [];
  const clipped = (element) => {
    for (let e = element.parentElement; e !== document.documentElement; e = e.parentElement)
      if (getComputedStyle(e).overflowX !== "visible") return true;
    return false;
  };
  for (const element of document.body.querySelectorAll("*")) {
    const box = element.getBoundingClientRect();
    if (box.width && box.right > wide + 0.5 && !clipped(element) && ![...element.children].some((c) => c.getBoundingClientRect().right > wide + 0.5))
      out.push(`${element.tagName.toLowerCase()}.${element.className} to ${box.right.toFixed(0)} of ${wide}: ${element.textContent.trim().slice(0, 40)}`);
  }
  return [`the page is ${document.documentElement.scrollWidth} px wide`, ...out.slice(0, 8)];
}

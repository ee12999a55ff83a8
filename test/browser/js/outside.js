(() => {
  const problems = [];
  const width = document.documentElement.clientWidth;
  const name = (e) => `${e.tagName.toLowerCase()}${e.id && "#" + e.id}.${e.className} "${(e.textContent || "").trim().slice(0, 40)}"`;
  if (document.documentElement.scrollWidth > width) {
    problems.push(`the page is ${document.documentElement.scrollWidth} pixels wide in a window of ${width}`);
  }
  // Scrolls for itself, by touch or with the arrow keys: what is in it is within reach.
  const scroller = (e) => {
    for (let p = e.parentElement; p && p !== document.body; p = p.parentElement) {
      if (["auto", "scroll"].includes(getComputedStyle(p).overflowX)) return true;
    }
    return false;
  };
  for (const e of document.body.querySelectorAll("*")) {
    const box = e.getBoundingClientRect();
    const style = getComputedStyle(e);
    if (box.width <= 1 || box.height <= 1 || !e.checkVisibility({ visibilityProperty: true }) || e.closest(".sr-only, .visually-hidden")) continue;
    if ((box.right > width + 1 || box.left < -1) && !scroller(e)) {
      problems.push(`${name(e)} reaches from ${Math.round(box.left)} to ${Math.round(box.right)} of ${width} pixels`);
    }
    // The whole of a text is at hand in a title, or, where dots show that there is more, behind a link of its row.
    const cut = (style.overflowX === "hidden" || style.overflowX === "clip") && e.scrollWidth > e.clientWidth + 1 ||
      (style.overflowY === "hidden" || style.overflowY === "clip") && e.scrollHeight > e.clientHeight + 2;
    const dots = style.webkitLineClamp !== "none" || style.textOverflow === "ellipsis";
    const whole = e.closest("[title], [aria-label]") || e.querySelector("[title]") || (dots && e.closest("tr, li")?.querySelector("a[href]"));
    if (cut && e.clientWidth > 0 && !whole) problems.push(`${name(e)} is cut off and has no title`);
  }
  return [...new Set(problems)].slice(0, 20);
})()

(() => {
  const reachable = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")].filter(
    (e) => e.tabIndex >= 0 && !e.disabled && e.type !== "hidden" && e.checkVisibility({ visibilityProperty: true }),
  );
  document.focusableCount = reachable.length;
  const e = document.activeElement;
  if (!e || e === document.body || e === document.documentElement) return { Path: "", Text: "", Visible: false, Inside: false, Order: -1 };
  const path = [];
  for (let x = e; x && x !== document.body; x = x.parentElement) {
    path.unshift(x.tagName.toLowerCase() + (x.id ? "#" + x.id : `:nth-child(${[...x.parentElement.children].indexOf(x) + 1})`));
    if (x.id) break;
  }
  // A ring, an edge or a shadow, in a color that one can see.
  const ring = (x) => {
    const style = getComputedStyle(x);
    const seen = (color) => color !== "transparent" && !/, 0\)$/.test(color);
    return (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1 && seen(style.outlineColor)) || style.boxShadow !== "none";
  };
  const box = e.getBoundingClientRect();
  return {
    Path: path.join(" > "),
    Text: (e.getAttribute("aria-label") || e.labels?.[0]?.textContent || e.textContent || e.value || "").trim(),
    Visible: e.matches(":focus-visible") && (ring(e) || (e.parentElement && e.parentElement.matches(":focus-within") && ring(e.parentElement))),
    Inside: box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth && box.width > 1 && box.height > 1,
    Order: reachable.indexOf(e),
  };
})()

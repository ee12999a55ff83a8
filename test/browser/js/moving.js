(() => {
  const seconds = (list) => Math.max(...list.split(",").map((d) => parseFloat(d) * (d.includes("ms") ? 0.001 : 1)));
  const problems = [];
  for (const e of document.querySelectorAll("*")) {
    for (const pseudo of [null, "::before", "::after"]) {
      const style = getComputedStyle(e, pseudo);
      const moves = style.animationName !== "none" && seconds(style.animationDuration) > 0.01;
      if (moves || seconds(style.transitionDuration) > 0.01 || style.scrollBehavior === "smooth") {
        problems.push(`${e.tagName.toLowerCase()}.${e.className} ${pseudo || ""} moves`);
      }
    }
  }
  return [...new Set(problems)];
})()

(() => {
  // rgba reads any color of CSS as [red, green, blue, alpha], with all of them between 0 and 1.
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const known = new Map();
  const rgba = (color) => {
    if (!known.has(color)) {
      pen.clearRect(0, 0, 1, 1);
      pen.fillStyle = color;
      pen.fillRect(0, 0, 1, 1);
      known.set(color, [...pen.getImageData(0, 0, 1, 1).data].map((v) => v / 255));
    }
    return known.get(color);
  };
  const over = (front, back) => {
    const alpha = front[3] + back[3] * (1 - front[3]);
    if (alpha === 0) return [0, 0, 0, 0];
    const mix = [0, 1, 2].map((i) => (front[i] * front[3] + back[i] * back[3] * (1 - front[3])) / alpha);
    return [...mix, alpha];
  };
  const luminance = (c) => {
    const [r, g, b] = c.slice(0, 3).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (light + 0.05) / (dark + 0.05);
  };
  const dark = getComputedStyle(document.documentElement).colorScheme.includes("dark") &&
    (matchMedia("(prefers-color-scheme: dark)").matches || getComputedStyle(document.documentElement).colorScheme === "dark");
  const canvasColor = dark ? [18 / 255, 18 / 255, 18 / 255, 1] : [1, 1, 1, 1];

  // behind returns what is behind an element's text, and the opacity with which the text is painted; null if that is an
  // image.
  const behind = (element) => {
    let back = [0, 0, 0, 0];
    let opacity = 1;
    for (let e = element; e; e = e.parentElement) {
      const style = getComputedStyle(e);
      if (back[3] < 1) {
        if (style.backgroundImage !== "none") return null;
        back = over(back, rgba(style.backgroundColor));
      }
      opacity *= parseFloat(style.opacity);
    }
    return { back: over(back, canvasColor), opacity };
  };
  const problems = new Map();
  const check = (element, text, pseudo) => {
    const style = getComputedStyle(element, pseudo);
    const ground = behind(element);
    const what = `${element.tagName.toLowerCase()}.${element.className} ${pseudo || ""} "${text.trim().slice(0, 40)}"`;
    if (!ground) return problems.set(what, `${what} is over an image`);
    let back = ground.back;
    if (pseudo && style.backgroundColor) back = over(rgba(style.backgroundColor), back);
    const color = rgba(style.color);
    const front = over([color[0], color[1], color[2], color[3] * ground.opacity], back);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && parseInt(style.fontWeight) >= 700);
    const ratio = contrast(front, back);
    if (ratio < (large ? 3 : 4.5)) problems.set(style.color + back + size, `${what}: ${style.color} has a contrast of ${ratio.toFixed(2)}`);
  };
  const shown = (element) => {
    const box = element.getBoundingClientRect();
    return box.width > 1 && box.height > 1 && element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (texts.currentNode.data.trim() && !["SCRIPT", "STYLE", "NOSCRIPT", "OPTION", "TEXTAREA"].includes(element.tagName) && shown(element)) {
      check(element, texts.currentNode.data);
    }
  }
  for (const element of document.querySelectorAll("input, select, textarea")) {
    if (!shown(element) || element.disabled || ["hidden", "checkbox", "radio"].includes(element.type)) continue;
    if (element.placeholder && !element.value) check(element, element.placeholder, "::placeholder");
    else check(element, element.value || element.name);
  }
  for (const element of document.body.querySelectorAll("*")) {
    for (const pseudo of ["::before", "::after"]) {
      const content = getComputedStyle(element, pseudo).content;
      if (/["'].*[^\s"'].*["']/.test(content) && shown(element)) check(element, content, pseudo);
    }
  }
  return [...problems.values()];
})()

// The board's script; the pages do without it. It searches, filters and sorts at once (list.js), shows what changes
// (changes.js), and keeps the times right. The server joins these files to one module, this one first.

const byID = (id) => document.getElementById(id);
const main = byID("main"), table = byID("table"), feature = main.dataset.key, missing = "missing" in main.dataset;
const parse = (html) => new DOMParser().parseFromString(html, "text/html");

// Times, by AWS's clock: that of this machine may be wrong.

let ahead = 0; // AWS's clock minus the steady one of this page, in milliseconds
const setClock = (instant) => { ahead = (Date.parse(instant) || Date.now()) - performance.now(); };
const now = () => performance.now() + ahead;

function roughly(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s >= 2 * 86400) return `${Math.floor((Math.floor(s / 43200) + 1) / 2)}d`;
  if (s >= 3600) return `${Math.floor(s / 3600)}h`;
  return s >= 60 ? `${Math.floor(s / 60)}m` : `${s}s`;
}

const plainly = (instant) => `${instant.slice(0, 10)} ${instant.slice(11, 19)} UTC`;

function renewTimes(root) {
  for (const t of root.querySelectorAll("time:not([data-exact])")) {
    const left = Date.parse(t.dateTime) - now();
    let text = left > 0 ? `in ${roughly(left)}` : `${roughly(-left)} ago`;
    if ("age" in t.dataset) text = roughly(-left);
    else if ("end" in t.dataset && left <= 0) text = "over";
    if (t.textContent !== text) t.textContent = text;
    t.title ||= plainly(t.dateTime);
  }
}

// News: what has changed, for those who hear the page.

let news = [], telling = 0;
function tell(text) {
  if (!news.includes(text)) news.push(text);
  telling ||= setTimeout(() => {
    byID("news").textContent = news.length > 3 ? `${news.length} changes.` : news.join(" ");
    news = [];
    telling = 0;
  }, 1000);
}

// What is shown is changed where it differs and nowhere else: focus, selection and scrolling stay.

function morph(from, to) {
  if (from.nodeType !== to.nodeType || from.nodeName !== to.nodeName) return from.replaceWith(to);
  if (from.data !== to.data) from.data = to.data; // of texts
  if (from.nodeType !== Node.ELEMENT_NODE) return;
  for (const { name } of [...from.attributes]) {
    if (!to.hasAttribute(name) && !["class", "hidden", "open"].includes(name)) from.removeAttribute(name); // these are the script's
  }
  for (const { name, value } of to.attributes) {
    if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  }
  morphChildren(from, to);
}

function morphChildren(from, to) {
  const old = [...from.childNodes], fresh = [...to.childNodes];
  fresh.forEach((node, i) => (i < old.length ? morph(old[i], node) : from.append(node)));
  for (const node of old.slice(fresh.length)) node.remove();
}

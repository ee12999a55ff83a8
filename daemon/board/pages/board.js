// The board's script: the pages do without it. It searches, filters and sorts at once, shows what changes, and
// keeps the times right.

const byID = (id) => document.getElementById(id);
const main = byID("main"), table = byID("table"), feature = main.dataset.key;
const parse = (html) => new DOMParser().parseFromString(html, "text/html");

// ---- Times, by AWS's clock: that of this machine may be wrong.

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

// ---- News: what has changed, for those who hear the page.

let news = [], telling = 0;
function tell(text) {
  if (!news.includes(text)) news.push(text);
  telling ||= setTimeout(() => {
    byID("news").textContent = news.length > 3 ? `${news.length} changes.` : news.join(" ");
    news = [];
    telling = 0;
  }, 1000);
}

// ---- What is shown is changed where it differs and nowhere else: focus, selection and scrolling stay.

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

// ---- The list. Its rows are all that live, those that the filter keeps back are hidden.

const rows = new Map(); // by key
const keys = ["application", "owner", "q", "sort", "state"]; // of the address, in the server's order
const states = ["running", "launching", "updating", "removing", "failing", "removed"];
let filter = {};

const less = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
const columns = {
  feature: (a, b) => less(a.feature.toLowerCase(), b.feature.toLowerCase()),
  state: (a, b) => states.indexOf(a.state) - states.indexOf(b.state),
  commit: (a, b) => less(a.subject, b.subject),
  owner: (a, b) => less(a.owner.toLowerCase(), b.owner.toLowerCase()),
  age: (a, b) => b.created - a.created,
  deployed: (a, b) => b.deployed - a.deployed,
  expires: (a, b) => (a.end || Infinity) - (b.end || Infinity) || 0,
};

function read(tr) {
  const cell = tr.cells, time = (c) => Date.parse(c.querySelector("time")?.dateTime) || 0;
  const row = {
    tr, key: tr.dataset.key, marks: tr.dataset.marks.trim().split(" "), application: cell[0].dataset.app,
    feature: cell[0].querySelector("a").textContent, commit: cell[2].querySelector("code").textContent, subject: cell[2].querySelector("small").textContent,
    owner: cell[3].textContent, created: time(cell[4]), deployed: time(cell[5]), end: time(cell[6]), fate: cell[7].querySelector("b").textContent,
  };
  row.state = row.marks[0];
  row.text = [row.feature, row.commit, row.subject, row.owner, row.key.slice(row.key.lastIndexOf("/") + 1)].join("\n").toLowerCase();
  return row;
}

function passes(row, words) {
  const f = filter, removed = row.state === "removed";
  return removed === (f.state === "removed") && (!f.state || row.marks.includes(f.state)) &&
    (!f.owner || row.owner.toLowerCase() === f.owner.toLowerCase()) && (!f.application || row.application === f.application) &&
    words.every((word) => row.text.includes(word) || row.commit.length > 6 && word.startsWith(row.commit)); // of which a row has the beginning
}

function compare(a, b) {
  const by = columns[(filter.sort || "feature").replace(/^-/, "")] || columns.feature;
  return (filter.sort?.startsWith("-") ? by(b, a) : by(a, b)) || less(a.key, b.key);
}

function address(f) {
  const query = new URLSearchParams(keys.filter((k) => f[k]).map((k) => [k, f[k]])).toString();
  return query ? `/?${query}` : "/";
}

// show hides what the filter keeps back, and says how many are left.
function show() {
  const words = (filter.q || "").toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0, all = 0;
  for (const row of rows.values()) {
    const hidden = !passes(row, words);
    if (row.tr.hidden !== hidden) row.tr.hidden = hidden;
    shown += !hidden;
    all += row.state !== "removed";
  }
  table.hidden = !shown;
  byID("none").hidden = Boolean(shown || all);
  byID("unmatched").hidden = Boolean(shown || !all);
  byID("shown").textContent = filter.state === "removed" ? `${shown} removed` : `${shown} of ${all}`;
  return shown;
}

function tellShown() {
  const n = show();
  tell(n === 1 ? "1 feature is shown." : `${n} features are shown.`);
}

// place puts the changed rows where they belong. All others are sorted already.
function place(changed) {
  const focused = document.activeElement, sorted = [...rows.values()].sort(compare);
  let next = null;
  for (const row of sorted.reverse()) {
    if (changed.has(row) && (row.tr.nextElementSibling !== next || !row.tr.isConnected)) byID("rows").insertBefore(row.tr, next);
    next = row.tr;
  }
  if (focused !== document.activeElement) focused.focus({ preventScroll: true });
}

function sortAll() {
  byID("rows").replaceChildren(...[...rows.values()].sort(compare).map((row) => row.tr));
  for (const th of table.tHead.querySelectorAll("[data-sort]")) {
    const key = th.dataset.sort, sort = filter.sort || "feature";
    th.toggleAttribute("aria-sort", sort.replace(/^-/, "") === key);
    if (th.hasAttribute("aria-sort")) th.setAttribute("aria-sort", sort === key ? "ascending" : "descending");
    const by = sort === key ? `-${key}` : key;
    th.firstChild.href = address({ ...filter, sort: by === "feature" ? "" : by });
  }
}

// showFilter has the controls and the counts say what the list is filtered and sorted by.
function showFilter() {
  for (const k of keys) {
    const control = byID(k);
    if (control && control !== document.activeElement) control.value = filter[k] || (k === "sort" ? "feature" : "");
  }
  for (const a of document.querySelectorAll("#head [data-state]")) {
    if (a.dataset.state === filter.state) a.setAttribute("aria-current", "true");
    else a.removeAttribute("aria-current");
  }
}

// layOut lays rows out that are out of sight, a few at a time: before, assistive technology does not see them.
let layingOut = 0;
function layOut(n) {
  const later = [...byID("rows").rows].filter((tr) => !tr.hidden && !tr.classList.contains("laid"));
  for (const tr of later.slice(0, n)) tr.classList.add("laid");
  layingOut = later.length > n ? setTimeout(layOut, 50, 20) : 0;
}

// rearrange shows many rows at once in another way, and lays out later what is out of sight.
function rearrange(act) {
  clearTimeout(layingOut);
  const many = rows.size > 100;
  if (many) for (const { tr } of rows.values()) tr.classList.remove("laid");
  act();
  layingOut = setTimeout(layOut, many ? 500 : 0, many ? 20 : 100);
}

// apply shows the list by another filter, and keeps it in the address.
function apply(next) {
  const was = filter;
  filter = next;
  history.replaceState(null, "", address(filter));
  if ((was.state === "removed") !== (filter.state === "removed")) return reload();
  rearrange(() => {
    if (was.sort !== filter.sort) sortAll();
    showFilter();
    tellShown();
  });
}

// take changes the row of that key, or adds it.
function take(tr) {
  renewTimes(tr);
  const old = rows.get(tr.dataset.key), was = { ...old };
  if (old) morph(old.tr, tr);
  const row = Object.assign(old || {}, read(old ? old.tr : tr));
  rows.set(row.key, row);
  if (was.state !== row.state) tell(`${row.feature} is ${row.state}.`);
  else if (was.fate !== row.fate) tell(`${row.feature}: ${row.fate}.`);
  offer(byID("owner"), row.owner);
  return row;
}

// offer adds a choice to a select that does not have it.
function offer(select, value) {
  const after = (o) => o.value && less(value.toLowerCase(), o.value.toLowerCase()) <= 0;
  const next = [...select.options].find(after);
  if (value && next?.value !== value) select.add(new Option(value, value), next);
}

function drop(key) {
  const row = rows.get(key);
  row?.tr.remove();
  if (rows.delete(key)) tell(`${row.feature} has gone.`);
}

const trsOf = (page) => [...page.getElementById("rows").rows, ...page.getElementById("others").content.querySelectorAll("tr")];

function startList() {
  for (const [k, v] of new URLSearchParams(location.search)) if (keys.includes(k) && v) filter[k] = v;
  for (const tr of trsOf(document)) rows.set(tr.dataset.key, read(tr));
  rearrange(() => {
    if (byID("others").content.childElementCount) sortAll();
    showFilter();
    show();
  });
  byID("apply").hidden = true;
  const form = byID("filters");
  const typed = () => apply(Object.fromEntries([...new FormData(form)].map(([k, v]) => [k, v === "feature" && k === "sort" ? "" : v.trim()])));
  form.addEventListener("input", typed);
  form.addEventListener("submit", (e) => { e.preventDefault(); typed(); });
  document.addEventListener("click", (e) => {
    const a = e.target.closest("thead a, .counts a, #unmatched a");
    if (!a || e.button || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
    e.preventDefault();
    apply(Object.fromEntries(new URL(a.href).searchParams));
  });
  const q = byID("q"), on = (target, event, applies, act) => target.addEventListener(event, (e) => {
    if (applies(e)) e.preventDefault(), act();
  });
  on(document, "keypress", (e) => e.key === "/" && !e.target.closest("input, select"), () => q.select());
  on(q, "keydown", (e) => e.key === "Escape", () => q.blur()); // without clearing it
}

// ---- Changes. One page of a browser has the stream, and shares it; a page that is not seen has none.

const me = Math.random().toString(36), channel = new BroadcastChannel("beansprout");
let reading = document.body.dataset.reading; // what this page shows, as in "EPOCH-7"
let stream = null, heard = 0, broken = null, giveUp = null, waiting = 0, follows = new Map();

function isBehind(other) {
  const [epoch, n] = reading.split("-"), [otherEpoch, m] = other.split("-");
  return epoch !== otherEpoch || Number(n) < Number(m);
}

function receive({ event, data }) {
  if (event === "connection") return showConnection(data);
  if (event === "reload") return reload();
  if (event === "feature") {
    if (data.key === feature && data.mark !== main.dataset.mark) showLive(parse(data.html).body, data.mark);
    return;
  }
  if (event !== "rows" || !isBehind(data.reading)) return;
  reading = data.reading;
  setClock(data.now);
  showHead(parse(data.head).body);
  if (!table) return (!feature || data.gone.includes(feature) || data.rows.some((r) => r.key === feature)) && reload();
  showFilter();
  data.gone.forEach(drop);
  const changed = new Set([...parse(`<table>${data.rows.map((r) => r.html).join("")}</table>`).querySelectorAll("tr")].map(take));
  place(changed);
  for (const { tr } of changed) {
    tr.classList.add("changed");
    tr.addEventListener("animationend", () => tr.classList.remove("changed"), { once: true });
  }
  show();
  layingOut ||= setTimeout(layOut, 500, 20);
}

function showHead(body) {
  const notices = () => [...byID("head").querySelectorAll(".notice")].map((p) => p.textContent), before = notices();
  morphChildren(byID("head"), body);
  notices().filter((text) => !before.includes(text)).forEach(tell);
}

function showLive(body, mark) {
  const text = (selector) => byID("live").querySelector(selector)?.textContent;
  const state = text(".state"), latest = text(".timeline div");
  renewTimes(body);
  main.dataset.mark = mark;
  morphChildren(byID("live"), body);
  if (text(".state") !== state) tell(`State: ${text(".state")}.`);
  if (text(".timeline div") !== latest) tell(text(".timeline div"));
}

// reload reads the page again, where it is not known what has changed.
let reloads = 0;
async function reload() {
  const mine = ++reloads, answer = await fetch(location.href).catch(() => null);
  const status = answer?.status, known = table || feature;
  if (status === 401 || (known ? status === 404 : status === 200)) return location.reload();
  const text = status === 200 && await answer.text().catch(() => "");
  if (!text || mine !== reloads) return;
  const page = parse(text), part = (id) => page.getElementById(id);
  reading = page.body.dataset.reading;
  setClock(page.body.dataset.now);
  showHead(part("head"));
  if (feature) {
    if (!byID("acts").querySelector("details[open], :focus")) morphChildren(byID("acts"), part("acts"));
    return showLive(part("live"), part("main").dataset.mark);
  }
  const trs = trsOf(page), there = new Set(trs.map((tr) => tr.dataset.key));
  for (const key of rows.keys()) if (!there.has(key)) drop(key);
  trs.forEach(take);
  news = []; // the rest is no news
  rearrange(() => {
    sortAll();
    showFilter();
    tellShown();
  });
}

// showConnection says since when nothing has come, unless that is only for a moment.
function showConnection(since) {
  if (!since) {
    clearTimeout(waiting);
    waiting = 0;
    byID("offline").hidden = true;
    return;
  }
  waiting ||= setTimeout(() => {
    byID("since").dateTime = since;
    byID("since").textContent = plainly(since);
    byID("offline").hidden = false;
    tell("This page is old.");
  }, 3000);
}

function share(message) {
  if (message.event === "connection") broken = message.data;
  if (giveUp) channel.postMessage(message);
  receive(message);
}

function open() {
  stream?.close();
  const query = new URLSearchParams({ since: reading });
  for (const key of new Set(follows.values())) query.append("feature", key);
  const s = stream = new EventSource(`/changes?${query}`);
  const on = (event, act) => s.addEventListener(event, (e) => s === stream && act(e));
  for (const event of ["rows", "feature", "reload"]) on(event, (e) => share({ event, data: JSON.parse(e.data) }));
  heard = 0;
  on("alive", () => { heard = Date.now(); });
  on("open", () => share({ event: "connection", data: null }));
  s.addEventListener("error", () => s === stream && lose());
}

// lose tells that the stream is broken. The browser connects again by itself, unless it was refused.
function lose() {
  share({ event: "connection", data: broken || new Date(now()).toISOString() });
  if (stream.readyState === EventSource.CLOSED) setTimeout(() => stream && (reload(), open()), 5000);
}

function follow(page, key) {
  const had = [...follows.values()];
  follows.set(page, key);
  if (key && !had.includes(key)) open();
}

channel.onmessage = ({ data: message }) => {
  const { event, from, to, data } = message;
  if (event === "lead") hello();
  else if (event === "hello") {
    if (!giveUp) return;
    if (data.feature) follow(from, data.feature);
    channel.postMessage({ event: "at", to: from, data: { reading, broken } });
  } else if (event === "bye") follows.delete(from);
  else if (event !== "at") receive(message);
  else if (to === me) {
    if (isBehind(data.reading)) reload();
    showConnection(data.broken);
  }
};

const hello = () => channel.postMessage({ event: "hello", from: me, data: { feature } });

let request = null;
function wake() {
  renewTimes(document);
  follows = new Map(feature ? [[me, feature]] : []);
  if (!navigator.locks) return open(); // it takes a secure address
  hello();
  request = new AbortController();
  navigator.locks.request("beansprout", { signal: request.signal }, () => new Promise((done) => {
    giveUp = done;
    open();
    channel.postMessage({ event: "lead" });
  })).catch(() => {}); // it was aborted
}

function sleep() {
  request?.abort();
  stream?.close();
  giveUp?.();
  stream = giveUp = null;
  channel.postMessage({ event: "bye", from: me });
}

document.addEventListener("visibilitychange", () => (document.hidden ? sleep() : wake()));
addEventListener("pagehide", sleep);
addEventListener("pageshow", (e) => e.persisted && wake());
setInterval(() => document.hidden || renewTimes(document), 60000);
setInterval(() => {
  if (!stream || !heard || Date.now() - heard < 45000) return;
  lose(); // the stream speaks every 15 s
  open();
}, 5000);

setClock(document.body.dataset.now);
if (table) startList();
if (!document.hidden) wake();

// The list. Its rows are all that live, those that the filter keeps back are hidden.

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
    feature: cell[0].querySelector("a").textContent, commit: cell[2].querySelector("code").textContent.toLowerCase(), subject: cell[2].querySelector("small").textContent,
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
    if (changed.has(row) && (row.tr.nextElementSibling !== next || row.tr.parentNode !== byID("rows"))) byID("rows").insertBefore(row.tr, next);
    next = row.tr;
  }
  if (focused !== document.activeElement) focused.focus({ preventScroll: true });
}

function sortAll() {
  byID("rows").replaceChildren(...[...rows.values()].sort(compare).map((row) => row.tr));
  linkHeads();
}

// linkHeads has the headings sort what the filter shows now.
function linkHeads() {
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
    else linkHeads();
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
  byID("rows").addEventListener("animationend", (e) => e.target.classList.remove("changed"));
  const form = byID("filters");
  const typed = () => apply(Object.fromEntries([...new FormData(form)].map(([k, v]) => [k, v === "feature" && k === "sort" ? "" : v.trim()])));
  form.addEventListener("input", typed);
  form.addEventListener("submit", (e) => { e.preventDefault(); typed(); });
  document.addEventListener("click", (e) => {
    const a = e.target.closest("thead a, .counts a, #unmatched a");
    if (!a || e.button || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
    e.preventDefault();
    apply(a.hasAttribute("aria-current") ? { ...filter, state: "" } : Object.fromEntries(new URL(a.href).searchParams));
  });
  const q = byID("q"), on = (target, event, applies, act) => target.addEventListener(event, (e) => {
    if (applies(e)) e.preventDefault(), act();
  });
  on(document, "keypress", (e) => e.key === "/" && !e.target.closest("input, select"), () => q.select());
  on(q, "keydown", (e) => e.key === "Escape", () => q.blur()); // without clearing it
}

// Changes. One page of a browser has the stream, and shares it; a page that is not seen has none.

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
  if (!table) return (missing || data.gone.includes(feature) || data.rows.some((r) => r.key === feature)) && reload();
  showFilter();
  data.gone.forEach(drop);
  const changed = new Set([...parse(`<table>${data.rows.map((r) => r.html).join("")}</table>`).querySelectorAll("tr")].map(take));
  place(changed);
  show();
  for (const { tr } of changed) if (!tr.hidden) tr.classList.add("changed");
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
  if (!table && !feature && !missing) return; // nothing of it changes
  const mine = ++reloads, answer = await fetch(location.href).catch(() => null);
  const status = answer?.status;
  if (status === 401 || status === (missing ? 200 : 404)) return location.reload();
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

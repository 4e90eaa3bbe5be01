// The table of problems: sorted, filtered, searched, opened; and links to its rows.
const table = document.getElementById("table");
const body = table.tBodies[0];
const rows = [...body.rows];
const runs = JSON.parse(document.getElementById("runs").textContent);

const unpack = async (id) => {
  if (typeof DecompressionStream === "undefined") {
    throw new Error("this browser cannot unpack the candidates (it has no DecompressionStream); use a newer one");
  }
  const raw = Uint8Array.from(atob(document.getElementById(id).textContent), (char) => char.charCodeAt(0));
  const stream = new Blob([raw]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
};

// ---- sorting; a row that is open keeps what is below it
const key = (row, column) => parseFloat(row.cells[column].dataset.k);
const place = (row) => {
  body.append(row);
  if (row.below) body.append(row.below);
};
[...table.tHead.rows[0].cells].forEach((head, column) => {
  if (!("sort" in head.dataset)) return;
  const button = make("button");
  button.type = "button";
  button.append(...head.childNodes);
  head.append(button);
  button.addEventListener("click", () => {
    // Numbers are first wanted from the largest down, names from the first up.
    const before = head.getAttribute("aria-sort");
    const down = before ? before === "ascending" : column > 0;
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const sign = down ? -1 : 1;
    rows.sort((a, b) => sign * (key(a, column) - key(b, column)) || key(a, 0) - key(b, 0));
    rows.forEach(place);
  });
});

// ---- filtering
const find = document.getElementById("find");
const within = document.getElementById("within");
const kind = document.getElementById("kind");
const verdict = document.getElementById("verdict");
let hits; // how many candidates of each row hold the term; undefined where none is looked for
const filter = () => {
  const wanted = find.value.toLowerCase().split(/\s+/).filter(Boolean);
  const tokens = [kind.value, verdict.value].filter(Boolean);
  let shown = 0;
  for (const row of rows) {
    const has = row.dataset.t.split(" ");
    const fits = wanted.every((word) => row.dataset.q.includes(word)) && tokens.every((one) => has.includes(one)) &&
      (!hits || hits.get(row) > 0);
    row.hidden = !fits;
    if (row.below) row.below.hidden = !fits;
    shown += fits;
  }
  document.getElementById("shown").textContent = `${shown} of ${rows.length}`;
};

// ---- searching in code and errors
const term = () => within.value.trim().toLowerCase();
const holdsTerm = (one) => term() && [one.code && unmarked(one.code), one.detail, one.actual, one.text]
  .some((text) => text?.toLowerCase().includes(term()));
const highlight = () => {
  if (!CSS.highlights) return;
  CSS.highlights.delete("found");
  if (!term()) return;
  const ranges = [];
  for (const article of body.querySelectorAll("article")) {
    const walker = document.createTreeWalker(article, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const text = node.data.toLowerCase();
      for (let at = text.indexOf(term()); at >= 0; at = text.indexOf(term(), at + 1)) {
        const range = new Range();
        range.setStart(node, at);
        range.setEnd(node, Math.min(at + term().length, node.length));
        ranges.push(range);
      }
    }
  }
  CSS.highlights.set("found", new Highlight(...ranges));
};
let asked = 0;
const search = async () => {
  const mine = ++asked;
  const output = document.getElementById("searched");
  const counted = new Map();
  let all = 0;
  for (const row of term() ? rows : []) {
    const problem = await unpack(`d${row.dataset.i}`);
    if (mine !== asked) return; // somebody typed on
    const count = problem.runs.reduce((sum, run) => sum + (run?.candidates ?? []).filter(holdsTerm).length, 0);
    counted.set(row, count);
    all += count;
  }
  hits = term() ? counted : undefined;
  output.textContent = hits ? `${all} candidates` : "";
  for (const row of rows) if (row.below) [toggle, toggle].forEach((again) => again(row)); // those found come first
  filter();
};
let waiting;
within.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => search().catch((error) => {
    document.getElementById("searched").textContent = error.message;
  }), 250);
});
for (const control of [find, kind, verdict]) control.addEventListener("input", filter);
document.getElementById("controls").addEventListener("submit", (event) => event.preventDefault());
document.getElementById("controls").hidden = false;
document.querySelector(".controls-hint").hidden = false;
filter();

// ---- opening
const toggle = (row) => {
  const open = row.classList.toggle("open");
  row.querySelector("button").setAttribute("aria-expanded", open);
  if (!open) {
    row.below.remove();
    row.below = undefined;
    return;
  }
  row.below = make("tr", undefined, "detail");
  const cell = row.below.insertCell();
  cell.colSpan = row.cells.length;
  const inside = make("div", undefined, "inside");
  cell.append(inside);
  row.after(row.below);
  fill(row, inside).catch((error) => inside.append(make("p", error.message, "warning")));
};
body.addEventListener("click", (event) => {
  const row = event.target.closest("tr[data-t]");
  // Who marks text in a row does not want to open it.
  if (!row || !(event.target.closest("button") || getSelection().isCollapsed)) return;
  toggle(row);
  if (row.below) history.replaceState(null, "", `#${encodeURI(row.id)}`); // what one would send to a colleague
});
const reveal = (row) => {
  if (row.hidden) {
    find.value = within.value = kind.value = verdict.value = "";
    hits = undefined;
    document.getElementById("searched").textContent = "";
    filter();
  }
  if (!row.below) toggle(row);
  row.scrollIntoView();
  row.querySelector("button").focus({ preventScroll: true });
};
const follow = () => {
  let name;
  try {
    name = decodeURIComponent(location.hash.slice(1));
  } catch {
    return; // somebody's link is broken
  }
  const row = rows.find((one) => one.id === name || `p${one.dataset.i}` === name);
  if (row) reveal(row);
};
addEventListener("hashchange", follow);

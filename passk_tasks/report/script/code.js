// Code as elements: its colours, and what tells two programs apart. Whatever a model wrote gets in by textContent.
"use strict";

const make = (tag, text, className) => {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  if (className) element.className = className;
  return element;
};

// ---- marked text: a control character says what the part behind it is (report/marked.py)
const KINDS = new Map(["", "k", "f", "s", "c", "n", "b"].map((kind, code) => [String.fromCharCode(code), kind]));
const lines = (marked) => {
  const all = [[]];
  let kind = "";
  for (const piece of marked.split(/([\x00-\x06])/)) {
    if (KINDS.has(piece)) {
      kind = KINDS.get(piece);
      continue;
    }
    piece.split("\n").forEach((text, i) => {
      if (i) all.push([]);
      if (text) all.at(-1).push([kind, text]);
    });
  }
  return all;
};
const plain = (line) => line.map(([, text]) => text).join("");
const unmarked = (marked) => marked.replace(/[\x00-\x06]/g, "");

const blanks = (text) => text.replaceAll(" ", "·").replaceAll("\t", "→\t");
const bare = (text) => text.replace(/\s/g, "");
// Put a line into an element; what stands from `start` to `end` is put into an element of its own, and drawn so
// that its blanks can be seen where one would see no difference otherwise.
const put = (element, line, start = 0, end = 0, tag = "del", seen = false) => {
  let at = 0;
  for (const [kind, text] of line) {
    const cuts = [0, start - at, end - at, text.length].map((cut) => Math.min(Math.max(cut, 0), text.length));
    for (let i = 0; i < 3; i++) {
      const part = text.slice(cuts[i], cuts[i + 1]);
      if (!part) continue;
      const piece = i === 1 ? make(tag, seen || !part.trim() ? blanks(part) : part, kind) : kind ? make("span", part, kind) : part;
      element.append(piece);
    }
    at += text.length;
  }
  return element;
};
const block = (marked) => {
  const pre = make("pre");
  lines(marked).forEach((line, i) => {
    if (i) pre.append("\n");
    put(pre, line);
  });
  return pre;
};

// ---- differences
const MOST = 1500; // lines beyond which no difference is looked for
// Where two texts begin and end to differ, as [start, end in the first, end in the second].
const middle = (a, b) => {
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let [i, j] = [a.length, b.length];
  while (i > start && j > start && a[i - 1] === b[j - 1]) { i--; j--; }
  return [start, i, j];
};
// Pairs of [place in a, place in b] of a longest common subsequence.
const common = (a, b) => {
  const [start, i, j] = middle(a, b);
  const [n, m] = [i - start, j - start];
  const best = Array.from({ length: n + 1 }, () => new Uint16Array(m + 1));
  for (let x = n - 1; x >= 0; x--) {
    for (let y = m - 1; y >= 0; y--) {
      best[x][y] = a[start + x] === b[start + y] ? best[x + 1][y + 1] + 1 : Math.max(best[x + 1][y], best[x][y + 1]);
    }
  }
  const pairs = Array.from({ length: start }, (_, k) => [k, k]);
  for (let x = 0, y = 0; x < n && y < m;) {
    if (a[start + x] === b[start + y]) pairs.push([start + x++, start + y++]);
    else if (best[x + 1][y] >= best[x][y + 1]) x++;
    else y++;
  }
  return [...pairs, ...Array.from({ length: a.length - i }, (_, k) => [i + k, j + k])];
};
// A table of two programs, line by line; undefined where they are too long.
const difference = (mine, other, heads) => {
  const [a, b] = [lines(mine), lines(other)];
  if (Math.max(a.length, b.length) > MOST) return undefined;
  const table = make("table", undefined, "diff");
  const head = table.createTHead().insertRow();
  for (const text of heads) head.append(Object.assign(make("th", text), { scope: "col" }));
  const body = table.createTBody();
  const row = (i, j, same) => {
    const tr = body.insertRow();
    tr.className = same ? "same" : "changed";
    const cells = [tr.insertCell(), tr.insertCell()];
    const texts = [i < 0 ? "" : plain(a[i]), j < 0 ? "" : plain(b[j])];
    const [start, ...ends] = same ? [0, 0, 0] : middle(...texts);
    const unseen = bare(texts[0]) === bare(texts[1]);
    [[a, i, "del"], [b, j, "ins"]].forEach(([all, at, tag], side) => {
      if (at < 0) return cells[side].classList.add("none");
      if (!same && !texts[side]) return cells[side].append(make(tag, "⏎"));
      put(cells[side], all[at], start, same ? 0 : ends[side], tag, unseen);
    });
  };
  let [x, y] = [0, 0];
  for (const [i, j] of [...common(a.map(plain), b.map(plain)), [a.length, b.length]]) {
    for (; x < i || y < j; x++, y++) row(x < i ? x : -1, y < j ? y : -1, false);
    [x, y] = [i, j]; // the shorter side may have run past
    if (i < a.length) row(x++, y++, true);
  }
  return table;
};
// How much of two programs is alike, blanks aside: 0 to 1.
const likeness = (a, b) => {
  const counts = new Map();
  for (const line of a) counts.set(line, (counts.get(line) ?? 0) + 1);
  let shared = 0;
  for (const line of b) {
    const left = counts.get(line) ?? 0;
    if (left) shared++;
    counts.set(line, left - 1);
  }
  return (2 * shared) / Math.max(a.length + b.length, 1);
};
const words = (code) => unmarked(code).split("\n").map((line) => line.trim()).filter(Boolean);
// The nearest of some programs, and whether blanks alone make the difference.
const nearest = (code, others) => {
  let best;
  const mine = words(code);
  for (const other of others) {
    other.words ??= words(other.code);
    const value = likeness(mine, other.words) - Math.abs(code.length - other.code.length) / 1e6;
    if (!best || value > best.value) best = { value, other };
  }
  return best && { ...best.other, blanks: bare(unmarked(code)) === bare(unmarked(best.other.code)) };
};

// Sorts, filters and opens the rows of the table of problems. Whatever a model wrote gets in by textContent alone.
"use strict";
(() => {
  const AT_ONCE = 20; // candidates that are shown before one asks for more
  const table = document.getElementById("table");
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const runs = JSON.parse(document.getElementById("runs").textContent);

  const make = (tag, text, className) => {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    if (className) element.className = className;
    return element;
  };

  // ---- sorting; a row that is open keeps what is below it
  const key = (row, column) => parseFloat(row.cells[column].dataset.k);
  const put = (row) => {
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
      rows.forEach(put);
    });
  });

  // ---- filtering
  const find = document.getElementById("find");
  const kind = document.getElementById("kind");
  const verdict = document.getElementById("verdict");
  const filter = () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const tokens = [kind.value, verdict.value].filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const has = row.dataset.t.split(" ");
      const fits = words.every((word) => row.dataset.q.includes(word)) && tokens.every((one) => has.includes(one));
      row.hidden = !fits;
      if (row.below) row.below.hidden = !fits;
      shown += fits;
    }
    document.getElementById("shown").textContent = `${shown} of ${rows.length}`;
  };
  for (const control of [find, kind, verdict]) control.addEventListener("input", filter);
  document.getElementById("controls").addEventListener("submit", (event) => event.preventDefault());
  document.getElementById("controls").hidden = false;
  document.querySelector(".controls-hint").hidden = false;
  filter();

  // ---- opening
  const unpack = async (id) => {
    if (typeof DecompressionStream === "undefined") {
      throw new Error("this browser cannot unpack the candidates (it has no DecompressionStream); use a newer one");
    }
    const raw = Uint8Array.from(atob(document.getElementById(id).textContent), (char) => char.charCodeAt(0));
    const stream = new Blob([raw]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  };
  const listed = (numbers) =>
    numbers.length === 1 ? `sample ${numbers[0]}`
      : `samples ${numbers.slice(0, 12).join(", ")}${numbers.length > 12 ? ", …" : ""}`;
  const candidate = (one) => {
    const article = make("article", undefined, "candidate");
    const head = make("p");
    head.append(make("b", one.verdict, `verdict v-${one.verdict}`));
    if (one.samples.length > 1) head.append(make("b", `× ${one.samples.length}`));
    head.append(make("span", listed(one.samples), "dim"));
    if (one.base) head.append(make("span", one.base));
    if (one.cpu_s) head.append(make("span", `${one.cpu_s.toFixed(3)} s, ${one.peak_mib.toFixed(0)} MiB`, "dim"));
    for (const flag of one.flags) head.append(make("b", flag, "flag"));
    article.append(head);
    if (one.detail) article.append(make("code", one.detail));
    if (one.code !== undefined) article.append(make("pre", one.code));
    if (one.text !== undefined) {
      if (one.code === undefined) {
        article.append(make("span", "as the model wrote it:", "dim"), make("pre", one.text));
      } else {
        const more = make("details");
        more.append(make("summary", "as the model wrote it"));
        more.addEventListener("toggle", () => more.append(make("pre", one.text)), { once: true });
        article.append(more);
      }
    }
    return article;
  };
  const list = (box, candidates) => {
    const rest = candidates.slice(AT_ONCE);
    box.append(...candidates.slice(0, AT_ONCE).map(candidate));
    if (!rest.length) return;
    const more = make("button", `Show ${rest.length} more`, "more");
    more.type = "button";
    more.addEventListener("click", () => {
      more.remove();
      list(box, rest);
    });
    box.append(more);
  };
  const fill = async (row, cell) => {
    const problem = await unpack(row.id.replace("p", "d"));
    if (problem.prompt !== undefined) cell.append(make("h3", "Prompt"), make("pre", problem.prompt));
    problem.runs.forEach((run, i) => {
      if (!run) return;
      const head = make("h3");
      if (runs.length > 1) head.append(make("b", runs[i].letter, `run run-${i % 9}`), ` ${runs[i].name} `);
      const all = run.distinct === 1 ? "1 distinct candidate" : `${run.distinct} distinct candidates`;
      head.append(runs.length > 1 ? make("span", all, "dim") : all);
      cell.append(head);
      if (run.left_out) cell.append(make("p", `${run.left_out} of them are left out, for the size of this page.`, "dim"));
      const box = make("div");
      cell.append(box);
      list(box, run.candidates);
    });
  };
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
    if (row && (event.target.closest("button") || getSelection().isCollapsed)) toggle(row);
  });
  const follow = () => {
    const row = /^#p\d+$/.test(location.hash) && document.getElementById(location.hash.slice(1));
    if (!row) return;
    if (row.hidden) {
      find.value = kind.value = verdict.value = "";
      filter();
    }
    if (!row.classList.contains("open")) toggle(row);
    row.scrollIntoView();
  };
  addEventListener("hashchange", follow);
  follow();
})();

// One problem, opened: its texts, and its candidates beside the nearest one that passes.
const AT_ONCE = 20; // candidates that are shown before one asks for more

const listed = (numbers) =>
  numbers.length === 1 ? `sample ${numbers[0]}`
    : `samples ${numbers.slice(0, 12).join(", ")}${numbers.length > 12 ? ", …" : ""}`;
const chip = (i) => make("b", runs[i].letter, `run run-${runs[i].colour}`);
const folded = (title, content) => {
  const details = make("details");
  details.append(make("summary", title));
  details.addEventListener("toggle", () => {
    details.append(...content());
    reachable(details);
  }, { once: true });
  return details;
};
// Who has no mouse scrolls what has the focus.
const reachable = (inside) => {
  for (const box of inside.querySelectorAll("pre, .scroll")) {
    if (box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight) {
      box.tabIndex = 0;
      if (!box.hasAttribute("role")) {
        box.setAttribute("role", "group");
        box.setAttribute("aria-label", box.tagName === "PRE" ? "code" : "table");
      }
    }
  }
};
// What an assertion expected, and what came; where they differ is marked.
const comparison = (one) => {
  const p = make("p", undefined, "compared");
  const [wanted, came] = [one.expected ?? "", one.actual];
  let [start, i, j] = middle(wanted, came);
  if (2 * (i - start) > wanted.length) start = i = j = 0; // two values that have little in common
  const unseen = bare(wanted) === bare(came);
  if (wanted) p.append("expected ", put(make("code"), [["", wanted]], start, i, "ins", unseen), " ");
  p.append(wanted ? "got " : "the last call returned ", put(make("code"), [["", came]], start, j, "del", unseen));
  return p;
};
const header = (one) => {
  const head = make("p");
  head.append(make("b", one.verdict, `verdict v-${one.verdict}`));
  if (one.samples.length > 1) head.append(make("b", `× ${one.samples.length}`));
  head.append(make("span", listed(one.samples), "dim"));
  if (one.base) head.append(make("span", one.base));
  if (one.cpu_s) head.append(make("span", `${one.cpu_s.toFixed(3)} s, ${one.peak_mib.toFixed(0)} MiB`, "dim"));
  for (const flag of one.flags) head.append(make("b", flag, "flag"));
  return head;
};
const candidate = (one, passing) => {
  const article = make("article", undefined, "candidate");
  article.append(header(one));
  if (one.detail) article.append(make("code", one.detail));
  if (one.actual) article.append(comparison(one));
  if (one.code !== undefined) {
    const near = one.verdict === "passed" ? undefined : nearest(one.code, passing);
    const table = near && difference(one.code, near.code, ["this candidate", near.title]);
    if (near?.blanks) article.append(make("p", "Blanks alone tell it from the one that passes.", "note"));
    if (table) article.classList.add("wide-card");
    article.append(table ?? block(one.code));
  }
  if (one.text !== undefined) {
    if (one.code === undefined) article.append(make("span", "as the model wrote it:", "dim"), make("pre", one.text));
    else article.append(folded("as the model wrote it", () => [make("pre", one.text)]));
  }
  return article;
};
const list = (box, candidates, passing) => {
  const rest = candidates.slice(AT_ONCE);
  box.append(...candidates.slice(0, AT_ONCE).map((one) => candidate(one, passing)));
  reachable(box);
  highlight();
  if (!rest.length) return;
  const more = make("button", `Show ${rest.length} more`, "more");
  more.type = "button";
  more.addEventListener("click", () => {
    more.remove();
    list(box, rest, passing);
  });
  box.append(more);
};
// All that passed, of every run; where nothing did, the benchmark's own solution.
const passingOf = (problem) => {
  const passing = problem.runs.flatMap((run, i) => (run?.candidates ?? [])
    .filter((one) => one.verdict === "passed" && one.code !== undefined)
    .map((one) => ({
      code: one.code,
      title: `the nearest that passes: ${runs.length > 1 ? `${runs[i].letter}, ` : ""}sample ${one.samples[0]}`,
    })));
  if (passing.length || problem.reference === undefined) return passing;
  return [{ code: problem.reference, title: "none passes; the benchmark's own solution" }];
};
const texts = (problem) => {
  const all = [];
  if (problem.prompt !== undefined) all.push(make("h3", "Prompt"), block(problem.prompt));
  for (const [of, text] of problem.sent ?? []) {
    const details = folded("Prompt as it was sent", () => [make("pre", text)]);
    if (runs.length > 1) details.firstChild.append(" ", ...of.map(chip));
    all.push(details);
  }
  if (problem.tests) all.push(folded("Tests", () => [block(problem.tests)]));
  return all;
};
const fill = async (row, cell) => {
  const problem = await unpack(`d${row.dataset.i}`);
  const link = make("a", "Link to this problem", "link");
  link.href = `#${encodeURI(row.id)}`;
  cell.append(link, ...texts(problem));
  const passing = passingOf(problem);
  problem.runs.forEach((run, i) => {
    if (!run) return;
    const head = make("h3");
    if (runs.length > 1) head.append(chip(i), ` ${runs[i].name} `);
    const all = run.distinct === 1 ? "1 distinct candidate" : `${run.distinct} distinct candidates`;
    head.append(runs.length > 1 ? make("span", all, "dim") : all);
    cell.append(head);
    if (run.left_out) cell.append(make("p", `${run.left_out} of them are left out, for the size of this page.`, "dim"));
    const box = make("div", undefined, "candidates");
    cell.append(box);
    const found = run.candidates.filter(holdsTerm);
    list(box, [...found, ...run.candidates.filter((one) => !found.includes(one))], passing);
  });
  reachable(cell);
};

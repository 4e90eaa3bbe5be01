// Two pictures of all samples: problems x runs by pass rate, and problems x samples by verdict.
const colourOf = (name) => {
  const hex = getComputedStyle(document.documentElement).getPropertyValue(name).trim().slice(1);
  const full = hex.length === 3 ? [...hex].map((digit) => digit + digit).join("") : hex;
  return [0, 2, 4].map((at) => parseInt(full.slice(at, at + 2), 16));
};
// Draw one pixel a cell and stretch it; `colour(column, line)` gives [red, green, blue] or undefined.
const draw = (canvas, columns, height, tall, colour) => {
  const cells = new OffscreenCanvas(columns, height);
  const image = new ImageData(columns, height);
  for (let x = 0; x < columns; x++) {
    for (let y = 0; y < height; y++) {
      const rgb = colour(x, y);
      if (rgb) image.data.set([...rgb, 255], 4 * (y * columns + x));
    }
  }
  cells.getContext("2d").putImageData(image, 0, 0);
  canvas.width = columns * Math.max(1, Math.round(1200 / columns));
  canvas.height = tall;
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = height > tall; // more lines than there is room for: their mean
  context.drawImage(cells, 0, 0, canvas.width, tall);
};
const drawMaps = async () => {
  const grid = await unpack("grid-data");
  const names = [];
  for (const row of rows) names[row.dataset.i] = row.querySelector("button").textContent;
  const byNumber = new Map(rows.map((row) => [Number(row.dataset.i), row]));
  const letter = (verdict) => Object.keys(grid.verdicts).find((one) => grid.verdicts[one] === verdict);
  const [passed, without] = [letter("passed"), letter("infra_error")];
  const rate = (verdicts) => {
    const judged = [...(verdicts ?? "")].filter((one) => one !== without);
    return judged.length ? judged.filter((one) => one === passed).length / judged.length : undefined;
  };
  const rates = grid.runs.map((run) => run.map(rate));
  const means = names.map((_, i) => rates.reduce((sum, run) => sum + (run[i] ?? 0), 0));
  const which = document.getElementById("map-run");
  const order = document.getElementById("map-order");
  const run = () => Number(which?.value ?? 0);
  let places = [];

  const paint = () => {
    places = names.map((_, i) => i);
    if (order.value === "rate") places.sort((a, b) => means[b] - means[a] || a - b);
    const [good, empty] = [colourOf("--v-passed"), colourOf("--grid")];
    const blend = (value) => empty.map((from, i) => Math.round(from + value * (good[i] - from)));
    const overview = document.getElementById("map-runs");
    if (overview) {
      draw(overview, names.length, rates.length, 22 * rates.length, (x, y) => {
        const value = rates[y][places[x]];
        return value === undefined ? undefined : blend(value);
      });
    }
    const colours = new Map(Object.entries(grid.verdicts).map(([letter, name]) => [letter, colourOf(`--v-${name}`)]));
    const columns = grid.runs[run()];
    const most = Math.max(1, ...columns.map((column) => column.length));
    draw(document.getElementById("map-samples"), names.length, most, Math.min(Math.max(most * 8, 24), 320),
      (x, y) => colours.get(columns[places[x]][y]));
  };
  const at = (event, height) => {
    const box = event.target.getBoundingClientRect();
    const part = (value, size, count) => Math.min(Math.max(Math.floor((value / size) * count), 0), count - 1);
    const problem = places[part(event.clientX - box.left, box.width, names.length)];
    return [problem, part(event.clientY - box.top, box.height, height)];
  };
  const output = document.getElementById("map-at");
  const watch = (canvas, height, say) => {
    if (!canvas) return;
    canvas.addEventListener("mousemove", (event) => { output.textContent = say(...at(event, height())); });
    canvas.addEventListener("mouseleave", () => { output.textContent = ""; });
    canvas.addEventListener("click", (event) => reveal(byNumber.get(at(event, height())[0])));
  };
  // Neither all nor none where it is not.
  const whole = (percent) => (percent > 0 && percent < 100 ? Math.min(99, Math.max(1, Math.round(percent))) : percent);
  watch(document.getElementById("map-runs"), () => rates.length, (i, line) => {
    const value = rates[line][i];
    return `${names[i]}, ${runs[line].letter}: ${value === undefined ? "no verdict" : `${whole(100 * value)} % pass`}`;
  });
  const samples = () => Math.max(1, ...grid.runs[run()].map((column) => column.length));
  watch(document.getElementById("map-samples"), samples, (i, line) => {
    const letter = grid.runs[run()][i][line];
    return `${names[i]}, sample ${line}: ${letter ? grid.verdicts[letter] : "none"}`;
  });
  for (const control of [which, order]) control?.addEventListener("input", paint);
  for (const query of ["(prefers-color-scheme: dark)", "print"]) matchMedia(query).addEventListener("change", paint);
  document.getElementById("map").hidden = false;
  paint();
};
drawMaps().catch(() => {}); // an old browser has the table
follow();
reachable(document);

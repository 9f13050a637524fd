// How one output pixel is computed: window times kernel, plus bias.

const FIRST_TERMS = 4, FIRST_SINGLES = 12;
let allTerms = false;

// For other activations the page stores the output.
const ACTIVATIONS = {
  relu: (v) => Math.max(0, v),
  relu6: (v) => Math.min(6, Math.max(0, v)),
  sigmoid: (v) => 1 / (1 + Math.exp(-v)),
  silu: (v) => v / (1 + Math.exp(-v)),
  tanh: Math.tanh,
};

// {terms: [{channel, window, kernel, sum}], rest, bias, total, output}; null if not stored.
function compute(at, arrays, kernel, maps, i, place) {
  const window = at.window;
  if (!window || !arrays) return null;
  return window.full ? computeFull(at, arrays, kernel, maps, i, place) : computePeak(at, arrays, maps, i, place);
}

function computeFull(at, arrays, kernel, maps, i, { y, x }) {
  const window = at.window, [kh, kw] = window.size, [height, width, inputs] = arrays.given.shape;
  const channel = at.channels[i], perGroup = inputs / window.groups;
  const first = Math.floor((channel * window.groups) / at.shape[2]) * perGroup;
  const outside = window.rule === "max" ? -Infinity : 0;
  const terms = [];
  for (let c = 0; c < perGroup; c++) {
    const cut = [], weights = [];
    let sum = 0;
    for (let r = 0; r < kh; r++)
      for (let q = 0; q < kw; q++) {
        const row = y * window.strides[0] - window.padding[0] + r * window.dilation[0];
        const column = x * window.strides[1] - window.padding[1] + q * window.dilation[1];
        const inside = row >= 0 && column >= 0 && row < height && column < width;
        const value = inside ? arrays.given.data[(row * width + column) * inputs + first + c] : outside;
        cut.push(value);
        if (window.rule === "max") continue;
        const weight = kernel.kernel.data[((i * kh + r) * kw + q) * perGroup + c];
        weights.push(weight);
        sum += value * weight;
      }
    terms.push({ channel: first + c, window: cut, kernel: weights, sum });
  }
  terms.sort((a, b) => Math.abs(b.sum) - Math.abs(a.sum));
  const bias = kernel?.bias ? kernel.bias.data[i] : 0;
  const total = window.rule === "max"
    ? Math.max(...terms[0].window)
    : terms.reduce((all, term) => all + term.sum, 0) + bias;
  const activation = ACTIVATIONS[window.activation] ?? ((v) => v);
  const output = arrays.output ? arrays.output.data[(i * maps.height + y) * maps.width + x] : activation(total);
  return { terms, rest: null, others: 0, bias, total, output };
}

function computePeak(at, arrays, maps, i, place) {
  if (!same(place, maps.peak(i))) return null;
  const count = arrays.which.shape[1], area = at.window.size[0] * at.window.size[1];
  const terms = [];
  for (let k = 0; k < count; k++) {
    const from = (i * count + k) * area;
    const cut = [...arrays.window.data.subarray(from, from + area)];
    const kernel = [...arrays.kernel.data.subarray(from, from + area)];
    terms.push({
      channel: arrays.which.data[i * count + k], window: cut, kernel,
      sum: cut.reduce((all, value, j) => all + value * kernel[j], 0),
    });
  }
  const others = at.given[2] / at.window.groups - count;
  return {
    terms, rest: others > 0 ? arrays.rest.data[i] : null, others,
    bias: arrays.bias.data[i], total: arrays.total.data[i], output: arrays.output.data[i],
  };
}

function drawArithmetic() {
  const at = layer(), box = $("arithmetic");
  $("arithmetic-card").hidden = !hasMaps() || !at.window;
  if ($("arithmetic-card").hidden) return;
  const maps = shown.maps, i = maps.index(state.channel);
  const place = state.pixel ?? maps.peak(i);
  $("arithmetic-title").textContent = maps.vector
    ? `How number ${state.channel} is computed`
    : `How row ${place.y}, column ${place.x} of channel ${state.channel} is computed`;
  const found = compute(at, shown.arrays, shown.kernel, maps, i, place);
  if (!found) {
    box.replaceChildren(
      make("p", { class: "note" }, "For this layer, the page contains the computation of the highest pixel of each channel only. "),
      make("button", { type: "button", class: "link", onclick: () => update({ pixel: null, hover: null }) }, "Show the highest pixel"),
    );
    return;
  }
  const parts = [equation(at, found)];
  if (at.window.rule === "max") parts.push(maximum(at, found));
  else if (at.window.size[0] * at.window.size[1] === 1) parts.push(singles(found));
  else parts.push(...windows(at, found));
  parts.push(make("p", { class: "note" }, arithmeticNote(at, found)));
  box.replaceChildren(...parts);
}

function equation(at, found) {
  const term = (name, value, id) => make("div", { class: "term", id }, exact(value), make("small", {}, name));
  const pieces = [];
  // Keep a sign and the term after it on the same line.
  const then = (sign, ...rest) => pieces.push(
    make("div", { class: "step" }, make("span", { class: "sign", "aria-hidden": "true" }, sign), term(...rest)));
  if (at.window.rule === "max") {
    pieces.push(term("largest of the window", found.total, "sum"));
  } else {
    const products = found.terms.reduce((all, t) => all + t.sum, 0) + (found.rest ?? 0);
    const count = at.window.size[0] * at.window.size[1] * (at.given[2] / at.window.groups);
    pieces.push(term(count === 1 ? "input × weight" : `sum of ${whole(count)} products`, products, "products"));
    if (found.bias !== 0) then("+", "bias", found.bias, "bias");
    if (found.bias !== 0) then("=", "sum", found.total, "sum");
  }
  if (at.window.activation) then("→", at.window.activation, found.output, "output");
  return make("div", { class: "equation" }, ...pieces);
}

// A grid of numbers; the one under the mouse is marked in all grids of the row.
function grid(name, values, [height, width], bound, mark) {
  const colour = bound === null ? colouring(Math.min(...values.filter(Number.isFinite)), Math.max(...values)) : colouring(-bound, bound);
  const cells = values.map((value, k) => {
    const packed = Number.isFinite(value) ? colour(value) : colour(0);
    return make("span", {
      class: `cell${isDeep(packed) !== dark() ? " other" : ""}${mark === k ? " mark" : ""}`, "data-k": k,
      "data-value": String(value), title: String(value), style: `background:${css(packed)}`,
    }, Number.isFinite(value) ? brief(value) : "");
  });
  return make("figure", { class: "grid" },
    make("figcaption", {}, name),
    make("div", { class: "cells", style: `--columns:${width}` }, ...cells));
}

function windows(at, found) {
  const limit = allTerms ? found.terms.length : Math.min(FIRST_TERMS, found.terms.length);
  const largest = Math.max(...found.terms.map((term) => Math.abs(term.sum)), Math.abs(found.rest ?? 0), 1e-30);
  const bound = (pick) => Math.max(...found.terms.map((t) => Math.max(...pick(t).map(Math.abs))), 1e-30);
  const bounds = [bound((t) => t.window), bound((t) => t.kernel)];
  const products = (t) => t.window.map((value, k) => value * t.kernel[k]);
  const third = bound(products);
  const single = found.terms.length === 1 && !found.others;
  const list = found.terms.slice(0, limit).map((term) =>
    make("div", { class: "term-row", "data-channel": term.channel },
      make("p", { class: "term-head" },
        make("span", {}, single && at.given[2] === 1 ? "The input" : `Input channel ${term.channel}`),
        barOf(term.sum, largest), exact(term.sum)),
      make("div", { class: "grids", onpointerover: markCells, onpointerleave: unmarkCells },
        grid("window", term.window, at.window.size, bounds[0]),
        make("span", { class: "sign", "aria-hidden": "true" }, "×"),
        grid("kernel", term.kernel, at.window.size, bounds[1]),
        make("span", { class: "sign", "aria-hidden": "true" }, "="),
        grid("product", products(term), at.window.size, third))));
  return [...list, moreTerms(found, limit), restRow(found, largest)].filter(Boolean);
}

function singles(found) {
  const limit = allTerms ? found.terms.length : Math.min(FIRST_SINGLES, found.terms.length);
  const largest = Math.max(...found.terms.map((term) => Math.abs(term.sum)), Math.abs(found.rest ?? 0), 1e-30);
  const rowsOf = found.terms.slice(0, limit).map((term) =>
    make("tr", { "data-channel": term.channel },
      make("th", { scope: "row" }, String(term.channel)),
      make("td", {}, exact(term.window[0])), make("td", {}, exact(term.kernel[0])),
      make("td", {}, exact(term.sum)), make("td", { class: "wide" }, barOf(term.sum, largest))));
  return make("div", {},
    make("table", { class: "products" },
      make("thead", {}, make("tr", {}, ...["input", "value", "× weight", "= product", ""].map((t) => make("th", { scope: "col" }, t)))),
      make("tbody", {}, ...rowsOf)),
    moreTerms(found, limit), restRow(found, largest));
}

function maximum(at, found) {
  const values = found.terms[0].window;
  return make("div", { class: "term-row" },
    make("div", { class: "grids" }, grid("window", values, at.window.size, null, values.indexOf(found.total))));
}

function barOf(value, largest) {
  const width = (50 * Math.abs(value)) / largest;
  return make("span", { class: "sum-bar", "aria-hidden": "true" },
    make("i", { class: value < 0 ? "minus" : "plus", style: `width:${width}%` }));
}

function restRow(found, largest) {
  if (found.rest === null) return null;
  return make("p", { class: "term-head rest" },
    make("span", {}, `The other ${plural(found.others, "input channel")} together`), barOf(found.rest, largest), exact(found.rest));
}

function moreTerms(found, limit) {
  if (found.terms.length <= limit && !allTerms) return null;
  const many = found.terms.length > FIRST_TERMS;
  if (!many) return null;
  return make("button", { type: "button", class: "link", onclick: () => { allTerms = !allTerms; drawArithmetic(); } },
    allTerms ? "Show only the largest" : `Show all ${found.terms.length} input channels`);
}

function arithmeticNote(at, found) {
  const notes = [];
  if (at.window.rule === "sum" && found.terms.length > 1) notes.push("Input channels with the largest contribution come first.");
  if (!at.window.full) notes.push("For this layer, the page contains the computation of the highest pixel of each channel only; in smaller layers you can choose any pixel.");
  else if (!shown.maps.vector) notes.push("Click any pixel of the feature map.");
  notes.push("Inputs and weights are the exact values in the network; point at one to read all of its digits.");
  return notes.join(" ");
}

function markCells(event) {
  const k = event.target.dataset?.k;
  for (const cell of event.currentTarget.querySelectorAll(".cell")) cell.classList.toggle("mark", cell.dataset.k === k && k !== undefined);
}
function unmarkCells(event) {
  for (const cell of event.currentTarget.querySelectorAll(".mark")) cell.classList.remove("mark");
}

draws("shown channel", () => { allTerms = false; });
draws("shown channel pixel theme", drawArithmetic);

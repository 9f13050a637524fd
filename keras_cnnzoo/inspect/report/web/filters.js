// Kernels as pictures: in colour for three input channels, otherwise slice by slice.

const MOST_SLICES = 32;

// The slices of a filter, strongest first: [{input, values}]; how many are left out.
function slicesOf(i) {
  const window = layer().window, kernel = shown.kernel, [kh, kw] = window.size, area = kh * kw;
  const perGroup = layer().given[2] / window.groups;
  const group = Math.floor((layer().channels[i] * window.groups) / layer().shape[2]) * perGroup;
  const found = [];
  if (kernel.kernel) {
    for (let c = 0; c < perGroup; c++) {
      const values = Array.from({ length: area }, (_, k) => kernel.kernel.data[(i * area + k) * perGroup + c]);
      found.push({ input: group + c, values });
    }
    const norm = (slice) => slice.values.reduce((all, v) => all + v * v, 0);
    found.sort((a, b) => norm(b) - norm(a));
  } else {
    const count = kernel.slices.shape[1];
    for (let k = 0; k < count; k++) {
      const from = (i * count + k) * area, scale = kernel.scale.data[i] / 127;
      const values = [...kernel.slices.data.subarray(from, from + area)].map((v) => v * scale);
      found.push({ input: group + kernel.inputs.data[i * count + k], values });
    }
  }
  return { slices: found, all: perGroup };
}

// A filter with three input channels is shown as a colour image; grey is zero.
function paintFilter(canvas, i) {
  const [height, width] = layer().window.size, { slices } = slicesOf(i);
  const ordered = [...slices].sort((a, b) => a.input - b.input);
  const bound = Math.max(...ordered.flatMap((slice) => slice.values.map(Math.abs)), 1e-30);
  if (ordered.length !== 3) {
    const colour = colouring(-bound, bound);
    paint(canvas, width, height, (k) => colour(ordered[0].values[k]));
    return;
  }
  paint(canvas, width, height, (k) => {
    const [r, g, b] = ordered.map((slice) => Math.round(127.5 + (127.5 * slice.values[k]) / bound));
    return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
  });
}

function filterNote() {
  const three = (shown.kernel.kernel ?? shown.kernel.slices).shape[shown.kernel.kernel ? 3 : 1] === 3;
  return three ? "Each filter is shown in the colours of its three input channels, grey where it is zero." : "";
}

function drawFilter() {
  const window = layer().window;
  const able = hasMaps() && window?.filters && shown.kernel && window.size[0] * window.size[1] > 1;
  $("filter-card").hidden = !able;
  if (!able) return;
  const i = shown.maps.index(state.channel), { slices, all } = slicesOf(i);
  const [height, width] = window.size;
  const bound = Math.max(...slices.flatMap((slice) => slice.values.map(Math.abs)), 1e-30);
  const colour = colouring(-bound, bound);
  const pictures = slices.slice(0, MOST_SLICES).map((slice) => {
    const canvas = make("canvas", { role: "img", "aria-label": `Weights for input channel ${slice.input}` });
    paint(canvas, width, height, (k) => colour(slice.values[k]));
    return make("figure", { class: "slice" }, canvas, make("figcaption", {}, String(slice.input)));
  });
  if (all === 3) {
    const canvas = make("canvas", { role: "img", "aria-label": "The filter in the colours of its three input channels" });
    paintFilter(canvas, i);
    pictures.unshift(make("figure", { class: "slice whole" }, canvas, make("figcaption", {}, "in colour")));
  }
  $("filter-title").textContent = `Filter ${state.channel}`;
  $("slices").replaceChildren(...pictures);
  const many = all > 1 ? `${plural(all, "slice")} of ${height}×${width}, one for each input channel` : `${height}×${width} weights`;
  const some = slices.slice(0, MOST_SLICES).length < all ? `; the ${Math.min(slices.length, MOST_SLICES)} largest are shown` : "";
  $("filter-note").textContent = `${many}${some}. Blue weighs positively, orange negatively, up to ±${number(bound, 3)}.`;
}

draws("shown channel theme", drawFilter);

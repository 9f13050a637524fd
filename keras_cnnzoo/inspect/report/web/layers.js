// The layers as a tree, by path, each with a small box that shows its output size.

const folded = new Set();
let filterText = "";
const rows = buildRows();

// A block without a row of its own gets one that can only be folded and unfolded.
function buildRows() {
  const found = [], groups = new Map();
  manifest.layers.forEach((at, index) => {
    const parts = at.path.split("/");
    for (let depth = 1; depth < parts.length; depth++) {
      const path = parts.slice(0, depth).join("/");
      if (!groups.has(path)) {
        const row = { path, name: parts[depth - 1], depth: depth - 1, index: null, group: true, count: 0 };
        groups.set(path, row);
        found.push(row);
      }
      groups.get(path).count++;
    }
    const own = groups.get(at.path);
    if (own) own.index = index;
    else found.push({ path: at.path, name: parts.at(-1), depth: parts.length - 1, index, group: false });
  });
  return found;
}

const above = (path) => path.split("/").slice(0, -1).map((_, i, all) => all.slice(0, i + 1).join("/"));
const hidden = (row) => !filterText && above(row.path).some((path) => folded.has(path));

function matches(row) {
  if (!filterText) return true;
  const at = row.index === null ? null : manifest.layers[row.index];
  return `${row.path} ${at?.type ?? ""} ${at?.text ?? ""}`.toLowerCase().includes(filterText);
}

const visibleRows = () => rows.filter((row) => !hidden(row) && matches(row));

// The box: its height shows the feature map's size, its width the number of channels,
// both on logarithmic scales.
const most = { side: 1, channels: 1 };
for (const at of manifest.layers) {
  if (!at.shape) continue;
  most.side = Math.max(most.side, at.shape[0], at.shape[1]);
  most.channels = Math.max(most.channels, at.shape[2]);
}
function glyph(at) {
  if (!at?.shape) return make("span", { class: "glyph", "aria-hidden": "true" });
  const part = (n, all) => Math.log2(n + 1) / Math.log2(all + 1);
  const height = 2 + 18 * part(Math.max(at.shape[0], at.shape[1]) - 1, most.side);
  const width = 2 + 16 * part(at.shape[2], most.channels);
  return make("span", { class: "glyph", "aria-hidden": "true" },
    make("i", { style: `height:${height.toFixed(1)}px;width:${width.toFixed(1)}px` }));
}

function drawTree() {
  const listed = visibleRows();
  const current = listed.find((row) => row.index === state.layer);
  $("tree").replaceChildren(
    ...listed.map((row, i) => {
      const at = row.index === null ? null : manifest.layers[row.index];
      const chosen = row.index !== null && row.index === state.layer;
      const fold = row.group
        ? make("span", { class: "fold", "aria-hidden": "true", onclick: (e) => { e.stopPropagation(); toggle(row); } })
        : null;
      return make("div", {
        role: "treeitem", class: `row${row.group ? " group" : ""}`, "data-path": row.path,
        "aria-level": row.depth + 1, "aria-selected": String(chosen),
        "aria-expanded": row.group ? String(!folded.has(row.path)) : null,
        tabindex: chosen || (!current && i === 0) ? "0" : "-1",
        style: `--depth:${row.depth}`, title: at ? `${row.path}: ${at.text}` : row.path,
        onclick: () => pick(row),
      },
      glyph(at),
      make("span", { class: "row-name" }, row.name),
      at?.shape ? make("span", { class: "row-size" }, size(at.shape)) : make("span", { class: "row-size" }),
      fold);
    }),
  );
  if (!listed.length) $("tree").append(make("p", { class: "note" }, "No layer has this in its name or kind."));
}

function toggle(row) {
  if (folded.has(row.path)) folded.delete(row.path);
  else folded.add(row.path);
  drawTree();
  focusRow(row.path);
}

function pick(row) {
  if (row.index === null) { toggle(row); return; }
  update({ layer: row.index });
  closeLayers();
}

const rowOf = (path) => $("tree").querySelector(`[data-path="${CSS.escape(path)}"]`);
function focusRow(path) {
  const element = rowOf(path);
  if (!element) return;
  $("tree").querySelectorAll("[tabindex='0']").forEach((e) => { e.tabIndex = -1; });
  element.tabIndex = 0;
  element.focus();
}

// Select the next or previous layer of the list, including folded ones.
function stepLayer(step) {
  const listed = rows.filter((row) => row.index !== null && matches(row));
  const at = listed.findIndex((row) => row.index === state.layer);
  const next = listed[at < 0 ? 0 : at + step];
  if (next) update({ layer: next.index });
}

function treeKeys(event) {
  const listed = visibleRows();
  const path = document.activeElement?.dataset?.path;
  const at = listed.findIndex((row) => row.path === path);
  if (at < 0) return;
  const row = listed[at];
  const go = (next) => { if (next) { focusRow(next.path); if (next.index !== null) update({ layer: next.index }); } };
  const keys = {
    ArrowDown: () => go(listed[at + 1]),
    ArrowUp: () => go(listed[at - 1]),
    Home: () => go(listed[0]),
    End: () => go(listed.at(-1)),
    ArrowRight: () => { if (row.group && folded.has(row.path)) toggle(row); else if (row.group) go(listed[at + 1]); },
    ArrowLeft: () => {
      if (row.group && !folded.has(row.path)) toggle(row);
      else go(listed.find((other) => other.path === above(row.path).at(-1)));
    },
    Enter: () => pick(row),
    " ": () => pick(row),
  };
  if (!(event.key in keys)) return;
  event.preventDefault();
  event.stopPropagation();
  keys[event.key]();
}

function drawChosen() {
  for (const path of above(layer().path)) folded.delete(path);
  const inTree = $("tree").contains(document.activeElement);
  drawTree();
  const element = rowOf(layer().path);
  if (inTree) element?.focus();
  const box = $("tree");
  if (element && box.clientHeight) {
    const top = element.offsetTop - box.offsetTop;
    if (top < box.scrollTop + 40 || top > box.scrollTop + box.clientHeight - 60)
      box.scrollTop = top - box.clientHeight / 2;
  }
}

function drawHead() {
  const at = layer(), parts = at.path.split("/"), model = manifest.model;
  $("layer-above").textContent = parts.slice(0, -1).join(" / ");
  $("layer-name").textContent = parts.at(-1);
  $("layer-kind").textContent = at.text[0].toUpperCase() + at.text.slice(1);
  const field = at.field;
  $("layer-facts").replaceChildren(
    ...[
      at.shape && fact("Output", size(at.shape), at.shape[0] * at.shape[1] === 1 ? "numbers" : null),
      at.params !== null && fact("Parameters", whole(at.params), at.fixed ? `and ${whole(at.fixed)} fixed` : share(at.params, model.params)),
      at.macs !== null && fact("Multiply-adds", short(at.macs), share(at.macs, model.macs)),
      at.bytes && fact("Output memory", `${short(at.bytes)}B`),
      at.dense && fact("As a dense layer", short(at.dense), "weights"),
      field && fact("Receptive field", field.size.join("×"), `step ${field.stride[0]}`),
    ].filter(Boolean),
  );
  $("layer-open-name").textContent = at.path;
  $("layer-before").disabled = state.layer === rows.find((row) => row.index !== null)?.index;
}

function closeLayers() {
  document.body.classList.remove("layers-open");
  $("layer-open").setAttribute("aria-expanded", "false");
}

function wireLayers() {
  $("tree").addEventListener("keydown", treeKeys);
  $("layer-filter").addEventListener("input", (event) => {
    filterText = event.target.value.trim().toLowerCase();
    drawTree();
  });
  $("layer-filter").addEventListener("keydown", (event) => {
    if (event.key === "Escape") { event.target.value = ""; filterText = ""; drawTree(); event.target.blur(); }
    if (event.key === "ArrowDown") { event.preventDefault(); $("tree").querySelector("[tabindex='0']")?.focus(); }
    event.stopPropagation();
  });
  $("layer-filter").hidden = rows.length < 16;
  $("layer-before").addEventListener("click", () => stepLayer(-1));
  $("layer-after").addEventListener("click", () => stepLayer(1));
  $("layer-open").addEventListener("click", () => {
    const open = document.body.classList.toggle("layers-open");
    $("layer-open").setAttribute("aria-expanded", String(open));
    if (open) drawChosen();
  });
  const left = Object.entries(manifest.model.left_out);
  const count = left.reduce((all, [, n]) => all + n, 0);
  $("left-out").textContent = count
    ? `Not listed, since ${count === 1 ? "it only passes on its" : "they only pass on their"} input: ` +
      `${left.map(([kind, n]) => (n > 1 ? `${n} × ${kind}` : kind)).join(", ")}.`
    : "";
}

draws("shown layer", drawHead);
draws("shown layer", drawChosen);

// All channels of the layer as tiles: the feature map or the filter of each.

function filtersShown() {
  const window = shown?.layer.window, kernel = shown?.kernel;
  if (!window?.filters || !kernel) return false;
  const pixels = window.size[0] * window.size[1];
  const inputs = kernel.kernel ? kernel.kernel.shape[3] : kernel.slices.shape[1];
  return pixels > 1 && (inputs === 1 || inputs === 3);
}

function drawTiles() {
  const at = layer();
  $("maps-card").hidden = !hasMaps();
  $("no-maps").hidden = hasMaps();
  if (!hasMaps()) return;
  const filters = filtersShown() && state.view === "filters";
  const vector = shown.maps.vector && !filters;
  const all = at.shape[2], here = at.channels.length;
  $("maps-title").textContent = vector ? plural(all, "number") : filters ? plural(all, "filter") : plural(all, "feature map");
  const box = $("tiles");
  box.className = `tiles${vector ? " units" : ""}${shown.maps.width < 64 ? " coarse" : ""}`;
  box.replaceChildren(...shown.maps.ordered().map((channel) => tile(channel, filters, vector)));
  const notes = [];
  if (here < all) notes.push(`The ${here} of ${whole(all)} that ${manifest.images.length > 1 ? "the images activate" : "the image activates"} most.`);
  if (at.same_as) notes.push(`The same output as that of ${at.same_as}.`);
  if (filters) notes.push(filterNote());
  $("maps-note").textContent = notes.join(" ");
  drawControls();
}

function tile(channel, filters, vector) {
  const i = shown.maps.index(channel), [low, high] = shown.maps.range(i);
  const canvas = make("canvas", { "aria-hidden": "true" });
  if (filters) paintFilter(canvas, i);
  else shown.maps.paint(canvas, i);
  const [height, width] = filters ? layer().window.size : [shown.maps.height, shown.maps.width];
  canvas.style.aspectRatio = `${width} / ${height}`;
  const chosen = channel === state.channel;
  const words = vector ? `${channel}: ${number(high)}` : `channel ${channel}, from ${number(low)} to ${number(high)}`;
  return make("button", {
    type: "button", role: "option", class: "tile", "data-channel": channel, title: words, "aria-label": words,
    "aria-selected": String(chosen), tabindex: chosen ? "0" : "-1", onclick: () => update({ channel }),
  }, canvas, make("span", { class: "tile-name", "aria-hidden": "true" }, String(channel)));
}

function drawControls() {
  const box = $("maps-controls");
  const group = (label, name, choices) => {
    const element = make("div", { class: "segments", role: "radiogroup" });
    segments(element, choices, state[name], (value) => update({ [name]: value }), label);
    element.addEventListener("keydown", (event) => moveWithin(event, element, "radio"));
    return element;
  };
  const held = box.contains(document.activeElement) ? document.activeElement.dataset.value : null;
  const groups = [];
  if (filtersShown()) groups.push(group("What is shown", "view", [["maps", "Maps"], ["filters", "Filters"]]));
  groups.push(group("Order", "order", [["strength", "Strongest first"], ["number", "By number"]]));
  if (!shown.maps.vector && !(filtersShown() && state.view === "filters"))
    groups.push(group("Scale of the colours", "scale", [["own", "Own scale"], ["common", "Common scale"]]));
  box.replaceChildren(...groups);
  if (held) box.querySelector(`[data-value="${held}"]`)?.focus();
}

function markTile(changed) {
  if (changed && (changed.has("shown") || !changed.has("channel"))) return;
  for (const element of $("tiles").children) {
    const chosen = Number(element.dataset.channel) === state.channel;
    element.setAttribute("aria-selected", String(chosen));
    element.tabIndex = chosen ? 0 : -1;
  }
}

function stepChannel(step) {
  if (!hasMaps()) return;
  const order = shown.maps.ordered(), at = order.indexOf(state.channel);
  const next = order[at + step];
  if (next !== undefined) update({ channel: next });
}

function tileKeys(event) {
  const tiles = [...$("tiles").children];
  const at = tiles.indexOf(document.activeElement);
  if (at < 0) return;
  const columns = tiles.filter((tile) => tile.offsetTop === tiles[0].offsetTop).length;
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, Home: -at, End: tiles.length - 1 - at }[event.key];
  if (step === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  const next = tiles[at + step];
  if (!next) return;
  next.focus();
  update({ channel: Number(next.dataset.channel) });
}

draws("shown order scale view theme", drawTiles);
draws("channel", markTile);

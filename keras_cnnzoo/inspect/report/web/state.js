// The state of the view, and the functions that redraw parts when it changes.

const state = {
  image: 0,
  layer: 0, // index in manifest.layers
  channel: 0, // number of the channel in the layer
  pixel: null, // the chosen {y, x}; null means the channel's highest pixel
  hover: null, // {y, x} under the mouse
  answer: 0,
  method: "none",
  order: "strength",
  scale: "own",
  view: "maps",
};
// The arrays of the current layer and image.
let shown = null;
const drawers = []; // [names of the state, function]
let request = 0;

const draws = (names, draw) => drawers.push([names.split(" "), draw]);
const layer = () => manifest.layers[state.layer];
const image = () => manifest.images[state.image];
const hasMaps = () => Boolean(shown && shown.maps);

async function update(changes) {
  const changed = new Set(Object.keys(changes).filter((k) => changes[k] !== state[k]));
  if (!changed.size) return;
  const before = state.channel;
  Object.assign(state, changes);
  if (changed.has("layer") || changed.has("image")) {
    const mine = ++request;
    const next = await load(state.layer, state.image);
    if (mine !== request) return; // a later click was faster
    shown = next;
    if (!("channel" in changes) || !shown.maps || shown.maps.index(state.channel) < 0)
      state.channel = keepChannel(changed.has("layer"), before);
    if (!("pixel" in changes)) state.pixel = null;
    state.hover = null;
    changed.add("channel").add("pixel").add("hover").add("shown");
  } else if (changed.has("channel")) {
    if (!("pixel" in changes)) state.pixel = null;
    state.hover = null;
    changed.add("pixel").add("hover");
  }
  redraw(changed);
  remember();
}

function redraw(changed) {
  for (const [names, draw] of drawers)
    if (changed === null || names.some((name) => changed.has(name))) draw(changed);
}

// A new image keeps the channel; a new layer starts with its strongest channel.
function keepChannel(newLayer, before) {
  if (!shown.maps) return 0;
  if (!newLayer && shown.maps.index(before) >= 0) return before;
  return shown.maps.byStrength()[0];
}

async function load(layerAt, imageAt) {
  const at = manifest.layers[layerAt];
  const [arrays, kernel] = await Promise.all([mapsOf(at, imageAt), kernelOf(at)]);
  return { layer: at, arrays, kernel, maps: arrays && new Maps(at, arrays) };
}

// The feature maps of one layer and one image.
class Maps {
  constructor(at, arrays) {
    this.channels = at.channels;
    [this.height, this.width] = at.shape;
    this.levels = arrays.maps.data;
    this.ranges = arrays.range.data;
    this.mean = arrays.mean.data;
    this.zeros = arrays.zeros.data;
    this.place = arrays.place.data;
    this.low = Infinity;
    this.high = -Infinity;
    for (let i = 0; i < this.channels.length; i++) {
      this.low = Math.min(this.low, this.ranges[2 * i]);
      this.high = Math.max(this.high, this.ranges[2 * i + 1]);
    }
    this.places = new Map(this.channels.map((channel, i) => [channel, i]));
  }
  get vector() { return this.height === 1 && this.width === 1; }
  index(channel) { return this.places.get(channel) ?? -1; }
  range(i) { return [this.ranges[2 * i], this.ranges[2 * i + 1]]; }
  value(i, y, x) {
    const [low, high] = this.range(i);
    return low + (this.levels[(i * this.height + y) * this.width + x] / 255) * (high - low);
  }
  peak(i) {
    return { y: Math.floor(this.place[i] / this.width), x: this.place[i] % this.width };
  }
  byStrength() {
    const high = (channel) => this.ranges[2 * this.index(channel) + 1];
    return [...this.channels].sort((a, b) => high(b) - high(a) || a - b);
  }
  ordered() { return state.order === "strength" ? this.byStrength() : this.channels; }
  paint(canvas, i) {
    const size = this.height * this.width;
    // The values of a vector are shown side by side, so they need a common scale.
    const common = state.scale === "common" || this.vector;
    const [low, high] = this.range(i);
    const colour = common ? colouring(this.low, this.high) : colouring(low, high);
    const colours = Uint32Array.from({ length: 256 }, (_, k) => colour(low + (k / 255) * (high - low)));
    paint(canvas, this.width, this.height, (k) => colours[this.levels[i * size + k]]);
  }
}

// The current pixel: the one under the mouse, else the chosen one, else the highest.
function pixel() {
  return state.hover ?? state.pixel ?? shown.maps.peak(shown.maps.index(state.channel));
}

// The receptive field of a pixel of the layer's feature map.
function fieldOf(at, y, x) {
  const field = at.field;
  if (!field) return null;
  return {
    top: field.start[0] + y * field.stride[0], left: field.start[1] + x * field.stride[1],
    height: field.size[0], width: field.size[1],
  };
}

// The URL describes the view, so that it can be bookmarked and shared.
function remember() {
  const parts = new URLSearchParams({ image: state.image, layer: layer().path });
  if (hasMaps()) parts.set("channel", state.channel);
  if (state.pixel) parts.set("pixel", `${state.pixel.y},${state.pixel.x}`);
  if (state.method !== "none") parts.set("method", state.method);
  history.replaceState(null, "", `#${parts}`);
}

function recall() {
  const parts = new URLSearchParams(location.hash.slice(1));
  const found = {};
  const at = manifest.layers.findIndex((row) => row.path === parts.get("layer"));
  if (at >= 0) found.layer = at;
  const picture = Number(parts.get("image"));
  if (picture > 0 && picture < manifest.images.length) found.image = picture;
  if (parts.has("channel")) found.channel = Number(parts.get("channel"));
  const place = (parts.get("pixel") ?? "").match(/^(\d+),(\d+)$/);
  if (place && at >= 0) {
    const [height, width] = manifest.layers[at].shape ?? [0, 0];
    if (+place[1] < height && +place[2] < width) found.pixel = { y: +place[1], x: +place[2] };
  }
  if (parts.get("method") in manifest.methods) found.method = parts.get("method");
  return found;
}

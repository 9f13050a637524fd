// One channel: its feature map, the selected pixel, and that pixel's receptive field.

function drawMap() {
  $("channel-card").hidden = !hasMaps();
  if (!hasMaps()) return;
  const maps = shown.maps, i = maps.index(state.channel);
  $("channel-title").textContent = maps.vector ? `Number ${state.channel}` : `Channel ${state.channel}`;
  const canvas = $("map-pixels"), box = $("map");
  maps.paint(canvas, i);
  box.style.aspectRatio = `${maps.width} / ${maps.height}`;
  box.style.setProperty("--ratio", maps.width / maps.height);
  box.classList.toggle("coarse", maps.width < 128);
  box.setAttribute("aria-label", maps.vector
    ? `Number ${state.channel}`
    : `Feature map of channel ${state.channel}, ${maps.height} by ${maps.width}. Arrow keys move the pixel, Escape returns to the highest.`);
  const common = state.scale === "common" || maps.vector;
  const [low, high] = common ? [maps.low, maps.high] : maps.range(i);
  const colour = colouring(low, high);
  paint($("scale-bar"), 160, 1, (k) => colour(low + (k / 159) * (high - low)));
  $("scale-low").textContent = number(low, 3);
  $("scale-high").textContent = number(high, 3);
}

function drawPixel() {
  if (!hasMaps()) return;
  const maps = shown.maps, i = maps.index(state.channel), { y, x } = pixel();
  const mark = $("map-pixel");
  mark.style.left = `${(100 * x) / maps.width}%`;
  mark.style.top = `${(100 * y) / maps.height}%`;
  mark.style.width = `${100 / maps.width}%`;
  mark.style.height = `${100 / maps.height}%`;
  mark.hidden = maps.vector;
  // Feature maps are quantised to 256 levels; only lowest and highest values are exact.
  const sure = same({ y, x }, maps.peak(i));
  const value = `${sure ? "" : "≈ "}${number(sure ? maps.range(i)[1] : maps.value(i, y, x), 3)}`;
  $("reading").textContent = maps.vector ? value : `row ${y}, column ${x}: ${value}`;

  const seen = fieldOf(layer(), y, x), picture = pictures[state.image], canvas = $("crop");
  $("crop").parentElement.hidden = !seen;
  if (!seen) {
    $("sees-note").textContent = "The receptive field of this pixel is not known, because the layer's computation cannot be traced.";
  } else {
    drawCrop(canvas, picture, seen);
    canvas.setAttribute("aria-label", "The receptive field of the pixel");
    $("sees-note").textContent = seesText(seen);
  }
  const peak = maps.peak(i), [low, high] = maps.range(i);
  const at = maps.vector ? null : `row ${peak.y}, column ${peak.x}`;
  const facts = maps.vector
    ? [fact("Value", exact(high)), fact("Rank", `${maps.byStrength().indexOf(state.channel) + 1} of ${whole(layer().shape[2])}`)]
    : [fact("Highest", exact(high), at), fact("Lowest", exact(low)), fact("Mean", exact(maps.mean[i])),
       fact("Zeros", `${Number((100 * maps.zeros[i]).toPrecision(3))} %`)];
  $("channel-facts").replaceChildren(...facts);
}

function seesText(seen) {
  const [height, width] = manifest.model.input;
  const ends = (from, length, all) => {
    const first = Math.ceil(Math.max(from, 0)), last = Math.floor(Math.min(from + length, all)) - 1;
    return [first, Math.max(first, last)];
  };
  const [top, bottom] = ends(seen.top, seen.height, height), [left, right] = ends(seen.left, seen.width, width);
  if (top === 0 && left === 0 && bottom === height - 1 && right === width - 1)
    return "Its receptive field is the whole image.";
  const beyond = seen.top < 0 || seen.left < 0 || seen.top + seen.height > height || seen.left + seen.width > width;
  const from = (word, a, b) => (a === b ? `${word} ${a}` : `${word}s ${a}–${b}`);
  return `Its receptive field is ${from("row", top, bottom)}, ${from("column", left, right)} of the image${beyond ? ", and padding beyond its edge" : ""}.`;
}

// The same channel on every image: the receptive field of its highest pixel.
async function drawReacts() {
  const at = layer(), box = $("reacts"), many = manifest.images.length > 1 && hasMaps() && at.field;
  box.hidden = !many;
  if (!many) return;
  const channel = state.channel, layerAt = state.layer;
  const all = await Promise.all(manifest.images.map((_, i) => mapsOf(at, i)));
  if (channel !== state.channel || layerAt !== state.layer) return;
  const found = all.map((arrays, i) => {
    const maps = new Maps(at, arrays), k = maps.index(channel);
    return { i, high: maps.range(k)[1], place: maps.peak(k) };
  });
  found.sort((a, b) => b.high - a.high);
  $("reacts-row").replaceChildren(
    ...found.map(({ i, high, place }) => {
      const canvas = make("canvas", { width: 160, height: 160, "aria-hidden": "true" });
      drawCrop(canvas, pictures[i], fieldOf(at, place.y, place.x));
      return make("button", {
        type: "button", class: "react", "aria-current": i === state.image ? "true" : null,
        "aria-label": `${manifest.images[i].caption}: ${number(high, 3)}`,
        onclick: () => update({ image: i, channel }),
      }, canvas, make("span", {}, number(high, 3)), make("small", {}, manifest.images[i].caption));
    }),
  );
}

// The pixel of the feature map under the mouse or finger.
function pointed(event) {
  const box = $("map").getBoundingClientRect(), maps = shown.maps;
  const y = Math.floor(((event.clientY - box.top) / box.height) * maps.height);
  const x = Math.floor(((event.clientX - box.left) / box.width) * maps.width);
  if (y < 0 || x < 0 || y >= maps.height || x >= maps.width) return null;
  return { y, x };
}

const same = (a, b) => a === b || (a && b && a.y === b.y && a.x === b.x);

function hover(place) {
  if (!same(place, state.hover)) update({ hover: place });
}

function choosePixel(place) {
  update({ pixel: place, hover: null });
  const maps = shown.maps, i = maps.index(state.channel);
  say(`Row ${place.y}, column ${place.x}: ${number(maps.value(i, place.y, place.x), 3)}`);
}

function mapKeys(event) {
  if (!hasMaps() || shown.maps.vector) return;
  const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
  if (!step) return;
  event.preventDefault();
  event.stopPropagation();
  const { y, x } = pixel();
  const next = {
    y: Math.max(0, Math.min(shown.maps.height - 1, y + step[0])),
    x: Math.max(0, Math.min(shown.maps.width - 1, x + step[1])),
  };
  choosePixel(next);
}

function wireMap() {
  const box = $("map");
  box.addEventListener("pointermove", (event) => { if (hasMaps() && event.pointerType === "mouse") hover(pointed(event)); });
  box.addEventListener("pointerleave", () => hover(null));
  box.addEventListener("click", (event) => {
    const place = hasMaps() && !shown.maps.vector && pointed(event);
    if (place) choosePixel(place);
  });
  box.addEventListener("keydown", mapKeys);
}

draws("shown channel scale theme", drawMap);
draws("shown channel pixel hover", drawPixel);
draws("shown channel", drawReacts);

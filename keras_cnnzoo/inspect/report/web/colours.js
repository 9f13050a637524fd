// Colours for values. Zero has the colour of the page, positive values are blue and
// negative ones orange, so that they mean the same in the light and the dark theme.

const RAMPS = {
  light: {
    positive: ["#ffffff", "#d7e5fb", "#9cc0f5", "#5590e6", "#2560bd", "#123a80", "#081d45"],
    negative: ["#ffffff", "#fbe3cf", "#f5bd8a", "#e38a3f", "#b95f17", "#7d3c0a", "#431d03"],
  },
  dark: {
    positive: ["#15181c", "#18305a", "#20509a", "#3f7cd8", "#79abf2", "#bcd7fb", "#f3f8ff"],
    negative: ["#15181c", "#4a2a12", "#86471a", "#c27128", "#e7a15c", "#f6cfa4", "#fff5ea"],
  },
};
// From the lowest to the highest attribution; partly transparent, over the image.
const HEAT = ["#2d116000", "#5c187a30", "#b5367aa0", "#f1605dc8", "#fdae78dc", "#fcf4b6ee"];

const STEPS = 256;
const tables = new Map();

function rgba(hex) {
  const value = hex.length === 7 ? `${hex}ff` : hex;
  return [1, 3, 5, 7].map((i) => parseInt(value.slice(i, i + 2), 16));
}

// A colour ramp as packed pixels, from its first colour to its last.
function table(key, stops) {
  if (!tables.has(key)) {
    const colours = stops.map(rgba);
    const packed = new Uint32Array(STEPS);
    for (let i = 0; i < STEPS; i++) {
      const at = (i / (STEPS - 1)) * (colours.length - 1);
      const k = Math.min(Math.floor(at), colours.length - 2);
      const [r, g, b, a] = colours[k].map((c, j) => Math.round(c + (at - k) * (colours[k + 1][j] - c)));
      packed[i] = ((a << 24) | (b << 16) | (g << 8) | r) >>> 0;
    }
    tables.set(key, packed);
  }
  return tables.get(key);
}

const dark = () => document.documentElement.dataset.theme === "dark" ||
  (!document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);

function ramp(sign) {
  const theme = dark() ? "dark" : "light";
  return table(`${theme}-${sign}`, RAMPS[theme][sign]);
}

// A function from values to packed pixels. Zero has the colour of the page if the range
// contains it; otherwise the value nearest to zero has it.
function colouring(low, high) {
  const positive = ramp("positive"), negative = ramp("negative");
  if (low > 0 || high < 0) {
    const span = high - low || 1;
    const colours = low > 0 ? positive : negative, nearest = low > 0 ? low : high;
    return (v) => colours[Math.min(STEPS - 1, Math.round((Math.abs(v - nearest) / span) * (STEPS - 1)))];
  }
  const bound = Math.max(-low, high) || 1;
  return (v) => {
    const k = Math.min(STEPS - 1, Math.round((Math.abs(v) / bound) * (STEPS - 1)));
    return v < 0 ? negative[k] : positive[k];
  };
}

const css = (packed) => `rgb(${packed & 255} ${(packed >> 8) & 255} ${(packed >> 16) & 255})`;
const isDeep = (packed) =>
  0.299 * (packed & 255) + 0.587 * ((packed >> 8) & 255) + 0.114 * ((packed >> 16) & 255) < 140;

function paint(canvas, width, height, colourAt) {
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < pixels.length; i++) pixels[i] = colourAt(i);
  context.putImageData(image, 0, 0);
}

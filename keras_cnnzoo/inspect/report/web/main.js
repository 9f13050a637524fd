// Keyboard control, the colour theme, and the start of the page.

const THEMES = { light: "☀", dark: "☾" };
const THEME = "cnnzoo-theme";

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  try { localStorage.setItem(THEME, theme); } catch { /* without storage, the theme is not remembered */ }
  showTheme();
}

function showTheme() {
  const now = dark() ? "dark" : "light", other = dark() ? "light" : "dark";
  $("theme").replaceChildren(
    make("span", { "aria-hidden": "true" }, THEMES[other]));
  $("theme").setAttribute("aria-label", `Change to ${other} colours`);
  $("theme").title = `${other === "dark" ? "Dark" : "Light"} colours (T)`;
  $("theme").dataset.now = now;
  tables.clear();
  if (shown) redraw(new Set(["theme"]));
}

function pageKeys(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || $("keys").open) return;
  if (event.target.matches("input, textarea, select")) return;
  const keys = {
    ArrowDown: () => stepLayer(1),
    ArrowUp: () => stepLayer(-1),
    ArrowRight: () => stepChannel(1),
    ArrowLeft: () => stepChannel(-1),
    Escape: () => update({ pixel: null, hover: null }),
    "[": () => stepImage(-1),
    "]": () => stepImage(1),
    "/": () => { document.body.classList.add("layers-open"); $("layer-filter").focus(); },
    t: () => setTheme(dark() ? "light" : "dark"),
    T: () => setTheme(dark() ? "light" : "dark"),
    "?": () => $("keys").showModal(),
  };
  if (!(event.key in keys)) return;
  event.preventDefault();
  keys[event.key]();
}

function stepImage(step) {
  const next = state.image + step;
  if (next >= 0 && next < manifest.images.length) update({ image: next });
}

function announce(changed) {
  if (!changed || !(changed.has("shown") || changed.has("channel"))) return;
  const at = layer();
  const what = hasMaps() ? `, ${shown.maps.vector ? "number" : "channel"} ${state.channel}` : "";
  say(changed.has("layer") ? `${at.path}, ${at.text}, ${at.shape ? size(at.shape) : ""}${what}` : what.slice(2));
}

async function start() {
  let kept = null;
  try { kept = localStorage.getItem(THEME); } catch { /* as above */ }
  if (kept in THEMES) document.documentElement.dataset.theme = kept;
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showTheme);
  $("theme").addEventListener("click", () => setTheme(dark() ? "light" : "dark"));
  $("help").addEventListener("click", () => $("keys").showModal());
  document.addEventListener("keydown", pageKeys);
  $("tiles").addEventListener("keydown", tileKeys);
  for (const id of ["methods", "answers", "thumbs"])
    $(id).addEventListener("keydown", (event) => moveWithin(event, $(id), "radio"));
  wireLayers();
  wireMap();
  const model = manifest.model;
  $("model-name").textContent = model.name;
  $("model-facts").textContent =
    [plural(model.params, "parameter"), model.macs && `${short(model.macs)} multiply-adds per image`, `input ${model.input.join("×")}`]
      .filter(Boolean).join(" · ");
  await loadPictures();
  const first = manifest.layers.findIndex((at) => at.window?.filters && at.channels);
  const fallback = manifest.layers.findIndex((at) => at.channels);
  Object.assign(state, { layer: Math.max(0, first >= 0 ? first : fallback) }, recall());
  shown = await load(state.layer, state.image);
  if (!hasMaps() || shown.maps.index(state.channel) < 0 || !location.hash.includes("channel"))
    state.channel = keepChannel(true, 0);
  showTheme();
  redraw(null);
  draws("shown channel layer", announce);
  document.body.dataset.ready = "true";
}

start().catch((error) => {
  document.body.prepend(make("p", { class: "broken", role: "alert" },
    typeof DecompressionStream === "undefined"
      ? "This browser is too old for this page: it cannot unpack its data."
      : `This page could not be shown: ${error.message}`));
  throw error;
});

// Create elements, and format numbers and words.

const $ = (id) => document.getElementById(id);

// make("p", {class: "note", onclick: f}, "text", child, ...)
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") element.style.cssText = value;
    else if (value !== null && value !== undefined && value !== false)
      element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const minus = (text) => text.replaceAll("-", "−");
const whole = (n) => n.toLocaleString("en");

function number(value, digits = 4) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e7 || size < 1e-4) return minus(value.toExponential(Math.max(digits - 2, 1)));
  if (size >= 10 ** (digits - 1)) return minus(Math.round(value).toLocaleString("en"));
  return minus(value.toPrecision(digits).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, ""));
}

// A number rounded to fit into a cell of a grid.
function brief(value) {
  const size = Math.abs(value);
  if (size >= 1e4 || (size < 1e-3 && value !== 0)) return minus(value.toExponential(0).replace("+", ""));
  if (size >= 100) return minus(String(Math.round(value)));
  return minus(String(Number(value.toPrecision(size < 0.01 ? 1 : 2))));
}

function short(value) {
  const units = [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]];
  const unit = units.find(([size]) => value >= size);
  return unit ? `${Number((value / unit[0]).toPrecision(3))} ${unit[1]}` : whole(value);
}

function share(part, all) {
  if (!part || !all) return null;
  const percent = (100 * part) / all;
  return percent < 0.1 ? "<0.1 %" : `${Number(percent.toPrecision(percent > 99 ? 4 : percent < 1 ? 1 : 3))} %`;
}

const size = (shape) => (shape[0] === 1 && shape[1] === 1 ? whole(shape[2]) : shape.join("×"));
const plural = (n, word) => `${whole(n)} ${word}${n === 1 ? "" : "s"}`;

// A rounded number that has its exact value as an attribute and a tooltip.
function exact(value, digits = 4) {
  return make("span", { class: "n", "data-value": String(value), title: String(value) }, number(value, digits));
}

function fact(term, value, more) {
  return make("div", {}, make("dt", {}, term), make("dd", {}, value, more ? make("small", {}, more) : null));
}

// A row of choices, one of which is active. Arrow keys move in it, as in a radio group.
function segments(box, choices, chosen, choose, label) {
  if (label) box.setAttribute("aria-label", label);
  box.replaceChildren(
    ...choices.map(([value, text, disabled]) =>
      make("button", {
        type: "button", role: "radio", disabled, "data-value": value,
        "aria-checked": String(value === chosen), tabindex: value === chosen ? "0" : "-1",
        onclick: () => choose(value),
      }, text)),
  );
}

function moveWithin(event, box, role) {
  const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
  if (!step) return;
  const items = [...box.querySelectorAll(`[role=${role}]:not([disabled])`)];
  const at = items.indexOf(document.activeElement);
  if (at < 0) return;
  event.preventDefault();
  event.stopPropagation();
  const next = items[(at + step + items.length) % items.length].dataset.value;
  [...box.querySelectorAll(`[role=${role}]`)].find((e) => e.dataset.value === next).click();
  box.querySelector(`[data-value="${CSS.escape(next)}"]`)?.focus();
}

const say = (text) => { $("said").textContent = text; };

// The model's predictions, and the choice of the method that explains them.

function drawAnswers() {
  const rows = image().answers;
  document.body.classList.toggle("no-answers", !rows.length);
  if (!rows.length) return;
  $("answers-title").textContent = "Predictions";
  const probable = manifest.kind !== "score";
  const most = probable ? 1 : Math.max(...rows.map((row) => row.value), 1e-12);
  const explained = manifest.explained;
  $("answers").replaceChildren(
    ...rows.map((row, i) => {
      const value = probable ? share(row.value, 1) ?? "0 %" : number(row.value);
      return make("button", {
        type: "button", role: "radio", class: "answer", disabled: i >= explained,
        "data-value": i, "aria-checked": String(i === state.answer),
        tabindex: i === state.answer ? "0" : "-1", onclick: () => update({ answer: i }),
      },
      make("span", { class: "answer-name", title: row.name }, row.name),
      make("span", { class: "answer-value", "data-value": String(row.value), title: `${manifest.kind} ${row.value}` }, value),
      make("span", { class: "bar", "aria-hidden": "true" }, make("i", { style: `width:${(100 * row.value) / most}%` })));
    }),
  );
}

function drawMethods() {
  const able = Object.entries(manifest.methods).filter(([name]) => !(name in manifest.failed));
  const choices = [["none", "None"], ...able];
  $("speaks").hidden = !image().answers.length;
  segments($("methods"), choices, state.method, (method) => update({ method }));
  const reasons = Object.entries(manifest.failed).map(([name, why]) => `${manifest.methods[name]}: ${why}`);
  const name = image().answers[state.answer]?.name;
  const blank = image().blank?.[state.method]?.[state.answer];
  const text = state.method === "none"
    ? "Choose a method to see which pixels support the selected prediction."
    : blank ? `${manifest.methods[state.method]}: no pixel supports “${name}”.`
    : `${manifest.methods[state.method]}: the brighter a pixel, the more it supports “${name}”.`;
  $("speaks-note").textContent = [able.length ? text : "", ...reasons].join(" ").trim();
}

draws("image answer", drawAnswers);
draws("image answer method", drawMethods);

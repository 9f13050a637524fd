// The image, the pixels that support a prediction, and a unit's receptive field.

const pictures = []; // canvases of the pictures, in their own size

async function loadPictures() {
  for (const [i, row] of manifest.images.entries()) {
    const picture = new Image();
    picture.src = row.picture;
    await picture.decode();
    const canvas = make("canvas");
    canvas.width = picture.naturalWidth;
    canvas.height = picture.naturalHeight;
    canvas.getContext("2d").drawImage(picture, 0, 0);
    pictures[i] = canvas;
  }
}

// Receptive fields are in pixels of the model's input; pictures may have another size.
const scaleOf = (canvas) => [canvas.height / manifest.model.input[0], canvas.width / manifest.model.input[1]];

function drawPhoto() {
  const picture = pictures[state.image], canvas = $("photo-pixels");
  canvas.width = picture.width;
  canvas.height = picture.height;
  canvas.getContext("2d").drawImage(picture, 0, 0);
  canvas.setAttribute("aria-label", `The image: ${image().caption}`);
  $("photo").classList.toggle("coarse", picture.width < 128);
  const text = `${image().caption} · ${manifest.model.input.join("×")}`;
  $("photo-caption").textContent = text;
}

async function drawHeat() {
  const canvas = $("photo-heat"), at = state.image, answer = state.answer, method = state.method;
  if (method === "none") { canvas.hidden = true; return; }
  const arrays = await unpack(`a:${at}`);
  if (at !== state.image || answer !== state.answer || method !== state.method) return;
  const maps = arrays?.[method];
  canvas.hidden = !maps;
  if (!maps) return;
  const [, height, width] = maps.shape, heat = table("heat", HEAT);
  paint(canvas, width, height, (k) => heat[maps.data[answer * height * width + k]]);
}

function drawField() {
  const box = $("photo-field");
  const seen = hasMaps() ? fieldOf(layer(), pixel().y, pixel().x) : null;
  // Over an attribution, show the frame only if a pixel is chosen or under the mouse.
  box.hidden = !seen || (state.method !== "none" && !state.hover && !state.pixel);
  if (box.hidden) return;
  const [height, width] = manifest.model.input;
  // Highlight the field only if a pixel is chosen or under the mouse.
  box.classList.toggle("lit", Boolean(state.hover ?? state.pixel));
  box.style.top = `${(100 * seen.top) / height}%`;
  box.style.left = `${(100 * seen.left) / width}%`;
  box.style.height = `${(100 * seen.height) / height}%`;
  box.style.width = `${(100 * seen.width) / width}%`;
}

// Draw a part of the picture in a square; the area outside the picture stays empty.
function drawCrop(canvas, picture, seen) {
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, canvas.width, canvas.height);
  const [sy, sx] = scaleOf(picture);
  const side = Math.max(seen.height * sy, seen.width * sx);
  const zoom = canvas.width / side;
  const left = (seen.left + seen.width / 2) * sx - side / 2, top = (seen.top + seen.height / 2) * sy - side / 2;
  context.imageSmoothingEnabled = zoom < 4;
  context.drawImage(picture, -left * zoom, -top * zoom, picture.width * zoom, picture.height * zoom);
}

function drawThumbs() {
  const box = $("thumbs");
  box.hidden = manifest.images.length < 2;
  if (box.hidden) return;
  box.replaceChildren(
    ...manifest.images.map((row, i) =>
      make("button", {
        type: "button", role: "radio", class: "thumb", "data-value": i, title: row.caption,
        "aria-label": row.caption, "aria-checked": String(i === state.image),
        tabindex: i === state.image ? "0" : "-1", onclick: () => update({ image: i }),
      }, make("img", { src: row.picture, alt: "" }))),
  );
}

draws("shown image", drawPhoto);
draws("image answer method theme", drawHeat);
draws("shown image layer channel pixel hover method", drawField);
draws("image", drawThumbs);

// The arrays of the page, each decoded when it is first needed.

const manifest = JSON.parse(document.getElementById("manifest").textContent);
const TYPES = { u1: Uint8Array, i1: Int8Array, u2: Uint16Array, i4: Int32Array, f4: Float32Array };
const unpacked = new Map();

function unpack(id) {
  if (!(id in manifest.blocks)) return Promise.resolve(null);
  if (!unpacked.has(id)) unpacked.set(id, read(id));
  return unpacked.get(id);
}

async function read(id) {
  const text = atob(document.getElementById(id).textContent);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const buffer = await new Response(stream).arrayBuffer();
  const arrays = {};
  let at = 0;
  for (const [name, type, shape] of manifest.blocks[id]) {
    const count = shape.reduce((a, b) => a * b, 1);
    const size = count * TYPES[type].BYTES_PER_ELEMENT;
    const part = new Uint8Array(buffer.slice(at, at + size));
    arrays[name] = { data: undo(part, type, shape, count), shape };
    at += size;
  }
  return arrays;
}

// Undo what array_text.py does so that arrays compress better.
function undo(bytes, type, shape, count) {
  if (type === "f4") {
    const joined = new Uint8Array(bytes.length);
    for (let b = 0; b < 4; b++)
      for (let i = 0; i < count; i++) joined[4 * i + b] = bytes[b * count + i];
    return new Float32Array(joined.buffer);
  }
  if (type === "u1" && shape.length === 3) {
    const width = shape[2];
    for (let i = 0; i < bytes.length; i++) if (i % width) bytes[i] += bytes[i - 1];
    return bytes;
  }
  return new TYPES[type](bytes.buffer);
}

// A layer's output for an image; rows with equal outputs share their arrays.
const mapsOf = (layer, image) => unpack(`m:${image}:${layer.same_as ?? layer.path}`);
const kernelOf = (layer) => unpack(`k:${layer.path}`);

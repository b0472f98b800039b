// From a picture to landmarks: reading pixels, cutting, and the network in its worker.

const settings = JSON.parse(document.getElementById("settings").textContent);
const waiting = new Map();
let requests = 0;
let worker;

/** Unpack what the page carries: gzip in base64. */
async function unpacked(id) {
  const element = document.getElementById(id);
  const text = atob(element.textContent.trim());
  element.remove();
  const packed = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) packed[index] = text.charCodeAt(index);
  return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

function ask(task, content, transferred = []) {
  return new Promise((resolve, reject) => {
    const number = requests++;
    waiting.set(number, { resolve, reject });
    worker.postMessage({ ...content, task, number }, transferred);
  });
}

async function openNetwork() {
  const text = document.getElementById("worker").textContent;
  const address = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  worker = new Worker(address);
  worker.onmessage = ({ data }) => {
    const { resolve, reject } = waiting.get(data.number);
    waiting.delete(data.number);
    if (data.error === undefined) resolve(data.result);
    else reject(new Error(data.error));
  };
  worker.onerror = (event) => {
    for (const { reject } of waiting.values()) reject(new Error(event.message || "the worker can't start"));
    waiting.clear();
  };
  const [runtime, wasm, model] = await Promise.all(["runtime", "wasm", "model"].map(unpacked));
  await ask("open", { runtimeText: new TextDecoder().decode(runtime), wasm, model }, [wasm, model]);
  URL.revokeObjectURL(address);
}

/** Decode a picture as Python reads it: turned as its EXIF orientation says, colours as they are stored. */
async function decoded(blob) {
  try {
    return await createImageBitmap(blob, { imageOrientation: "from-image", colorSpaceConversion: "none" });
  } catch {
    throw new Error("this browser can't read the file as a picture");
  }
}

/** Read a rectangle of a picture as RGBA; what is transparent becomes black. */
function pixelsOf(picture, [xMin, yMin, xMax, yMax]) {
  const canvas = new OffscreenCanvas(xMax - xMin, yMax - yMin);
  const context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
  context.drawImage(picture, -xMin, -yMin);
  return context.getImageData(0, 0, canvas.width, canvas.height).data;
}

/**
 * Find the landmarks of a picture.
 *
 * picture: a Blob or File with an image, an ImageBitmap, or a canvas.
 * box: [x_min, y_min, x_max, y_max] around the object in pixels of the picture, or null for the whole picture.
 *
 * Returns {landmarks, scores, cut, seconds}: landmarks is [[x, y], ...] in pixels of the picture, whole numbers at
 * pixel centres; cut says which part the network saw.
 */
async function predict(picture, box = null) {
  await ready;
  const started = performance.now();
  const image = picture instanceof Blob ? await decoded(picture) : picture;
  const fault = boxFault(image.width, image.height, box, settings.rule);
  if (fault) throw new Error(fault);
  const cut = planCut(image.width, image.height, box, settings.rule);
  const [xMin, yMin, xMax, yMax] = cut.window;
  const pixels = shrink(pixelsOf(image, cut.window), xMax - xMin, yMax - yMin, ...cut.storedSize);
  const request = { pixels, size: cut.storedSize, crop: cropInStore(cut) };
  const { points, scores } = await ask("find", request, [pixels.buffer]);
  const landmarks = scores.map((_, landmark) =>
    storeToPicture(points.slice(2 * landmark, 2 * landmark + 2), cut).map((value) => value + settings.offsetPx),
  );
  return { landmarks, scores, cut, seconds: (performance.now() - started) / 1000 };
}

const ready = openNetwork();
// Told by the page; here it only must not count as forgotten.
ready.catch(() => {});

window.landmarkDiscovery = { predict, ready, planCut, shrink, settings };

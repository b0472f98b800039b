// The network, beside the page, so that the page answers while it computes. Nothing here asks the network of the
// computer for anything: runtime, WebAssembly and model come as bytes.

let runtime;
let session;

async function open({ runtimeText, wasm, model }) {
  // Safari imports no blob into a page that was opened as a file.
  runtime = await import(`data:text/javascript;charset=utf-8,${encodeURIComponent(runtimeText)}`);
  runtime.env.wasm.numThreads = 1;
  runtime.env.wasm.wasmBinary = wasm;
  runtime.env.logLevel = "error";
  session = await runtime.InferenceSession.create(new Uint8Array(model), {
    executionProviders: ["wasm"],
    logSeverityLevel: 3,
  });
}

async function find({ pixels, size, crop }) {
  const { Tensor } = runtime;
  const [width, height] = size;
  const found = await session.run({
    images: new Tensor("uint8", pixels, [1, height, width, 3]),
    sizes: new Tensor("float32", Float32Array.from(size), [1, 2]),
    crops: new Tensor("float32", Float32Array.from(crop), [1, 4]),
  });
  return { points: Array.from(found.landmarks.data), scores: Array.from(found.scores.data) };
}

self.onmessage = async ({ data }) => {
  try {
    const result = await { open, find }[data.task](data);
    self.postMessage({ number: data.number, result });
  } catch (error) {
    self.postMessage({ number: data.number, error: String(error?.message ?? error) });
  }
};

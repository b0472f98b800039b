// Taking results along, and what each control of the page does.

function asCsv() {
  const rows = shown.found.landmarks.map(([x, y], landmark) =>
    [landmark, x.toFixed(3), y.toFixed(3), shown.found.scores[landmark].toFixed(5)].join(","),
  );
  return ["landmark,x,y,score", ...rows, ""].join("\n");
}

async function copy() {
  try {
    await navigator.clipboard.writeText(asCsv());
    say("Copied as CSV");
  } catch {
    say("The browser doesn't allow copying; select the table instead.", true);
  }
}

async function save() {
  const { width, height } = shown.picture;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  context.drawImage(shown.picture, 0, 0);
  const side = Math.min(width, height);
  if (shown.box) drawBox(context, shown.box, 1, Math.max(1, side / 250));
  if (shown.found) drawLandmarks(context, shown.found.landmarks, settings.marks, 1, Math.max(2, side / 75));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await canvas.convertToBlob({ type: "image/png" }));
  link.download = `${shown.name.replace(/\.[^.]*$/, "")}_landmarks.png`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

async function showExample() {
  const bytes = Uint8Array.from(atob(settings.example.content), (letter) => letter.charCodeAt(0));
  await open(new File([bytes], settings.example.name), settings.example.box);
}

// Pictures that are dropped anywhere on the page are opened; the browser would leave the page for them.
addEventListener("dragover", (event) => {
  event.preventDefault();
  part("drop").classList.add("over");
});
addEventListener("dragleave", () => part("drop").classList.remove("over"));
addEventListener("drop", (event) => {
  event.preventDefault();
  part("drop").classList.remove("over");
  const [file] = event.dataTransfer.files;
  if (file) open(file);
});
addEventListener("resize", draw);
addEventListener("keydown", (event) => {
  if (event.key === "Escape") drawBoxMode(false);
});
view.addEventListener("pointerdown", startBox);
part("file").addEventListener("change", (event) => {
  const [file] = event.target.files;
  // So that the same file can be chosen again.
  event.target.value = "";
  if (file) open(file);
});
part("camera").addEventListener("click", () => (camera ? stopCamera() : startCamera()));
part("draw").addEventListener("click", () => drawBoxMode(!view.classList.contains("drawing")));
part("whole").addEventListener("click", () => setBox(null));
part("save").addEventListener("click", save);
part("copy").addEventListener("click", copy);
part("box").addEventListener("submit", (event) => {
  event.preventDefault();
  setBox(["x_min", "y_min", "x_max", "y_max"].map((name) => Number(part("box").elements[name].value)));
});
if (settings.example) {
  part("example").hidden = false;
  part("example").addEventListener("click", showExample);
}
ready.then(
  () => shown.picture || camera || say("Ready. Choose a picture."),
  (error) => say(`The model can't be loaded: ${error.message}.`, true),
);

// The page: choosing a picture, drawing a box, showing what was found.

const part = (id) => document.getElementById(id);
const view = part("view");
// What is shown: picture (an ImageBitmap or canvas), its name, the box (null: whole picture) and what was found in it.
const shown = { picture: null, name: "", box: null, found: null, chosen: null, sketch: null };
let newest = 0;
// The camera's video: while it starts, and once it is on.
let starting = null;
let camera = null;

function say(words, fault = false) {
  part("status").textContent = words;
  part("status").classList.toggle("fault", fault);
}

function plural(count, word) {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

/** Give the factor from pixels of the picture to those of the page. */
function scaleOnPage() {
  const room = part("drop").parentElement.clientWidth;
  const { width, height } = shown.picture;
  return Math.min(room / width, (0.75 * window.innerHeight) / height, Math.max(1, 640 / width));
}

function draw() {
  if (!shown.picture) return;
  const scale = scaleOnPage();
  const density = window.devicePixelRatio || 1;
  const size = [shown.picture.width, shown.picture.height].map((side) => Math.max(1, Math.round(side * scale)));
  [view.width, view.height] = size.map((side) => Math.round(side * density));
  [view.style.width, view.style.height] = size.map((side) => `${side}px`);
  const context = view.getContext("2d");
  context.scale(density, density);
  context.imageSmoothingQuality = "high";
  context.drawImage(shown.picture, 0, 0, ...size);
  const box = shown.sketch ?? shown.box;
  if (box) drawBox(context, box, scale, 2);
  if (shown.found && !shown.sketch) {
    drawLandmarks(context, shown.found.landmarks, settings.marks, scale, markRadius(Math.min(...size)), shown.chosen);
  }
}

function markRadius(side) {
  return Math.min(7, Math.max(3.5, side / 75));
}

function listFound() {
  const rows = shown.found.landmarks.map(([x, y], landmark) => {
    const row = document.createElement("tr");
    const name = document.createElement("th");
    name.scope = "row";
    name.append(markImage(settings.marks[landmark]), String(landmark));
    const numbers = [x.toFixed(1), y.toFixed(1), shown.found.scores[landmark].toFixed(3)].map((text) => {
      const cell = document.createElement("td");
      cell.className = "number";
      cell.textContent = text;
      return cell;
    });
    row.append(name, ...numbers);
    row.addEventListener("pointerenter", () => choose(landmark));
    row.addEventListener("pointerleave", () => choose(null));
    return row;
  });
  part("rows").replaceChildren(...rows);
  part("found").hidden = false;
}

function choose(landmark) {
  shown.chosen = landmark;
  draw();
}

/** Find the landmarks of what is shown; of several searches at once, only the newest counts. */
async function search() {
  const number = ++newest;
  say("Looking for landmarks …");
  draw();
  try {
    const found = await predict(shown.picture, shown.box);
    if (number !== newest) return;
    shown.found = found;
    say(`${plural(found.landmarks.length, "landmark")} in ${found.seconds.toFixed(2)} s`);
    listFound();
    view.setAttribute("aria-label", `${shown.name} with ${plural(found.landmarks.length, "landmark")}`);
  } catch (error) {
    if (number !== newest) return;
    sayNothingFound(error.message);
  }
  draw();
}

function sayNothingFound(words) {
  shown.found = null;
  part("found").hidden = true;
  say(`That didn't work: ${words}.`, true);
}

function show(picture, name, box = null) {
  Object.assign(shown, { picture, name, box, found: null, chosen: null, sketch: null });
  part("drop").classList.add("filled");
  part("invitation").hidden = true;
  part("tools").hidden = false;
  view.hidden = false;
  fillBoxFields();
}

async function open(file, box = null) {
  stopCamera();
  const number = ++newest;
  try {
    const picture = await decoded(file);
    if (number !== newest) return;
    show(picture, file.name || "picture", box);
    await search();
  } catch (error) {
    if (number !== newest) return;
    say(`${file.name || "That"} can't be opened: ${error.message}.`, true);
  }
}

/** Look into another box. One that can't be cut isn't taken; the camera goes on with the box it has. */
function setBox(box) {
  const fault = boxFault(shown.picture.width, shown.picture.height, box, settings.rule);
  if (fault && camera) return say(`That didn't work: ${fault}.`, true);
  if (fault) {
    // A search that still goes on was for something else.
    newest++;
    sayNothingFound(fault);
    return draw();
  }
  shown.box = box;
  fillBoxFields();
  if (!camera) return search();
  sayCameraIsOn();
  return draw();
}

function fillBoxFields() {
  const { width, height } = shown.picture;
  const box = shown.box ?? [0, 0, width, height];
  ["x_min", "y_min", "x_max", "y_max"].forEach((name, index) => {
    part("box").elements[name].value = Number(box[index].toFixed(1));
  });
}

// Boxes: dragged on the picture with a mouse at any time, by touch after "Draw a box", or typed.

function drawBoxMode(on) {
  part("draw").setAttribute("aria-pressed", String(on));
  view.classList.toggle("drawing", on);
}

function pointOnPicture(event) {
  const place = view.getBoundingClientRect();
  const { width, height } = shown.picture;
  const x = ((event.clientX - place.left) / place.width) * width;
  const y = ((event.clientY - place.top) / place.height) * height;
  return [Math.min(Math.max(x, 0), width), Math.min(Math.max(y, 0), height)];
}

function startBox(event) {
  if (!shown.picture || (event.pointerType !== "mouse" && !view.classList.contains("drawing"))) return;
  const [startX, startY] = pointOnPicture(event);
  view.setPointerCapture(event.pointerId);
  const move = (moved) => {
    const [x, y] = pointOnPicture(moved);
    shown.sketch = [Math.min(startX, x), Math.min(startY, y), Math.max(startX, x), Math.max(startY, y)];
    draw();
  };
  const end = (ended) => {
    view.removeEventListener("pointermove", move);
    for (const kind of ["pointerup", "pointercancel"]) view.removeEventListener(kind, end);
    const box = shown.sketch;
    shown.sketch = null;
    // A click isn't a box.
    if (ended.type === "pointercancel" || !box || Math.min(box[2] - box[0], box[3] - box[1]) < 2) return draw();
    drawBoxMode(false);
    return setBox(box);
  };
  view.addEventListener("pointermove", move);
  for (const kind of ["pointerup", "pointercancel"]) view.addEventListener(kind, end);
}

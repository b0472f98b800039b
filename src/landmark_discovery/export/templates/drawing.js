// Landmarks and boxes on a canvas, in the project's colours and shapes (reporting/colors.py, reporting/drawing.py).

const SHAPES = {
  disc: { sides: 48, first: 0, larger: 1 },
  square: { sides: 4, first: 45, larger: 1.25 },
  diamond: { sides: 4, first: 0, larger: 1.3 },
  triangle: { sides: 3, first: -90, larger: 1.4 },
};
const RIM = "#fff";
const DARK = "#141414";

function outline(shape, x, y, radius) {
  const { sides, first, larger } = SHAPES[shape];
  return Array.from({ length: sides }, (_, side) => {
    const angle = ((first + (side * 360) / sides) * Math.PI) / 180;
    return [x + larger * radius * Math.cos(angle), y + larger * radius * Math.sin(angle)];
  });
}

function fillShape(context, shape, x, y, radius, color) {
  context.beginPath();
  for (const [cornerX, cornerY] of outline(shape, x, y, radius)) context.lineTo(cornerX, cornerY);
  context.closePath();
  context.fillStyle = color;
  context.fill();
}

/** Draw a mark with a light and a dark rim, seen on any background. */
function drawMark(context, { shape, color }, x, y, radius) {
  const rim = Math.max(1, 0.22 * radius);
  fillShape(context, shape, x, y, radius + 2 * rim, DARK);
  fillShape(context, shape, x, y, radius + rim, RIM);
  fillShape(context, shape, x, y, radius, color);
}

function drawNumber(context, number, x, y, size) {
  context.font = `600 ${size}px system-ui, sans-serif`;
  context.lineJoin = "round";
  context.lineWidth = size / 4;
  context.strokeStyle = DARK;
  context.strokeText(number, x, y);
  context.fillStyle = RIM;
  context.fillText(number, x, y);
}

/** Draw landmarks [[x, y], ...] of a picture that is shown `scale` times as large; `chosen` stands out. */
function drawLandmarks(context, landmarks, marks, scale, radius, chosen = null) {
  const places = landmarks.map((point) => point.map((value) => (value + 0.5) * scale));
  // The chosen one last, so that no other covers it.
  const order = [...places.keys()].sort((one, other) => (one === chosen) - (other === chosen));
  for (const landmark of order) {
    drawMark(context, marks[landmark], ...places[landmark], landmark === chosen ? 1.8 * radius : radius);
  }
  for (const landmark of order) {
    const away = (landmark === chosen ? 2.6 : 1.6) * radius;
    const [x, y] = places[landmark];
    drawNumber(context, String(landmark), x + away, y - 0.6 * away, 2.3 * radius);
  }
}

function drawBox(context, [xMin, yMin, xMax, yMax], scale, width) {
  for (const [color, dash] of [[DARK, []], [RIM, [4 * width, 4 * width]]]) {
    context.strokeStyle = color;
    context.lineWidth = width;
    context.setLineDash(dash);
    context.strokeRect(xMin * scale, yMin * scale, (xMax - xMin) * scale, (yMax - yMin) * scale);
  }
  context.setLineDash([]);
}

/** Make the mark of a landmark as a small SVG for the table. */
function markImage({ shape, color }) {
  const name = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(name, "svg");
  svg.setAttribute("viewBox", "-10 -10 20 20");
  svg.setAttribute("class", "mark");
  svg.setAttribute("aria-hidden", "true");
  for (const [radius, fill] of [[7, DARK], [5.5, RIM], [4.5, color]]) {
    const polygon = document.createElementNS(name, "polygon");
    polygon.setAttribute("points", outline(shape, 0, 0, radius).join(" "));
    polygon.setAttribute("fill", fill);
    svg.append(polygon);
  }
  return svg;
}

// Which part of a picture the network sees, and shrinking it. Repeats data/cutting.py and geometry.py: whole numbers
// are pixel centres, rectangles are [x_min, y_min, x_max, y_max] with the last row and column excluded.

/** Plan the cut of a picture: {crop, window, storedSize}; without a box (null) the crop is the whole picture. */
function planCut(width, height, box, rule) {
  const whole = [0, 0, width, height];
  const crop = box ? paddedRectangle(box, width, height, rule) : whole;
  const window = rule.context === null ? whole : widenedRectangle(crop, width, height, rule.context);
  return { crop, window, storedSize: shrunkSize(window, crop, rule.max_crop_px) };
}

/** Say why nothing can be cut out of a picture by a box, as Python refuses it; null where something can. */
function boxFault(width, height, box, rule) {
  if (!box) return null;
  const [xMin, yMin, xMax, yMax] = box;
  if (box.length !== 4 || !box.every(Number.isFinite)) return "a box is four numbers: x_min, y_min, x_max, y_max";
  if (xMax <= xMin || yMax <= yMin) return "the box has no area; x_max must exceed x_min, and y_max y_min";
  if (xMax <= 0 || yMax <= 0 || xMin >= width || yMin >= height) {
    return `the box lies outside the picture of ${width} x ${height} pixels`;
  }
  const { crop } = planCut(width, height, box, rule);
  if (crop[2] <= crop[0] || crop[3] <= crop[1]) return "the box leaves no pixel of the picture; draw a larger one";
  return null;
}

function paddedRectangle(box, width, height, rule) {
  const padding = rule.crop_rule === "paper" ? paperPadding(box) : marginPadding(box, rule.crop_margin);
  const low = [Math.max(box[0] - padding, 0), Math.max(box[1] - padding, 0)];
  const high = [Math.min(box[2] + padding, width - 1), Math.min(box[3] + padding, height - 1)];
  return [...low, ...high].map(Math.trunc);
}

function paperPadding([xMin, yMin, xMax, yMax]) {
  const extent = 0.25 * (1.2 * xMax - xMin + (2 * yMax - yMin));
  return extent < 20 ? 8 : Math.trunc((8 * extent) / 100);
}

function marginPadding([xMin, yMin, xMax, yMax], margin) {
  return margin * Math.max(xMax - xMin, yMax - yMin);
}

function widenedRectangle(crop, width, height, share) {
  const [addedX, addedY] = [share * (crop[2] - crop[0]), share * (crop[3] - crop[1])];
  return [
    Math.max(Math.floor(crop[0] - addedX), 0),
    Math.max(Math.floor(crop[1] - addedY), 0),
    Math.min(Math.ceil(crop[2] + addedX), width),
    Math.min(Math.ceil(crop[3] + addedY), height),
  ];
}

function shrunkSize(window, crop, maxCropPx) {
  const size = [window[2] - window[0], window[3] - window[1]];
  if (maxCropPx === null) return size;
  const longer = Math.max(crop[2] - crop[0], crop[3] - crop[1], maxCropPx);
  return size.map((side) => Math.max(Math.floor((side * maxCropPx) / longer), 1));
}

/** Map the crop to pixels of the stored window. */
function cropInStore({ crop, window, storedSize }) {
  return crop.map((corner, index) => {
    const axis = index % 2;
    return ((corner - window[axis]) / (window[axis + 2] - window[axis])) * storedSize[axis];
  });
}

/** Map a point of the stored window to pixels of the picture. */
function storeToPicture(point, { window, storedSize }) {
  return point.map((value, axis) => {
    const ratio = (window[axis + 2] - window[axis]) / storedSize[axis];
    return (value + 0.5) * ratio - 0.5 + window[axis];
  });
}

/** Shrink RGBA pixels (rows of `width`) to RGB of a smaller size; each new pixel is the mean of the area it covers. */
function shrink(rgba, width, height, newWidth, newHeight) {
  const across = shares(width, newWidth);
  const down = shares(height, newHeight);
  const shrunk = new Uint8Array(newWidth * newHeight * 3);
  const row = new Float64Array(newWidth * 3);
  for (let y = 0; y < newHeight; y++) {
    row.fill(0);
    for (const [sourceY, shareY] of down[y]) addRow(row, rgba, sourceY * width * 4, shareY, across);
    for (let index = 0; index < row.length; index++) shrunk[y * row.length + index] = Math.round(row[index]);
  }
  return shrunk;
}

function addRow(row, rgba, start, shareY, across) {
  for (let x = 0; x < across.length; x++) {
    for (const [sourceX, shareX] of across[x]) {
      const from = start + sourceX * 4;
      const share = shareX * shareY;
      row[x * 3] += share * rgba[from];
      row[x * 3 + 1] += share * rgba[from + 1];
      row[x * 3 + 2] += share * rgba[from + 2];
    }
  }
}

/** For each of `to` new pixels: which of `from` old ones it covers, and what share of it each is. */
function shares(from, to) {
  const scale = from / to;
  return Array.from({ length: to }, (_, place) => {
    const [low, high] = [place * scale, Math.min((place + 1) * scale, from)];
    const covered = [];
    for (let old = Math.floor(low); old < high; old++) {
      const overlap = Math.min(old + 1, high) - Math.max(old, low);
      // Less is a rounding error of the edge.
      if (overlap > 1e-6) covered.push([old, overlap / scale]);
    }
    return covered;
  });
}

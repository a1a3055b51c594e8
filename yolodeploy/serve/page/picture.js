// A picture and what was found in it, on the canvas.

const canvas = byId("canvas");
const brush = canvas.getContext("2d");
const FAINT = 0.5; // a keypoint below this score is a guess

/** Draws everything; one that is pointed at stands out from the others. */
function draw(image, answer, pointed = -1) {
  canvas.style.setProperty("--ratio", image.width / image.height);
  // at the screen's own resolution, so that lines and letters are sharp in small pictures, too
  const shownWidth = canvas.clientWidth || image.width;
  canvas.width = Math.min(Math.round(shownWidth * devicePixelRatio), 4096);
  canvas.height = Math.round((canvas.width * image.height) / image.width);
  brush.setTransform(canvas.width / image.width, 0, 0, canvas.height / image.height, 0, 0);
  brush.imageSmoothingQuality = "high";
  brush.drawImage(image, 0, 0);
  if (!answer) return;
  const scale = image.width / shownWidth; // picture pixels in one of the screen's
  const one = pointed < 0 ? null : answer.boxes[pointed];
  // the best ones lie on top
  for (const box of answer.boxes.toReversed()) if (box !== one) drawBox(box, scale, one ? 0.25 : 1);
  if (one) drawBox(one, scale, 1);
  const taken = [];
  for (const box of one ? [one] : answer.boxes) drawLabel(answer, box, image, scale, taken);
}

function drawBox(box, scale, strength) {
  const colour = colourOf(box.class_id);
  brush.globalAlpha = strength;
  brush.fillStyle = brush.strokeStyle = colour;
  brush.lineJoin = "round";
  for (const polygon of box.polygons ?? []) {
    trace(polygon);
    brush.globalAlpha = 0.38 * strength;
    brush.fill();
    brush.globalAlpha = strength;
  }
  // a dark line beneath keeps it visible on whatever lies there
  for (const [width, style] of [[4, "rgb(0 0 0 / 45%)"], [2, colour]]) {
    brush.lineWidth = width * scale;
    brush.strokeStyle = style;
    if (box.rotated) trace(cornersOf(box.rotated));
    else trace([box.x1, box.y1, box.x2, box.y1, box.x2, box.y2, box.x1, box.y2]);
    brush.stroke();
  }
  for (const [x, y, score = 1] of box.keypoints ?? []) {
    if (score < FAINT) continue;
    brush.beginPath();
    brush.arc(x, y, 3.5 * scale, 0, 7);
    brush.fill();
    brush.lineWidth = scale;
    brush.strokeStyle = "rgb(0 0 0 / 60%)";
    brush.stroke();
  }
  brush.globalAlpha = 1;
}

/** Class and score, where there is room for them: a list beside the picture has them all. */
function drawLabel(answer, box, image, scale, taken) {
  const text = `${plain(answer.classes[box.class_id] ?? box.class_id)} ${box.score.toFixed(2)}`;
  const colour = colourOf(box.class_id);
  const size = 12.5 * scale;
  brush.font = `600 ${size}px system-ui, sans-serif`;
  const width = Math.min(brush.measureText(text).width + 10 * scale, image.width);
  const height = size * 1.5;
  const within = (x) => Math.max(0, Math.min(x, image.width - width));
  const free = ({ x, y }) =>
    y >= 0 && y + height <= image.height &&
    !taken.some((other) => x < other.x + other.width && other.x < x + width && y < other.y + height && other.y < y + height);
  const place = [box.y1 - height, box.y2, box.y1, box.y2 - height]
    .flatMap((y) => [box.x1 - scale, box.x2 - width].map((x) => ({ x: within(x), y })))
    .find(free);
  if (!place) return;
  const { x, y } = place;
  taken.push({ x, y, width });
  brush.fillStyle = colour;
  brush.beginPath();
  brush.roundRect(x, y, width, height, 3 * scale);
  brush.fill();
  // of black and white, what reads better on it
  brush.fillStyle = ["#0072b2", "#d55e00", "#009e73"].includes(colour) ? "#fff" : "#000";
  brush.textBaseline = "middle";
  brush.fillText(text, x + 5 * scale, y + height / 2 + scale * 0.5, width);
}

function trace(figures) {
  brush.beginPath();
  for (let at = 0; at < figures.length; at += 2) brush.lineTo(figures[at], figures[at + 1]);
  brush.closePath();
}

function cornersOf({ cx, cy, w, h, angle }) {
  const along = [(w / 2) * Math.cos(angle), (w / 2) * Math.sin(angle)];
  const across = [(-h / 2) * Math.sin(angle), (h / 2) * Math.cos(angle)];
  return [[1, 1], [1, -1], [-1, -1], [-1, 1]].flatMap(([a, b]) => [
    cx + a * along[0] + b * across[0],
    cy + a * along[1] + b * across[1],
  ]);
}

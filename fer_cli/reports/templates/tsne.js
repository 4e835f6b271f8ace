// A map of faces on a canvas. data: points (n × dims), labels, predictions, confidence, sources, classes, colors
// (null: the text's), dims, and sprites: one picture of all faces, `columns` a row, each `width` × `height`.
const byId = (id) => document.getElementById(id);
const stage = byId("stage"), map = byId("map"), card = byId("card"), face = byId("face");
const ink = map.getContext("2d");
const REACH = 14, STEP = 40, TURN = 0.15, ZOOM = 1.25;

const hidden = new Set();
let mistakesOnly = false, chosen = -1, view = home(), at = [], width = 0, height = 0, waiting = false;

const sprites = new Image();
sprites.onload = () => showCard();
sprites.src = data.sprites;

const points = centred(data.points);

function home() {
  return { x: 0, y: 0, scale: 1, yaw: 0.5, pitch: 0.3 };
}

// Points around 0, of which the farthest is 1 away along some axis.
function centred(given) {
  const axes = [...Array(data.dims).keys()];
  const ends = axes.map((a) => [Math.min(...given.map((p) => p[a])), Math.max(...given.map((p) => p[a]))]);
  const half = Math.max(...ends.map(([low, high]) => (high - low) / 2)) || 1;
  return given.map((p) => axes.map((a) => (p[a] - (ends[a][0] + ends[a][1]) / 2) / half));
}

// Where a point is on the canvas, in CSS pixels, and how near it is to the eye.
function place(point) {
  let [x, y, z = 0] = point;
  if (data.dims === 3) {
    const [cosYaw, sinYaw] = [Math.cos(view.yaw), Math.sin(view.yaw)];
    const [cosPitch, sinPitch] = [Math.cos(view.pitch), Math.sin(view.pitch)];
    [x, z] = [x * cosYaw + z * sinYaw, z * cosYaw - x * sinYaw];
    [y, z] = [y * cosPitch - z * sinPitch, z * cosPitch + y * sinPitch];
  }
  const room = (data.dims === 3 ? 0.36 : 0.47) * Math.min(width, height) * view.scale;
  return [width / 2 + view.x + room * x, height / 2 + view.y - room * y, z];
}

const isMistake = (i) => data.labels[i] !== data.predictions[i];
const isShown = (i) => !hidden.has(data.labels[i]) && (!mistakesOnly || isMistake(i));

function redraw() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => { waiting = false; draw(); });
}

function draw() {
  const ratio = window.devicePixelRatio || 1;
  [width, height] = [map.clientWidth, map.clientHeight];
  [map.width, map.height] = [width * ratio, height * ratio];
  ink.setTransform(ratio, 0, 0, ratio, 0, 0);
  at = points.map(place);
  const text = getComputedStyle(document.documentElement).getPropertyValue("--ink").trim();
  const rows = [...at.keys()].filter(isShown);
  if (data.dims === 3) rows.sort((a, b) => at[a][2] - at[b][2]);
  const radius = Math.min(5, Math.max(2.2, 120 / Math.sqrt(rows.length || 1))) * Math.sqrt(view.scale);
  for (const i of rows) dot(i, radius, data.colors[data.labels[i]] ?? text);
  if (chosen >= 0) ring(chosen, radius + 4, text);
  showCard();
}

function dot(i, radius, color) {
  const depth = data.dims === 3 ? 0.55 + 0.45 * (at[i][2] + 1.8) / 3.6 : 1;
  ink.globalAlpha = 0.8 * Math.min(1, Math.max(0.3, depth));
  ink.fillStyle = color;
  ink.beginPath();
  ink.arc(at[i][0], at[i][1], radius * depth, 0, 2 * Math.PI);
  ink.fill();
}

function ring(i, radius, color) {
  ink.globalAlpha = 1;
  ink.strokeStyle = color;
  ink.lineWidth = 2;
  ink.beginPath();
  ink.arc(at[i][0], at[i][1], radius, 0, 2 * Math.PI);
  ink.stroke();
}

function choose(i) {
  if (i === chosen) return;
  chosen = i;
  redraw();
}

function showCard() {
  card.hidden = chosen < 0 || !isShown(chosen);
  if (card.hidden || !sprites.complete) return;
  const [across, down] = [chosen % data.columns, Math.floor(chosen / data.columns)];
  [face.width, face.height] = [data.width, data.height];
  face.getContext("2d").drawImage(
    sprites, across * data.width, down * data.height, data.width, data.height, 0, 0, data.width, data.height);
  const [label, prediction] = [data.classes[data.labels[chosen]], data.classes[data.predictions[chosen]]];
  byId("said").textContent = `label ${label}, prediction ${prediction} (${data.confidence[chosen].toFixed(2)})`;
  byId("source").textContent = data.sources[chosen];
  const [x, y] = at[chosen];
  card.style.left = `${x + 18 + card.offsetWidth > width ? x - 18 - card.offsetWidth : x + 18}px`;
  card.style.top = `${Math.min(Math.max(0, y - 30), Math.max(0, height - card.offsetHeight))}px`;
}

// The shown point that costs least, -1 where none costs less than `most`.
function best(cost, most) {
  let found = -1;
  for (let i = 0; i < at.length; i++) {
    const now = isShown(i) ? cost(i) : Infinity;
    if (now < most) [found, most] = [i, now];
  }
  return found;
}

function under(x, y) {
  return best((i) => Math.hypot(at[i][0] - x, at[i][1] - y), REACH);
}

// The next face from the chosen one in a direction: near, and within 45 degrees of it.
function next(dx, dy) {
  const [x, y] = chosen < 0 ? [width / 2, height / 2] : at[chosen];
  const cost = (i) => {
    const [right, down] = [at[i][0] - x, at[i][1] - y];
    const [along, aside] = [right * dx + down * dy, Math.abs(right * dy - down * dx)];
    return chosen < 0 ? Math.hypot(right, down) : along > 0 && aside <= along ? along + 2 * aside : Infinity;
  };
  const found = best(cost, Infinity);
  if (found >= 0) choose(found);
}

function shift(dx, dy) {
  if (data.dims === 3) {
    view.yaw += TURN * dx / STEP;
    view.pitch = Math.min(1.5, Math.max(-1.5, view.pitch + TURN * dy / STEP));
  } else {
    view.x += dx;
    view.y += dy;
  }
  redraw();
}

function zoom(factor, x = width / 2, y = height / 2) {
  const scale = Math.min(60, Math.max(0.5, view.scale * factor)), grown = scale / view.scale;
  // What is under the pointer stays there.
  [view.x, view.y] = [x - width / 2, y - height / 2].map((p, a) => p - grown * (p - [view.x, view.y][a]));
  view.scale = scale;
  redraw();
}

let dragged = null;
const where = (event) => [event.offsetX, event.offsetY];
map.addEventListener("pointerdown", (event) => { dragged = where(event); map.setPointerCapture(event.pointerId); });
map.addEventListener("pointerup", () => { dragged = null; });
map.addEventListener("pointermove", (event) => {
  const [x, y] = where(event);
  if (dragged) {
    shift(x - dragged[0], y - dragged[1]);
    dragged = [x, y];
  } else {
    choose(under(x, y));
  }
});
map.addEventListener("pointerleave", () => { if (document.activeElement !== map) choose(-1); });
map.addEventListener("wheel", (event) => {
  event.preventDefault();
  zoom(Math.exp(-event.deltaY / 400), ...where(event));
}, { passive: false });

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const KEYS = {
  "+": () => zoom(ZOOM), "=": () => zoom(ZOOM), "-": () => zoom(1 / ZOOM), Escape: () => choose(-1),
  0: () => { view = home(); redraw(); },
};
map.addEventListener("keydown", (event) => {
  const arrow = ARROWS[event.key];
  if (arrow) (event.shiftKey ? shift(STEP * arrow[0], STEP * arrow[1]) : next(...arrow));
  else if (KEYS[event.key]) KEYS[event.key]();
  else return;
  event.preventDefault();
});

function box(text, color, checked, changed) {
  const label = document.createElement("label"), input = document.createElement("input");
  input.type = "checkbox";
  input.checked = checked;
  input.addEventListener("change", () => { changed(input.checked); redraw(); });
  label.append(input);
  if (color !== undefined) {
    const swatch = document.createElement("span");
    swatch.style.background = color ?? "var(--ink)";
    label.append(swatch);
  }
  label.append(` ${text}`);
  byId("legend").append(label);
}

data.classes.forEach((name, label) => {
  const count = data.labels.filter((one) => one === label).length;
  const toggle = (on) => (on ? hidden.delete(label) : hidden.add(label));
  if (count) box(`${name} (${count})`, data.colors[label], true, toggle);
});
box("mistakes only", undefined, false, (on) => { mistakesOnly = on; });

new ResizeObserver(redraw).observe(stage);
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
draw();

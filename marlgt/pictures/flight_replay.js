"use strict";

// Vectors are arrays of three numbers; a camera is {eye, right, up, forward, focal, width, height}, lengths in metres
// and pixels. The mathematics stands first and touches no page, so that it can be tested by itself.
const Replay = (() => {
  const NEAR = 0.02;
  const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
  const minus = (a, b) => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
  const plus = (a, b, s = 1) => [a[0] + s * b[0], a[1] + s * b[1], a[2] + s * b[2]];
  const length = (a) => Math.sqrt(dot(a, a));
  const mix = (a, b, s) => a.map((v, k) => (1 - s) * v + s * b[k]);

  /** The last step at or before a time, and how far it is to the next one, in [0, 1]. */
  function stepAt(times, time) {
    let low = 0, high = times.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (times[middle] <= time) low = middle; else high = middle;
    }
    const span = times[high] - times[low];
    return [low, span > 0 ? Math.min(1, Math.max(0, (time - times[low]) / span)) : 0];
  }

  const part = (flat, size, k) => Array.from({ length: size }, (_, j) => flat[size * k + j] ?? NaN);

  /** A series between its steps; one that never changes is stored once. */
  function valueAt(flat, size, [k, share]) {
    if (flat.length === size) return part(flat, size, 0);
    if (share === 0) return part(flat, size, k);
    const a = part(flat, size, k);
    let b = part(flat, size, k + 1);
    // q and -q are one attitude: take the nearer.
    if (size === 4 && a.reduce((sum, v, j) => sum + v * b[j], 0) < 0) b = b.map((v) => -v);
    return mix(a, b, share);
  }

  /** The body's axes, forward, left and up, in the world, from a quaternion x, y, z, w. */
  function bodyAxes(q) {
    const norm = Math.hypot(...q) || 1;
    const [x, y, z, w] = q.map((v) => v / norm);
    return [
      [1 - 2 * (y * y + z * z), 2 * (x * y + z * w), 2 * (x * z - y * w)],
      [2 * (x * y - z * w), 1 - 2 * (x * x + z * z), 2 * (y * z + x * w)],
      [2 * (x * z + y * w), 2 * (y * z - x * w), 1 - 2 * (x * x + y * y)],
    ];
  }

  function cameraAt(target, azimuth, elevation, distance, width, height) {
    const [ca, sa, ce, se] = [Math.cos(azimuth), Math.sin(azimuth), Math.cos(elevation), Math.sin(elevation)];
    const back = [ce * ca, ce * sa, se];
    return {
      eye: plus(target, back, distance),
      right: [-sa, ca, 0],
      up: [-se * ca, -se * sa, ce],
      forward: back.map((v) => -v),
      focal: 1.4 * Math.min(width, height),
      width, height,
    };
  }

  /** The least distance at which a camera shows all of a box. */
  function distanceFor(low, high, azimuth, elevation, width, height) {
    const middle = mix(low, high, 0.5);
    const camera = cameraAt(middle, azimuth, elevation, 0, width, height);
    let distance = 0.2;
    for (let k = 0; k < 8; k++) {
      const corner = minus([0, 1, 2].map((j) => (k >> j & 1 ? high : low)[j]), middle);
      const depth = dot(corner, camera.forward);
      const across = Math.abs(dot(corner, camera.right)) * camera.focal / (0.45 * width);
      const along = Math.abs(dot(corner, camera.up)) * camera.focal / (0.44 * height);
      distance = Math.max(distance, across - depth, along - depth);
    }
    return distance;
  }

  const depthOf = (camera, point) => dot(minus(point, camera.eye), camera.forward);

  function project(camera, point) {
    const seen = minus(point, camera.eye);
    const scale = camera.focal / dot(seen, camera.forward);
    return [camera.width / 2 + scale * dot(seen, camera.right), camera.height / 2 - scale * dot(seen, camera.up)];
  }

  /** The pixels of a polygon, or of an open line, without what is behind the camera. */
  function projected(camera, points, closed) {
    const kept = [];
    const depths = points.map((p) => depthOf(camera, p));
    for (let k = 0; k < points.length; k++) {
      if (depths[k] >= NEAR) kept.push(points[k]);
      const next = (k + 1) % points.length;
      if (!closed && next === 0) continue;
      if (depths[k] >= NEAR !== depths[next] >= NEAR) {
        kept.push(mix(points[k], points[next], (NEAR - depths[k]) / (depths[next] - depths[k])));
      }
    }
    return kept.map((p) => project(camera, p));
  }

  /** An upright prism over a convex outline, counterclockwise: its faces with outer normals and offsets. */
  function prism(solid) {
    const n = solid.outline.length / 2;
    const at = (k, z) => [solid.outline[2 * (k % n)], solid.outline[2 * (k % n) + 1], z];
    const faces = [];
    for (let k = 0; k < n; k++) {
      const edge = minus(at(k + 1, 0), at(k, 0));
      const size = length(edge);
      const points = [at(k, solid.low), at(k + 1, solid.low), at(k + 1, solid.high), at(k, solid.high)];
      faces.push({ points, normal: [edge[1] / size, -edge[0] / size, 0] });
    }
    const around = Array.from({ length: n }, (_, k) => k);
    faces.push({ points: around.map((k) => at(k, solid.high)), normal: [0, 0, 1] });
    faces.push({ points: around.map((k) => at(n - 1 - k, solid.low)), normal: [0, 0, -1] });
    for (const face of faces) face.offset = dot(face.normal, face.points[0]);
    const corners = around.flatMap((k) => [at(k, solid.low), at(k, solid.high)]);
    return { faces, corners, middle: corners.reduce((sum, p) => plus(sum, p, 1 / corners.length), [0, 0, 0]), round: n > 4 };
  }

  const facing = (solid, eye) => solid.faces.filter((face) => dot(face.normal, eye) > face.offset);

  /** Whether a convex solid may hide a point: only if no face that looks at the eye has the point outside. */
  const hides = (faces, point) => faces.every((face) => dot(face.normal, point) <= face.offset + 1e-9);

  /** Solids from back to front, each with the faces that the eye sees. */
  function backToFront(solids, eye) {
    const seen = solids.map((solid) => ({ solid, faces: facing(solid, eye), far: length(minus(solid.middle, eye)) }));
    const mayHide = (a, b) => !a.faces.some((f) => b.solid.corners.every((p) => dot(f.normal, p) >= f.offset - 1e-9));
    for (const a of seen) a.waits = seen.filter((b) => b !== a && mayHide(a, b) && !mayHide(b, a));
    const left = new Set(seen.sort((a, b) => b.far - a.far));
    const ordered = [];
    while (left.size) {
      // Solids can hide one another in a ring: then the farthest goes first.
      let next = [...left].find((a) => !a.waits.some((b) => left.has(b)));
      if (!next) [next] = left;
      left.delete(next);
      ordered.push(next);
    }
    return ordered;
  }

  /** The first solid in the order of drawing that may hide a point, or their number. */
  function layerOf(ordered, point) {
    const k = ordered.findIndex((entry) => entry.faces.length > 0 && hides(entry.faces, point));
    return k < 0 ? ordered.length : k;
  }

  return {
    NEAR, dot, minus, plus, length, mix, stepAt, part, valueAt, bodyAxes, cameraAt, distanceFor, depthOf, project,
    projected, prism, backToFront, layerOf,
  };
})();

if (typeof module !== "undefined") module.exports = Replay;

function startReplay() {
  const { dot, minus, plus, length, mix, stepAt, part, valueAt, bodyAxes, project, projected } = Replay;
  const $ = (id) => document.getElementById(id);
  const { flights } = JSON.parse($("data").textContent);
  const view = $("view"), brush = view.getContext("2d");
  const chart = $("chart"), pen = chart.getContext("2d");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const FIRST_VIEW = { azimuth: -1.01, elevation: 0.42 };
  const ROTORS = [[1, -1], [-1, -1], [-1, 1], [1, 1]];
  const REAL_ARM = 0.04;
  const LIGHT = [0.3, -0.5, 0.81];
  const CIRCLE = Array.from({ length: 18 }, (_, k) => [Math.cos(k * Math.PI / 9), Math.sin(k * Math.PI / 9)]);

  let flight, solids, style, rows, camera, now;
  let time = 0, playing = false, last = 0, dirty = true;
  const look = { ...FIRST_VIEW, zoom: 1, shift: [0, 0, 0] };

  const first = () => flight.times[0];
  const end = () => flight.times[flight.times.length - 1];
  const clamp = (v, low, high) => Math.min(high, Math.max(low, v));
  const followed = () => Number($("follow").value);
  const arm = () => $("true-size").checked ? REAL_ARM : flight.arm;

  function readStyle() {
    const all = getComputedStyle(document.documentElement);
    style = Object.fromEntries(["ink", "soft", "line", "grid", "arena", "solid", "shadow", "accent", "page"].map(
      (name) => [name, all.getPropertyValue(`--${name}`).trim()]));
    dirty = true;
  }

  // Black is one of the colours, and would be lost on a dark page.
  const colourOf = (i) => dark.matches && flight.drones[i].colour === "#000000" ? "#e6e9ee" : flight.drones[i].colour;
  const paler = (colour, alpha) => colour + Math.round(255 * alpha).toString(16).padStart(2, "0");

  function choose(k) {
    flight = flights[k];
    solids = flight.solids.map(Replay.prism);
    time = clamp(time, first(), end());
    $("task").textContent = flight.task;
    $("who").textContent = `${flight.policy} on ${flight.backend}`;
    $("score").textContent = `score ${flight.score.toFixed(3)}`;
    $("outcome").textContent = flight.outcome;
    $("outcome").dataset.outcome = flight.outcome;
    $("slider").min = first();
    $("slider").max = end();
    const goals = flight.drones.some((drone) => drone.goals);
    document.querySelector("th.goal").hidden = !goals;
    const keep = $("follow").value;
    $("follow").replaceChildren(new Option("nobody", "-1"), ...flight.drones.map((_, i) => new Option(`drone ${i}`, i)));
    $("follow").value = Number(keep) < flight.drones.length ? keep : "-1";
    rows = flight.drones.map((_, i) => {
      const row = document.createElement("tr"), name = document.createElement("th"), swatch = document.createElement("span");
      name.scope = "row";
      swatch.className = "swatch";
      name.append(swatch, `drone ${i}`);
      const cells = Array.from({ length: goals ? 4 : 3 }, () => document.createElement("td"));
      row.append(name, ...cells);
      return { row, swatch, cells };
    });
    $("rows").replaceChildren(...rows.map(({ row }) => row));
    resetView();
  }

  function resetView() {
    Object.assign(look, FIRST_VIEW, { zoom: 1, shift: [0, 0, 0] });
    dirty = true;
  }

  function setPlaying(value) {
    if (value && time >= end()) time = first();
    playing = value && end() > first();
    $("play").textContent = playing ? "Pause" : "Play";
    dirty = true;
  }

  function seek(to) {
    time = clamp(to, first(), end());
    dirty = true;
  }

  // What is drawn, at one instant.
  function sample() {
    const at = stepAt(flight.times, time);
    now = {
      at,
      drones: flight.drones.map((drone) => ({
        place: valueAt(drone.positions, 3, at),
        velocity: valueAt(drone.velocities, 3, at),
        axes: bodyAxes(valueAt(drone.orientations, 4, at)),
        rotors: valueAt(drone.rotors, 4, at),
        goal: drone.goals && valueAt(drone.goals, 3, at),
      })),
      load: flight.loads && valueAt(flight.loads, 3, at),
    };
  }

  function fit(canvas, context) {
    const ratio = devicePixelRatio || 1;
    const width = Math.max(1, canvas.clientWidth), height = Math.max(1, canvas.clientHeight);
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    return [width, height];
  }

  function line(pixels, colour, width) {
    if (pixels.length < 2) return;
    brush.strokeStyle = colour;
    brush.lineWidth = width;
    brush.beginPath();
    pixels.forEach(([x, y], k) => k ? brush.lineTo(x, y) : brush.moveTo(x, y));
    brush.stroke();
  }

  function polygon(pixels, fill, edge) {
    if (pixels.length < 3) return;
    brush.beginPath();
    pixels.forEach(([x, y], k) => k ? brush.lineTo(x, y) : brush.moveTo(x, y));
    brush.closePath();
    brush.fillStyle = fill;
    brush.fill();
    if (edge) {
      brush.strokeStyle = edge;
      brush.lineWidth = 1;
      brush.stroke();
    }
  }

  const stroke3 = (points, colour, width) => line(projected(camera, points, false), colour, width);

  function drawGround() {
    const [low, high] = flight.ground;
    const level = Math.max(flight.focus[0][2], 0);
    const step = flight.grid;
    for (const axis of [0, 1]) {
      for (let v = Math.ceil(low[axis] / step - 1e-9) * step; v <= high[axis] + 1e-9; v += step) {
        const a = [low[0], low[1], level], b = [high[0], high[1], level];
        a[axis] = b[axis] = v;
        stroke3([a, b], style.grid, 1);
      }
    }
    if (!flight.arena) return;
    brush.setLineDash([4, 4]);
    for (let k = 0; k < 8; k++) {
      for (const axis of [0, 1, 2]) {
        if (k >> axis & 1) continue;
        stroke3([k, k | 1 << axis].map((c) => [0, 1, 2].map((j) => flight.arena[c >> j & 1][j])), style.arena, 1);
      }
    }
    brush.setLineDash([]);
  }

  function drawSolid({ solid, faces }) {
    for (const face of faces) {
      const light = 0.78 + 0.26 * dot(face.normal, LIGHT);
      const tint = style.solid.split(",").map((v) => Math.round(clamp(v * light, 0, 255))).join(",");
      polygon(projected(camera, face.points, true), `rgba(${tint},0.84)`, solid.round ? null : `rgba(${tint},1)`);
    }
  }

  function drawShadow(place) {
    const below = [place[0], place[1], Math.max(flight.focus[0][2], 0)];
    polygon(projected(camera, CIRCLE.map(([x, y]) => plus(below, [1.4 * arm() * x, 1.4 * arm() * y, 0])), true),
      `rgba(${style.shadow},0.22)`);
  }

  function drawGoal(goal, colour) {
    if (Replay.depthOf(camera, goal) < Replay.NEAR) return;
    const [x, y] = project(camera, goal);
    line([[x - 6, y - 6], [x + 6, y + 6]], colour, 2);
    line([[x - 6, y + 6], [x + 6, y - 6]], colour, 2);
  }

  function drawLoad(load) {
    if (Replay.depthOf(camera, load) < Replay.NEAR) return;
    for (const { place } of now.drones) stroke3([place, load], style.soft, 1);
    const [x, y] = project(camera, load);
    brush.fillStyle = style.ink;
    brush.fillRect(x - 5, y - 5, 10, 10);
  }

  function drawDrone(i) {
    const { place, axes, rotors } = now.drones[i];
    if (Replay.depthOf(camera, place) < 2 * Replay.NEAR) return;
    const a = arm(), colour = colourOf(i), [ahead, left, up] = axes;
    const at = (x, y, z) => plus(plus(plus(place, ahead, a * x), left, a * y), up, a * z);
    const discs = () => ROTORS.map(([x, y], k) => ({ x, y, k, far: Replay.depthOf(camera, at(x, y, 0)) }))
      .sort((p, q) => q.far - p.far)
      // The faster a rotor turns, the fuller its disc: one that stands still is empty.
      .forEach(({ x, y, k }) => polygon(
        projected(camera, CIRCLE.map(([c, s]) => at(x + 0.75 * c, y + 0.75 * s, 0.25)), true),
        paler(colour, clamp(0.5 * rotors[k] / flight.rpm, 0, 0.6)), colour));
    const above = dot(up, minus(camera.eye, place)) > 0;
    if (!above) discs();
    const thick = clamp(a * camera.focal / Replay.depthOf(camera, place) / 6, 1.2, 6);
    for (const [p, q] of [[0, 2], [1, 3]]) {
      stroke3([at(...ROTORS[p], 0.15), at(...ROTORS[q], 0.15)], colour, thick);
    }
    polygon(projected(camera, [at(0.8, 0, 0.15), at(0.1, 0.35, 0.15), at(0.1, -0.35, 0.15)], true), style.ink, colour);
    if (above) discs();
    const [x, y] = project(camera, plus(place, [0, 0, 2 * a]));
    brush.fillStyle = style.ink;
    brush.fillText(i, x, y);
  }

  function addTrails(layers, ordered) {
    const seconds = Number($("trails").value);
    if (!seconds) return;
    flight.drones.forEach((drone, i) => {
      const colour = colourOf(i);
      const from = stepAt(flight.times, time - seconds)[0] + (time - seconds > first() ? 1 : 0);
      const points = [];
      for (let k = from; k <= now.at[0]; k++) points.push(part(drone.positions, 3, k));
      points.push(now.drones[i].place);
      // One path for as long as it stays before the same solid and fades alike.
      let path = null;
      for (let k = 1; k < points.length; k++) {
        if (!Number.isFinite(points[k][0]) || !Number.isFinite(points[k - 1][0])) { path = null; continue; }
        const layer = Replay.layerOf(ordered, mix(points[k - 1], points[k], 0.5));
        const fade = seconds > 1e6 ? 4 : Math.ceil(5 * k / points.length);
        if (!path || path.layer !== layer || path.fade !== fade) {
          path = { layer, fade, points: [points[k - 1]] };
          const drawn = path;
          layers[layer].push({ order: -1, paint: () => stroke3(drawn.points, paler(colour, drawn.fade / 5), 2) });
        }
        path.points.push(points[k]);
      }
    });
  }

  function draw() {
    const [width, height] = fit(view, brush);
    const [low, high] = flight.focus;
    const whole = Replay.distanceFor(low, high, FIRST_VIEW.azimuth, FIRST_VIEW.elevation, width, height);
    const whom = now.drones[followed()];
    const target = whom && Number.isFinite(whom.place[0]) ? whom.place : mix(low, high, 0.5);
    const distance = (whom ? 0.5 : 1) * whole / look.zoom;
    camera = Replay.cameraAt(plus(target, look.shift), look.azimuth, look.elevation, distance, width, height);
    Object.assign(brush, { lineJoin: "round", lineCap: "round", textAlign: "center", font: "600 12px system-ui,sans-serif" });
    drawGround();
    const ordered = Replay.backToFront(solids, camera.eye);
    const layers = Array.from({ length: ordered.length + 1 }, () => []);
    const place = (point, order, paint) => layers[Replay.layerOf(ordered, point)].push({ order, paint });
    addTrails(layers, ordered);
    now.drones.forEach((drone, i) => {
      if (!drone.place.every(Number.isFinite)) return;
      place([drone.place[0], drone.place[1], 0], -2, () => drawShadow(drone.place));
      place(drone.place, 1 + 1 / (1 + Math.max(0, Replay.depthOf(camera, drone.place))), () => drawDrone(i));
      if (drone.goal && drone.goal.every(Number.isFinite)) place(drone.goal, 0, () => drawGoal(drone.goal, colourOf(i)));
    });
    if (now.load && now.load.every(Number.isFinite)) place(now.load, 0.5, () => drawLoad(now.load));
    layers.forEach((layer, k) => {
      layer.sort((a, b) => a.order - b.order).forEach(({ paint }) => paint());
      if (k < ordered.length) drawSolid(ordered[k]);
    });
  }

  function drawNumbers() {
    const number = (v, digits) => Number.isFinite(v) ? v.toFixed(digits) : "–";
    now.drones.forEach((drone, i) => {
      const { row, swatch, cells } = rows[i];
      swatch.style.background = colourOf(i);
      if (i === followed()) row.setAttribute("aria-current", "true"); else row.removeAttribute("aria-current");
      const tilt = Math.acos(clamp(drone.axes[2][2], -1, 1)) * 180 / Math.PI;
      const texts = [number(drone.place[2], 2), number(length(drone.velocity), 2), number(tilt, 0)];
      if (cells.length === 4) texts.push(number(drone.goal ? length(minus(drone.place, drone.goal)) : NaN, 2));
      texts.forEach((text, k) => { cells[k].textContent = text; });
    });
    $("slider").value = time;
    $("slider").setAttribute("aria-valuetext", `${time.toFixed(2)} seconds of ${end().toFixed(2)}`);
    $("clock").textContent = `${time.toFixed(2)} / ${end().toFixed(2)} s`;
    const reward = flight.rewards[Math.min(now.at[0], flight.rewards.length - 1)];
    $("reward").textContent = reward === undefined ? "no steps" : `now ${number(reward ?? NaN, 3)}, mean ${flight.score.toFixed(3)}`;
  }

  function drawChart() {
    const [width, height] = fit(chart, pen);
    const known = flight.rewards.filter(Number.isFinite);
    if (!known.length) return;
    const low = Math.min(0, ...known), high = Math.max(low + 1e-6, ...known);
    const left = 34, x = (t) => left + (width - left - 6) * (t - first()) / (end() - first() || 1);
    const y = (v) => height - 8 - (height - 18) * (v - low) / (high - low);
    Object.assign(pen, { font: "11px system-ui,sans-serif", textAlign: "right", textBaseline: "middle", lineWidth: 1 });
    for (const v of [low, high]) {
      pen.strokeStyle = style.line;
      pen.strokeRect(left, y(v), width - left - 6, 0);
      pen.fillStyle = style.soft;
      pen.fillText(Math.abs(v) >= 100 ? v.toFixed(0) : v.toFixed(2), left - 4, y(v));
    }
    pen.strokeStyle = style.accent;
    pen.lineWidth = 1.5;
    pen.beginPath();
    flight.rewards.forEach((v, k) => {
      if (!Number.isFinite(v)) return;
      pen.lineTo(x(flight.times[k]), y(v));
      pen.lineTo(x(flight.times[k + 1]), y(v));
    });
    pen.stroke();
    pen.strokeStyle = style.ink;
    pen.beginPath();
    pen.moveTo(x(time), 2);
    pen.lineTo(x(time), height - 2);
    pen.stroke();
  }

  function tick(stamp) {
    const passed = Math.min(0.1, (stamp - last) / 1000);
    last = stamp;
    if (playing) {
      seek(time + passed * Number($("speed").value));
      if (time >= end()) setPlaying(false);
    }
    if (dirty) {
      dirty = false;
      sample();
      draw();
      drawNumbers();
      drawChart();
    }
    requestAnimationFrame(tick);
  }

  function turn(dx, dy) {
    look.azimuth -= dx;
    look.elevation = clamp(look.elevation + dy, -0.2, 1.55);
    dirty = true;
  }

  function slide(dx, dy) {
    const distance = length(minus(camera.eye, flight.focus[0]));
    const scale = distance / camera.focal;
    look.shift = plus(plus(look.shift, camera.right, -dx * scale), camera.up, dy * scale);
    dirty = true;
  }

  function zoom(factor) {
    look.zoom = clamp(look.zoom * factor, 0.2, 30);
    dirty = true;
  }

  const pointers = new Map();
  view.addEventListener("pointerdown", (event) => {
    view.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, [event.clientX, event.clientY]);
  });
  view.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const here = [event.clientX, event.clientY];
    const dx = here[0] - before[0], dy = here[1] - before[1];
    if (pointers.size === 2) {
      const [other] = [...pointers].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
      const apart = (p) => Math.hypot(p[0] - other[0], p[1] - other[1]) || 1;
      zoom(apart(here) / apart(before));
      slide(dx / 2, dy / 2);
    } else if (event.shiftKey || event.buttons & 2) {
      slide(dx, dy);
    } else {
      turn(0.007 * dx, 0.007 * dy);
    }
    pointers.set(event.pointerId, here);
  });
  for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) {
    view.addEventListener(name, (event) => pointers.delete(event.pointerId));
  }
  view.addEventListener("contextmenu", (event) => event.preventDefault());
  view.addEventListener("wheel", (event) => {
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode === 1 ? 16 : 1);
    zoom(Math.exp(-0.0015 * clamp(pixels, -400, 400)));
  }, { passive: false });
  chart.addEventListener("pointerdown", (event) => {
    const share = (event.offsetX - 34) / (chart.clientWidth - 40);
    seek(first() + clamp(share, 0, 1) * (end() - first()));
  });

  function stepBy(direction, seconds) {
    setPlaying(false);
    if (seconds) return seek(time + direction * seconds);
    const [k, share] = stepAt(flight.times, time);
    const next = direction > 0 ? k + 1 + (share === 1) : share > 1e-9 ? k : k - 1;
    seek(flight.times[clamp(next, 0, flight.times.length - 1)]);
  }

  function cycle(select, by, wrap) {
    const n = select.options.length;
    select.selectedIndex = wrap ? (select.selectedIndex + by + n) % n : clamp(select.selectedIndex + by, 0, n - 1);
    select.dispatchEvent(new Event("change"));
  }

  const KEYS = {
    " ": () => setPlaying(!playing),
    ArrowRight: (event) => stepBy(1, event.shiftKey ? 1 : 0),
    ArrowLeft: (event) => stepBy(-1, event.shiftKey ? 1 : 0),
    ArrowUp: () => cycle($("speed"), 1, false),
    ArrowDown: () => cycle($("speed"), -1, false),
    Home: () => seek(first()),
    End: () => seek(end()),
    a: () => turn(0.08, 0),
    d: () => turn(-0.08, 0),
    w: () => turn(0, 0.06),
    s: () => turn(0, -0.06),
    "+": () => zoom(1.15),
    "=": () => zoom(1.15),
    "-": () => zoom(1 / 1.15),
    f: () => cycle($("follow"), 1, true),
    r: resetView,
  };
  document.addEventListener("keydown", (event) => {
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const tag = event.target.tagName;
    // Buttons, lists and boxes keep the keys that work them.
    const owns = tag === "SELECT" || ((tag === "BUTTON" || tag === "SUMMARY" || event.target.type === "checkbox") && key === " ");
    if (owns || event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(KEYS, key)) return;
    event.preventDefault();
    KEYS[key](event);
  });

  $("play").addEventListener("click", () => setPlaying(!playing));
  $("reset").addEventListener("click", resetView);
  $("slider").addEventListener("input", () => { setPlaying(false); seek(Number($("slider").value)); });
  $("flight").addEventListener("change", () => { choose(Number($("flight").value)); seek(first()); });
  $("follow").addEventListener("change", () => { look.shift = [0, 0, 0]; dirty = true; });
  for (const id of ["trails", "true-size"]) $(id).addEventListener("change", () => { dirty = true; });
  dark.addEventListener("change", readStyle);
  new ResizeObserver(() => { dirty = true; }).observe(view);

  flights.forEach((each, k) => $("flight").append(new Option(`${k + 1}: ${each.task}, ${each.policy}`, k)));
  $("choice").hidden = flights.length < 2;
  readStyle();
  // An address that ends in #t=2.5 opens the flight there, and #flight=2&t=2.5 the second one.
  const asked = new URLSearchParams(location.hash.slice(1));
  const index = clamp(Math.round(Number(asked.get("flight") ?? 1)) - 1 || 0, 0, flights.length - 1);
  $("flight").value = index;
  choose(index);
  seek(Number(asked.get("t")) || first());
  setPlaying(!asked.has("t") && !matchMedia("(prefers-reduced-motion: reduce)").matches);
  requestAnimationFrame((stamp) => { last = stamp; tick(stamp); });
}

if (typeof document !== "undefined") startReplay();

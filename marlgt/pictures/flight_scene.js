// Draws one instant of a flight: the ground, and in painter's order shadows, trails, goals, solids and drones.
function drawScene({ brush, camera, style, flight, solids, now, arm, colourOf, trail }) {
  const { dot, minus, plus, mix, clamp, stepAt, part, project, projected } = Replay;
  const ROTORS = [[1, -1], [-1, -1], [-1, 1], [1, 1]];
  const LIGHT = [0.3, -0.5, 0.81];
  const CIRCLE = Array.from({ length: 28 }, (_, k) => [Math.cos(k * Math.PI / 14), Math.sin(k * Math.PI / 14)]);
  const paler = (colour, alpha) => colour + Math.round(255 * alpha).toString(16).padStart(2, "0");

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
    brush.setLineDash([4, 4]);
    for (let k = 0; k < 8; k++) {
      for (const axis of [0, 1, 2]) {
        if (k >> axis & 1) continue;
        stroke3([k, k | 1 << axis].map((c) => [0, 1, 2].map((j) => flight.arena[c >> j & 1][j])), style.arena, 1);
      }
    }
    brush.setLineDash([]);
  }

  function tint(face, alpha) {
    const light = 0.78 + 0.26 * dot(face.normal, LIGHT);
    return `rgba(${style.solid.split(",").map((v) => Math.round(clamp(v * light, 0, 255))).join(",")},${alpha})`;
  }

  function drawSolid({ solid, faces }) {
    const sides = solid.round ? faces.filter((face) => face.normal[2] === 0) : [];
    if (sides.length) drawRound(sides, solid.sides);
    for (const face of faces) {
      if (!sides.includes(face)) polygon(projected(camera, face.points, true), tint(face, 0.84), tint(face, 1));
    }
  }

  // The sides of a pillar as one shape with a gradient: drawn one by one, translucent sides would show their seams.
  function drawRound(sides, n) {
    const begin = sides.find((face) => !sides.some((other) => (other.index + 1) % n === face.index)) ?? sides[0];
    const strip = [...sides].sort((a, b) => (a.index - begin.index + n) % n - (b.index - begin.index + n) % n);
    const [lower, upper] = [0, 3].map((corner) =>
      [...strip.map((face) => face.points[corner]), strip[strip.length - 1].points[corner ? 2 : 1]]);
    const pixels = projected(camera, [...lower, ...upper.reverse()], true);
    if (pixels.length < 3) return;
    const across = pixels.map(([x]) => x), from = Math.min(...across), to = Math.max(...across);
    const gradient = brush.createLinearGradient(from, 0, Math.max(to, from + 1), 0);
    for (const face of strip) {
      const middle = mix(face.points[0], face.points[2], 0.5);
      if (Replay.depthOf(camera, middle) < Replay.NEAR) continue;
      gradient.addColorStop(clamp((project(camera, middle)[0] - from) / Math.max(to - from, 1), 0, 1), tint(face, 0.84));
    }
    polygon(pixels, gradient, null);
  }

  function drawShadow(place) {
    const below = [place[0], place[1], Math.max(flight.focus[0][2], 0)];
    polygon(projected(camera, CIRCLE.map(([x, y]) => plus(below, [1.4 * arm * x, 1.4 * arm * y, 0])), true),
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
    const a = arm, colour = colourOf(i), [ahead, left, up] = axes;
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

  function addTrails(layers, layerOf) {
    if (!trail) return;
    flight.drones.forEach((drone, i) => {
      const colour = colourOf(i);
      const from = stepAt(flight.times, now.time - trail)[0] + (now.time - trail > flight.times[0] ? 1 : 0);
      const points = [];
      for (let k = from; k <= now.at[0]; k++) points.push(part(drone.positions, 3, k));
      points.push(now.drones[i].place);
      // One path for as long as it stays before the same solid and fades alike.
      let path = null;
      for (let k = 1; k < points.length; k++) {
        if (!Number.isFinite(points[k][0]) || !Number.isFinite(points[k - 1][0])) { path = null; continue; }
        const layer = layerOf(mix(points[k - 1], points[k], 0.5));
        const fade = trail > 1e6 ? 4 : Math.ceil(5 * k / points.length);
        if (!path || path.layer !== layer || path.fade !== fade) {
          path = { layer, fade, points: [points[k - 1]] };
          const drawn = path;
          layers[layer].push({ order: -1, paint: () => stroke3(drawn.points, paler(colour, drawn.fade / 5), 2) });
        }
        path.points.push(points[k]);
      }
    });
  }

  Object.assign(brush, { lineJoin: "round", lineCap: "round", textAlign: "center", font: "600 12px system-ui,sans-serif" });
  drawGround();
  const ordered = Replay.backToFront(solids, camera.eye);
  const layerOf = (point) => Replay.layerOf(ordered, camera.eye, point, 2 * arm);
  const layers = Array.from({ length: ordered.length + 1 }, () => []);
  const place = (point, order, paint) => layers[layerOf(point)].push({ order, paint });
  addTrails(layers, layerOf);
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

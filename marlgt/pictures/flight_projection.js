"use strict";

// Where things are, what hides what, and where on the screen. Vectors are arrays of three numbers; a camera is {eye,
// right, up, forward, focal, width, height}, lengths in metres and pixels. Nothing here touches a page, so that it can
// be tested by itself.
const Replay = (() => {
  const NEAR = 0.02;
  const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
  const minus = (a, b) => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
  const plus = (a, b, s = 1) => [a[0] + s * b[0], a[1] + s * b[1], a[2] + s * b[2]];
  const length = (a) => Math.sqrt(dot(a, a));
  const clamp = (v, low, high) => Math.min(high, Math.max(low, v));
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
      faces.push({ points, index: k, normal: [edge[1] / size, -edge[0] / size, 0] });
    }
    const around = Array.from({ length: n }, (_, k) => k);
    faces.push({ points: around.map((k) => at(k, solid.high)), normal: [0, 0, 1] });
    faces.push({ points: around.map((k) => at(n - 1 - k, solid.low)), normal: [0, 0, -1] });
    for (const face of faces) face.offset = dot(face.normal, face.points[0]);
    const corners = around.flatMap((k) => [at(k, solid.low), at(k, solid.high)]);
    const middle = corners.reduce((sum, p) => plus(sum, p, 1 / corners.length), [0, 0, 0]);
    return { faces, corners, middle, sides: n, round: n > 4 };
  }

  const facing = (solid, eye) => solid.faces.filter((face) => dot(face.normal, eye) > face.offset);

  /** Whether a convex solid hides a point, or all but: it is grown by a margin. */
  function hides({ solid, faces }, eye, point, margin) {
    if (!faces.length || faces.some((face) => dot(face.normal, point) > face.offset + 1e-9)) return false;
    // The line of sight enters and leaves the half space of each face.
    let enter = 0, leave = 1;
    for (const face of solid.faces) {
      const room = face.offset + margin - dot(face.normal, eye), rate = dot(face.normal, minus(point, eye));
      if (rate < 0) enter = Math.max(enter, room / rate);
      else if (rate > 0) leave = Math.min(leave, room / rate);
      else if (room < 0) return false;
    }
    return enter <= leave;
  }

  /** Solids from back to front, each with the faces that the eye sees. */
  function backToFront(solids, eye) {
    const seen = solids.map((solid) => ({ solid, faces: facing(solid, eye), far: length(minus(solid.middle, eye)) }));
    const beyond = (face, b) => b.solid.corners.every((p) => dot(face.normal, p) >= face.offset - 1e-9);
    const parted = (a, b, looks) => a.solid.faces.some((face) => a.faces.includes(face) === looks && beyond(face, b));
    const mayHide = (a, b) => !parted(a, b, true) && !parted(b, a, false);
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

  /** The first solid in the order of drawing that hides a point, or their number. */
  function layerOf(ordered, eye, point, margin) {
    const k = ordered.findIndex((entry) => hides(entry, eye, point, margin));
    return k < 0 ? ordered.length : k;
  }

  return {
    NEAR, dot, minus, plus, length, clamp, mix, stepAt, part, valueAt, bodyAxes, cameraAt, distanceFor, depthOf, project,
    projected, prism, backToFront, layerOf,
  };
})();

if (typeof module !== "undefined") module.exports = Replay;

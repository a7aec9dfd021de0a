// The page of a replay: what is drawn at an instant, the numbers beside it, and the controls.
function startReplay() {
  const { minus, plus, length, mix, clamp, stepAt, valueAt, bodyAxes } = Replay;
  const $ = (id) => document.getElementById(id);
  const { flights } = JSON.parse($("data").textContent);
  const view = $("view"), brush = view.getContext("2d");
  const chart = $("chart"), pen = chart.getContext("2d");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const FIRST_VIEW = { azimuth: -1.01, elevation: 0.42 };
  const REAL_ARM = 0.04;

  let flight, solids, style, rows, camera, now;
  let time = 0, playing = false, last = 0, dirty = true;
  const look = { ...FIRST_VIEW, zoom: 1, shift: [0, 0, 0] };

  const number = (v, digits) => Number.isFinite(v) ? v.toFixed(digits) : "–";
  const first = () => flight.times[0];
  const end = () => flight.times[flight.times.length - 1];
  const followed = () => Number($("follow").value);

  function readStyle() {
    const all = getComputedStyle(document.documentElement);
    style = Object.fromEntries(["ink", "soft", "line", "grid", "arena", "solid", "shadow", "accent", "page"].map(
      (name) => [name, all.getPropertyValue(`--${name}`).trim()]));
    dirty = true;
  }

  // Black is one of the colours, and would be lost on a dark page.
  const colourOf = (i) => dark.matches && flight.drones[i].colour === "#000000" ? "#e6e9ee" : flight.drones[i].colour;

  function choose(k) {
    flight = flights[k];
    solids = flight.solids.map(Replay.prism);
    time = clamp(time, first(), end());
    $("task").textContent = flight.task;
    $("who").textContent = `${flight.policy} on ${flight.backend}`;
    $("score").textContent = `score ${number(flight.score, 3)}`;
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
      time,
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

  function draw() {
    const [width, height] = fit(view, brush);
    const [low, high] = flight.focus;
    const whole = Replay.distanceFor(low, high, FIRST_VIEW.azimuth, FIRST_VIEW.elevation, width, height);
    const whom = now.drones[followed()];
    const target = whom && Number.isFinite(whom.place[0]) ? whom.place : mix(low, high, 0.5);
    const distance = (whom ? 0.5 : 1) * whole / look.zoom;
    camera = Replay.cameraAt(plus(target, look.shift), look.azimuth, look.elevation, distance, width, height);
    const arm = $("true-size").checked ? REAL_ARM : flight.arm;
    drawScene({ brush, camera, style, flight, solids, now, arm, colourOf, trail: Number($("trails").value) });
  }

  function drawNumbers() {
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
    const step = Math.min(now.at[0], flight.times.length - 2);
    const earned = flight.rewards.map((agent) => number(agent[step], 3));
    $("reward").textContent = step < 0 ? "no steps"
      : `${earned.length > 1 ? "agents " : ""}now ${earned.join(", ")}; mean ${number(flight.score, 3)}`;
  }

  function drawChart() {
    const [width, height] = fit(chart, pen);
    const known = flight.rewards.flat().filter(Number.isFinite);
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
    pen.lineWidth = 1.5;
    flight.rewards.forEach((agent, i) => {
      pen.strokeStyle = flight.rewards.length === flight.drones.length ? colourOf(i) : style.accent;
      pen.beginPath();
      agent.forEach((v, k) => {
        if (!Number.isFinite(v)) return;
        pen.lineTo(x(flight.times[k]), y(v));
        pen.lineTo(x(flight.times[k + 1]), y(v));
      });
      pen.stroke();
    });
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

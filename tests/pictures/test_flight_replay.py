"""Replays: the page holds the flight, is safe and self-contained, and works in a browser."""

import dataclasses
import html.parser
import json
import re
import shutil
import subprocess

import numpy as np
import pytest

from marlgt.errors import GameError
from marlgt.pictures import write_flight_replay
from marlgt.pictures._flight_geometry import hidden, planes, point_camera, solid_faces

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
NODE = shutil.which("node")


def embedded(path):
    """Return the flights that a page holds."""
    text = re.search(r'<script type="application/json" id="data">(.*?)</script>', path.read_text("utf-8"), re.S)[1]
    return json.loads(text)["flights"]


class Elements(html.parser.HTMLParser):
    """Names the elements of a page, and their attributes."""

    def __init__(self):
        super().__init__()
        self.names, self.attributes = [], []

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        self.attributes += [name for name, _ in attrs]


def test_the_page_holds_the_flight_to_a_tenth_of_a_millimetre(flight, tmp_path):
    (told,) = embedded(write_flight_replay(flight, tmp_path / "flight.html"))
    for i, drone in enumerate(told["drones"]):
        for name, values in (
            ("positions", flight.positions),
            ("velocities", flight.velocities),
            ("orientations", flight.orientations),
        ):
            embedded_values = np.reshape(drone[name], values[:, i].shape)
            np.testing.assert_allclose(embedded_values, values[:, i], rtol=0, atol=5.001e-5)
    np.testing.assert_allclose(told["times"], flight.times, rtol=0, atol=5.001e-5)
    np.testing.assert_allclose(told["rewards"], flight.rewards.T, rtol=0, atol=5.001e-5)
    assert told["score"] == pytest.approx(flight.score, abs=5e-5)
    assert (told["outcome"], len(told["solids"])) == ("success", 6)


def test_a_goal_that_never_moves_is_stored_once_and_absent_goals_not_at_all(flight, short_flight, tmp_path):
    (told,) = embedded(write_flight_replay(flight, tmp_path / "flight.html"))
    assert [len(drone["goals"]) for drone in told["drones"]] == [3, 3, 3]
    (told,) = embedded(write_flight_replay(short_flight, tmp_path / "flight.html"))
    assert [drone["goals"] for drone in told["drones"]] == [None, None]
    assert len(told["loads"]) == 3 * len(short_flight.times)


def test_ten_seconds_of_eight_drones_stay_below_a_megabyte_at_any_rate(make_flight, tmp_path):
    moving = make_flight(n_drones=8, seconds=10, rate=240)
    moving = dataclasses.replace(moving, goals=moving.positions + 0.123)
    path = write_flight_replay(moving, tmp_path / "flight.html")
    assert path.stat().st_size < 1_000_000
    (told,) = embedded(path)
    assert len(told["times"]) == 601
    assert told["times"][-1] == 10.0
    # Steps that were left out count in the mean reward of those that stayed.
    assert np.mean(told["rewards"]) == pytest.approx(moving.score, abs=1e-4)


def test_what_is_not_a_number_becomes_null(flight, tmp_path):
    positions = flight.positions.copy()
    positions[100:, 1] = np.nan
    lost = dataclasses.replace(flight, positions=positions)
    (told,) = embedded(write_flight_replay(lost, tmp_path / "flight.html"))
    assert told["drones"][1]["positions"][300:303] == [None, None, None]
    assert np.isfinite(told["focus"]).all()


def test_names_cannot_break_out_of_the_page(make_flight, tmp_path):
    hostile = make_flight(hostile=True)
    elements = {}
    for kind, made in (("kind", make_flight()), ("hostile", hostile)):
        path = write_flight_replay(made, tmp_path / f"{kind}.html")
        elements[kind] = Elements()
        elements[kind].feed(path.read_text("utf-8"))
    assert elements["hostile"].names == elements["kind"].names
    assert "onerror" not in elements["hostile"].attributes
    assert embedded(tmp_path / "hostile.html")[0]["task"] == hostile.task


def test_a_name_like_a_placeholder_is_only_a_name(make_flight, tmp_path):
    path = write_flight_replay(make_flight(task="{{data}} {{script}} {{title}}"), tmp_path / "flight.html")
    assert embedded(path)[0]["task"] == "{{data}} {{script}} {{title}}"
    assert "<title>Flight: {{data}} {{script}} {{title}}</title>" in path.read_text("utf-8")


def test_the_page_asks_for_nothing_outside_itself(flight, tmp_path):
    text = write_flight_replay(flight, tmp_path / "flight.html").read_text("utf-8")
    assert "default-src 'none'" in text
    for outside in ("http:", "https:", "src=", "href=", "@import", "url(", "fetch(", "import("):
        assert outside not in text


def test_a_shared_reward_is_stored_once_and_no_reward_of_no_step(flight, tmp_path):
    shared = dataclasses.replace(flight, rewards=np.repeat(flight.rewards[:, :1], 3, axis=1))
    (told,) = embedded(write_flight_replay(shared, tmp_path / "flight.html"))
    assert np.shape(told["rewards"]) == (1, len(flight.times) - 1)
    fields = ("times", "positions", "velocities", "orientations", "rotors", "goals")
    start = {name: getattr(flight, name)[:1] for name in fields}
    still = dataclasses.replace(flight, **start, rewards=flight.rewards[:0])
    (told,) = embedded(write_flight_replay(still, tmp_path / "flight.html"))
    assert (told["rewards"], told["times"], told["score"]) == ([[], [], []], [0.0], 0.0)


def test_several_flights_go_into_one_page(flight, short_flight, tmp_path):
    told = embedded(write_flight_replay(iter([flight, short_flight]), tmp_path / "flights.htm"))
    assert [len(each["drones"]) for each in told] == [3, 2]


def test_what_cannot_be_replayed_is_said(flight, tmp_path):
    with pytest.raises(GameError, match=r"end the name in \.html or \.htm"):
        write_flight_replay(flight, tmp_path / "flight.mp4")
    with pytest.raises(GameError, match=r"there is no folder .*nowhere"):
        write_flight_replay(flight, tmp_path / "nowhere" / "flight.html")
    with pytest.raises(GameError, match="flights is empty: give at least one Flight"):
        write_flight_replay([], tmp_path / "flight.html")
    with pytest.raises(GameError, match="flight is 3: give a Flight"):
        write_flight_replay([flight, 3], tmp_path / "flight.html")
    with pytest.raises(GameError, match="flights is 3: give a Flight or several"):
        write_flight_replay(3, tmp_path / "flight.html")
    with pytest.raises(GameError, match=r"goals have shape \(3,\), but its 241 times of 3 drones must match"):
        write_flight_replay(dataclasses.replace(flight, goals=np.zeros(3)), tmp_path / "flight.html")


@pytest.mark.skipif(NODE is None, reason="no node to run the page's program with")
def test_the_page_and_the_animation_have_one_projection_and_hide_the_same_points(flight, tmp_path):
    path = write_flight_replay(flight, tmp_path / "flight.html")
    (told,) = embedded(path)
    low, high = (np.array(corner) for corner in told["focus"])
    camera = point_camera(low, high, (640, 480), azimuth=-50.0, elevation=30.0)
    points = np.random.default_rng(0).uniform(low, high, (400, 3))
    distance = float(np.linalg.norm(camera.eye - (low + high) / 2))
    program = path.read_text("utf-8").split("<script>")[1].split("</script>")[0]
    (tmp_path / "program.js").write_text(program, encoding="utf-8")
    asked = {"points": points.tolist(), "middle": ((low + high) / 2).tolist(), "distance": distance, "told": told}
    (tmp_path / "asked.json").write_text(json.dumps(asked), encoding="utf-8")
    (tmp_path / "ask.js").write_text(
        """
        const R = require("./program.js"), q = require("./asked.json"), degree = Math.PI / 180;
        const camera = R.cameraAt(q.middle, -50 * degree, 30 * degree, q.distance, 640, 480);
        const ordered = R.backToFront(q.told.solids.map(R.prism), camera.eye);
        console.log(JSON.stringify({
          pixels: q.points.map((p) => R.project(camera, p)),
          layers: q.points.map((p) => R.layerOf(ordered, camera.eye, p, 0.1)),
          between: R.valueAt(q.told.drones[0].positions, 3, R.stepAt(q.told.times, 1.25)),
        }));
        """,
        encoding="utf-8",
    )
    ran = subprocess.run([NODE, "ask.js"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
    answer = json.loads(ran.stdout)
    np.testing.assert_allclose(answer["pixels"], camera.project(points)[0], rtol=0, atol=1e-6)
    covered = np.zeros(len(points), dtype=bool)
    for thing in flight.scene.obstacles:
        covered |= hidden(points, camera.eye, *planes(solid_faces(thing)), margin=0.1)
    assert 0 < covered.sum() < len(points)
    np.testing.assert_array_equal(np.array(answer["layers"]) < len(flight.scene.obstacles), covered)
    middle = (flight.positions[37, 0] + flight.positions[38, 0]) / 2
    np.testing.assert_allclose(answer["between"], middle, rtol=0, atol=1e-4)


DRIVER = """
<script>
window.failures = [];
window.addEventListener("error", (event) => failures.push(event.message));
// A browser without a screen draws no frames while its clock is wound forward.
window.requestAnimationFrame = (draw) => setTimeout(() => draw(performance.now()), 16);
</script>
"""
DRIVEN = """
<script>
(async () => {
  const $ = (id) => document.getElementById(id), view = $("view"), seen = {};
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  const wait = async (frames) => { for (let k = 0; k < frames; k++) await frame(); };
  const key = (name, more = {}) =>
    document.body.dispatchEvent(new KeyboardEvent("keydown", {key: name, bubbles: true, ...more}));
  const clock = () => parseFloat($("clock").textContent);
  const pixels = () => view.getContext("2d").getImageData(0, 0, view.width, view.height).data;
  const picture = () => pixels().reduce((sum, v, k) => (31 * sum + v) % 1000000007, 7);
  const pointer = (type, clientX, clientY) =>
    view.dispatchEvent(new PointerEvent(type, {pointerId: 1, clientX, clientY, buttons: 1}));
  const choose = (id, value) => { $(id).value = value; $(id).dispatchEvent(new Event("change")); };
  view.setPointerCapture = () => {};
  try {
    await wait(6);
    seen.opened = clock();
    seen.rows = [...$("rows").rows].map((row) => [...row.cells].map((cell) => cell.textContent));
    const data = pixels();
    seen.blue = 0;
    for (let k = 0; k < data.length; k += 4) seen.blue += data[k] === 0 && data[k + 1] === 0x72 && data[k + 2] === 0xb2;
    key("ArrowRight"); await wait(3); seen.stepped = clock();
    key("ArrowLeft", {shiftKey: true}); await wait(3); seen.back = clock();
    key(" "); await wait(30); seen.label = $("play").textContent; key(" "); await wait(3);
    seen.played = clock(); await wait(6); seen.paused = clock();
    key("ArrowUp"); seen.speed = $("speed").value;
    key("End"); await wait(3); seen.end = clock();
    key("Home"); await wait(3); seen.home = clock();
    $("slider").value = 5; $("slider").dispatchEvent(new Event("input")); await wait(3); seen.slid = clock();
    const pictures = [picture()];
    pointer("pointerdown", 200, 200); pointer("pointermove", 260, 230); pointer("pointerup", 260, 230);
    await wait(3); pictures.push(picture());
    view.dispatchEvent(new WheelEvent("wheel", {deltaY: -300, cancelable: true}));
    await wait(3); pictures.push(picture());
    choose("follow", "1"); await wait(3); pictures.push(picture());
    seen.followed = [...$("rows").rows].map((row) => row.getAttribute("aria-current"));
    choose("trails", "0"); await wait(3); pictures.push(picture());
    $("true-size").click(); await wait(3); pictures.push(picture());
    $("true-size").click(); choose("trails", "2"); choose("follow", "-1"); $("reset").click();
    await wait(3); pictures.push(picture());
    seen.pictures = pictures;
    choose("flight", "1"); await wait(3);
    seen.second = [$("task").textContent, $("rows").rows.length, clock(), document.images.length];
  } catch (error) { failures.push(String(error)); }
  const log = document.createElement("pre");
  log.id = "log";
  log.textContent = JSON.stringify({...seen, failures});
  document.body.append(log);
})();
</script>
</body>"""


@pytest.mark.skipif(BROWSER is None, reason="no browser to open the page in")
def test_the_page_plays_turns_and_follows_in_a_browser(flight, make_flight, tmp_path):
    hostile = make_flight(n_drones=2, hostile=True)
    path = write_flight_replay([flight, hostile], tmp_path / "flight.html")
    text = path.read_text("utf-8").replace("<style>", DRIVER + "<style>").replace("</body>", DRIVEN)
    path.write_text(text, encoding="utf-8")
    dumped = subprocess.run(
        [
            *(BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", "--window-size=1000,700"),
            *(f"--user-data-dir={tmp_path / 'browser'}", "--virtual-time-budget=8000", f"{path.as_uri()}#t=3.2"),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout
    if "<title>Flight" not in dumped:
        pytest.skip("the browser on this machine opens no files of a temporary folder")
    seen = json.loads(html.unescape(re.search(r'<pre id="log">(.*?)</pre>', dumped, re.S)[1]))
    assert seen["failures"] == []
    step = 96
    assert seen["opened"] == 3.2
    for i, row in enumerate(seen["rows"]):
        expected = (
            flight.positions[step, i, 2],
            np.linalg.norm(flight.velocities[step, i]),
            np.degrees(0.35 - 0.05 * i),
            np.linalg.norm(flight.positions[step, i] - flight.goals[step, i]),
        )
        assert row[0] == f"drone {i}"
        errors = np.abs(np.array([float(cell) for cell in row[1:]]) - expected)
        # Two decimals, and degrees in none.
        assert (errors < [0.0051, 0.0051, 0.51, 0.0051]).all()
    assert seen["blue"] > 20
    assert (seen["stepped"], seen["back"]) == (3.23, 2.23)
    assert seen["label"] == "Pause"
    assert 2.4 < seen["played"] < 3.2
    assert seen["paused"] == seen["played"]
    assert (seen["speed"], seen["end"], seen["home"], seen["slid"]) == ("2", 8.0, 0.0, 5.0)
    assert seen["followed"] == [None, "true", None]
    *changed, reset = seen["pictures"]
    assert len(set(changed)) == len(changed)
    assert reset == changed[0]
    assert seen["second"] == [hostile.task, 2, 0, 0]

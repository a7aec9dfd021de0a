"""Write the tables in the pages on drones again: ``python docs/drones/write_tables.py [--scores] [TASK ...]``.

What a task is comes from its :class:`marlgt.games.drones.Task`, in a moment. With ``--scores`` its expert and random
actions are flown again too, which takes minutes; what they reach is kept in ``scores.json``. Tables stand between two
comments, so that a page can be read as it is.
"""

import argparse
import json
import re
import time
from pathlib import Path

from marlgt.games.drones import AIRFRAMES, TASKS, empirical_game, evaluate_policy, make_task

FOLDER = Path(__file__).parent
SCORES = FOLDER / "scores.json"
EPISODES = 1000
WORDS = ("expert", "random")

PURPOSES = {
    "hover1d": "the first thing to learn; regression tests of learners",
    "hover": "one learner, six kinds of control",
    "hover1d-gpd": "scores to compare with those published for gym-pybullet-drones",
    "hover-gpd": "the same with four motors",
    "takeoff-onoff": "the same with all or nothing: VDN and QMIX against QTRAN",
    "takeoff-2level": "four agents coupled by one body, in small steps",
    "multihover": "the first task with several drones",
    "payload": "one shared load; the drones feel one another by the cables",
    "pursuit": "self-play, best responses, policy-space response oracles",
    "formation": "teams with a shared reward; who goes where is free",
    "duel": "symmetric self-play; the value of the game is known to be 0",
    "leaderfollow": "partial observability: only the leader knows the way",
    "coverage": "credit assignment; who goes where is free",
    "gate": "order: one at a time",
    "crossing": "general sum: whoever gives way pays for all",
}

# What ``note`` adds to the observation, in order: how many numbers with n drones, and what they are.
EXTRAS = {
    "payload": [
        (lambda n: 3, "load − own position, m"),
        (lambda n: 3, "velocity of the load − own velocity, in 2 m/s"),
        (lambda n: 3, "goal − load, m"),
    ],
    "pursuit": [
        (lambda n: 1, "1 for a pursuer, −1 for the evader"),
        (lambda n: 3, "velocity of the nearest opponent − own velocity, in 2 m/s"),
    ],
    "formation": [(lambda n: 2 * (n - 1), "the other corners − own position, x and y of each, m, held within 2 m")],
    "duel": [
        (lambda n: 3, "the other, seen in own axes, m"),
        (lambda n: 3, "oneself, seen in the other's axes, m"),
        (lambda n: 2, "how near oneself and the other are to having won, 0 to 1"),
    ],
    "leaderfollow": [(lambda n: 3, "velocity of what the goal moves with, in 2 m/s")],
    "coverage": [
        (
            lambda n: 4 * n,
            "for each target: target − own position, m, held within 2 m, and how far the nearest *other* drone is "
            "from it, at most 2 m",
        )
    ],
    "gate": [
        (lambda n: 3, "middle of the gate − own position, m, held within 2 m"),
        (lambda n: 1, "1 once the drone has passed, else 0"),
    ],
}

KIN25 = [
    (3, "goal − position, m, each held within 2 m"),
    (9, "rotation from body to world axes, by rows"),
    (3, "velocity, in 2 m/s"),
    (3, "angular velocity in body axes, in 10 rad/s"),
    (4, "last action, each number in [−1, 1]"),
    (3, "position, m"),
]
GPD = [
    (3, "position, m"),
    (3, "roll, pitch, yaw, rad"),
    (3, "velocity, m/s"),
    (3, "angular velocity in world axes, rad/s"),
]
REACHES = {
    "motors": "rotor speeds from {low:.0f} to {high:.0f} rpm",
    "rates": "thrust to {s0:.2f} N; body rates to {s1:g}, {s2:g} and {s3:g} rad/s",
    "attitude": "thrust to {s0:.2f} N; roll and pitch to {s1:g} rad; yaw rate to {s3:g} rad/s",
    "velocity": "velocities to {s0:g} m/s along each axis{turn}",
    "position": "steps of at most {s0:g} m along each axis; yaw rate to {s3:g} rad/s",
}


def reach(task):
    """Return what the largest actions of a task ask for."""
    offset, scale = task.span(task.airframe)
    thrust = offset[0] + scale[0]
    turns = task.n_inputs == 4 if task.choices is None else abs(task.choices[:, -1]).max() > 0
    return REACHES[task.control].format(
        low=offset[0] - scale[0],
        high=offset[0] + scale[0],
        s0=thrust if task.control in ("rates", "attitude") else scale[0],
        s1=scale[1],
        s2=scale[2],
        s3=scale[3],
        turn=f"; yaw rates to {scale[3]:g} rad/s" if turns else "",
    )


def kind(name, actions):
    """Return one line on a kind of actions."""
    task = make_task(name, actions=actions)
    who = "each of the four motors is an agent" if task.seats == "motors" else ""
    if task.choices is not None:
        what = f"{task.n_actions} actions"
    else:
        what = f"{task.n_inputs} number{'s' if task.n_inputs > 1 else ''} in [−1, 1]"
    return f"`{actions}`: " + ", ".join(part for part in (who, what, reach(task)) if part)


def parts(task):
    """Return the parts of a task's observation: how many numbers, and what they are."""
    if task.layout == "gpd":
        return [*GPD, (15 * task.width, "the last 15 actions, oldest first")]
    rows = list(KIN25)
    for k in range(task.neighbours):
        which = ("nearest", "second nearest", "third nearest")[k]
        rows.append((6, f"{which} drone: its position − own position, m, and velocity − own velocity, in 2 m/s"))
    extras = [(count(task.n_drones), words) for count, words in EXTRAS.get(task.name, [])]
    if sum(count for count, _ in extras) != task.n_extras:
        raise ValueError(f"{task.name} adds {task.n_extras} numbers to the observation: say in EXTRAS what they are")
    rows += extras
    if task.history:
        rows.append((task.width * task.history, f"the {task.history} actions before the last, oldest first"))
    if task.seats == "motors":
        rows.append((4, "which motor: 1 for one's own, 0 for the others"))
    if sum(count for count, _ in rows) != task.n_observations:
        raise ValueError(f"{task.name} observes {task.n_observations} numbers, not {sum(count for count, _ in rows)}")
    return rows


def counted(entry):
    least, usual, most = entry.drones
    return str(least) if least == most else f"{least} to {most}, usually {usual}"


def facts(name):
    """Return the table of what a task is, and that of its observation."""
    entry, task = TASKS[name], make_task(name)
    sides = ", ".join(f"{axis} {a:g} to {b:g}" for axis, a, b in zip("xy", task.scene.low, task.scene.high))
    things = f", and {len(task.scene.obstacles)} obstacles in it" if task.scene.obstacles else ""
    lag = f"motors lag by {task.airframe.motor_lag:g} s" if task.airframe.motor_lag else "no motor lag"
    window = "" if task.window >= task.seconds - 1e-9 else f", mean of the last {task.window:g} s"
    world = f" + {task.n_world} of the task" if task.n_world else ""
    rows = [
        ("drones", counted(entry)),
        ("actions", "<br>".join(kind(name, actions) for actions in entry.actions)),
        ("payoff", task.payoff.replace("_", " ")),
        ("episode", f"{task.seconds:g} s, {task.horizon} control steps at {task.rate} a second"),
        ("airframe", f"`{task.airframe.name}`, {lag}"),
        ("arena", f"{sides}, z to {task.scene.high[2]:g} m{things}"),
        ("global state", f"21 for each drone{world} + 1 (share of the episode left): {task.n_state} numbers"),
        ("solved", f"{task.figure}: at most {round(task.solved, 6):g}{window}, and no crash"),
    ]
    lines = ["| | |", "|---|---|", *(f"| {what} | {value} |" for what, value in rows), ""]
    drones = "" if entry.drones[0] == entry.drones[2] else f" with {task.n_drones} drones"
    lines += [f"An agent observes {task.n_observations} numbers{drones}:", "", "| numbers | what |", "|---|---|"]
    at = 0
    for count, words in parts(task):
        lines.append(f"| {at} to {at + count - 1} | {words} |" if count > 1 else f"| {at} | {words} |")
        at += count
    return "\n".join(lines)


def variants(name):
    """Return the variants of a task that are flown: every kind of actions, and the fewest and most drones."""
    entry = TASKS[name]
    least, usual, most = entry.drones
    found = [(usual, actions) for actions in entry.actions]
    return found + [(n, entry.actions[0]) for n in sorted({least, most} - {usual})]


def flown(name):
    """Fly the expert and random actions in all variants of a task, and return what they reach.

    Where two sides play, each of them is the expert or random.
    """
    rows = []
    for n_drones, actions in variants(name):
        task = make_task(name, n_drones=n_drones, actions=actions)
        row = {"drones": n_drones, "actions": actions, "episodes": EPISODES}
        rows.append(row | (matches(task) if task.teams else {policy: reached(task, policy) for policy in WORDS}))
    return rows


def reached(task, policy):
    """Return what a policy reaches in a task."""
    scores = evaluate_policy(task, policy, episodes=EPISODES, seed=0)
    return {
        "score": round(scores.score, 4),
        "standard_error": round(scores.standard_error, 5),
        "solved": round(scores.success_rate, 4),
        "crashed": round(scores.crash_rate, 4),
        "seconds": round(float(scores.lengths.mean()) / task.rate, 2),
    }


def matches(task):
    """Return what the first side reaches, by the first side's policy and the second's."""
    found = empirical_game(task, [WORDS, WORDS], episodes=EPISODES, seed=0)
    return {
        first: {
            second: {
                "return": round(float(found.game.payoffs[0, i, j]), 4),
                "standard_error": round(float(found.standard_errors[0, i, j]), 5),
                "solved": round(float(found.success_rates[i, j]), 4),
            }
            for j, second in enumerate(WORDS)
        }
        for i, first in enumerate(WORDS)
    }


def scored(name, rows):
    """Return the table of what the expert and random actions reach."""
    if make_task(name).teams:
        return matched(rows)
    lines = [
        f"Means of {rows[0]['episodes']} episodes each: the score (reward of a step, 0 after the end), the shares of "
        "episodes that were solved and that ended by a crash, and the length.",
        "",
        "| drones | actions | policy | score | solved | crashed | length |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        for policy in WORDS:
            r = row[policy]
            lines.append(
                f"| {row['drones']} | `{row['actions']}` | {policy} | {r['score']:.3f} | {r['solved']:.1%} | "
                f"{r['crashed']:.1%} | {r['seconds']:.1f} s |"
            )
    return "\n".join(lines)


def matched(rows):
    """Return the table of what the first side reaches where two sides play."""
    lines = [
        f"Means of {rows[0]['episodes']} episodes each: the return of the first side, with its standard error, and the "
        "share of episodes that it won as the task asks.",
        "",
        "| drones | actions | first side | second side | return | solved |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        for first in WORDS:
            for second in WORDS:
                r = row[first][second]
                lines.append(
                    f"| {row['drones']} | `{row['actions']}` | {first} | {second} | {r['return']:.3f} ± "
                    f"{r['standard_error']:.3f} | {r['solved']:.1%} |"
                )
    return "\n".join(lines)


def catalogue(scores):
    """Return the table of all tasks."""
    lines = ["| task | drones | actions | payoff | what for | expert, random |", "|---|---|---|---|---|---|"]
    for name, entry in TASKS.items():
        task = make_task(name)
        least, _, most = entry.drones
        drones = str(least) if least == most else f"{least} to {most}"
        best, worst = "", ""
        if name in scores and task.teams:
            usual = scores[name][0]
            best, worst = (f"{usual[a][b]['return']:.2f}" for a, b in (WORDS, WORDS[::-1]))
        elif name in scores:
            best, worst = (f"{scores[name][0][policy]['score']:.2f}" for policy in WORDS)
        kinds = ", ".join(entry.actions)
        lines.append(
            f"| [{name}]({page_of(name).name}) | {drones} | {kinds} | {task.payoff.replace('_', ' ')} | "
            f"{PURPOSES[name]} | {best}, {worst} |"
        )
    return "\n".join(lines)


def airframes():
    """Return the table of the presets."""
    rows = [
        ("mass, g", lambda a: f"{1000 * a.mass:g}"),
        ("moments of inertia, 10⁻⁶ kg m²", lambda a: ", ".join(f"{1e6 * j:.3g}" for j in a.inertia)),
        ("rotors from the centre along x and y, mm", lambda a: f"{1000 * a.arm:.4g}"),
        ("force of a rotor, 10⁻¹⁰ N/rpm²", lambda a: f"{1e10 * a.thrust:g}"),
        ("torque of a rotor by its force, mm", lambda a: f"{1000 * a.torque / a.thrust:.3g}"),
        ("hover, rpm", lambda a: f"{a.hover_rpm:.0f}"),
        ("fastest, rpm", lambda a: f"{a.max_rpm:.0f}"),
        ("thrust by weight", lambda a: f"{a.thrust_to_weight:.2f}"),
        ("motor lag, s", lambda a: f"{a.motor_lag:.3g}"),
        ("gravity, m/s²", lambda a: f"{a.gravity:g}"),
        ("bandwidths of tilt and of yaw, rad/s", lambda a: ", ".join(f"{b:.3g}" for b in a.bandwidths)),
    ]
    lines = ["| | " + " | ".join(f"`{name}`" for name in AIRFRAMES) + " |", "|---" * (len(AIRFRAMES) + 1) + "|"]
    return "\n".join(lines + [f"| {what} | " + " | ".join(map(read, AIRFRAMES.values())) + " |" for what, read in rows])


def page_of(name):
    """Return the page of a task; the two tasks of gym-pybullet-drones share one."""
    return FOLDER / ("hover_gpd.md" if name.endswith("-gpd") else f"{name.replace('-', '_')}.md")


def filled(text, what, table):
    """Return a page with a table in its place, between two comments."""
    start, end = f"<!-- {what}: by write_tables.py -->", "<!-- end -->"
    pattern = re.compile(re.escape(start) + r"\n.*?" + re.escape(end), flags=re.S)
    if len(pattern.findall(text)) != 1:
        raise ValueError(f"the page must have {start} and {end} once")
    return pattern.sub(lambda _: f"{start}\n\n{table}\n\n{end}", text)


def pages(scores):
    """Return the text of every page with its tables as they should be."""
    texts = {}
    for name in TASKS:
        path = page_of(name)
        text = texts.get(path) or path.read_text(encoding="utf-8")
        text = filled(text, f"facts of {name}", facts(name))
        if name in scores:
            text = filled(text, f"scores of {name}", scored(name, scores[name]))
        texts[path] = text
    for path, what, table in (("index.md", "tasks", catalogue(scores)), ("physics.md", "airframes", airframes())):
        texts[FOLDER / path] = filled((FOLDER / path).read_text(encoding="utf-8"), what, table)
    return texts


def recorded():
    """Return what was flown before, by task."""
    return json.loads(SCORES.read_text(encoding="utf-8")) if SCORES.exists() else {}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("tasks", nargs="*", choices=[[], *TASKS], metavar="TASK")
    parser.add_argument("--scores", action="store_true", help="fly them again")
    asked = parser.parse_args()
    for name in (asked.tasks or TASKS) if asked.scores else ():
        clock = time.process_time()
        rows = flown(name)
        # Read again now: another run may have written meanwhile.
        scores = recorded() | {name: rows}
        SCORES.write_text(json.dumps({n: scores[n] for n in TASKS if n in scores}, indent=1) + "\n", encoding="utf-8")
        print(f"{name:16} {time.process_time() - clock:6.1f} s", flush=True)
    for path, text in pages(recorded()).items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

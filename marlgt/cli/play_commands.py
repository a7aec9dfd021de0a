"""The commands of ``marlgt`` that play, learn and fly, one function each; their signatures are the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from tyro.conf import Positional

__all__ = ["dynamics", "fly", "learn", "play"]


def play(
    game: Positional[str],
    *,
    player: int = 0,
    rounds: int = 1,
    method: str | None = None,
    iterations: int | None = None,
    policy: Path | None = None,
    seed: int = 0,
) -> int:
    """Play a game in the terminal against a solved policy.

    Args:
        game: A file, a catalogue name, or - for a game on standard input.
        player: Your seat, counted from 0.
        rounds: How many rounds to play.
        method: How to solve for the others' policies; the default is chosen for the game.
        iterations: For iterative methods: the most iterations.
        policy: The others' policies as JSON, as solve --policy writes them, instead of solving.
        seed: For the moves of chance and of the others.
    """
    from marlgt.cli.answers import opponents
    from marlgt.cli.arguments import read_game
    from marlgt.cli.play import play_rounds
    from marlgt.games._doors import require_seed, require_whole

    require_whole(rounds, "rounds", least=1)
    require_seed(seed)
    subject = read_game(game)
    profile = opponents(subject, method=method, iterations=iterations, policy=policy)
    play_rounds(subject, profile, player=player, rounds=rounds, seed=seed)
    return 0


def learn(
    algorithm: Positional[str],
    game: Positional[str] = "",
    *,
    against: str | None = None,
    steps: int = 100_000,
    seeds: str = "0..9",
    set: tuple[str, ...] = (),
    set_others: tuple[str, ...] = (),
    discount: float | None = None,
    horizon: int | None = None,
    record: int = 100,
    curve: Path | None = None,
    policy: Path | None = None,
    format: Literal["table", "json"] = "table",
) -> int:
    """Let learners play a game and tell what they earned and how far from equilibrium they ended.

    Args:
        algorithm: A learner by name, such as iql, jal_am, minimax_q or wolf_phc; `marlgt learn list` names them all.
        game: A file, a catalogue name, or - for a game on standard input.
        against: The algorithm of the other players, or nash for the policies of an equilibrium; by default the same.
        steps: Steps that each seed plays.
        seeds: The seeds, as 0..99 or 0,3,5..9; each gives the same result as alone.
        set: Settings of the algorithm, as alpha=0.1 epsilon=linear(1,0.05,80000).
        set_others: Settings of the algorithm of the others.
        discount: Another discount; a normal-form game is then one repeated game.
        horizon: Steps after which an episode is cut.
        record: How many records are made along the way.
        curve: Where to draw the learning curve: a .png, .svg or .pdf file.
        policy: Where to write the policies that the first seed learned, for games with states.
        format: table for people; json for programs.
    """
    from marlgt.cli.arguments import read_game
    from marlgt.cli.learning import learn_game, print_run, run_as_json, write_learned, write_learning_curve
    from marlgt.cli.policies import require_picture
    from marlgt.games._doors import require_whole
    from marlgt.learners.algorithms import algorithm_names

    if algorithm == "list":
        print("\n".join(algorithm_names()))
        return 0
    require_whole(steps, "steps", least=1)
    require_whole(record, "record", least=1)
    if curve is not None:
        require_picture(curve)
    subject, run, gaps = learn_game(
        algorithm,
        read_game(game),
        against=against,
        steps=steps,
        seeds=seeds,
        settings=set,
        others=set_others,
        discount=discount,
        horizon=horizon,
        record=record,
    )
    if format == "json":
        print(run_as_json(algorithm, subject, run, gaps))
    else:
        print_run(subject, run, gaps)
    if policy is not None:
        write_learned(subject, run, policy)
    if curve is not None:
        write_learning_curve(run, curve)
    return 130 if run.note == "interrupted" else 0


def dynamics(
    rule: Positional[str],
    game: Positional[str] = "",
    *,
    steps: int | None = None,
    start: str | None = None,
    seed: int | None = None,
    set: tuple[str, ...] = (),
    plot: Literal["gaps", "simplex", "square", "phase"] | None = None,
    output: Path | None = None,
    format: Literal["table", "json"] = "table",
) -> int:
    """Follow a rule of play that knows the game, and tell its gaps from equilibrium over time.

    Args:
        rule: A dynamic by name, such as fictitious_play, regret_matching or replicator_dynamics; `marlgt dynamics list`
            names them all.
        game: A file, a catalogue name, or - for a game on standard input.
        steps: Steps to play, or the duration of a flow.
        start: The first strategies, as 1/2,1/2;0,1 or as JSON.
        seed: For rules that draw random numbers.
        set: Settings of the rule, as rate=0.1 alternating=true.
        plot: A picture: gaps over time, the path in the simplex of a player with three actions, in the square of two
            players with two actions each, or a phase portrait.
        output: Where to draw it; by default RULE-PLOT.png.
        format: table for people; json for programs.
    """
    from marlgt.cli.arguments import read_game, read_profile
    from marlgt.cli.policies import require_picture
    from marlgt.cli.trajectories import follow_rule, print_trajectory, rules, trajectory_as_json, write_plot
    from marlgt.learners.algorithms import read_settings

    if rule == "list":
        print("\n".join(rules()))
        return 0
    if output is not None:
        require_picture(output, "output")
    settings = read_settings(set)
    profile = None if start is None else [[float(p) for p in row] for row in read_profile(start)]
    run = follow_rule(rule, read_game(game), steps=steps, start=profile, seed=seed, settings=settings)
    if format == "json":
        print(trajectory_as_json(run))
    else:
        print_trajectory(run)
    if plot is not None or output is not None:
        chosen = plot or "gaps"
        write_plot(run, chosen, output or Path(f"{rule}-{chosen}.png"), settings=settings)
    return 0


def fly(
    task: Positional[str],
    *,
    policy: str = "expert",
    against: str | None = None,
    backend: Literal["numba", "torch", "bullet"] = "numba",
    drones: int | None = None,
    actions: str | None = None,
    airframe: str | None = None,
    wind: float = 0.0,
    episodes: int | None = None,
    seed: int = 0,
    video: Path | None = None,
    camera: Literal["sketch", "bullet"] = "sketch",
    replay: Path | None = None,
    plot: bool = False,
    output: Path = Path(),
    format: Literal["table", "json"] = "table",
) -> int:
    """Fly a drone task, and tell how well against its expert and a random policy; on request, show one flight.

    Args:
        task: A task by name; `marlgt fly list` names them all.
        policy: expert, random, or a Python file that defines policy(task), which is run: it returns a function from
            the true state (marlgt.games.drones.View) to actions.
        against: Who decides for the other side, in tasks with two; by default the expert and, in a second row, chance.
        backend: The physics: compiled, PyTorch's, or PyBullet.
        drones: How many drones, where the task leaves the choice.
        actions: The kind of actions, such as discrete or velocity.
        airframe: The drones by the name of a preset, such as cf2x_l2f.
        wind: The fastest steady wind, m/s.
        episodes: How many episodes count; by default 100, in PyBullet 20.
        seed: Of the starts and of what is random.
        video: Where to write an animation of the first episode: a .gif or .mp4 file.
        camera: A sketch with trails and goals, or PyBullet's picture.
        replay: Where to write a page on which the first episode can be watched from all sides: an .html file.
        plot: Draw the first episode in space and over time, as TASK-flight.png and TASK-time.png.
        output: The folder for these.
        format: table for people; json for programs.
    """
    from marlgt.cli.flying import print_scores, print_tasks, score_policies, scores_as_json, show_flight, task_for

    if task == "list":
        print_tasks(as_json=format == "json")
        return 0
    flown = task_for(task, drones=drones, actions=actions, airframe=airframe, wind=wind)
    chosen, other = show_flight(
        flown,
        policy,
        against=against,
        backend=backend,
        seed=seed,
        video=video,
        camera=camera,
        replay=replay,
        plots=output if plot else None,
    )
    scores = score_policies(flown, chosen, other, backend=backend, episodes=episodes, seed=seed)
    if format == "json":
        print(scores_as_json(flown, scores))
    else:
        print_scores(flown, scores)
    return 0

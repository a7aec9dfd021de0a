"""The commands of ``marlgt`` that train networks and play what they learnt; PyTorch is loaded when they run."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from tyro.conf import Positional, UseAppendAction

__all__ = ["evaluate", "show_settings", "train"]


def train(
    algorithm: Positional[str] = "",
    task: Positional[str] = "",
    *,
    steps: str | None = None,
    seeds: str = "0..4",
    set: UseAppendAction[tuple[tuple[str, ...], ...]] = (),
    defaults: bool = False,
    folder: Path | None = None,
    evaluate_every: str | None = None,
    checkpoint_every: str | None = None,
    episodes: int | None = None,
    return_threshold: float | None = None,
    success_threshold: float | None = None,
    device: str = "cpu",
    threads: int = 1,
    tensorboard: bool = False,
    resume: Path | None = None,
    plot: Path | None = None,
    format: Literal["table", "json"] = "table",
) -> int:
    """Train networks on a task, all seeds at once, and tell what the greedy policies earn.

    Args:
        algorithm: A deep algorithm by name, such as DQN, QMIX, PPO or GMAC; `marlgt train list` names them all, and
            `marlgt train QMIX --help` its settings.
        task: A task string, such as CartPole-v1, climbing, Foraging-8x8-2p-3f-v3, hover1d-gpd or formation:n_drones=3.
        steps: Environment steps of each seed, as 500k or 2M; by default those of the task's recipe.
        seeds: The seeds, as 0..4 or 0,3,5..9; each gives the same result as alone.
        set: Settings of the algorithm, as lr=3e-4 hidden=64,64; they go before those of the recipe.
        defaults: Leave the task's recipe aside: default settings, no thresholds.
        folder: Where the run is kept; by default runs/ALGORITHM-TASK.
        evaluate_every: Environment steps between evaluations; by default a twentieth of the steps.
        checkpoint_every: Environment steps between checkpoints; by default a tenth of the steps.
        episodes: Episodes of an evaluation.
        return_threshold: Mean return of an evaluation at which a seed has solved the task, and stops.
        success_threshold: Share of successes of an evaluation at which it has; both, if both are given.
        device: Where the networks are, such as cpu or cuda.
        threads: Threads of PyTorch; one is fastest for small networks.
        tensorboard: Also write the curves for TensorBoard, into the folder.
        resume: The folder of a run that was stopped: go on with it, as if it had not been.
        plot: Where to draw the learning curve: a .png, .svg or .pdf file.
        format: table for people; json for programs.
    """
    from marlgt.cli.policies import require_picture

    _require_torch("marlgt train")
    if algorithm == "list":
        from marlgt.cli.algorithm_settings import print_algorithms

        print_algorithms(as_json=format == "json")
        return 0
    from marlgt.cli.training import Wish, outcome_of, outcomes_as_json, print_outcome, trained, went_on
    from marlgt.errors import GameError

    if plot is not None:
        require_picture(plot, "plot")
    if resume is not None:
        if algorithm or task or steps is not None or set or folder is not None:
            raise GameError(f"a run goes on as it began: give --resume {resume} without algorithm, task and settings")
        went_on(resume, tensorboard=tensorboard)
        kept = resume
    elif not algorithm or not task:
        raise GameError("name an algorithm and a task, as in marlgt train QMIX climbing; marlgt train list names them")
    else:
        wish = Wish(
            algorithm=algorithm,
            task=task,
            steps=steps,
            seeds=seeds,
            settings=[text for given in set for text in given],
            defaults=defaults,
            folder=folder,
            evaluate_every=evaluate_every,
            checkpoint_every=checkpoint_every,
            episodes=episodes,
            return_threshold=return_threshold,
            success_threshold=success_threshold,
            device=device,
            threads=threads,
            tensorboard=tensorboard,
        )
        kept = trained(wish, announce=format == "table")
    outcome = outcome_of(kept)
    if format == "json":
        print(outcomes_as_json(outcome))
    else:
        print_outcome(outcome)
    if plot is not None:
        from marlgt.cli.figures import write_picture
        from marlgt.pictures.learning import draw_return_curve

        write_picture(plot, lambda axes: draw_return_curve(axes, outcome.curve), what="the learning curve")
    return 130 if outcome.record.status == "stopped" else 0


def evaluate(
    run: Positional[Path],
    *,
    episodes: int | None = None,
    task: str | None = None,
    backend: Literal["numba", "torch", "bullet"] | None = None,
    stochastic: bool = False,
    epsilon: float = 0.0,
    device: str = "cpu",
    threads: int = 1,
    seed: int | None = None,
    video: Path | None = None,
    camera: Literal["sketch", "bullet"] = "sketch",
    replay: Path | None = None,
    plot: bool = False,
    output: Path = Path(),
    format: Literal["table", "json"] = "table",
) -> int:
    """Play what a run learnt, on episodes that it never met, beside random actions and, for drones, the expert.

    Args:
        run: The folder of a run, as marlgt train writes it.
        episodes: Episodes of each seed; by default 1000, in PyBullet 20.
        task: Another task of the same sizes.
        backend: The physics of a drone task: compiled, PyTorch's, or PyBullet.
        stochastic: Draw actions from the policies of algorithms that learn policies, rather than take the likeliest.
        epsilon: Share of random actions.
        device: Where the networks are, such as cpu or cuda.
        threads: Threads of PyTorch.
        seed: The seed whose policy is shown; by default the first of the run.
        video: Where to write an animation of one episode of drones: a .gif or .mp4 file.
        camera: A sketch with trails and goals, or PyBullet's picture.
        replay: Where to write a page on which the episode can be watched from all sides: an .html file.
        plot: Draw the episode in space and over time, as TASK-flight.png and TASK-time.png.
        output: The folder for these.
        format: table for people; json for programs.
    """
    _require_torch("marlgt evaluate")
    from marlgt.cli.evaluating import evaluated, evaluation_as_json, print_evaluation, show_trained

    if video is not None or replay is not None or plot:
        show_trained(
            run,
            task=task,
            backend=backend or "numba",
            seed=seed,
            video=video,
            camera=camera,
            replay=replay,
            plots=output if plot else None,
        )
    found = evaluated(
        run,
        episodes=episodes,
        task=task,
        backend=backend,
        stochastic=stochastic,
        epsilon=epsilon,
        device=device,
        threads=threads,
    )
    if format == "json":
        print(evaluation_as_json(found))
    else:
        print_evaluation(found)
    return 0


def show_settings(algorithm: str, task: str | None = None) -> int:
    """Print the settings of an algorithm, and with a task those of its recipe."""
    _require_torch("marlgt train")
    if algorithm == "list":
        return train("list")
    from marlgt.cli.algorithm_settings import print_settings

    print_settings(algorithm, task)
    return 0


def _require_torch(what: str) -> None:
    from importlib import import_module

    from marlgt.errors import MissingDependency

    for package in ("torch", "safetensors"):
        try:
            import_module(package)
        except ImportError as error:
            raise MissingDependency(what, package=package, extra="deep") from error

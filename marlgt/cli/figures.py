"""The figures of the HTML page, and its section for a game with turns or states."""

from __future__ import annotations

import functools
import html
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from marlgt.cli.output import certificate_text, summary
from marlgt.equilibria import Equilibria, Equilibrium
from marlgt.errors import MissingDependency, UnsupportedGame
from marlgt.games.extensive import ExtensiveGame
from marlgt.games.stochastic import StochasticGame
from marlgt.pictures.policies import MOST_ROWS

__all__ = ["canvas", "policy_section", "svg", "write_picture"]

PolicyGame = ExtensiveGame | StochasticGame


def canvas(width: float, height: float) -> tuple[Any, Any]:
    """Return a figure of a size in inches, and its axes."""
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=(width, height), layout="constrained")


def svg(figure: Any) -> str:
    """Return a figure as SVG text, the same in every run, and close it."""
    import matplotlib.pyplot as plt

    text = io.StringIO()
    with plt.rc_context({"svg.hashsalt": "marlgt", "svg.fonttype": "path"}):
        figure.savefig(text, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")), dpi=150)
    plt.close(figure)
    return text.getvalue()[text.getvalue().index("<svg") :]


def write_picture(
    path: Path, draw: Callable[[Any], None], *, what: str, size: tuple[float, float] = (5.2, 3.8), **axes_settings: Any
) -> None:
    """Draw on new axes and write them to a PNG, SVG or PDF file.

    Parameters
    ----------
    path : Path
    draw : callable
        Given the axes.
    what : str
        What is drawn, for the message where matplotlib is missing.
    size : tuple of float
        Inches.
    **axes_settings
        Such as ``projection``.

    Raises
    ------
    MissingDependency
        Without matplotlib.
    UnreadableFile
        If the picture cannot be written there.
    """
    from marlgt.cli.arguments import UnreadableFile

    try:
        import matplotlib
    except ImportError as error:
        raise MissingDependency(what, package="matplotlib", extra="plot") from error
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=size, layout="constrained", subplot_kw=axes_settings)
    try:
        draw(axes)
        figure.savefig(path, dpi=150)
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        plt.close(figure)


def policy_section(name: str, game: PolicyGame, answers: Equilibria) -> str:
    """Return the section of the page about a game with turns or states: values, certificate, pictures."""
    rows = "".join(
        f"<tr><td>{html.escape(player)}</td><td>{e.values[i]:.8g}</td><td>{e.regrets[i]:.1e}</td></tr>"
        for e in answers
        for i, player in enumerate(game.players)
    )
    table = f"<table><tr><th>player</th><th>value</th><th>regret</th></tr>{rows}</table>"
    proofs = "; ".join(f"largest regret {certificate_text(e)} in {e.seconds:.3g} s" for e in answers)
    pictures = "".join(
        f"<figure>{picture}<figcaption>{html.escape(caption)}</figcaption></figure>"
        for caption, picture in _pictures(game, answers)
    )
    return (
        f'<section id="{html.escape(name, quote=True)}"><h2>{html.escape(name)}</h2>'
        f"<p>{html.escape(repr(game).strip('<>'))}</p>"
        f'<div class="wide">{table}</div><p class="note">{html.escape(summary(answers))} {html.escape(proofs)}.</p>'
        f'<div class="pictures">{pictures}</div></section>'
    )


def _pictures(game: PolicyGame, answers: Equilibria) -> list[tuple[str, str]]:
    """Return captions and SVG pictures that fit the game's kind and size."""
    from marlgt.pictures.convergence import draw_convergence
    from marlgt.pictures.grids import draw_grid
    from marlgt.pictures.policies import draw_policy
    from marlgt.pictures.trees import draw_tree

    best: Equilibrium = answers[0]
    wanted: list[tuple[str, tuple[float, float], Callable[[Any], None]]] = []
    if isinstance(game, ExtensiveGame):
        width = min(16.0, 3.0 + 0.22 * len(game.terminals))
        caption = "The tree; moves are the thicker, the more probable, and dashed lines join information sets"
        wanted.append((caption, (width, 4.5), lambda axes: draw_tree(axes, game, best.profile)))
    else:
        caption = "The grid in a likely starting state; arrows are the moves of the policies"
        wanted.append((caption, (4.6, 4.6), lambda axes: draw_grid(axes, game, profile=best.profile)))
    for i, player in enumerate(game.players):
        policy = functools.partial(draw_policy, game=game, profile=best.profile, player=i)
        wanted.append((f"Policy of {player}", (4.4, _height(game, i)), policy))
    wanted.append(("What was left of the gap", (4.6, 3.6), lambda axes: draw_convergence(axes, answers)))
    made = []
    for caption, size, draw in wanted:
        figure, axes = canvas(*size)
        try:
            draw(axes)
        except UnsupportedGame:
            # Too large to draw, or nothing of this kind to show: the page does without this picture.
            import matplotlib.pyplot as plt

            plt.close(figure)
            continue
        made.append((caption, svg(figure)))
    return made


def _height(game: PolicyGame, player: int) -> float:
    """Return how high a picture of a policy must be, in inches, for its rows to be legible."""
    if isinstance(game, ExtensiveGame):
        rows = game.n_infosets[player]
    else:
        rows = int(((game.legal[player].sum(axis=1) > 1) & ~game.terminal).sum())
    return 1.4 + 0.16 * min(rows, MOST_ROWS)

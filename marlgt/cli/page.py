"""A self-contained HTML page of solved games: tables, pictures and certificates, no outside file."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path

from marlgt import __version__
from marlgt.cli.arguments import UnreadableFile, read_game
from marlgt.cli.figures import canvas, policy_section, svg
from marlgt.cli.output import certificate_text, print_answers, strategy_text, summary
from marlgt.cli.policies import print_policies
from marlgt.equilibria import Equilibria
from marlgt.errors import MissingDependency
from marlgt.games.normal_form import NormalFormGame
from marlgt.pictures.diagrams import player_name
from marlgt.solvers.selection import solve

__all__ = ["FAMOUS", "write_page"]

FAMOUS = (
    "prisoners_dilemma",
    "battle_of_the_sexes",
    "chicken",
    "matching_pennies",
    "rock_paper_scissors",
    "shapley_1964",
    "nau_2004",
    "kuhn_poker",
    "grid_game_2",
)
"""The games of the page when none is named."""

_LEARNING_STEPS = 400
_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;color:#222;background:#fff;max-width:62rem;margin:2rem auto;padding:0 1rem}
h1{margin-bottom:.2rem}h2{margin-top:2.5rem;border-top:1px solid #ddd;padding-top:1.2rem}
table{border-collapse:collapse;margin:.8rem 0}th,td{border:1px solid #ccc;padding:.25rem .6rem;text-align:left}
th{background:#f2f5f7;font-weight:600}.wide{overflow-x:auto}.pictures{display:flex;flex-wrap:wrap;gap:1rem}
figure{margin:0;max-width:100%}figure svg{max-width:100%;height:auto}figcaption{color:#555;font-size:.9rem}
.note{color:#555;font-size:.95rem}
"""


def write_page(names: Sequence[str], output: Path) -> None:
    """Solve the games named, print each table of answers, and write one HTML page about them.

    Parameters
    ----------
    names : sequence of str
        Files or catalogue names.
    output : Path
        Where to write; its folder is made if need be.

    Raises
    ------
    MissingDependency
        Without matplotlib.
    UnreadableFile
        If the page cannot be written there.
    """
    try:
        import matplotlib
    except ImportError as error:
        raise MissingDependency("the page of pictures", package="matplotlib", extra="plot") from error
    matplotlib.use("Agg")
    games = [read_game(name) for name in names]
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.open("a").close()
    except OSError as error:
        raise UnreadableFile(f"{output} cannot be written: {error.strerror or error}") from error
    sections = []
    for name, game in zip(names, games):
        answers = solve(game)
        if isinstance(game, NormalFormGame):
            print_answers(game, answers)
            sections.append(_section(name, game, answers))
        else:
            print_policies(game, answers)
            sections.append(policy_section(name, game, answers))
        print()
    page = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>Solved games</title><style>{_STYLE}</style></head><body><h1>Solved games</h1>"
        '<p class="note">Each answer carries a certificate: the largest gain that any player has from deviating, '
        "computed apart from the solver. An exact zero is a proof in rational arithmetic. "
        f"Made by marlgt {html.escape(__version__)}.</p>{''.join(sections)}</body></html>\n"
    )
    output.write_text(page, encoding="utf-8")
    print(f"wrote {output}")


def _section(name: str, game: NormalFormGame, answers: Equilibria) -> str:
    pictures = "".join(
        f"<figure>{svg}<figcaption>{html.escape(caption)}</figcaption></figure>"
        for caption, svg in _pictures(game, answers)
    )
    return (
        f'<section id="{html.escape(name, quote=True)}"><h2>{html.escape(name)}</h2>'
        f'<div class="wide">{game._repr_html_()}</div>{_answer_table(game, answers)}'
        f'<p class="note">{html.escape(summary(answers))}</p><div class="pictures">{pictures}</div></section>'
    )


def _answer_table(game: NormalFormGame, answers: Equilibria) -> str:
    heads = "".join(f"<th>{html.escape(player_name(game, i))}</th>" for i in range(game.n_players))
    rows = "".join(
        "<tr>"
        + "".join(f"<td>{html.escape(strategy_text(game, e, i))}</td>" for i in range(game.n_players))
        + f"<td>{', '.join(f'{v:.6g}' for v in e.values)}</td><td>{html.escape(certificate_text(e))}</td></tr>"
        for e in answers
    )
    return f'<div class="wide"><table><tr>{heads}<th>payoffs</th><th>largest regret</th></tr>{rows}</table></div>'


def _pictures(game: NormalFormGame, answers: Equilibria) -> list[tuple[str, str]]:
    """Return captions and SVG pictures that fit the game's size."""
    from marlgt.dynamics.replies.fictitious import fictitious_play
    from marlgt.pictures.diagrams import draw_best_replies, draw_logit_path, draw_outcomes, draw_simplex
    from marlgt.solvers.homotopy import logit_path

    pictures = []
    if game.n_players == 2:
        run = fictitious_play(game, steps=_LEARNING_STEPS, record=_LEARNING_STEPS)
        if game.n_actions == (2, 2):
            figure, axes = canvas(4.2, 4.6)
            draw_best_replies(axes, game, answers, run=run)
            pictures.append(("Best replies cross at the equilibria; grey: fictitious play", svg(figure)))
        for i in range(2):
            if game.n_actions[i] == 3:
                figure, axes = canvas(4.2, 4.0)
                draw_simplex(axes, game, i, answers, run=run)
                caption = f"Strategies of {player_name(game, i)}; grey: {_LEARNING_STEPS} steps of fictitious play"
                pictures.append((caption, svg(figure)))
        figure, axes = canvas(4.2, 3.8)
        draw_outcomes(axes, game, answers)
        pictures.append(("Payoffs of the outcomes and of the equilibria", svg(figure)))
    if game.n_players > 2 and sum(game.n_actions) <= 12:
        figure, axes = canvas(5.2, 4.2)
        draw_logit_path(axes, game, logit_path(game))
        pictures.append(("The logit quantal response path, from uniform play towards an equilibrium", svg(figure)))
    return pictures

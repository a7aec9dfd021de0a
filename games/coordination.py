"""Coordination: common interest with its traps, as single players and as teams of learners meet it."""

from __future__ import annotations

from fractions import Fraction

from marlgt.errors import GameError
from marlgt.games._catalogue import Number, catalogued, check_count, check_numbers, symmetric
from marlgt.games.normal_form import NormalFormGame

__all__ = [
    "bank_run",
    "climbing_game",
    "currency_attack",
    "penalty_game",
    "pure_coordination",
    "qmix_two_step",
    "qtran_matrix",
]


@catalogued(
    equilibria=[
        "1 0 0 | 1 0 0",
        "1/2 1/2 0 | 1/2 1/2 0",
        "1/2 0 1/2 | 1/2 0 1/2",
        "1/3 1/3 1/3 | 1/3 1/3 1/3",
        "0 1 0 | 0 1 0",
        "0 1/2 1/2 | 0 1/2 1/2",
        "0 0 1 | 0 0 1",
    ],
    complete=True,
)
def pure_coordination(*, n_actions: int = 3) -> NormalFormGame:
    """Return pure coordination: both get 1 if they choose alike, and nothing else matters.

    Both players' playing uniformly on any set of actions is an equilibrium: ``2**n_actions - 1`` in all.

    Parameters
    ----------
    n_actions : int
        From 1 to 1000.

    References
    ----------
    Schelling (1960), The Strategy of Conflict, chapter 3; on the count Quint and Shubik (1997), A
    theorem on the number of Nash equilibria in a bimatrix game, International Journal of Game Theory 26.
    """
    check_count(n_actions, "n_actions", 1, 1000)
    return symmetric([[int(a == b) for b in range(n_actions)] for a in range(n_actions)], title="Pure coordination")


@catalogued(equilibria=["1 0 0 | 1 0 0", "5/16 0 11/16 | 5/16 0 11/16", "0 1 0 | 0 1 0"], complete=True)
def climbing_game() -> NormalFormGame:
    """Return the climbing game: the best joint action is hard to reach, for its neighbours are the worst.

    References
    ----------
    Claus and Boutilier (1998), The dynamics of reinforcement learning in cooperative multiagent
    systems, AAAI.
    """
    return NormalFormGame.common_interest([[11, -30, 0], [-30, 7, 6], [0, 0, 5]], title="Climbing game")


@catalogued(
    equilibria=["1 0 0 | 1 0 0", "1/6 5/6 0 | 1/6 5/6 0", "0 1 0 | 0 1 0", "0 5/6 1/6 | 0 5/6 1/6", "0 0 1 | 0 0 1"],
    complete=True,
)
def penalty_game(*, penalty: Number = -100) -> NormalFormGame:
    """Return the penalty game: two equally good meeting points, and a penalty for missing each other.

    Parameters
    ----------
    penalty : number
        At most 0.

    References
    ----------
    Claus and Boutilier (1998), The dynamics of reinforcement learning in cooperative multiagent
    systems, AAAI.
    """
    check_numbers(penalty=penalty)
    if penalty > 0:
        raise GameError(f"penalty must not be positive, got {penalty}")
    return symmetric([[10, 0, penalty], [0, 2, 0], [penalty, 0, 10]], title="Penalty game")


@catalogued(
    equilibria=[
        "1 0 0 | 1 0 0",
        "3/8 5/8 0 | 3/8 5/8 0",
        "3/8 5/8 0 | 3/8 0 5/8",
        "3/8 0 5/8 | 3/8 5/8 0",
        "3/8 0 5/8 | 3/8 0 5/8",
        "0 1 0 | 0 1 0",
        "0 1 0 | 0 0 1",
        "0 0 1 | 0 1 0",
        "0 0 1 | 0 0 1",
    ],
    complete=True,
)
def qtran_matrix() -> NormalFormGame:
    """Return the team game that value factorisation by sums or monotone mixing cannot represent.

    References
    ----------
    Son, Kim, Kang, Hostallero and Yi (2019), QTRAN: learning to factorize with transformation for
    cooperative multi-agent reinforcement learning, ICML, table 1.
    """
    return symmetric([[8, -12, -12], [-12, 0, 0], [-12, 0, 0]], title="QTRAN's matrix game")


@catalogued(equilibria=["1 0 0 | 1 0", "1 0 0 | 1/7 6/7", "0 0 1 | 0 1"], complete=True)
def qmix_two_step() -> NormalFormGame:
    """Return the two-step team game in normal form: the first player picks a safe or a risky second stage.

    The safe stage pays 7 whatever happens; the risky one pays 8 for (B, B), 1 if one plays B, 0
    otherwise. Actions of the first player are stage and action, of the second the action in the risky
    stage, all that matters. Independent learners and additive factorisation settle for 7.

    References
    ----------
    Rashid, Samvelyan, Schroeder de Witt, Farquhar, Foerster and Whiteson (2018), QMIX: monotonic value
    function factorisation for deep multi-agent reinforcement learning, ICML, section 5.
    """
    return NormalFormGame.common_interest(
        [[7, 7], [0, 1], [1, 8]],
        actions=[("safe", "risky, A", "risky, B"), ("A", "B")],
        title="Two-step game",
    )


@catalogued(equilibria=[(0, 0), "2/3 1/3 | 2/3 1/3", (1, 1)], complete=True)
def bank_run(*, deposit: Number = 4, recovered: Number = 3, matured: Number = 6) -> NormalFormGame:
    """Return a bank run: if either depositor withdraws early, the bank fails and pays the hasty one first.

    Parameters
    ----------
    deposit, recovered, matured : number
        What each put in, half of what an early sale recovers, and half of what patience yields;
        ``matured > deposit > recovered > deposit / 2``.

    References
    ----------
    Diamond and Dybvig (1983), Bank runs, deposit insurance, and liquidity, Journal of Political
    Economy 91; in this form Gibbons (1992), A Primer in Game Theory, section 2.2.
    """
    check_numbers(deposit=deposit, recovered=recovered, matured=matured)
    if not (matured > deposit > recovered and 2 * recovered > deposit):
        raise GameError(
            "the payoffs must satisfy matured > deposit > recovered > deposit / 2, "
            f"got {matured}, {deposit}, {recovered}"
        )
    return symmetric(
        [[recovered, deposit], [2 * recovered - deposit, matured]], actions=("withdraw", "wait"), title="Bank run"
    )


@catalogued(equilibria=[(0, 0), "1/3 2/3 | 1/3 2/3", (1, 1)], complete=True)
def currency_attack() -> NormalFormGame:
    """Return the middle game of a currency attack: reserves fall only if both traders sell.

    Holding and selling are both self-fulfilling.

    References
    ----------
    Obstfeld (1996), Models of currency crises with self-fulfilling features, European Economic
    Review 40.
    """
    return symmetric([[0, 0], [-1, Fraction(1, 2)]], actions=("hold", "sell"), title="Currency attack")

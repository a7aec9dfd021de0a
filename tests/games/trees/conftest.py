"""Two judges of the catalogue's trees: OpenSpiel's own games, and the linear program of the sequence form."""

import numpy as np
import pytest


def _value(game):
    """The value of a zero-sum game to its first player (Koller, Megiddo and von Stengel 1994)."""
    from scipy.optimize import linprog
    from scipy.sparse import block_array

    form = game.sequence_form
    (E, F), A = (own.constraints() for own in form.players), form.payoff_matrix(0)
    n, k = A.shape[0], F.shape[0]
    # max q_0  s.t.  F' q <= A' x,  E x = e,  x >= 0
    answer = linprog(
        np.concatenate([np.zeros(n), -np.eye(k)[0]]),
        A_ub=block_array([[-A.T, F.T]]).tocsr(),
        b_ub=np.zeros(A.shape[1]),
        A_eq=block_array([[E, np.zeros((E.shape[0], k))]]).tocsr(),
        b_eq=np.eye(E.shape[0])[0],
        bounds=[(0, None)] * n + [(None, None)] * k,
    )
    return -answer.fun


def _assert_same_as_pyspiel(game, name):
    """The same nodes in the same order, the same partition into information sets, and exactly the same numbers."""
    from marlgt.games import from_openspiel

    theirs = from_openspiel(name)
    assert theirs.is_exact
    assert game.is_exact
    assert (game.n_nodes, game.n_infosets) == (theirs.n_nodes, theirs.n_infosets)
    for field in ("parent", "action", "player"):
        assert np.array_equal(getattr(game, field), getattr(theirs, field)), field
    moving = game.player >= 0
    assert np.array_equal(game.infoset[moving], theirs.infoset[moving])
    assert np.array_equal(game.exact_probability, theirs.exact_probability)
    assert np.array_equal(game.exact_terminal_payoffs, theirs.exact_terminal_payoffs)


@pytest.fixture
def value_of():
    return _value


@pytest.fixture
def same_as_pyspiel():
    pytest.importorskip("pyspiel")
    return _assert_same_as_pyspiel

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marlgt.certificates import certify
from marlgt.errors import GameError, UnsupportedGame
from marlgt.games.normal_form import NormalFormGame
from marlgt.solvers import nash_subsets, vertex_enumeration
from marlgt.solvers.components import linked_components


@st.composite
def degenerate_games(draw):
    m, n = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    lines = st.lists(st.lists(st.integers(0, 2), min_size=n, max_size=n), min_size=m, max_size=m)
    return NormalFormGame.bimatrix(draw(lines), draw(lines))


def test_the_game_of_winkels_has_one_component():
    # Winkels (1979): 12 extreme equilibria; the subsets as in Avis et al. (2010).
    A = np.array([[2, 6], [2, 6], [6, 2], [6, 2], [5, 5], [5, 5]])
    B = [[1, 2], [0, -1], [-2, 2], [4, -1], [-1, 6], [6, -1]]
    found = vertex_enumeration(NormalFormGame.bimatrix(A, B))
    assert len(found) == 12
    assert found.components == (tuple(range(12)),)
    assert len(nash_subsets(found)) == 7


def test_a_nondegenerate_game_has_isolated_equilibria():
    found = vertex_enumeration(NormalFormGame.bimatrix(np.eye(3, dtype=int), np.eye(3, dtype=int)))
    assert found.components == tuple((k,) for k in range(7))
    assert [subset.equilibria for subset in nash_subsets(found)] == [(k,) for k in range(7)]


def test_a_constant_game_is_one_subset():
    found = vertex_enumeration(NormalFormGame.bimatrix([[0, 0, 0], [0, 0, 0]], [[1, 1, 1], [1, 1, 1]]))
    (subset,) = nash_subsets(found)
    assert subset.equilibria == tuple(range(6))
    assert [sorted(v.tolist()) for v in subset.vertices] == [[[0, 1], [1, 0]], [[0, 0, 1], [0, 1, 0], [1, 0, 0]]]


def test_floats_give_the_same_subsets():
    A, B = np.array([[[1, 1], [1, 0]], [[0, 0], [0, 0]]])
    exact = vertex_enumeration(NormalFormGame.bimatrix(A, B))
    floats = vertex_enumeration(NormalFormGame.bimatrix(A / 3, B / 3))
    assert exact.components == floats.components == ((0, 1, 2),)
    assert [s.equilibria for s in nash_subsets(floats)] == [s.equilibria for s in nash_subsets(exact)]


@given(degenerate_games(), st.integers(0, 2**32 - 1))
@settings(max_examples=80, deadline=None)
def test_every_mixture_within_a_subset_is_an_equilibrium(game, seed):
    rng = np.random.default_rng(seed)
    for subset in nash_subsets(vertex_enumeration(game)):
        x, y = (rng.dirichlet(np.ones(len(vertices))) @ vertices for vertices in subset.vertices)
        assert certify(game, (x, y)).epsilon < 1e-12


@given(degenerate_games())
@settings(max_examples=80, deadline=None)
def test_subsets_cover_the_equilibria_are_maximal_and_stay_within_components(game):
    found = vertex_enumeration(game)
    subsets = [set(subset.equilibria) for subset in nash_subsets(found)]
    assert set().union(*subsets) == set(range(len(found)))
    assert not any(a < b for a in subsets for b in subsets)
    assert sorted(k for component in found.components for k in component) == list(range(len(found)))
    for subset in subsets:
        assert sum(not subset.isdisjoint(component) for component in found.components) == 1


@given(degenerate_games())
@settings(max_examples=80, deadline=None)
def test_subsets_that_share_an_equilibrium_make_up_a_component(game):
    found = vertex_enumeration(game)
    groups = [set(subset.equilibria) for subset in nash_subsets(found)]
    merged = []
    while groups:
        group = groups.pop()
        touching = [other for other in groups if group & other]
        if touching:
            groups = [other for other in groups if not group & other]
            groups.append(group.union(*touching))
        else:
            merged.append(tuple(sorted(group)))
    assert sorted(merged) == sorted(found.components)


def test_components_of_an_empty_list():
    assert linked_components([]) == ()
    assert nash_subsets([]) == ()


def test_the_same_equilibrium_twice_is_refused():
    found = vertex_enumeration(NormalFormGame.zero_sum([[1, -1], [-1, 1]]))
    with pytest.raises(GameError, match="same equilibrium twice"):
        nash_subsets([found[0], found[0]])


def test_three_players_are_refused():
    from marlgt.certificates import certified

    game = NormalFormGame(np.zeros((3, 2, 2, 2)))
    answer = certified(game, (np.array([1.0, 0.0]),) * 3, method="by hand")
    with pytest.raises(UnsupportedGame, match="two-player"):
        nash_subsets([answer])

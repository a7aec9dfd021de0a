import importlib
import math
from fractions import Fraction

import numpy as np
import pytest

import marlgt as gt
from marlgt.errors import GameError
from marlgt.games._catalogue import _FACTS
from marlgt.games.library import TOPICS
from marlgt.solvers import lemke_howson, vertex_enumeration

ENTRIES = {entry.name: entry for entry in gt.games.catalogue() if entry.kind == "normal_form"}
IRRATIONAL = 1e-14


@pytest.mark.parametrize("name", ENTRIES)
def test_every_stored_equilibrium_is_proved(name):
    entry = ENTRIES[name]
    game = gt.games.load(name)
    assert game.is_exact
    assert entry.equilibria, "each game of the catalogue has a known equilibrium"
    for profile in entry.equilibria:
        certificate = gt.certify(game, profile)
        irrational = any(isinstance(x, float) for distribution in profile for x in distribution)
        assert certificate.exact != irrational
        assert certificate.epsilon <= (IRRATIONAL * game.payoff_range.max() if irrational else 0)


@pytest.mark.parametrize("name", [e.name for e in ENTRIES.values() if e.n_players == 2 and e.count is not None])
def test_the_stored_equilibria_of_two_players_are_all_extreme_ones(name):
    entry = ENTRIES[name]
    found = vertex_enumeration(gt.games.load(name))
    assert found.complete
    assert len(found) == entry.count
    if entry.complete:
        exact = {tuple(tuple(distribution) for distribution in e.exact_profile) for e in found}
        assert exact == set(entry.equilibria)


@pytest.mark.parametrize("name", ENTRIES)
def test_every_entry_says_what_the_game_is_and_where_it_is_from(name):
    entry = ENTRIES[name]
    game = gt.games.load(name)
    assert (entry.n_players, entry.n_actions) == (game.n_players, game.n_actions)
    assert game.title
    assert entry.source.endswith(".")
    assert entry.summary.endswith(".")
    assert len(entry.summary) <= 110
    assert len(set(entry.equilibria)) == len(entry.equilibria)


LISTED = {entry.name: entry for entry in gt.games.catalogue() if entry.kind != "normal_form" and entry.size <= 20_000}


def worth(game):
    """Return what a game with states or turns is worth to the first player, and how far off that may be."""
    if isinstance(game, gt.ExtensiveGame):
        perfect = game.has_perfect_information
        answer = gt.solvers.backward_induction(game) if perfect else gt.solvers.sequence_form_lp(game)
        assert answer.exact
        # In an exact answer only the rounding to floats is left.
        return answer.values[0], 2e-16 * game.payoff_range.max()
    if game.is_zero_sum:
        answer = gt.solvers.modified_policy_iteration(game)
        return game.start @ answer.state_values[0], answer.error_bound + 1e-14 * abs(answer.values[0])
    solve = gt.solvers.plan_common_interest if game.is_common_interest else gt.solvers.stationary_equilibrium
    answer = solve(game)
    return answer.values[0], answer.epsilon + 1e-9


@pytest.mark.parametrize("name", LISTED)
def test_a_listed_game_has_the_players_the_size_and_the_value_that_it_is_said_to_have(name):
    entry, game = LISTED[name], gt.games.load(name)
    size = game.n_nodes if entry.kind == "extensive" else game.n_states
    assert (entry.n_players, entry.size) == (game.n_players, size)
    if entry.value is not None:
        value, off = worth(game)
        assert abs(value - float(entry.value)) <= off


def test_the_catalogue_and_the_exports_name_the_same_games():
    modules = [importlib.import_module(f"marlgt.games.{topic}") for topic in TOPICS]
    exported = sorted(name for module in modules for name in module.__all__)
    assert exported == sorted(ENTRIES) == sorted(_FACTS)
    assert set(exported) <= set(gt.games.__all__)
    assert len(exported) >= 75


def test_no_module_bears_the_name_of_a_function_of_its_package():
    modules = {path.rpartition(".")[2] for path in gt.games._EXPORTS.values()}
    assert not modules & set(gt.games._EXPORTS)


def test_load_takes_a_name_as_people_write_it():
    assert gt.games.load("Prisoner's Dilemma") == gt.games.load("prisoners-dilemma") == gt.games.prisoners_dilemma()


def test_an_unknown_name_gets_the_nearest_ones():
    with pytest.raises(GameError, match="no game 'stag_hunting' in the catalogue: did you mean 'stag_hunt'"):
        gt.games.load("stag_hunting")
    with pytest.raises(GameError, match=r"no game 'zzzzzz' in the catalogue: marlgt.games.catalogue\(\) lists them"):
        gt.games.load("zzzzzz")
    with pytest.raises(GameError, match="name must be the name of a catalogue game, got 3"):
        gt.games.load(3)
    with pytest.raises(GameError, match="no game 'random_game' in the catalogue"):
        gt.games.load("random_game")


def test_read_tells_the_format_by_the_ending(tmp_path):
    game = gt.games.prisoners_dilemma()
    game.to_nfg(tmp_path / "game.NFG")
    assert gt.games.read(tmp_path / "game.NFG") == game
    from marlgt.games.files.json_form import format_json

    (tmp_path / "game.json").write_text(format_json(game))
    assert gt.games.read(str(tmp_path / "game.json")) == game
    (tmp_path / "game.txt").write_text("a game")
    with pytest.raises(GameError, match=r"ends in '.txt' and opens with 'a game': games are read from .nfg, .efg"):
        gt.games.read(tmp_path / "game.txt")
    with pytest.raises(GameError, match="is not a regular file"):
        gt.games.read(tmp_path)


BAD_PARAMETERS = [
    (lambda: gt.games.prisoners_dilemma(sucker=2), "temptation > reward > punishment > sucker, got temptation=5"),
    (lambda: gt.games.chicken(crash=3), "temptation > reward > sucker > crash"),
    (lambda: gt.games.stag_hunt(stag=1), "stag > hare_alone >= hare_together > abandoned"),
    (lambda: gt.games.hawk_dove(cost=0), "value and cost must be positive, got 2 and 0"),
    (lambda: gt.games.morra(fingers=1), "fingers must be a whole number from 2 to 10, got 1"),
    (lambda: gt.games.morra(fingers=2.0), "fingers must be a whole number from 2 to 10, got 2.0"),
    (lambda: gt.games.minority_game(n_players=4), "must be odd"),
    (lambda: gt.games.congestion_game(delays=((1, 2), (1,))), "delays must list"),
    (lambda: gt.games.congestion_game(delays=()), "delays is .*: give a list"),
    (lambda: gt.games.sparrow_game(beta=1), "beta must lie between -1 and 1"),
    (lambda: gt.games.public_goods(factor=3), "factor must lie between 1 and n_players=3, got 3"),
    (lambda: gt.games.savani_von_stengel_2006(n_actions=5), "must be even, got 5"),
    (lambda: gt.games.colonel_blotto(troops=100, fields=10), "more than 2237 ways"),
    (lambda: gt.games.beauty_contest(n_players=8, highest=100), "payoffs, more than 5000000"),
    (lambda: gt.games.first_price_auction(values=(1, -1)), "values must be 1 to 8 numbers that are not negative"),
    (lambda: gt.games.braess_paradox(n_players=True), "n_players must be a whole number"),
]


@pytest.mark.parametrize(("make", "message"), BAD_PARAMETERS, ids=range(len(BAD_PARAMETERS)))
def test_parameters_out_of_range_are_refused_with_a_reason(make, message):
    with pytest.raises(GameError, match=message):
        make()


def test_float_parameters_make_float_games_and_fractions_exact_ones():
    assert not gt.games.hawk_dove(value=0.5).is_exact
    game = gt.games.hawk_dove(value=Fraction(1, 3))
    assert game.fractions[0, 0, 0] == Fraction(-11, 6)


def test_jordan_s_game_with_two_players_is_matching_pennies():
    ring = gt.games.jordan_matching_pennies(n_players=2)
    assert np.array_equal(ring.payoffs, gt.games.matching_pennies().payoffs)


def test_shapley_s_game_is_the_member_of_sparrow_s_family_at_zero():
    assert np.array_equal(gt.games.sparrow_game(beta=0).payoffs, gt.games.shapley_1964().payoffs)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_coordination_on_n_actions_has_two_to_the_n_less_one_equilibria(n):
    assert len(vertex_enumeration(gt.games.pure_coordination(n_actions=n))) == 2**n - 1


@pytest.mark.parametrize("n", [2, 4, 6])
def test_savani_and_von_stengel_s_games_have_one_equilibrium_with_full_support(n):
    (equilibrium,) = vertex_enumeration(gt.games.savani_von_stengel_2006(n_actions=n))
    assert equilibrium.supports == (tuple(range(n)),) * 2


@pytest.mark.parametrize(("n", "pivots"), [(2, 4), (4, 20), (6, 88), (8, 376), (10, 1596)])
def test_lemke_howson_paths_grow_by_the_cube_of_the_golden_ratio(n, pivots):
    # Savani and von Stengel 2006: the factor tends to 2 + sqrt(5) for two more actions
    answer = lemke_howson(gt.games.savani_von_stengel_2006(n_actions=n), label=0)
    assert answer.work["pivots"] == pivots


@pytest.mark.parametrize("size", [1, 2, 3])
def test_sandholm_s_games_have_one_equilibrium_that_mixes_half_of_the_actions(size):
    (equilibrium,) = vertex_enumeration(gt.games.sandholm_gilpin_conitzer_2005(size=size))
    assert equilibrium.supports == (tuple(range(2 * size - 1)),) * 2


@pytest.mark.parametrize("values", [(1, 2, 3, 6), (Fraction(1, 2), 5), (7,)])
def test_a_diagonal_game_is_worth_the_harmonic_sum(values):
    game = gt.games.diagonal_game(values=values)
    worth = 1 / sum(Fraction(1) / value for value in values)
    mix = [worth / value for value in values]
    assert gt.certify(game, (mix, mix)).epsilon == 0
    assert game.values((mix, mix))[0] == pytest.approx(float(worth), rel=1e-14)


@pytest.mark.parametrize("n_players", [2, 3, 5])
def test_volunteers_stay_silent_more_often_the_more_they_are(n_players):
    game = gt.games.volunteers_dilemma(n_players=n_players)
    silent = math.pow(0.5, 1 / (n_players - 1))
    assert gt.certify(game, [(silent, 1 - silent)] * n_players).epsilon < 1e-14


def test_kuhn_poker_is_worth_minus_one_eighteenth():
    game = gt.games.kuhn_poker_normal_form()
    (profile,) = ENTRIES["kuhn_poker_normal_form"].equilibria
    assert game.values(profile)[0] == pytest.approx(-1 / 18, abs=1e-15)


def test_published_values_of_zero_sum_games():
    for name, value in [
        ("odd_or_even", Fraction(1, 12)),  # Ferguson II.1.1
        ("blotto_posts", Fraction(14, 9)),  # Karlin 1959
        ("diagonal_game", Fraction(1, 2)),  # Ferguson II.3.3
        ("oneill_1987", Fraction(-1, 5)),  # O'Neill 1987
        ("myerson_poker", Fraction(1, 3)),  # Myerson 1991
        ("holmes_and_moriarty", 40),  # von Neumann and Morgenstern 18.4.4
        ("battle_of_the_bismarck_sea", 2),  # Haywood 1954
        ("hide_and_seek", Fraction(-1, 3)),  # von Neumann 1953
    ]:
        game = gt.games.load(name)
        for profile in ENTRIES[name].equilibria:
            assert game.values(profile)[0] == pytest.approx(float(value), rel=1e-14)


def test_pyspiel_pays_the_same_in_kuhn_poker_and_in_blotto():
    pyspiel = pytest.importorskip("pyspiel")
    theirs = gt.games.from_openspiel("kuhn_poker", normal_form=True)
    kuhn = gt.games.kuhn_poker_normal_form()
    # The same table up to redundant strategies of the first player: the same set of rows.
    assert {tuple(row) for row in np.round(np.sort(theirs.payoffs[0]), 9)} == {
        tuple(row) for row in np.round(np.sort(kuhn.payoffs[0]), 9)
    }
    blotto = gt.games.from_openspiel(pyspiel.load_game("blotto(coins=5,fields=3)"))
    signs = np.sign(np.sort(gt.games.colonel_blotto().payoffs[0].reshape(-1)))
    assert np.array_equal(np.sort(blotto.payoffs[0].reshape(-1)), signs)

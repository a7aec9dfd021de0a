"""What behaviour policies earn and what deviating gains: against pure strategies one by one, and against a peer."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marlgt as gt
from marlgt.concepts import best_behavior, exploitability, nash_conv, regrets
from marlgt.concepts._flat_plans import flat_values_and_regrets
from marlgt.concepts.behavior import behavior_regrets, plan_values_and_regrets
from marlgt.errors import ProfileError, UnsupportedGame
from marlgt.games import TreeBuilder, behavior_profile_from_openspiel, from_openspiel, kuhn_poker, leduc_poker
from marlgt.games.extensive import CHANCE, TERMINAL
from marlgt.testing import behavior_profiles, extensive_games

GAMES_AND_PROFILES = extensive_games(max_depth=3, exact=False).flatmap(
    lambda game: st.tuples(st.just(game), behavior_profiles(game))
)


def expected_payoffs(game, profile):
    """Return the payoffs of a profile by a sum over all paths."""
    reach = np.zeros(game.n_nodes)
    reach[0] = 1.0
    for v in range(1, game.n_nodes):
        above = game.parent[v]
        mover = game.player[above]
        chance = game.probability[v] if mover == CHANCE else profile[mover][game.infoset[above], game.action[v]]
        reach[v] = reach[above] * chance
    assert (game.player[game.terminals] == TERMINAL).all()
    return game.terminal_payoffs @ reach[game.terminals]


def pure_policies(sets):
    """Yield every pure policy of a player."""
    for actions in itertools.product(*(range(int(k)) for k in sets.n_actions)):
        policy = np.zeros((len(sets), sets.most_actions))
        policy[np.arange(len(sets)), list(actions)] = 1.0
        yield policy


@settings(max_examples=40)
@given(GAMES_AND_PROFILES)
def test_no_pure_strategy_beats_the_best_reply_and_one_earns_as_much(case):
    game, profile = case
    values, gains = behavior_regrets(game, profile)
    assert values == pytest.approx(expected_payoffs(game, profile), abs=1e-9)
    for i, sets in enumerate(game.infosets):
        if np.prod(sets.n_actions.astype(float)) > 500:
            continue
        others = list(profile)
        earned = []
        for policy in pure_policies(sets):
            others[i] = policy
            earned.append(expected_payoffs(game, others)[i])
        value, reply = best_behavior(game, profile, i)
        others[i] = reply
        assert value == pytest.approx(max(earned), abs=1e-9)
        assert expected_payoffs(game, others)[i] == pytest.approx(value, abs=1e-9)
        assert gains[i] == pytest.approx(max(earned) - values[i], abs=1e-9)


@settings(max_examples=30)
@given(GAMES_AND_PROFILES)
def test_nash_conv_is_the_sum_of_the_regrets_and_exploitability_its_mean(case):
    game, profile = case
    gains = regrets(game, profile)
    assert (gains >= 0).all()
    assert nash_conv(game, profile) == pytest.approx(gains.sum(), abs=1e-12)
    assert exploitability(game, profile) == pytest.approx(gains.mean(), abs=1e-12)


@settings(max_examples=30)
@given(extensive_games(max_depth=3, exact=False))
def test_a_plan_and_its_policy_give_each_other(game):
    form = game.sequence_form
    uniform = game.uniform_profile()
    for plan, policy, own in zip(form.realization_plans(uniform), uniform, form.players):
        assert own.behavior(plan) == pytest.approx(policy)
        assert own.constraints() @ plan == pytest.approx(np.eye(1 + own.n_infosets)[0])


@pytest.mark.parametrize("name", ["kuhn_poker", "leduc_poker", "liars_dice(numdice=1,dice_sides=3)"])
def test_exploitability_is_openspiel_s(name):
    pyspiel = pytest.importorskip("pyspiel")
    theirs, game = pyspiel.load_game(name), from_openspiel(name)
    solver = pyspiel.CFRSolver(theirs)
    solver.evaluate_and_update_policy()
    for policy in (solver.average_policy(), pyspiel.UniformRandomPolicy(theirs)):
        profile = behavior_profile_from_openspiel(name, policy, tree=game)
        assert exploitability(game, profile) == pytest.approx(pyspiel.exploitability(theirs, policy), abs=1e-12)


def test_nash_conv_of_three_players_is_openspiel_s():
    pyspiel = pytest.importorskip("pyspiel")
    theirs, game = pyspiel.load_game("kuhn_poker(players=3)"), from_openspiel("kuhn_poker(players=3)")
    expected = pyspiel.nash_conv(theirs, pyspiel.UniformRandomPolicy(theirs))
    assert nash_conv(game, game.uniform_profile()) == pytest.approx(expected, abs=1e-12)


def test_uniform_policies_of_leduc_poker_are_exploited_by_a_known_amount():
    game = leduc_poker()
    # OpenSpiel, docs and tests of exploitability: NashConv of the uniform policy 4.747222...
    assert nash_conv(game, game.uniform_profile()) == pytest.approx(4.747222222222222, abs=1e-12)


def test_interpreted_and_compiled_passes_agree(monkeypatch):
    game = kuhn_poker(3)
    answers = []
    for kind in ("plain", "compiled"):
        monkeypatch.setenv("MARLGT_GEAR", kind)
        answers.append(behavior_regrets(game, game.uniform_profile()))
    assert answers[0][0] == pytest.approx(answers[1][0], abs=1e-15)
    assert answers[0][1] == pytest.approx(answers[1][1], abs=1e-15)


def test_a_player_who_never_moves_gains_nothing():
    tree = TreeBuilder(["mover", "watcher"])
    root = tree.decision(None, 0, "root", ["left", "right"])
    tree.terminal(root, [1, 5])
    tree.terminal(root, [2, 4])
    game = tree.build()
    assert regrets(game, ([[1, 0]], np.zeros((0, 0)))).tolist() == [1.0, 0.0]
    value, policy = best_behavior(game, ([[1, 0]], np.zeros((0, 0))), 1)
    assert value == 5.0
    assert policy.shape == (0, 0)


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ([[0.5, 0.6]] * 6, "at information set 0 .* is \\[0.5, 0.6\\]: give a distribution over its 2 actions"),
        ([[-0.5, 1.5]] * 6, "give a distribution"),
        (np.full((6, 2), np.nan), "nan"),
        (np.full((6, 2), np.inf), "inf"),
        ([[0.5, 0.5]] * 5, "has shape \\(5, 2\\): it must be \\(6, 2\\)"),
    ],
)
def test_policies_that_are_none_are_refused(policy, message):
    game = kuhn_poker()
    for form in (policy, np.array(policy)):
        with pytest.raises(ProfileError if np.isfinite(policy).all() else gt.GameError, match=message):
            exploitability(game, (game.uniform_profile()[0], form))


def test_probability_on_the_padding_is_refused():
    tree = TreeBuilder(["she"])
    root = tree.decision(None, 0, "first", ["a", "b", "c"])
    node = tree.decision(root, 0, "second", ["a", "b"])
    for end in (node, node, root, root):
        tree.terminal(end, [0])
    with pytest.raises(ProfileError, match=r"at information set 1 .* over its 2 actions"):
        regrets(tree.build(), (np.full((2, 3), 1 / 3),))


def test_a_player_who_forgets_is_refused():
    tree = TreeBuilder(["she"])
    root = tree.decision(None, 0, "first", ["left", "right"])
    for _ in range(2):
        node = tree.decision(root, 0, "second", ["left", "right"])
        tree.terminal(node, [0])
        tree.terminal(node, [1])
    game = tree.build()
    with pytest.raises(UnsupportedGame, match="player 0 forgets"):
        nash_conv(game, game.uniform_profile())


@settings(max_examples=60)
@given(GAMES_AND_PROFILES, st.integers(0, 10**6))
def test_passes_over_lists_give_what_passes_over_arrays_give(case, seed):
    game, profile = case
    form = game.sequence_form
    expected = plan_values_and_regrets(form, form.realization_plans(profile))
    found = flat_values_and_regrets(form, profile)
    assert found is not None
    assert np.allclose(found, expected, atol=1e-12 * (1.0 + np.abs(form.payoffs).sum()), rtol=0)
    # An entry that spoils one distribution leaves the profile to the check that words the error.
    rng = np.random.default_rng(seed)
    i = int(rng.integers(len(profile)))
    if profile[i].size:
        spoilt = [policy.copy() for policy in profile]
        spoilt[i].flat[rng.integers(spoilt[i].size)] += rng.choice([0.01, -2.0, np.nan])
        assert flat_values_and_regrets(form, spoilt) is None

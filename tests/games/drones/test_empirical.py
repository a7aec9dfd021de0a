"""Games between policies: what they hold, and that solvers make sense of them."""

import numpy as np
import pytest

import marlgt as gt
from marlgt.errors import GameError
from marlgt.games.drones import Pairings, empirical_game, evaluate_policy, make_task
from marlgt.games.drones.experts import nearest_choices
from marlgt.games.drones.tasks.duels import chase_tail
from marlgt.games.drones.tasks.pursuits import flee, pursue

PURSUIT, DUEL = make_task("pursuit", n_drones=3), make_task("duel")


def hunting(lead=0.0):
    """Return pursuers that aim at the evader, or at where it will be."""

    def policy(view):
        units = np.zeros((*view.positions.shape[:2], 4))
        units[:, :-1, :3] = pursue(view, lead=lead)
        return nearest_choices(PURSUIT, units)

    return policy


def ambush(view):
    """Hold until the evader is near."""
    near = np.linalg.norm(view.positions[:, -1:] - view.positions, axis=2) < 0.5
    return np.where(near, hunting()(view), 0)


def evading(direction):
    """Return an evader that flies in a direction of the view, kept off the walls."""

    def policy(view):
        units = np.zeros((*view.positions.shape[:2], 4))
        wanted, me = direction(view), view.positions[:, -1]
        ahead = me + 0.35 * view.velocities[:, -1]
        wanted = np.where(ahead < [-1.8, -1.8, 0.2], 0.7, np.where(ahead > [1.8, 1.8, 2.3], -0.7, wanted))
        units[:, -1, :3] = wanted
        return nearest_choices(PURSUIT, units)

    return policy


def straight(view):
    return np.broadcast_to([1.0, 0.0, 0.0], (len(view.ticks), 3))


def to_a_corner(view):
    return np.array([1.6, 1.6, 2.0]) - view.positions[:, -1]


def in_a_circle(view):
    x, y, z = view.positions[:, -1].T
    far = np.hypot(x, y)
    return np.stack([-y + x * (1.2 - far), x + y * (1.2 - far), 1.2 - z], axis=1)


HUNTERS = {"pure": hunting(), "lead": hunting(0.9), "ambush": ambush}
EVADERS = {
    "straight": evading(straight),
    "corner": evading(to_a_corner),
    "circle": evading(in_a_circle),
    "room": evading(flee),
}


@pytest.fixture(scope="module")
def pursuit():
    return empirical_game(PURSUIT, [HUNTERS, EVADERS], episodes=32, seed=1, players=["pursuers", "evader"])


def tail(distance, gain=3.0):
    def policy(view):
        units = chase_tail(view, distance=distance, gain=gain) / [1.0, 1.0, 1.0, 1.5]
        return nearest_choices(DUEL, np.clip(units, -1.0, 1.0))

    return policy


def turn(view):
    """Turn on the spot."""
    return np.full(view.positions.shape[:2], 7)


DUELLISTS = {"near": tail(0.4), "far": tail(0.9), "turn": turn, "random": "random"}


@pytest.fixture(scope="module")
def duel():
    return empirical_game(DUEL, [DUELLISTS, DUELLISTS], episodes=64, seed=2)


def test_a_game_of_teams_has_a_player_for_each_and_the_policies_for_actions(pursuit):
    game = pursuit.game
    assert game.n_actions == (3, 4)
    assert game.players == ("pursuers", "evader")
    assert game.actions == (tuple(HUNTERS), tuple(EVADERS))
    assert pursuit.standard_errors.shape == game.payoffs.shape
    assert pursuit.success_rates.shape == (3, 4)
    assert (pursuit.task, pursuit.backend, pursuit.episodes, pursuit.seed) == ("pursuit", "numba", 32, 1)


def test_a_zero_sum_task_gives_a_zero_sum_game(pursuit, duel):
    for found in (pursuit, duel):
        np.testing.assert_allclose(found.game.payoffs.sum(axis=0), 0.0, atol=1e-5)


def test_payoffs_are_the_mean_returns_of_the_teams(pursuit):
    lead, room = HUNTERS["lead"], EVADERS["room"]

    def joint(view):
        actions = lead(view)
        actions[:, -1] = room(view)[:, -1]
        return actions

    scores = evaluate_policy(PURSUIT, joint, episodes=32, seed=1)
    together = scores.returns[:, :2].sum(axis=1)
    assert pursuit.game.payoffs[0, 1, 3] == pytest.approx(together.mean())
    assert pursuit.standard_errors[0, 1, 3] == pytest.approx(together.std(ddof=1) / np.sqrt(32))
    assert pursuit.success_rates[1, 3] == scores.success_rate


def test_the_equilibrium_of_pursuit_lets_nobody_gain_and_avoids_waiting_in_ambush(pursuit):
    (equilibrium,) = gt.solve(pursuit.game, concept="minimax")
    assert equilibrium.epsilon < 1e-6
    value = equilibrium.values[0]
    hunters, evader = equilibrium.profile
    payoffs = pursuit.game.payoffs[0]
    assert (payoffs @ evader).max() == pytest.approx(value, abs=1e-6)
    assert (hunters @ payoffs).min() == pytest.approx(value, abs=1e-6)
    assert hunters[2] < 0.5
    # Those who hunt catch whoever flies straight ahead.
    assert pursuit.success_rates[:2, 0].min() > 0.9


def test_nash_alpha_rank_and_psro_apply_to_the_game(pursuit):
    assert min(e.epsilon for e in gt.solve(pursuit.game)) < 1e-6
    ranking = gt.solvers.alpha_rank(pursuit.game)
    assert ranking.distribution.sum() == pytest.approx(1.0)
    found = gt.solvers.psro(pursuit.game)
    assert found is not None


def test_the_duel_is_symmetric_within_what_the_episodes_tell(duel):
    a, errors = duel.game.payoffs[0], duel.standard_errors[0]
    spread = np.sqrt(errors**2 + errors.T**2)
    assert (abs(a + a.T) <= 3.0 * spread + 1e-9).all()
    assert a[:2, 3].min() > 0.9


def test_a_symmetrised_duel_has_value_0_and_a_ranking_of_one_population(duel):
    game = duel.symmetrised()
    np.testing.assert_allclose(game.payoffs[0], -game.payoffs[0].T, atol=1e-6)
    np.testing.assert_array_equal(game.payoffs[1], game.payoffs[0].T)
    (equilibrium,) = gt.solve(game, concept="minimax")
    assert abs(equilibrium.values[0]) < 1e-6
    ranking = gt.solvers.alpha_rank(game, single_population=True)
    # Chance is not what survives.
    assert ranking.distribution[3] == ranking.distribution.min()


def test_the_same_seed_gives_the_same_game():
    one, other = (empirical_game("duel", [["random"], ["random", turn]], episodes=8, seed=4) for _ in range(2))
    np.testing.assert_array_equal(one.game.payoffs, other.game.payoffs)
    assert one.game.actions == (("random",), ("random", "turn"))


def test_teams_may_be_split_into_their_agents():
    found = empirical_game("pursuit", [["expert"], ["expert"], ["random"]], episodes=8, n_drones=3)
    assert found.game.n_players == 3
    np.testing.assert_allclose(found.game.payoffs[:2].ravel(), -0.5 * found.game.payoffs[2].item())


def test_only_two_players_with_the_same_policies_change_seats(pursuit):
    with pytest.raises(GameError, match="only two players with the same policies"):
        pursuit.symmetrised()


@pytest.mark.parametrize(
    ("policies", "options", "message"),
    [
        ([["random"]], {}, "duel is played by 2 teams or 2 agents: give the policies of each, got 1"),
        ("expert", {}, "policies is 'expert': give a list"),
        ([["random"], "random"], {}, r"policies\[1\] is 'random': give the policies of this player by name"),
        ([["random"], []], {}, r"policies\[1\] is \[\]"),
        ([["random"], ["best"]], {}, "policy is 'best': give 'expert', 'random', or a function"),
        ([["random"], [lambda view: np.zeros(3)]], {}, "the policy '<lambda>' must give whole numbers of shape"),
        ([["random"], ["random"]], {"episodes": 1}, "episodes"),
        ([["random"], ["random"]], {"seed": -1}, "seed"),
        ([["random"], ["random", "random"]], {}, "named random, random, some of them alike: give a dict"),
    ],
)
def test_what_does_not_fit_is_refused(policies, options, message):
    with pytest.raises(GameError, match=message):
        empirical_game(DUEL, policies, **{"episodes": 2, **options})


def test_a_task_that_is_made_takes_no_options():
    with pytest.raises(GameError, match="give n_drones and actions to make_task"):
        empirical_game(DUEL, [["random"], ["random"]], n_drones=2)


def test_the_result_cannot_be_changed(duel):
    assert isinstance(duel, Pairings)
    with pytest.raises(ValueError, match="read-only"):
        duel.standard_errors[0] = 0.0
    with pytest.raises(AttributeError):
        duel.episodes = 3

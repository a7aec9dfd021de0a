"""Every case of a vectors file and of a known-answers file, through one adapter for each kind of case.

An adapter only translates: it calls the library and compares. A case of a kind without an adapter
fails, unless it is listed below as belonging to a later part of the project.
"""

import itertools
import re
from fractions import Fraction

import numpy as np
import pytest

import marlgt as gt
from marlgt import concepts
from marlgt.solvers.efficiency import fairness_optimal

LATER = {
    r"seps\.": "agents that share and evolve",
    r"extra2?\.pfsp": "agents that share and evolve",
}


def test_vector(vector):
    for pattern, adapter in VECTOR_ADAPTERS.items():
        if re.match(pattern, vector["id"]):
            adapter(vector["inputs"], vector["expected"], vector["tolerance"])
            return
    for pattern, part in LATER.items():
        if re.match(pattern, vector["id"]):
            pytest.skip(f"{vector['id']} comes with {part}")
    pytest.fail(f"no adapter for {vector['id']}")


def test_known_answer(known_answer):
    kind = known_answer["kind"]
    if kind not in KNOWN_ANSWER_ADAPTERS:
        pytest.fail(f"no adapter for the kind {kind}")
    KNOWN_ANSWER_ADAPTERS[kind](known_answer)


# Translation


def number(x):
    return Fraction(x) if isinstance(x, str) else x


def nested(values):
    return [nested(v) for v in values] if isinstance(values, list) else number(values)


def floats(values):
    return np.array(nested(values), dtype=object).astype(float)


def bimatrix(inputs):
    return gt.NormalFormGame.bimatrix(nested(inputs["A"]), nested(inputs["B"]))


def assert_same_set(found, expected, tolerance):
    """Assert a one-to-one correspondence between two lists of profiles."""
    missing = list(found)
    for profile in expected:
        match = [k for k, other in enumerate(missing) if close(other, profile, tolerance)]
        assert match, f"{profile} was not found; unmatched: {missing}"
        missing.pop(match[0])
    assert not missing, f"found beside the known ones: {missing}"


def close(profile, other, tolerance):
    return all(np.abs(floats(list(p)) - floats(list(q))).max() <= tolerance for p, q in zip(profile, other))


# Equation vectors


def extreme_equilibria(inputs, expected, tolerance):
    answers = gt.solve(bimatrix(inputs))
    assert answers.complete
    assert_same_set([e.profile for e in answers], [(e["x"], e["y"]) for e in expected], tolerance)
    for e in expected:
        payoffs = bimatrix(inputs).values((e["x"], e["y"]))
        assert np.abs(payoffs - floats(e["payoffs"])).max() <= max(tolerance, 1e-9)


def correlated_extremes(inputs, expected, tolerance):
    game = bimatrix(inputs)
    for name, concept in (("CE", "correlated"), ("CCE", "coarse_correlated")):
        check_optima(game, concept, name, expected, tolerance)


def check_optima(game, concept, name, expected, tolerance):
    def best(objective, **options):
        (answer,) = gt.solve(game, concept=concept, objective=objective, **options)
        gap = concepts.ce_gap if concept == "correlated" else concepts.cce_gap
        assert gap(game, answer.joint) <= 1e-9
        return answer.values

    welfare = game.payoffs.sum(axis=0)
    if f"{name}_uCE" in expected:
        assert abs(best("welfare").sum() - expected[f"{name}_uCE"]) <= tolerance
    if f"{name}_min_welfare" in expected:
        assert abs(best(-welfare).sum() - expected[f"{name}_min_welfare"]) <= tolerance
    if f"{name}_eCE_maxmin" in expected:
        assert abs(best("egalitarian").min() - expected[f"{name}_eCE_maxmin"]) <= tolerance
    singles = [expected.get(f"{name}_rCE_p{i + 1}") for i in range(game.n_players)]
    for i, single in enumerate(singles):
        if single is not None:
            assert abs(best("libertarian", player=i)[i] - single) <= tolerance
    if None not in singles:
        assert abs(best("republican").max() - max(singles)) <= tolerance


def pareto_and_welfare(inputs, expected, tolerance):
    game = bimatrix(inputs)
    outcomes = {tuple(int(np.argmax(p)) for p in e.profile) for e in gt.solve(game, concept="pareto")}
    assert outcomes == {tuple(outcome) for outcome in expected["pareto_pure"]}
    assert abs(gt.solve(game, concept="welfare")[0].values.sum() - expected["max_welfare"]) <= tolerance
    assert (
        abs(gt.solve(game, concept="fairness", method="maxmin_fair")[0].values.min() - expected["max_min"]) <= tolerance
    )
    if expected["max_product"] is None:
        with pytest.raises(gt.GameError, match="positive"):
            fairness_optimal(game)
    else:
        fair = gt.solve(game, concept="fairness")[0]
        assert abs(fair.values.prod() - expected["max_product"]) <= tolerance


def security(inputs, expected, tolerance):
    levels = gt.solvers.security_levels(bimatrix(inputs))
    assert np.abs(levels.values - floats(expected)).max() <= tolerance


def epsilon_nash(inputs, expected, tolerance):
    game, profile = bimatrix(inputs), (inputs["x"], inputs["y"])
    gains = concepts.regrets(game, profile)
    assert abs(gains[0] - expected["gain1"]) <= tolerance
    assert abs(gains[1] - expected["gain2"]) <= tolerance
    assert abs(gt.certify(game, profile).epsilon - expected["eps"]) <= tolerance
    assert abs(concepts.nash_conv(game, profile) - expected["nash_conv"]) <= tolerance


def joint_distribution(inputs, expected, tolerance):
    game, joint = bimatrix(inputs), floats(inputs["pi"])
    assert np.abs(gt.certify(game, joint, concept="correlated").values - floats(expected["payoffs"])).max() <= tolerance
    assert abs(concepts.ce_gap(game, joint) - expected["ce_gap"]) <= tolerance
    assert abs(concepts.cce_gap(game, joint) - expected["cce_gap"]) <= tolerance


def zero_sum(inputs, expected, tolerance):
    (answer,) = gt.solve(gt.NormalFormGame.zero_sum(nested(inputs["A"])), concept="minimax")
    assert abs(answer.values[0] - number(expected["value"])) <= tolerance
    for key, strategy in zip("xy", answer.profile):
        if key in expected:
            assert np.abs(strategy - floats(expected[key])).max() <= tolerance


def several_players(inputs, expected, tolerance):
    game = gt.NormalFormGame(nested(inputs["payoffs"]))
    pure = {tuple(int(np.argmax(p)) for p in e.profile) for e in gt.solve(game, method="pure_equilibria")}
    assert pure == {tuple(profile) for profile in expected["pure_nash"]}
    for name, concept in (("uCE", "correlated"), ("uCCE", "coarse_correlated")):
        if name in expected:
            assert abs(gt.solve(game, concept=concept)[0].values.sum() - expected[name]) <= tolerance
    if "min_CE" in expected:
        (worst,) = gt.solve(game, concept="correlated", objective=-game.payoffs.sum(axis=0))
        assert abs(worst.values.sum() - expected["min_CE"]) <= tolerance


def fictitious_play_actions(inputs, expected, tolerance):
    run = gt.dynamics.fictitious_play(bimatrix(inputs), steps=inputs["n"], first_actions=inputs["first_actions"])
    assert run.actions.tolist() == expected


def fictitious_play_end(inputs, expected, tolerance):
    game = bimatrix(inputs)
    run = gt.dynamics.fictitious_play(game, steps=inputs["n"], first_actions=inputs["first_actions"])
    for key, empirical in zip("xy", run.profile):
        assert np.abs(empirical - floats(expected[key])).max() <= tolerance
    assert abs(concepts.nash_conv(game, run.profile) - expected["nash_conv"]) <= tolerance
    changes = np.flatnonzero((run.actions[1:] != run.actions[:-1]).any(axis=1)) + 1
    runs = np.diff(np.concatenate([[0], changes]))
    assert runs[: len(expected["run_lengths"])].tolist() == expected["run_lengths"]


def regret_matching_strategies(inputs, expected, tolerance):
    payoffs, regrets = floats(inputs["A"]), np.zeros(len(inputs["A"]))
    for own, other, policy in zip(inputs["own"], inputs["opp"], expected["policies"]):
        regrets += payoffs[:, other] - payoffs[own, other]
        assert np.abs(gt.dynamics.regret_matching_strategy(regrets) - floats(policy)).max() <= tolerance
    assert np.abs(regrets - floats(expected["cum_regret"])).max() <= tolerance


def conditional_regret_matching_strategy(inputs, expected, tolerance):
    game = gt.NormalFormGame.zero_sum(nested(inputs["A"]))
    history = list(zip(inputs["own"], inputs["opp"]))
    average = concepts.internal_regret(game, history, 0) / len(history)
    assert np.abs(average - floats(expected["avg_cond_regret"])).max() <= tolerance
    policy = gt.dynamics.conditional_regret_matching_strategy(average, inputs["last_action"], inputs["eta"])
    assert np.abs(policy - floats(expected["policy"])).max() <= tolerance


def regret_matching_self_play(inputs, expected, tolerance):
    run = gt.dynamics.regret_matching(gt.NormalFormGame.zero_sum(nested(inputs["A"])), steps=inputs["n"])
    for empirical, key in zip(run.profile, "xy"):
        assert np.abs(empirical - floats(expected[key])).max() <= tolerance


def regret_matching_gap(inputs, expected, tolerance):
    steps, seeds = inputs["episodes"], range(inputs["seeds"])
    runs = gt.dynamics.many(gt.dynamics.regret_matching, bimatrix(inputs), seeds=seeds, steps=steps, sampled=True)
    assert (runs.cce_gap[:, -1].max() < 0.05) == expected["max_cce_gap_below"]


def conditional_regret_matching_gap(inputs, expected, tolerance):
    game = bimatrix(inputs)
    eta = 4 * np.abs(game.payoffs).max() * max(game.n_actions)
    assert inputs["eta"] == "4*max|u|*|A|"
    rule, steps = gt.dynamics.conditional_regret_matching, inputs["episodes"]
    runs = gt.dynamics.many(rule, game, seeds=range(inputs["seeds"]), steps=steps, eta=eta)
    assert (runs.ce_gap[:, -1].max() < 0.08) == expected["max_ce_gap_below"]


def gradient_of_two_actions(inputs, expected, tolerance):
    field = gt.dynamics.gradient_field(bimatrix(inputs))
    gradient = [float(g) for g in field.gradient(inputs["alpha"], inputs["beta"])]
    assert np.abs(np.array(gradient) - expected["grad"]).max() <= tolerance
    assert abs(field.u - expected["u"]) <= tolerance
    assert abs(field.u_prime - expected["u_prime"]) <= tolerance
    assert np.abs(np.array(field.centre) - expected["center"]).max() <= tolerance
    # The eigenvalues are +- sqrt(u u'): what the vector calls their product is their common square.
    assert np.abs(field.eigenvalues**2 - expected["eig_product"]).max() <= max(tolerance, 1e-9)


def win_or_learn_fast(inputs, expected, tolerance):
    profiles = [[p, 1 - p] for p in (inputs["alpha_e"], inputs["beta_e"])]
    run = gt.dynamics.wolf_iga(
        bimatrix(inputs),
        step=inputs["kappa"],
        while_winning=inputs["l_min"],
        while_losing=inputs["l_max"],
        equilibrium=profiles,
        start=[[p, 1 - p] for p in (inputs["alpha0"], inputs["beta0"])],
        steps=len(expected),
        record=len(expected),
    )
    walked = np.stack([strategies[:, 0] for strategies in run.strategies], axis=1)[-len(expected) :]
    assert np.abs(walked - np.array(expected)).max() <= tolerance


def gradients_circle_and_winners_do_not(inputs, expected, tolerance):
    game, start = bimatrix(inputs), [[p, 1 - p] for p in inputs["start"]]
    settings = {"step": inputs["kappa"], "start": start, "steps": inputs["n"]}
    first = np.hypot(*(p - 0.5 for p in inputs["start"]))
    slow, fast = inputs["l"]
    circling = gt.dynamics.infinitesimal_gradient_ascent(game, **settings).last.profile
    settling = gt.dynamics.wolf_iga(game, while_winning=slow, while_losing=fast, **settings).last.profile
    radii = [np.hypot(*(x[0] - 0.5 for x in profile)) for profile in (circling, settling)]
    assert (radii[0] >= first - 1e-9) == expected["iga_radius_ge"]
    assert (radii[1] < 0.02) == expected["wolf_radius_lt"]


def simplex_projection(inputs, expected, tolerance):
    projected = gt.dynamics.project_to_simplex([float(Fraction(x)) for x in inputs["v"]])
    assert np.abs(projected - floats(expected)).max() <= tolerance


def giga_bound(inputs, expected, tolerance):
    """Against the best-replying, the random and the cyclic opponent, at every step (Zinkevich 2003, theorem 1)."""
    payoffs, horizon = floats(inputs["A"]), inputs["T"]
    count, largest = len(payoffs), np.abs(payoffs).max()
    rng = np.random.default_rng(0)
    replies = {
        "best-responding": lambda x, t: int(np.argmin(x @ payoffs)),
        "random": lambda x, t: int(rng.integers(count)),
        "cyclic": lambda x, t: t % count,
    }
    for name in inputs["adversaries"]:
        x, earned, fixed = np.full(count, 1 / count), 0.0, np.zeros(count)
        for t in range(1, horizon + 1):
            column = payoffs[:, replies[name](x, t)]
            earned += x @ column
            fixed += column
            bound = np.sqrt(t) + (np.sqrt(t) - 0.5) * count * largest**2
            assert (fixed.max() - earned <= bound) == expected
            x = gt.dynamics.project_to_simplex(x + column / np.sqrt(t))


def episode(inputs):
    """Translate a recorded trajectory; of values of T + 1 states those after the steps are the next ones."""
    after = inputs["next_values"] if "next_values" in inputs else inputs["values"][1:]
    flags = {name: inputs[name] for name in ("terminated", "truncated") if name in inputs}
    return floats(inputs["rewards"]), floats(after), {"discount": number(inputs["gamma"]), **flags}


def generalised_advantages(inputs, expected, tolerance):
    rewards, after, settings = episode(inputs)
    before = floats(inputs["values"])[: len(rewards)]
    advantages = gt.learners.generalised_advantages(rewards, before, after, trace_decay=inputs["lam"], **settings)
    assert np.abs(advantages - floats(expected["advantages"])).max() <= tolerance
    assert np.abs(advantages + before - floats(expected["returns"])).max() <= tolerance


def n_step_returns(inputs, expected, tolerance):
    rewards, after, settings = episode(inputs)
    returns = gt.learners.n_step_returns(rewards, after, n=inputs["n"], **settings)
    assert np.abs(returns - floats(expected)).max() <= tolerance


def lambda_returns(inputs, expected, tolerance):
    rewards, after, settings = episode(inputs)
    returns = gt.learners.lambda_returns(rewards, after, trace_decay=inputs["lam"], **settings)
    assert np.abs(returns - floats(expected)).max() <= tolerance


def monte_carlo_returns(inputs, expected, tolerance):
    returns = gt.learners.monte_carlo_returns(inputs["rewards"], discount=float(number(inputs["gamma"])))
    assert np.abs(returns - floats(expected)).max() <= tolerance


def td_error(inputs, expected, tolerance):
    (error,) = gt.learners.td_errors([inputs["r"]], [inputs["v"]], [inputs["v_next"]], discount=inputs["gamma"])
    assert abs(error - expected) <= tolerance


def random_walk_values(inputs, expected, tolerance):
    """Five states in a row, the middle one first, a reward for leaving on the right."""
    ahead = [[[1, 5]], [[0, 2]], [[1, 3]], [[2, 4]], [[3, 6]], [[5, 5]], [[6, 6]]]
    rewards = np.zeros((1, 7, 1, 2))
    rewards[0, 4, 0, 1] = 1.0
    over = np.arange(7) >= 5
    walk = gt.StochasticGame(rewards, ahead, np.full((7, 1, 2), 0.5), discount=1.0, terminal=over)
    values = concepts.stationary_values(walk, [np.ones((7, 1))])[0]
    assert np.abs(values[:5] - floats(expected)).max() <= tolerance


def td0_updates(inputs, expected, tolerance):
    values = floats(inputs["v0"])
    for state, following, reward in inputs["transitions"]:
        values = gt.learners.td0_update(
            values, state, reward, following, learning_rate=inputs["alpha"], discount=inputs.get("gamma", 1.0)
        )
    assert np.abs(values - floats(expected)).max() <= tolerance


def forward_and_backward_views(inputs, expected, tolerance):
    settings = {"learning_rate": inputs["alpha"], "discount": inputs["gamma"], "trace_decay": inputs["lam"]}
    for update in (gt.learners.offline_td_lambda, gt.learners.lambda_return_update):
        values = update(inputs["v0"], inputs["states"], inputs["rewards"], **settings)
        # The vector holds what is added to the first values.
        assert np.abs(values - floats(inputs["v0"]) - floats(expected)).max() <= tolerance


def win_or_learn_fast_step(inputs, expected, tolerance):
    count = len(inputs["Q"])
    game = gt.NormalFormGame.zero_sum(np.zeros((count, count)))
    settings = {"learning_rate": 0.0, "delta_win": inputs["l_win"], "delta_lose": inputs["l_lose"]}
    learner = gt.learners.WoLFPHC(game, player=0, **settings)
    for table, key in (("values", "Q"), ("policy", "pi"), ("average", "pi_avg")):
        learner.table(table)[0] = floats(inputs[key])
    # With very many turns behind it the average stays where it is.
    learner.table("turns")[0] = 1e300
    learner.observe(gt.learners.Transition(0, (0, 0), (0.0, 0.0), 0))
    policy = learner.table("policy")[0]
    assert np.abs(policy - floats(expected["pi_new"])).max() <= tolerance
    # Two actions give up a share of delta each, unless they have not got it.
    lost = floats(inputs["pi"]) - policy
    shares = [loss for loss, before in zip(lost, inputs["pi"]) if 0 < loss < before]
    assert all(abs(share * (count - 1) - expected["delta"]) <= tolerance for share in shares)


def taught(game, counts, **settings):
    """Return a learner that has seen the other play so often in state 1, without learning any value."""
    learner = gt.learners.JALAM(game, player=0, **settings)
    learner.numbers[1:7] = 0.0
    for action, count in enumerate(counts):
        for _ in range(count):
            learner.observe(gt.learners.Transition(1, (0, action), (0.0, 0.0), 1))
    return learner


def best_reply_to_a_model(inputs, expected, tolerance):
    game = two_states(np.shape(inputs["Q"]), 0.9)
    learner = taught(game, inputs["counts_j"])
    learner.table("values")[1] = floats(inputs["Q"]).reshape(-1)
    assert np.abs(learner.model(1)[1] - floats(expected["model"])).max() <= tolerance
    assert np.abs(learner.action_values()[1] - floats(expected["AV"])).max() <= tolerance
    assert int(np.argmax(learner.policy()[1])) == expected["best"]


def two_states(shape, discount):
    ones = np.ones((2, *shape, 1), dtype=int)
    return gt.StochasticGame(np.zeros((2, 2, *shape)), ones, ones, discount=discount)


def joint_action_update(inputs, expected, tolerance):
    game = two_states(np.shape(inputs["Q_next"]), inputs["gamma"])
    learner = taught(game, inputs["counts_next"])
    learner.numbers[1:7] = gt.learners.JALAM(game, player=0, learning_rate=inputs["alpha"]).numbers[1:7]
    learner.table("values")[1] = floats(inputs["Q_next"]).reshape(-1)
    learner.table("values")[0, 0] = inputs["q_old"]
    learner.table("stale")[:] = 1.0
    learner.observe(gt.learners.Transition(0, (0, 0), (inputs["reward"], 0.0), 1))
    assert abs(learner.table("values")[0, 0] - expected) <= tolerance


def value_of_information(inputs, expected, tolerance):
    rows = floats(inputs["payoff_row"])
    game = gt.NormalFormGame.bimatrix(rows, rows.T)
    makers = {"Coop": lambda: gt.learners.always(game, 1, 0), "Grim": lambda: gt.learners.grim_trigger(game, 1)}
    names = [model.split(":")[0] for model in inputs["models"]]
    prior = {"Coop": 1 - inputs["p_grim"], "Grim": inputs["p_grim"]}
    belief = gt.learners.type_posterior([makers[name]() for name in names], prior=[prior[name] for name in names])
    horizon = inputs.get("episodes")
    worth = gt.learners.value_of_information(game, belief, discount=inputs["gamma"], horizon=horizon)
    assert np.abs(worth - [expected["VI_C"], expected["VI_D"]]).max() <= tolerance
    if "best" in expected:
        assert "CD"[int(np.argmax(worth))] == expected["best"]
    if "last_step" in expected:
        last = gt.learners.value_of_information(game, belief, discount=inputs["gamma"], horizon=1)
        assert np.abs(last - [expected["last_step"][key] for key in ("VI_C", "VI_D")]).max() <= tolerance


def scalarised_rewards(inputs, expected, tolerance):
    game = bimatrix(inputs)
    learner = gt.learners.CentralQ(game, scalarisation="sum", learning_rate=1.0)
    for a, b in itertools.product(range(2), repeat=2):
        learner.observe(gt.learners.Transition(0, (a, b), tuple(game.payoffs[:, a, b]), 0))
    assert np.abs(learner.table("worth")[0].reshape(2, 2) - floats(expected["pd_sum"])).max() <= tolerance
    assert [int(np.argmax(p)) for p in learner.policy()] == expected["pd_argmax_sum"]
    opposed = gt.NormalFormGame.zero_sum(nested(inputs["zero_sum"]))
    assert np.abs(opposed.payoffs.sum(axis=0) - floats(expected["zero_sum_sum"])).max() <= tolerance


def epsilon_greedy_probabilities(inputs, expected, tolerance):
    probabilities = gt.learners.epsilon_greedy_probabilities(inputs["Q"], inputs["epsilon"])
    assert np.abs(probabilities - expected).max() <= tolerance


def reward_against_a_changing_opponent(inputs, expected, tolerance):
    game = gt.NormalFormGame.bimatrix(nested(inputs["A"]), nested(inputs["A"]))
    for when in ("before", "after"):
        for a in range(2):
            values = game.values([np.eye(2)[a], inputs[f"pi_j_{when}"]])
            assert abs(values[0] - expected[when][a]) <= tolerance


def joint_actions(inputs, expected, tolerance):
    from marlgt.learners.settings import setting_of

    for n, count in zip(inputs["n"], expected):
        game = gt.NormalFormGame(np.zeros((n, *[inputs["per_agent"]] * n)))
        assert setting_of(game).n_profiles == count


def shapley_contraction(inputs, expected, tolerance):
    """Shapley's operator on two states of matching pennies shrinks the distance of two value functions."""
    stages = [[[1, -1], [-1, 1]], [[2, 0], [0, 1]]]
    successors = [[[[0], [1]], [[1], [0]]], [[[1], [0]], [[0], [1]]]]
    ones = np.ones((2, 2, 2, 1))
    game = gt.StochasticGame.zero_sum(stages, successors, ones, discount=inputs["gamma"])
    images = [
        [gt.solve(game.stage_game(s, [values, [-v for v in values]]), concept="minimax")[0].values[0] for s in range(2)]
        for values in inputs["V"]
    ]
    apart = np.abs(np.subtract(*inputs["V"])).max()
    assert (np.abs(np.subtract(*images)).max() <= inputs["gamma"] * apart + 1e-12) == expected


def regret_history(inputs, expected, tolerance):
    game = bimatrix(inputs)
    for i in range(2):
        external = concepts.external_regret(game, inputs["history"], i)
        internal = concepts.internal_regret(game, inputs["history"], i)
        assert np.abs(external - floats(expected[f"unconditional_{i + 1}"])).max() <= tolerance
        assert np.abs(internal - floats(expected[f"conditional_{i + 1}"])).max() <= tolerance
    joint = concepts.empirical_distribution(game, inputs["history"])
    assert abs(concepts.cce_gap(game, joint) - expected["cce_gap"]) <= tolerance
    assert abs(concepts.ce_gap(game, joint) - expected["ce_gap"]) <= tolerance


# Stochastic games


def big_match(inputs, expected, tolerance):
    game = gt.games.big_match(discount=inputs["gamma"])
    (answer,) = gt.solve(game)
    undecided, stop = game.states.index("undecided"), game.actions[0].index("stop")
    value = answer.state_values[0, undecided]
    assert abs(value - expected["value"]) <= tolerance
    assert abs((1 - inputs["gamma"]) * value - expected["value_normalised"]) <= tolerance
    assert abs(answer.profile[0][undecided, stop] - expected["prob_stop"]) <= tolerance


def catalogue_values(name):
    def check(inputs, expected, tolerance):
        (answer,) = gt.solve(getattr(gt.games, name)(discount=inputs["gamma"]))
        assert np.abs(answer.state_values[0, : len(expected)] - expected).max() <= tolerance

    return check


def zero_sum_states(inputs, expected, tolerance):
    rewards, weights = floats(inputs["R"]), floats(inputs["trans_weights"])
    transitions = weights / weights.sum(axis=-1, keepdims=True)
    game = gt.StochasticGame.from_dense(np.stack([rewards, -rewards]), transitions, discount=inputs["gamma"])
    (answer,) = gt.solve(game)
    assert np.abs(answer.state_values[0] - floats(expected)).max() <= tolerance
    assert answer.error_bound <= tolerance


def no_deterministic_equilibrium(inputs, expected, tolerance):
    game = gt.games.nosde(discount=inputs["gamma"])
    choices = [np.flatnonzero((own.sum(axis=1) > 1) & ~game.terminal) for own in game.legal]
    found = []
    for picks in itertools.product((0, 1), repeat=2):
        profile = [np.array(own, dtype=float) / own.sum(axis=1, keepdims=True) for own in game.legal]
        for i, pick in enumerate(picks):
            for s in choices[i]:
                profile[i][s] = np.eye(len(profile[i][s]))[np.flatnonzero(game.legal[i][s])[pick]]
        found.append(gt.certify(game, profile).epsilon <= 1e-9)
    assert found == expected


def grid_start(game):
    """Return the start of a grid game, and the place of the action with each initial letter, per player."""
    return int(np.argmax(game.start)), [{label[0].upper(): a for a, label in enumerate(own)} for own in game.actions]


def check_stage(game, values, start, places, expected, tolerance):
    stage = game.action_values(values, start)
    for pair, payoffs in expected.items():
        cell = places[0][pair[0]], places[1][pair[1]]
        assert np.abs(stage[(slice(None), *cell)] - payoffs).max() <= tolerance


def grid_game_1_stage(inputs, expected, tolerance):
    game = gt.games.grid_game_1(discount=inputs["gamma"])
    start, places = grid_start(game)
    answer = gt.solvers.nash_value_iteration(game)
    assert np.abs(answer.state_values[:, start] - expected["V"]).max() <= tolerance
    pairs = {pair: payoffs for pair, payoffs in expected.items() if pair != "V"}
    check_stage(game, answer.state_values, start, places, pairs, tolerance)


def grid_game_2_equilibria(inputs, expected, tolerance):
    game = gt.games.grid_game_2(discount=inputs["gamma"])
    start, places = grid_start(game)
    later = gt.solve(game)[0].profile
    for name, case in expected.items():
        profile = [policy.copy() for policy in later]
        for i, aside in enumerate("RL"):
            # P_R is the probability that the first agent steps aside; in the mixed equilibrium both do so alike.
            p = case["P_R"] if i == 0 or name == "mixed" else 1 - case["P_R"]
            profile[i][start] = 0.0
            profile[i][start, places[i][aside]], profile[i][start, places[i]["U"]] = p, 1 - p
        assert gt.certify(game, profile).epsilon <= tolerance
        values = concepts.stationary_values(game, profile)
        assert np.abs(values[:, start] - case["V"]).max() <= tolerance
        check_stage(game, values, start, places, case["Q"], tolerance)


def solved_soccer(inputs):
    game = gt.games.soccer(discount=inputs["gamma"])
    (answer,) = gt.solve(game)
    return game, answer


def soccer_values(inputs, expected, tolerance):
    _, answer = solved_soccer(inputs)
    for name, (a, b, ball) in inputs["states"].items():
        state = gt.games.soccer_state(tuple(a), tuple(b), ball)
        assert abs(answer.state_values[0, state] - expected[name]) <= tolerance


def soccer_summary(inputs, expected, tolerance):
    game, answer = solved_soccer(inputs)
    played = np.abs(answer.state_values[0, ~game.terminal])
    assert len(played) == expected["n_states"]
    assert abs(played.max() - expected["max_abs_V"]) <= tolerance
    assert abs(played.mean() - expected["mean_abs_V"]) <= tolerance
    assert abs(answer.values[0] - expected["game_value_random_possession"]) <= tolerance


def foraging_optimum(inputs, expected, tolerance):
    places, levels = zip(*inputs["foods"])
    game = gt.games.level_based_foraging(
        grid=tuple(inputs["grid"]),
        player_levels=inputs["player_levels"],
        foods=[tuple(place) for place in places],
        food_levels=levels,
        shared_reward=True,
        discount=inputs["gamma"],
    )
    (answer,) = gt.solve(game)
    for name, (*agents, mask) in inputs["states"].items():
        cells = [tuple(cell) for cell in agents]
        state = gt.games.foraging_state(game, cells, [bool(mask >> k & 1) for k in range(len(levels))])
        assert abs(answer.state_values[0, state] - expected[name]) <= tolerance


# Search


def whole_tree(inputs, expected, tolerance):
    found = gt.solvers.minimax_search(gt.games.tic_tac_toe())
    assert (found.value, found.nodes, found.leaves) == (expected["value"], expected["nodes"], expected["leaves"])
    positions = gt.solvers.minimax_search(gt.games.TicTacToe(), transpositions=True, count_states=True)
    assert positions.value == expected["value"]
    assert positions.states == expected["distinct_states"]


def alpha_beta_counts(inputs, expected, tolerance):
    found = gt.solvers.alpha_beta(gt.games.TicTacToe(order=inputs["order"]), cut=inputs["cutoff"])
    assert (found.value, found.nodes) == (expected["value"], expected["nodes"])


def ordered_tree(b, d, best=1, maximizing=True):
    """Return a tree in which the first move is always best, as nested lists."""
    if d == 0:
        return best
    worse = best - 1 if maximizing else best + 1
    return [ordered_tree(b, d - 1, best if k == 0 else worse, not maximizing) for k in range(b)]


def minimal_leaves(inputs, expected, tolerance):
    assert gt.solvers.alpha_beta(ordered_tree(inputs["b"], inputs["d"])).leaves == expected


def textbook_tree(inputs, expected, tolerance):
    found = gt.solvers.alpha_beta(inputs["tree"], keep_leaves=True)
    assert found.value == expected["value"]
    assert list(found.leaf_values) == expected["visited"]


def alphazero_loss(inputs, expected, tolerance):
    loss = gt.solvers.alphazero_loss(inputs["z"], inputs["v"], inputs["pi"], inputs["p"])
    assert abs(loss - expected) <= tolerance


def double_oracle_run(inputs):
    return gt.solvers.double_oracle(gt.NormalFormGame.zero_sum(nested(inputs["A"])), start=inputs["start"])


def double_oracle_steps(inputs, expected, tolerance):
    run = double_oracle_run(inputs)
    assert len(run.sizes) == len(expected)
    for step, size, gap in zip(expected, run.sizes, run.gaps):
        for own, count, key in zip(run.populations, size, ("p1", "p2")):
            assert list(own[:count]) == step[key]
        assert abs(gap - step["nash_conv"]) <= tolerance


def double_oracle_value(inputs, expected, tolerance):
    run = double_oracle_run(inputs)
    assert abs(run.equilibrium.values[0] - expected["value"]) <= tolerance
    assert abs(run.gaps[-1] - expected["final_nash_conv"]) <= tolerance
    assert run.iterations == expected["iterations"]


def additive_fit(inputs, expected, tolerance):
    found = concepts.additive_projection(inputs["Q"])
    assert np.abs(found.fit - floats(expected["fit"])).max() <= tolerance
    assert list(found.greedy) == expected["greedy_joint"]
    assert abs(found.greedy_value - expected["true_value_of_greedy"]) <= tolerance
    assert abs(found.squared_error - expected["sse"]) <= tolerance


def monotone_fit_by_greedy_action(inputs, expected, tolerance):
    errors = {
        "".join(map(str, u)): concepts.monotone_projection(inputs["Q"], greedy=u).squared_error
        for u in np.ndindex(np.shape(inputs["Q"]))
    }
    assert errors == pytest.approx(expected["best_sse_by_greedy_joint"], abs=tolerance)


def individual_global_max(inputs, expected, tolerance):
    assert [concepts.individual_global_max(inputs["Q"], q).holds for q in inputs["utilities"]] == expected


def conditions_of_qtran(inputs, expected, tolerance):
    found = concepts.qtran_conditions(inputs["Q"], [inputs["q1"], inputs["q2"]], value=inputs["V"])
    assert np.abs(found.residual - floats(expected["residual"])).max() <= tolerance
    assert found.holds == expected["holds"]


def tensor(values):
    import torch

    return torch.tensor(values, dtype=torch.float64 if np.asarray(values).dtype.kind == "f" else None)


def counterfactual_advantage(inputs, expected, tolerance):
    advantages = counterfactual_advantages(inputs)
    (own, others) = inputs["joint_action"]
    value = inputs["Q"][own][others]
    assert abs(advantages[own, others] - expected["adv"]) <= tolerance
    assert abs(value - advantages[own, others] - expected["baseline"]) <= tolerance


def counterfactual_advantages_have_mean_0(inputs, expected, tolerance):
    means = tensor(inputs["pi_i"]) @ counterfactual_advantages(inputs)
    assert means.tolist() == pytest.approx(expected, abs=tolerance)


def counterfactual_advantages(inputs):
    """Return the advantage of agent 0 for each of her actions and each of the others', one row of a batch each."""
    from marlgt.deep.losses.policies import counterfactual_advantages as advantages

    assert inputs["agent"] == 0
    values = tensor(inputs["Q"]).double()
    n_own, n_others = values.shape
    rows = values.T.repeat(n_own, 1, 1).unsqueeze(-2)
    own = tensor([[[a]] * n_others for a in range(n_own)])
    return advantages(rows, tensor(inputs["pi_i"]).expand_as(rows), own).squeeze(-1)


def difference_rewards_are_factored(inputs, expected, tolerance):
    team = gt.NormalFormGame.common_interest(inputs["R"])
    paid = gt.learners.difference_rewards(team, [inputs["default"]] * team.n_players).payoffs
    found = all((paid[i].argmax(axis=i) == np.array(inputs["R"]).argmax(axis=i)).all() for i in range(team.n_players))
    assert found is expected


def monotone_mixer(inputs, expected, tolerance):
    import torch

    from marlgt.deep.networks.mixers import MonotoneMixer

    utilities, state = tensor([[inputs["agent_qs"]]]).requires_grad_(), tensor([[inputs["state"]]])
    n_embedded = len(inputs["hyper_b1"])
    mixer = MonotoneMixer(1, utilities.shape[-1], state.shape[-1], n_embedded).double()
    lower = [tensor(inputs[name]) for name in ("hyper_w1", "hyper_wf", "V1", "hyper_b1")]
    with torch.no_grad():
        mixer.lower.weight.copy_(torch.cat(lower).T)
        mixer.value.weight.copy_(tensor(inputs["V2"]).T)
    total = mixer(utilities, state)
    total.sum().backward()
    assert abs(total.item() - expected["q_tot"]) <= tolerance
    assert utilities.grad[0, 0].tolist() == pytest.approx(expected["dq"], abs=tolerance)


def individual_maxima_are_not_all(inputs, expected, tolerance):
    joint = np.maximum.outer(inputs["q1"], inputs["q2"])
    found = concepts.individual_global_max(joint, [inputs["q1"], inputs["q2"]])
    assert [list(u) for u in found.greedy] == [expected["greedy_individual"]]
    assert [list(u) for u in found.optimal] == expected["greedy_joint_set"]
    assert found.equal is expected["igm_iff_holds"]
    assert found.holds


def losses_of_qtran(inputs, expected, tolerance):
    from marlgt.deep.losses.factorisation import qtran_base_losses
    from marlgt.deep.losses.targets import greedy

    joint, utilities = floats(inputs["Qhat"]), tensor([inputs["q1"], inputs["q2"]]).double()
    best = greedy(utilities).tolist()
    assert best == expected["greedy"]
    taken, at_best = (tensor(joint[tuple(u)]) for u in (inputs["taken"], best))
    losses = qtran_base_losses(utilities, tensor(inputs["taken"]), taken, at_best, tensor(inputs["V"]), taken)
    assert abs(losses.optimal.item() - expected["L_opt"]) <= tolerance
    assert abs(losses.not_optimal.item() - expected["L_nopt"]) <= tolerance


def decoder_cross_entropy(inputs, expected, tolerance):
    from marlgt.deep.losses.agent_models import decoder_cross_entropy as cross_entropy

    found = cross_entropy(tensor(inputs["logits"]), tensor(inputs["actions"]))
    assert abs(found.sum().item() - expected["sum"]) <= tolerance
    assert abs(found.mean().item() - expected["mean_over_batch_sum_over_agents"]) <= tolerance


def opponent_conditional(inputs, expected, tolerance):
    from marlgt.deep.losses.agent_models import opponent_conditional as conditional

    answers, values = conditional(tensor(inputs["Q"]).double(), inputs["temperature"])
    assert np.abs(answers.numpy() - floats(expected["rho"])).max() <= tolerance
    assert values.tolist() == pytest.approx(expected["Q_ai"], abs=tolerance)
    by_formula = (tensor(inputs["Q"]) - values.unsqueeze(-1)).exp()
    assert np.abs(by_formula.numpy() - floats(expected["rho_formula_check"])).max() <= tolerance


def shared_experience(inputs, expected, tolerance):
    import torch

    from marlgt.deep.losses import policies as policy_losses

    n_agents = 1 + len(inputs["others"])
    logs, advantages = torch.zeros(2, n_agents, n_agents, dtype=torch.float64)
    logs[0] = tensor([inputs["own"]["logp"], *(other["logp_i"] for other in inputs["others"])])
    behaviour = tensor([inputs["own"]["logp"], *(other["logp_k"] for other in inputs["others"])])
    advantages[0] = tensor([inputs["own"]["adv"], *(other["adv"] for other in inputs["others"])])
    ratios = policy_losses.importance_ratios(logs, behaviour)[0]
    actor = policy_losses.shared_experience_policy_losses(logs, behaviour, advantages, sharing=inputs["lam"])
    critic = policy_losses.shared_experience_critic_losses(
        torch.zeros_like(advantages), advantages, logs, behaviour, sharing=inputs["lam"]
    )
    assert ratios[1:].tolist() == pytest.approx(expected["importance"], abs=tolerance)
    assert abs(actor[0].item() - expected["policy_loss"]) <= tolerance
    assert abs(critic[0].item() - expected["value_loss"]) <= tolerance


def average_over_environments(inputs, expected, tolerance):
    from marlgt.deep.losses.policies import environment_average

    found = environment_average(tensor(inputs["losses"]).T)
    assert found.tolist() == pytest.approx(expected["per_agent"], abs=tolerance)
    assert abs(found.sum().item() - expected["total"]) <= tolerance


def losses_of_independent_learners(inputs, expected, tolerance):
    from marlgt.deep.losses.factorisation import independent_loss

    values, targets = tensor(inputs["q"]).double().T, tensor(inputs["y"]).double().T
    assert abs(independent_loss(values, targets).mean().item() - expected) <= tolerance


def huber_loss(inputs, expected, tolerance):
    from marlgt.deep.losses.targets import huber

    assert huber(tensor(inputs["err"]).double(), inputs["delta"]).tolist() == pytest.approx(expected, abs=tolerance)


def targets_of_q_learning(inputs, expected, tolerance):
    from marlgt.deep.losses.targets import q_target

    reward, discount = tensor(inputs["reward"]).double(), tensor(inputs["gamma"])
    target, online = tensor(inputs["q_target_next"]), tensor(inputs["q_online_next"]).double()
    assert abs(q_target(reward, discount, target).item() - expected["dqn"]) <= tolerance
    assert abs(q_target(reward, discount, target, None, online).item() - expected["ddqn"]) <= tolerance
    assert abs(q_target(reward, 0 * discount, target, None, online).item() - expected["terminal"]) <= tolerance


def bias_of_the_maximum(inputs, expected, tolerance):
    from marlgt.deep.losses.targets import maximisation_bias

    assert abs(maximisation_bias(inputs["n"]) - expected) <= tolerance


def dueling_values(inputs, expected, tolerance):
    from marlgt.deep.losses.targets import dueling

    value, advantages = tensor(inputs["V"]).double(), tensor(inputs["A"]).double()
    assert dueling(value, advantages).tolist() == pytest.approx(expected["mean"], abs=tolerance)
    assert dueling(value, advantages, by_maximum=True).tolist() == pytest.approx(expected["max"], abs=tolerance)


def factorised_noise(inputs, expected, tolerance):
    import torch

    from marlgt.deep.networks.layers import NoisyLinear

    drawn = tensor([inputs["eps_in"] + inputs["eps_out"]])
    layer = NoisyLinear(1, len(inputs["eps_in"]), len(inputs["eps_out"])).double()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "randn", lambda *shape, **options: drawn)
        layer.redraw([torch.Generator()])
    assert np.abs(layer.weight_noise[0].T.numpy() - floats(expected)).max() <= tolerance


def linear_value_head(weight):
    """Return Q = w x of a single action, with nothing but w to learn."""
    import torch

    from marlgt.deep.networks.heads import ExpectedHead

    head = ExpectedHead(1, 1, 1).double()
    layer = head.streams.advantages
    layer.bias.requires_grad_(False)
    with torch.no_grad():
        layer.weight.fill_(weight)
    return head, layer.weight


def losses_of_one_step(head, features, reward, discount, next_features):
    """Return the loss of a step, and the same square with a gradient through its target."""
    import torch

    from marlgt.deep.losses.targets import q_target

    rows = [torch.full((1, 1, 1), float(x), dtype=torch.float64) for x in (features, next_features)]
    outputs, following = map(head, rows)
    only, reward, discount = torch.zeros(1, 1, dtype=torch.int64), tensor([[float(reward)]]), tensor([[discount]])
    losses = head.errors(outputs, only, reward, discount, following, only).losses
    return losses.sum(), (q_target(reward, discount, following) - outputs[..., 0]).square().sum()


def gradient_stopped_at_the_target(inputs, expected, tolerance):
    for which, kind in enumerate(("semi_gradient", "full_gradient")):
        head, weight = linear_value_head(inputs["w"])
        losses_of_one_step(head, inputs["x"], inputs["r"], inputs["gamma"], inputs["x_next"])[which].backward()
        assert abs(weight.grad.item() - expected[kind]) <= tolerance


def deadly_triad(inputs, expected, tolerance):
    import torch

    head, weight = linear_value_head(inputs["w0"])
    trace = [float(inputs["w0"])]
    for _ in expected["trace"]:
        weight.grad = None
        losses_of_one_step(head, 1, 0, inputs["gamma"], 2)[0].backward()
        # The example descends on half the square.
        with torch.no_grad():
            weight -= 0.5 * inputs["alpha"] * weight.grad
        trace.append(weight.item())
    assert trace[1:] == pytest.approx(expected["trace"], abs=tolerance)
    factors = np.divide(trace[1:], trace[:-1])
    assert np.abs(factors - expected["factor"]).max() <= tolerance
    assert (trace[-1] > trace[-2] > trace[0]) is expected["diverges"]


def polyak_update(inputs, expected, tolerance):
    import torch

    from marlgt.deep.optimisers import FlatParameters

    def parameters(values):
        module = torch.nn.Module()
        module.weight = torch.nn.Parameter(tensor([values]).double())
        return module.weight, FlatParameters(module, 1)

    (weight, target), (_, online) = parameters(inputs["target"]), parameters(inputs["online"])
    target.blend_from(online, inputs["tau"])
    assert weight[0].tolist() == pytest.approx(expected, abs=tolerance)


def categorical_projection(inputs, expected, tolerance):
    from marlgt.deep.losses.categorical import project, return_support

    probabilities = tensor(inputs["probs"])
    support = return_support(inputs["v_min"], inputs["v_max"], inputs["n_atoms"], dtype=probabilities.dtype)
    discount = tensor(float(inputs["gamma"] * (1 - inputs["terminal"])))
    found = project(probabilities, tensor(float(inputs["reward"])), discount, support)
    assert np.abs(found.numpy() - floats(expected)).max() <= tolerance


def quantile_huber_loss(inputs, expected, tolerance):
    from marlgt.deep.losses.quantiles import quantile_huber_loss as loss

    arguments = (tensor(inputs[name]).double() for name in ("theta", "targets", "taus"))
    assert abs(loss(*arguments, inputs["kappa"]).item() - expected) <= tolerance


def quantile_regression(inputs, expected, tolerance):
    import torch

    from marlgt.deep.losses.quantiles import quantile_huber_loss as loss

    samples = tensor(inputs["samples"]).double()
    grid = torch.linspace(-1.0, 10.0, 11_001, dtype=torch.float64)
    targets = samples.expand(len(grid), -1)
    for tau, quantile in zip(inputs["taus"], expected):
        losses = loss(grid.unsqueeze(-1), targets, tensor([tau]), 0.0)
        assert abs(grid[losses.argmin()].item() - quantile) <= tolerance


def cosines_counted_from_one(inputs, expected, tolerance):
    from marlgt.deep.losses.quantiles import cosine_features

    found = cosine_features(tensor(inputs["tau"]), inputs["n"], first=1)
    assert found.tolist() == pytest.approx(expected, abs=tolerance)


def relu_network(hidden_weight, hidden_bias, last_weight, last_bias):
    """Return the perceptron of one hidden layer whose weights have a row for each unit, in double precision."""
    import torch

    from marlgt.deep.networks.layers import MLP

    hidden_weight = np.array(hidden_weight, dtype=float)
    network = MLP(1, (hidden_weight.shape[1], len(hidden_weight), 1)).double()
    first, last = network.layers
    with torch.no_grad():
        first.weight.copy_(torch.from_numpy(hidden_weight.T[None].copy()))
        first.bias.copy_(torch.tensor(hidden_bias, dtype=torch.float64))
        last.weight.copy_(torch.tensor(last_weight, dtype=torch.float64)[:, None])
        last.bias.fill_(last_bias)
    return network


def answers_of(network, inputs):
    import torch

    return network(torch.tensor(inputs, dtype=torch.float64)[None]).detach().numpy()[0, :, 0]


def parameter_count(inputs, expected, tolerance):
    from marlgt.deep.networks.layers import MLP

    counts = [sum(p.numel() for p in MLP(n, inputs["sizes"]).parameters()) for n in (1, 3)]
    assert counts == [expected, 3 * expected]


def exclusive_or_network(inputs, expected, tolerance):
    network = relu_network(inputs["W1"], inputs["b1"], inputs["w2"], inputs["b2"])
    assert np.abs(answers_of(network, inputs["inputs"]) - expected).max() <= tolerance


def hat_network(inputs, expected, tolerance):
    # relu(x) - 2 relu(x - 1) + relu(x - 2)
    network = relu_network([[1], [1], [1]], [0, -1, -2], [1, -2, 1], 0)
    assert np.abs(answers_of(network, [[x] for x in inputs["x"]]) - expected).max() <= tolerance


def backpropagation(inputs, expected, tolerance):
    network = relu_network(inputs["W1"], inputs["b1"], inputs["w2"], inputs["b2"])
    output = network(tensor([[inputs["x"]]]).double())
    loss = ((output - inputs["y"]) ** 2).sum()
    loss.backward()
    first, last = network.layers
    found = {
        "loss": loss.item(),
        "dW1": first.weight.grad[0].T,
        "db1": first.bias.grad[0, 0],
        "dw2": last.weight.grad[0, :, 0],
        "db2": last.bias.grad.item(),
    }
    for name, value in expected.items():
        assert np.abs(np.asarray(found[name]) - value).max() <= tolerance, name


def gradient_descents(inputs, expected, tolerance):
    import torch

    from marlgt.deep.networks.layers import Linear

    x, y = (tensor([[[float(v)] for v in inputs[name]]]) for name in "XY")

    def stepped(rows):
        line = Linear(1, 1, 1).double()
        with torch.no_grad():
            line.weight.fill_(inputs["w0"])
        ((line(x[:, rows]) - y[:, rows]) ** 2).mean().backward()
        return (line.weight - inputs["lr"] * line.weight.grad).item()

    found = {
        "full": stepped([0, 1, 2, 3]),
        "sgd": stepped([inputs["sgd_index"]]),
        "minibatch": stepped(inputs["minibatch"]),
        "optimum": torch.linalg.lstsq(x[0], y[0]).solution.item(),
    }
    assert found == pytest.approx(expected, rel=0, abs=tolerance)


def linear_value(inputs, expected, tolerance):
    import torch

    from marlgt.deep.networks.layers import Linear

    value = Linear(1, len(inputs["theta"]), 1).double()
    with torch.no_grad():
        value.weight.copy_(tensor(inputs["theta"])[:, None])
    assert abs(value(tensor([[inputs["features"]]])).item() - expected) <= tolerance


def encoder_decoder_loss(inputs, expected, tolerance):
    from torch.distributions import Normal, kl_divergence

    code = Normal(tensor(inputs["mu"]), (0.5 * tensor(inputs["logvar"])).exp())
    divergence = kl_divergence(code, Normal(0.0, 1.0)).sum()
    squares = ((tensor(inputs["recon"]) - tensor(inputs["target"])) ** 2).sum()
    assert abs((squares + inputs["kl_weight"] * divergence).item() - expected) <= tolerance


def mean_and_mode_of_a_mixture(inputs, expected, tolerance):
    from scipy.optimize import minimize_scalar
    from scipy.stats import norm

    weights, means, deviations = np.array(inputs["mixture"]).T

    def density(x):
        return weights @ norm.pdf(x, means, deviations)

    # Around every component, since a mixture has as many peaks as that.
    peaks = [
        minimize_scalar(lambda x: -density(x), bounds=(m - s, m + s), method="bounded", options={"xatol": 1e-9}).x
        for m, s in zip(means, deviations)
    ]
    assert abs(weights @ means - expected["mean"]) <= tolerance
    assert abs(max(peaks, key=density) - expected["mode"]) <= tolerance


def softmax_policy(inputs, expected, tolerance):
    torch, law_of = _laws()
    outputs = torch.tensor(inputs["prefs"], dtype=torch.float64)
    law = law_of(len(outputs), 0, ())
    chances = [law.log_probability(outputs, torch.tensor(action)).exp().item() for action in range(len(outputs))]
    assert np.abs(np.array(chances) - expected).max() <= tolerance
    assert np.abs(law.probabilities(outputs).numpy() - expected).max() <= tolerance


def gaussian_entropy(inputs, expected, tolerance):
    torch, law_of = _laws()
    dim = inputs["dim"]
    outputs = torch.tensor([0.3] * dim + [np.log(inputs["sigma"])] * dim, dtype=torch.float64)
    assert abs(law_of(0, dim, ()).entropy(outputs).item() - expected) <= tolerance


def policy_gradient(law_outputs, actions, weights):
    """Return the gradient of Σ weight log π(action) with respect to the logits."""
    from marlgt.deep.losses.policies import policy_gradient_losses

    _, law_of = _laws()
    law = law_of(law_outputs.shape[-1], 0, ())
    outputs = law_outputs.clone().requires_grad_()
    losses = policy_gradient_losses(law.log_probability(outputs.expand(*actions.shape, -1), actions), weights)
    (-losses.sum()).backward()
    return outputs.grad


def reinforce_gradient(inputs, expected, tolerance):
    import torch

    from marlgt.deep.losses.returns import lambda_returns

    rewards = tensor(inputs["rewards"]).double().view(1, -1, 1)
    ends = torch.tensor([False, False, True]).view(1, -1, 1)
    discounts = inputs["gamma"] * (~ends).double()
    returns = lambda_returns(rewards, discounts, ends, torch.zeros_like(rewards), 1.0).flatten()
    assert returns.tolist() == pytest.approx(expected["returns"], abs=tolerance)
    found = policy_gradient(tensor(inputs["prefs"]).double(), tensor(inputs["actions"]), returns)
    assert found.tolist() == pytest.approx(expected["ascent_grad"], abs=tolerance)


def baseline_invariance(inputs, expected, tolerance):
    """The exact policy gradient of a Markov decision process: expectations over visits in place of samples."""
    torch, law_of = _laws()
    chances, rewards, preferences = (tensor(inputs[name]).double() for name in ("P", "R", "theta"))
    n_states, n_actions = rewards.shape
    policy = law_of(n_actions, 0, ()).probabilities(preferences)
    moves, paid = torch.einsum("sa,sat->st", policy, chances), (policy * rewards).sum(1)
    inverse = torch.linalg.inv(torch.eye(n_states).double() - inputs["gamma"] * moves)
    values, visits = inverse @ paid, tensor(inputs["mu0"]) @ inverse
    returns = rewards + inputs["gamma"] * chances @ values
    actions = torch.arange(n_actions)
    for baseline in (values, torch.zeros(n_states), tensor([3.0, -5.0])):
        found = [
            policy_gradient(preferences[s], actions, visits[s] * policy[s] * (returns[s] - baseline[s])).tolist()
            for s in range(n_states)
        ]
        assert np.abs(np.array(found) - expected).max() <= tolerance


def ppo_clip_loss(inputs, expected, tolerance):
    import torch

    from marlgt.deep.losses.policies import clipped_surrogate_losses

    ratios = tensor(inputs["ratio"]).double().requires_grad_()
    losses = clipped_surrogate_losses(ratios.log(), torch.zeros(()), tensor(inputs["adv"]).double(), inputs["clip"])
    assert losses.tolist() == pytest.approx(expected["per_sample"], abs=tolerance)
    assert abs(losses.mean().item() - expected["mean"]) <= tolerance
    losses.sum().backward()
    assert ratios.grad.tolist() == pytest.approx(expected["dloss_dratio"], abs=tolerance)


def ppo_value_clip_loss(inputs, expected, tolerance):
    from marlgt.deep.losses.policies import clipped_value_losses

    new, old, returns = (tensor(inputs[name]).double() for name in ("v_new", "v_old", "returns"))
    found = clipped_value_losses(new, old, returns, inputs["clip"])
    # The case halves the squares; here a weight of the critic does.
    assert abs(0.5 * found.mean().item() - expected) <= tolerance


def approx_kl_estimators(inputs, expected, tolerance):
    import torch

    from marlgt.deep.losses.policies import divergence_estimates

    gaps = tensor(inputs["logratio"])
    assert abs(divergence_estimates(gaps, torch.zeros(())).mean().item() - expected["k3"]) <= tolerance
    # The other two are of the same logarithms.
    assert abs(-gaps.mean().item() - expected["k1"]) <= tolerance
    assert abs(0.5 * gaps.square().mean().item() - expected["k2"]) <= tolerance


def advantage_normalisation(inputs, expected, tolerance):
    from marlgt.deep.losses.policies import standardised_advantages

    found = standardised_advantages(tensor(inputs["adv"]).double()[None])[0]
    assert found.tolist() == pytest.approx(expected["unbiased_std"], abs=1e-8 + tolerance)


def divergence_of_softmax(preferences):
    """Return stacked preferences of one seed, and what maps others to the mean divergence from them."""
    _, law_of = _laws()
    old = tensor(preferences).double()[None]
    return old, lambda new: law_of(old.shape[-1], 0, ()).divergence(old, new)


def fisher_of_softmax(inputs, expected, tolerance):
    from marlgt.deep.trust_region import second_derivative_product

    old, divergence = divergence_of_softmax(inputs["prefs"])
    new = old.clone().requires_grad_()
    product = second_derivative_product(divergence(new), [new])
    for column, expected_column in zip(np.eye(old.shape[-1]), np.array(expected).T):
        assert product(tensor(column)[None])[0].tolist() == pytest.approx(expected_column, abs=tolerance)


def natural_step_of_softmax(inputs, expected, tolerance):
    from marlgt.deep.trust_region import conjugate_gradient, natural_step, second_derivative_product

    old, divergence = divergence_of_softmax(inputs["prefs"])
    new = old.clone().requires_grad_()
    product = second_derivative_product(divergence(new), [new], damping=inputs["damping"])
    direction = conjugate_gradient(product, tensor(inputs["g"]).double()[None], tolerance=0.0)
    step = natural_step(direction, product, inputs["max_kl"])
    assert direction[0].tolist() == pytest.approx(expected["direction"], abs=tolerance)
    assert step[0].tolist() == pytest.approx(expected["step"], abs=tolerance)
    assert abs(0.5 * (step * product(step)).sum().item() - expected["quadratic_kl"]) <= tolerance


def line_search_of_softmax(inputs, expected, tolerance):
    from marlgt.deep.trust_region import line_search

    old, divergence = divergence_of_softmax(inputs["prefs"])
    step, advantages = tensor(inputs["full_step"]).double(), tensor(inputs["adv"]).double()
    assert inputs["backtrack"] == 0.5

    def judge(shares):
        new = old + shares.double().unsqueeze(1) * step
        gains = (new.softmax(-1) - old.softmax(-1)) @ advantages
        return gains, divergence(new)

    found = line_search(judge, 1, radius=inputs["max_kl"])
    assert found.halvings.tolist() == [expected["j"]]
    assert abs(found.divergences.item() - expected["kl"]) <= tolerance
    assert abs(found.gains.item() - expected["improvement"]) <= tolerance


def conjugate_gradient_iterates(inputs, expected, tolerance):
    from marlgt.deep.trust_region import conjugate_gradient

    matrix, right = tensor(inputs["A"]).double(), tensor(inputs["b"]).double()[None]
    for k, iterate in enumerate(expected, start=1):
        found = conjugate_gradient(lambda vectors: vectors @ matrix, right, iterations=k)
        assert found[0].tolist() == pytest.approx(iterate, abs=tolerance)


def homogeneous_team(inputs, expected, tolerance):
    """Agents who may be exchanged, whose best policies are not the same: one shared network cannot tell them apart."""
    team = gt.NormalFormGame.common_interest(inputs["R"])
    assert np.array_equal(team.permute_players([1, 0]).payoffs, team.payoffs) is expected["weakly"]
    best = gt.solve(team, concept="welfare")[0].values[0]
    shares = np.linspace(0.0, 1.0, 101)
    shared = max(team.values([[p, 1.0 - p]] * 2)[0] for p in shares)
    assert abs(best - expected["best_joint"]) <= tolerance
    assert abs(shared - expected["best_shared_policy"]) <= tolerance
    assert bool(shared >= best) is expected["strongly"]


def parameters_of_the_first_layer(inputs, expected, tolerance):
    """A convolution is an affine map of patches, so that it has as many parameters as one."""
    from marlgt.deep.networks.layers import Linear

    pixels, filters = int(np.prod(inputs["image"])), inputs["cnn"]
    patch = filters["kernel"] ** 2 * inputs["image"][2]
    counts = [
        sum(p.numel() for p in Linear(1, *sizes).parameters())
        for sizes in ((pixels, inputs["units"]), (patch, filters["filters"]))
    ]
    assert counts == [expected["mlp_first_layer"], expected["cnn"]]


def _laws():
    import torch

    from marlgt.deep.policies.law import law_of

    return torch, law_of


def components(laws):
    from marlgt.deep.distributions import GaussianMixture

    return GaussianMixture(*(floats([law[key] for law in laws]) for key in ("w", "mu", "sigma")))


def mean_distance_of_a_normal(inputs, expected, tolerance):
    from marlgt.deep.distributions import expected_distance

    normal, origin = (components([{"w": 1, "mu": m, "sigma": s}]) for m, s in ((inputs["mu"], inputs["sigma"]), (0, 0)))
    assert abs(expected_distance(normal, origin) - expected) <= tolerance


def mixture_distance(name):
    def adapter(inputs, expected, tolerance):
        from marlgt.deep import distributions

        laws = components(inputs["U" if "U" in inputs else "P"]), components(inputs["V" if "V" in inputs else "P"])
        if "gamma" in inputs:
            laws = [law.shifted(inputs["r"], inputs["gamma"]) for law in laws]
        # The quadratures are far more exact than most vectors ask for.
        assert abs(getattr(distributions, name)(*laws) - expected) <= min(tolerance, 1e-9)

    return adapter


def divergence_of_normals(inputs, expected, tolerance):
    from marlgt.deep.distributions import kl_divergence

    laws = [components([{"w": 1, "mu": inputs[f"mu{k}"], "sigma": inputs[f"s{k}"]}]) for k in (1, 2)]
    assert abs(kl_divergence(*laws) - expected) <= tolerance


def mixture_log_density(inputs, expected, tolerance):
    from marlgt.deep.distributions import log_density

    assert np.abs(log_density(components(inputs["U"]), floats(inputs["x"])) - floats(expected)).max() <= tolerance


def average_log_density(inputs, expected, tolerance):
    """What the published code returns as log density is the average over components, and below the true one."""
    from marlgt.deep.distributions import GaussianMixture, log_density

    law, x = components(inputs["U"]), floats(inputs["x"])
    single = [log_density(GaussianMixture(np.ones(1), law.means[[k]], law.scales[[k]]), x) for k in range(3)]
    assert np.abs(law.weights @ np.array(single) - floats(expected)).max() <= tolerance
    assert (log_density(law, x) > floats(expected)).all()


def mixture_moments(inputs, expected, tolerance):
    from marlgt.deep.distributions import mean, variance

    assert abs(mean(components(inputs["U"])) - expected["mean"]) <= tolerance
    assert abs(variance(components(inputs["U"])) - expected["var"]) <= tolerance


def bias_of_sample_gradients(inputs, expected, tolerance):
    """Two Diracs at 0 and 1 against all samples of m: what minimises the expected distance."""
    from math import comb

    from marlgt.deep.distributions import GaussianMixture, cramer_distance, wasserstein_1

    m, p = inputs["m"], inputs["theta_star"]

    def coin(chances):
        chances = np.asarray(chances, dtype=float)
        weights = np.stack((1 - chances, chances), axis=-1)
        return GaussianMixture(weights, np.broadcast_to([0.0, 1.0], weights.shape).copy(), np.zeros(weights.shape))

    grid = np.linspace(0.3, 0.5, 201)
    for distance, key in ((wasserstein_1, "argmin_W1"), (cramer_distance, "argmin_cramer")):
        found = sum(comb(m, k) * p**k * (1 - p) ** (m - k) * distance(coin(grid), coin(k / m)) for k in range(m + 1))
        assert abs(grid[np.argmin(found)] - expected[key]) <= tolerance


def scale_head(settings):
    def adapter(inputs, expected, tolerance):
        from marlgt.deep.losses.mixture_losses import ScaleHead, mixture_of

        outputs = tensor([0.0, 0.0, 0.0] * 2 + [float(x) for x in inputs["raw"]])
        found = mixture_of(outputs, ScaleHead(**settings(inputs))).scales
        assert np.abs(found.numpy() - floats(expected)).max() <= tolerance

    return adapter


def softmax_of_logits(inputs, expected, tolerance):
    from marlgt.deep.losses.mixture_losses import ScaleHead, mixture_of

    found = mixture_of(tensor([*map(float, inputs["logits"]), *[0.0] * 6]), ScaleHead(False, 1.0, 0.0)).weights
    assert np.abs(found.numpy() - floats(expected)).max() <= tolerance


def replaced_window(inputs):
    """Translate a recorded window; mixtures of fewer components get some of weight 0. A step led to the next one."""
    from marlgt.deep.distributions import GaussianMixture

    laws, steps = inputs["value_mixtures"], len(inputs["rewards"])
    size = max(len(law) for law in laws)
    padded = [law + [{"w": 0, "mu": 0, "sigma": 0}] * (size - len(law)) for law in laws]
    parts = [floats([[c[key] for c in law] for law in padded]) for key in ("w", "mu", "sigma")]
    own, following = (
        GaussianMixture(*(tensor(p[rows]).view(1, steps, 1, 1, size) for p in parts))
        for rows in (slice(None, -1), slice(1, None))
    )
    ends = tensor([bool(flag) for flag in inputs["terminated"]]).view(1, steps, 1)
    rewards = tensor(floats(inputs["rewards"])).view(1, steps, 1, 1)
    return rewards, float(number(inputs["gamma"])) * ends.logical_not().double(), ends, own, following


def mixture_by_replacement(inputs, expected, tolerance):
    from marlgt.deep.distributions import mean, variance
    from marlgt.deep.losses.sample_replacement import lambda_mixtures

    *window, _, following = replaced_window(inputs)
    found = lambda_mixtures(*window, following, float(number(inputs["lam"])))
    for t, law in expected.items():
        weights, means, scales = (part[0, int(t), 0, 0] for part in found)
        summed = {}
        for weight, *place in zip(weights.tolist(), means.tolist(), scales.tolist()):
            if weight > 0:
                place = tuple(round(x, 13) for x in place)
                summed[place] = summed.get(place, 0.0) + weight
        listed = np.array([[weight, *place] for place, weight in sorted(summed.items())])
        assert np.abs(listed - floats(law["mixture"])).max() <= tolerance
        assert abs(mean(found)[0, int(t), 0, 0].item() - law["mean"]) <= tolerance
        assert abs(variance(found)[0, int(t), 0, 0].item() - law["var"]) <= 10 * tolerance


def draws_of(law):
    """Return the parameters of mixtures as a critic's outputs, and what draws components from them."""
    import torch

    from marlgt.deep.distributions import Particles
    from marlgt.deep.losses.sample_replacement import systematic_components

    def draw(outputs, n_samples, generators):
        weights, means, scales = outputs.chunk(3, -1)
        chosen = systematic_components(weights, n_samples, generators)
        return Particles(means.gather(-1, chosen), scales.gather(-1, chosen))

    return torch.cat(law, -1), draw


def moments_by_replacement(inputs, expected, tolerance):
    import torch

    from marlgt.deep.distributions import mean, variance
    from marlgt.deep.losses.sample_replacement import sample_replacement

    *window, _, following = replaced_window(inputs)
    options = {"n_samples": inputs["samples"], "generators": [torch.Generator().manual_seed(0)]}
    found = sample_replacement(*window, *draws_of(following), lambda_=inputs["lam"], **options).mixture()
    assert abs(mean(found)[0, 0, 0, 0].item() - expected["mean"]) <= tolerance
    assert abs(variance(found)[0, 0, 0, 0].item() - expected["var"]) <= tolerance


def critic_losses(inputs, expected, tolerance):
    from marlgt.deep.distributions import energy_distance
    from marlgt.deep.losses.sample_replacement import lambda_mixtures

    *window, own, following = replaced_window(inputs)
    targets = lambda_mixtures(*window, following, float(number(inputs["lam"])))
    assert np.abs(energy_distance(own, targets).flatten().numpy() - floats(expected)).max() <= tolerance


def critic_loss_of_particles(inputs, expected, tolerance):
    from marlgt.deep.distributions import GaussianMixture, Particles
    from marlgt.deep.losses.mixture_losses import energy_loss

    law = GaussianMixture(*(tensor(part) for part in components(inputs["pred"])))
    targets = Particles(tensor(inputs["target_mu"]), tensor(inputs["target_sigma"]))
    assert abs(energy_loss(law, targets, whole=True).item() - expected) <= tolerance


def counted_distributions(inputs, expected, tolerance):
    import torch

    from marlgt.deep.distributions import GaussianMixture
    from marlgt.deep.losses.sample_replacement import lambda_mixtures, sample_replacement

    for steps, naive, replaced in zip(inputs["N"], expected["naive"], expected["sr"]):
        normals = GaussianMixture(*(torch.ones(1, steps, 1, 1, 1) for _ in range(3)))
        window = torch.zeros(1, steps, 1, 1), torch.ones(1, steps, 1), torch.zeros(1, steps, 1, dtype=torch.bool)
        assert int((lambda_mixtures(*window, normals, 0.9).weights > 0).sum()) == naive
        options = {"lambda_": 0.9, "n_samples": 4, "generators": [torch.Generator()]}
        assert sample_replacement(*window, *draws_of(normals), **options).locations[..., 0].numel() == replaced


VECTOR_ADAPTERS = {
    r"dist\.E_abs_normal_": mean_distance_of_a_normal,
    r"dist\.energy_": mixture_distance("energy_distance"),
    r"dist\.cramer_sq_": mixture_distance("cramer_distance"),
    r"dist\.W1_": mixture_distance("wasserstein_1"),
    r"dist\.W2_": mixture_distance("wasserstein_2"),
    r"dist\.KL_gauss_closed$": divergence_of_normals,
    r"dist\.KL_": mixture_distance("kl_divergence"),
    r"dist\.CE_": mixture_distance("cross_entropy"),
    r"dist\.mog_logpdf_": mixture_log_density,
    r"dist\.gmac_code_log_prob_bug_E$": average_log_density,
    r"dist\.moments_": mixture_moments,
    r"dist\.sample_gradient_bias_bernoulli$": bias_of_sample_gradients,
    r"dist\.gmac_sigma_head_at_0$": scale_head(
        lambda given: {"rooted": True, "factor": given["min_var"], "least": given["min_var"]}
    ),
    r"dist\.gmac_init_ratio_softplus_head$": scale_head(lambda given: {"rooted": False, "factor": 1.0, "least": 0.0}),
    r"dist\.acme_mog_scale_head$": scale_head(
        lambda given: {"rooted": False, "factor": given["init_scale"] / np.log(2.0), "least": given["min_scale"]}
    ),
    r"dist\.softmax_weights$": softmax_of_logits,
    r"sr\.target_": mixture_by_replacement,
    r"sr\.statistical_": moments_by_replacement,
    r"extra\.gmac_critic_loss_": critic_losses,
    r"extra\.gmac_loss_uniform_sample_target$": critic_loss_of_particles,
    r"extra\.sr_distribution_count$": counted_distributions,
    r"pg\.softmax_policy$": softmax_policy,
    r"pg\.gaussian_entropy$": gaussian_entropy,
    r"pg\.reinforce_gradient_single_state$": reinforce_gradient,
    r"pg\.baseline_invariance$": baseline_invariance,
    r"pg\.ppo_clip_loss$": ppo_clip_loss,
    r"pg\.ppo_value_clip_loss$": ppo_value_clip_loss,
    r"pg\.approx_kl_estimators$": approx_kl_estimators,
    r"pg\.advantage_normalisation$": advantage_normalisation,
    r"pg\.trpo_fisher_softmax$": fisher_of_softmax,
    r"pg\.trpo_natural_step$": natural_step_of_softmax,
    r"pg\.trpo_line_search$": line_search_of_softmax,
    r"pg\.conjugate_gradient_iterates$": conjugate_gradient_iterates,
    r"extra\.homogeneity_anticoordination$": homogeneous_team,
    r"extra2\.book_param_counts$": parameters_of_the_first_layer,
    r"games\.nash_": extreme_equilibria,
    r"games\.ce_cce_extremes_": correlated_extremes,
    r"games\.pareto_welfare_": pareto_and_welfare,
    r"games\.security_": security,
    r"games\.epsilon_nash_": epsilon_nash,
    r"games\..*_is_C?CE$": joint_distribution,
    r"games\.zerosum_": zero_sum,
    r"games\.threeplayer_": several_players,
    r"learn\.fictitious_play_first_": fictitious_play_actions,
    r"learn\.fictitious_play_\d+_": fictitious_play_end,
    r"learn\.regret_history_": regret_history,
    r"learn\.regret_matching_policy_sequence": regret_matching_strategies,
    r"learn\.conditional_regret_matching_policy": conditional_regret_matching_strategy,
    r"learn\.rm_selfplay_": regret_matching_self_play,
    r"extra\.rm_cce_gap_small_": regret_matching_gap,
    r"extra\.conditional_rm_ce_gap_small_": conditional_regret_matching_gap,
    r"returns\.gae_": generalised_advantages,
    r"returns\.nstep_": n_step_returns,
    r"returns\.lambda_return_": lambda_returns,
    r"returns\.mc_return": monte_carlo_returns,
    r"returns\.td_error": td_error,
    r"returns\.random_walk5_values": random_walk_values,
    r"returns\.td0_update_sequence": td0_updates,
    r"returns\.td_lambda_forward_backward": forward_and_backward_views,
    r"learn\.wolf_phc_step_": win_or_learn_fast_step,
    r"learn\.jal_am_best_response": best_reply_to_a_model,
    r"learn\.jal_am_update": joint_action_update,
    r"(learn|extra2)\.voi_": value_of_information,
    r"learn\.cql_scalarisation": scalarised_rewards,
    r"learn\.iga_gradient_": gradient_of_two_actions,
    r"learn\.wolf_iga_.*steps$": win_or_learn_fast,
    r"learn\.wolf_iga_converges_": gradients_circle_and_winners_do_not,
    r"learn\.giga_simplex_projection_": simplex_projection,
    r"extra2\.giga_regret_bound": giga_bound,
    r"extra\.epsilon_greedy_probs": epsilon_greedy_probabilities,
    r"learn\.iql_induced_reward": reward_against_a_changing_opponent,
    r"extra2\.joint_action_growth": joint_actions,
    r"extra\.shapley_two_states_contraction": shapley_contraction,
    r"stoch\.big_match_": big_match,
    r"stoch\.two_state_mp_chain$": catalogue_values("two_state_matching_pennies"),
    r"stoch\.alternating_turns$": catalogue_values("alternating_turns"),
    r"stoch\.random_zero_sum_": zero_sum_states,
    r"stoch\.nosde_": no_deterministic_equilibrium,
    r"stoch\.grid_game_1_": grid_game_1_stage,
    r"stoch\.grid_game_2_": grid_game_2_equilibria,
    r"stoch\.littman_soccer_.*_values$": soccer_values,
    r"stoch\.littman_soccer_.*_summary$": soccer_summary,
    r"lbf\.cql_optimal_": foraging_optimum,
    r"search\.tictactoe_full_": whole_tree,
    r"search\.tictactoe_alphabeta_": alpha_beta_counts,
    r"search\.knuth_moore_": minimal_leaves,
    r"search\.alphabeta_textbook_": textbook_tree,
    r"search\.alphazero_loss_": alphazero_loss,
    r"search\.psro_double_oracle_": double_oracle_steps,
    r"search\.psro_random": double_oracle_value,
    r"ctde\.vdn_best_additive_fit_": additive_fit,
    r"ctde\.qmix_monotone_optimum_": monotone_fit_by_greedy_action,
    r"ctde\.igm_checks$": individual_global_max,
    r"ctde\.qtran_conditions_satisfied$": conditions_of_qtran,
    r"ctde\.qtran_base_losses$": losses_of_qtran,
    r"ctde\.qmix_mixer_forward$": monotone_mixer,
    r"ctde\.coma_counterfactual_advantage$": counterfactual_advantage,
    r"ctde\.coma_advantage_zero_mean$": counterfactual_advantages_have_mean_0,
    r"ctde\.difference_reward_factoredness$": difference_rewards_are_factored,
    r"ctde\.agent_model_decoder_cross_entropy$": decoder_cross_entropy,
    r"ctde\.pr2_opponent_conditional$": opponent_conditional,
    r"ctde\.seac_losses$": shared_experience,
    r"ctde\.independent_a2c_K_env_average$": average_over_environments,
    r"ctde\.idqn_sum_of_losses$": losses_of_independent_learners,
    r"ctde\.huber_loss_": huber_loss,
    r"extra2\.qmix_monotone_optimum_": monotone_fit_by_greedy_action,
    r"extra2\.qmix_nonstrict_monotone_breaks_igm$": individual_maxima_are_not_all,
    r"dqn\.dqn_vs_double_dqn_target$": targets_of_q_learning,
    r"dqn\.max_bias_": bias_of_the_maximum,
    r"dqn\.dueling_aggregation$": dueling_values,
    r"dqn\.noisy_factorised_noise$": factorised_noise,
    r"dqn\.deadly_triad_": deadly_triad,
    r"dqn\.polyak_update$": polyak_update,
    r"dqn\.stop_gradient_dqn$": gradient_stopped_at_the_target,
    r"c51q\.c51_project_": categorical_projection,
    r"c51q\.qr_huber_loss_": quantile_huber_loss,
    r"c51q\.quantile_regression_minimiser$": quantile_regression,
    r"c51q\.iqn_cos_features_gmac_code$": cosines_counted_from_one,
    r"nn\.guide_critic_param_count$": parameter_count,
    r"nn\.xor_relu_network$": exclusive_or_network,
    r"nn\.backprop_relu_mlp$": backpropagation,
    r"nn\.gd_variants_one_step$": gradient_descents,
    r"nn\.linear_value_function$": linear_value,
    r"nn\.relu_hat_function$": hat_network,
    r"nn\.seps_code_loss$": encoder_decoder_loss,
    r"nn\.mixture_mode_vs_mean$": mean_and_mode_of_a_mixture,
}


# Known answers


def known_game(case):
    return gt.NormalFormGame(nested(case["payoffs"]))


def all_extreme_equilibria(case):
    game = known_game(case)
    answers = gt.solve(game)
    for e in answers:
        assert e.epsilon == 0 if game.is_exact else e.epsilon <= 1e-9 * game.payoff_range.max()
    check_against_list(case, answers)


def all_isolated_equilibria(case):
    game = known_game(case)
    answers = gt.solve(game)
    assert len(answers) > 0
    for e in answers:
        assert e.epsilon <= 1e-9 * game.payoff_range.max()
    check_against_list(case, answers)


def check_against_list(case, answers):
    """Compare with the case's list or count, as far as it claims to be complete."""
    game = known_game(case)
    whole = case["equilibria_are"].startswith("all")
    tolerance = max(case["tolerance"], 1e-9)
    if case["equilibria"] is not None:
        for profile in case["equilibria"]:
            exact = game.is_exact and case["exact"]
            assert gt.certify(game, nested(profile)).epsilon <= (0 if exact else 10 * tolerance)
        if whole:
            assert_same_set([e.exact_profile or e.profile for e in answers], case["equilibria"], tolerance)
    if case["count"] is not None and whole:
        assert answers.complete
        assert len(answers) == case["count"]


def known_zero_sum(case):
    game = gt.NormalFormGame.zero_sum(nested(case["payoffs"][0]))
    (answer,) = gt.solve(game, concept="minimax")
    tolerance = max(case["tolerance"], 1e-12)
    assert abs(answer.values[0] - float(number(case["value"]))) <= tolerance
    if game.is_exact:
        assert answer.exact
        assert answer.epsilon == 0
    assert gt.certify(game, nested(case["optimal"])).epsilon <= tolerance
    if case.get("unique"):
        assert close(answer.exact_profile or answer.profile, case["optimal"], tolerance)


def known_correlated(case):
    game = known_game(case)
    if case["objective"] != "max sum of payoffs":
        pytest.fail(f"no adapter for the objective {case['objective']}")
    concept = "correlated" if case["kind"] == "correlated_equilibrium" else "coarse_correlated"
    (answer,) = gt.solve(game, concept=concept, objective="welfare")
    assert abs(answer.values.sum() - case["value"]) <= case["tolerance"]
    assert gt.certify(game, answer.joint, concept=concept).epsilon <= case["tolerance"]
    if "distribution" in case:
        given = gt.certify(game, floats(case["distribution"]), concept=concept)
        assert given.epsilon <= case["tolerance"]
        assert abs(given.values.sum() - case["value"]) <= case["tolerance"]


def known_stackelberg(case):
    (answer,) = gt.solve(known_game(case), concept="stackelberg")
    assert abs(answer.values[0] - case["value"]) <= case["tolerance"]
    assert np.abs(answer.profile[0] - floats(case["leader_commitment"])).max() <= max(case["tolerance"], 1e-9)


def known_logit(case):
    (answer,) = gt.solve(known_game(case), concept="qre", rationality=case["lam"])
    assert close(answer.profile, case["profile"], case["tolerance"])


def known_tree(case):
    name = re.fullmatch(r"OpenSpiel (.+)", case["payoffs"])
    game = gt.games.from_openspiel(name.group(1)) if name else gt.ExtensiveGame.from_efg(case["payoffs"])
    if "sequences" in case:
        assert [own.n_sequences for own in game.sequence_form.players] == case["sequences"]
    (answer,) = gt.solve(game, method="sequence_form_lp")
    assert abs(answer.values[0] - float(number(case["value"]))) <= case["tolerance"]
    assert answer.epsilon <= case["tolerance"]


def known_states(case):
    """Solve a zero-sum game whose states list their own numbers of actions: what is missing is illegal."""
    rewards, chances = case["payoffs"]["rewards"], case["payoffs"]["transitions"]
    n_states, rows, columns = len(rewards), max(map(len, rewards)), max(len(state[0]) for state in rewards)
    paid, moves = np.zeros((2, n_states, rows, columns)), np.zeros((n_states, rows, columns, n_states))
    legal = [np.zeros((n_states, rows), dtype=bool), np.zeros((n_states, columns), dtype=bool)]
    for s, state in enumerate(rewards):
        shape = len(state), len(state[0])
        paid[0, s, : shape[0], : shape[1]] = state
        moves[s, : shape[0], : shape[1]] = chances[s]
        legal[0][s, : shape[0]], legal[1][s, : shape[1]] = True, True
    paid[1] = -paid[0]
    game = gt.StochasticGame.from_dense(paid, moves, discount=case["discount"], legal=legal)
    (answer,) = gt.solve(game)
    assert np.abs(answer.state_values[0] - case["value"]).max() <= case["tolerance"]


def known_general_sum_states(case):
    (name,) = re.findall(r"grid_game_\d", case["name"])
    game = getattr(gt.games, name)(discount=case["discount"])
    answer = gt.solvers.nash_value_iteration(game)
    assert np.abs(answer.values - case["value"]).max() <= case["tolerance"]
    assert gt.solve(game)[0].epsilon <= 1e-6


def known_repeated_payoffs(case):
    found = gt.solvers.repeated_game_payoffs(known_game(case), discount=case["discount"]).vertices
    ordered = found[np.lexsort((found[:, 1], found[:, 0]))]
    assert np.abs(ordered - np.array(sorted(map(tuple, case["value"])))).max() <= case["tolerance"]


KNOWN_ANSWER_ADAPTERS = {
    "bimatrix": all_extreme_equilibria,
    "normal_form": all_isolated_equilibria,
    "zero_sum": known_zero_sum,
    "correlated_equilibrium": known_correlated,
    "coarse_correlated_equilibrium": known_correlated,
    "stackelberg_strong": known_stackelberg,
    "logit_qre": known_logit,
    "efg_value": known_tree,
    "stochastic_zero_sum": known_states,
    "stochastic_general_sum": known_general_sum_states,
    "repeated_game_payoff_set": known_repeated_payoffs,
}

"""Figures of the pages on teams: independent learners, central Q, VDN, QMIX, QTRAN and JAL-AM."""

import numpy as np
import torch
from _panels import COLOURS, QTRAN_GAME, band, line, panels, plain, title, values_table, watched

from marlgt import concepts
from marlgt.deep import IDQN, JALAM, QMIX, QTRAN, VDN, CentralQ, train
from marlgt.games import climbing_game, qtran_matrix, two_step_game

UNIFORM = {
    "lr": 1e-3,
    "n_envs": 32,
    "update_every": 32,
    "learning_starts": 256,
    "hidden": (64,),
    "batch_size": 128,
    "epsilon_start": 1.0,
    "epsilon_end": 1.0,
}
"""All joint actions equally often, as the papers' matrix games are learned."""

ONE = torch.ones(1, 1, 1, 2, 1)
CLIMBING = climbing_game().payoffs[0]


def _utilities(module, observations=ONE):
    """Return the agents' outputs in an observation, shape (n, A)."""
    with torch.no_grad():
        outputs, _ = module.agents(observations)
    return outputs[0, 0, 0].numpy()


def _sums(utilities):
    return utilities[0][:, None] + utilities[1][None, :]


def _mixed(module, utilities, state):
    """Return what a mixer makes of every combination of utilities."""
    pairs = torch.tensor([[[[p, q] for q in utilities[1]] for p in utilities[0]]], dtype=torch.float32)
    with torch.no_grad():
        return (
            module.mixer(pairs.flatten(1, 2), state.expand(1, pairs[0, :, :, 0].numel(), -1))
            .view(len(utilities[0]), -1)
            .numpy()
        )


def _greedy(utilities):
    return tuple(int(row.argmax()) for row in utilities)


def vdn():
    figure, axes = panels(3, width=8.2, height=3.0)
    module = train(VDN(**UNIFORM), qtran_matrix(), steps=64_000, episodes=1).module
    utilities = _utilities(module)
    nearest = concepts.additive_projection(QTRAN_GAME).fit
    values_table(axes[0], QTRAN_GAME, "what they are paid", digits=0)
    values_table(axes[1], _sums(utilities), "the sum that VDN learnt", best=_greedy(utilities))
    values_table(axes[2], nearest, "the nearest sum there is")
    return figure


def qmix():
    figure, rows = panels(1, width=8.2, height=5.6)
    rows.remove()
    grid = figure.add_gridspec(2, 12)
    top = [figure.add_subplot(grid[0, 4 * k : 4 * k + 4]) for k in range(3)]
    low = [figure.add_subplot(grid[1, 4 * k : 4 * k + 4]) for k in range(3)]
    module = train(QMIX(**UNIFORM), qtran_matrix(), steps=96_000, episodes=1).module
    utilities = _utilities(module)
    values_table(top[0], QTRAN_GAME, "what they are paid", digits=0)
    values_table(top[1], _mixed(module, utilities, torch.ones(1, 1, 1)), "what QMIX learnt", best=_greedy(utilities))
    nearest = concepts.monotone_projection(QTRAN_GAME)
    values_table(top[2], nearest.fit, "the nearest monotone one", best=nearest.greedy)
    game = two_step_game()
    seen = torch.zeros(1, 1, 1, 2, 4)
    seen[..., 2] = 1
    state = torch.eye(4)[None, None, 2]
    values_table(low[0], game.rewards[0, 2], "two-step game, state 2B", digits=0, limits=(-4, 9))
    for axes, kind in zip(low[1:], (VDN, QMIX)):
        module = train(kind(**UNIFORM), game, steps=96_000, episodes=1).module
        utilities = _utilities(module, seen)
        values = _sums(utilities) if kind is VDN else _mixed(module, utilities, state)
        values_table(axes, values, f"what {kind.name} learnt of it", best=_greedy(utilities), limits=(-4, 9))
    return figure


def qtran():
    figure, rows = panels(1, width=8.2, height=5.8)
    rows.remove()
    axes = figure.subplots(2, 3)
    values_table(axes[0, 0], QTRAN_GAME, "what they are paid", digits=0)
    for row, variant in enumerate(("base", "alt")):
        algorithm = QTRAN(**UNIFORM, variant=variant)
        module = train(algorithm, qtran_matrix(), steps=96_000, episodes=1).module
        utilities = _utilities(module)
        with torch.no_grad():
            _, features = module.agents(ONE.expand(1, 1, 9, 2, 1))
            seen = module.agents.by_agent(features, 9)
            everything = torch.tensor([[[[i, j] for i in range(3) for j in range(3)]]])
            state = torch.ones(1, 1, 9, 1)
            joint = module.joint(seen, everything, state).view(3, 3).numpy()
            value = float(module.value(seen, state)[0, 0, 0])
        if row == 0:
            values_table(axes[1, 0], joint, "$Q_{jt}$ of QTRAN-base")
        best, total = _greedy(utilities), _sums(utilities) + value
        values_table(axes[row, 1], total, f"utilities + $V$, QTRAN-{variant}", best=best, limits=(-12, 12))
        residual = concepts.qtran_residual(joint, list(utilities), value)
        values_table(axes[row, 2], residual, f"$D$ of QTRAN-{variant}", best=best, limits=(-16, 16))
    return figure


def idqn():
    figure, (left, right) = panels(2)
    algorithm = IDQN(n_envs=8, update_every=8, learning_starts=200, epsilon_steps=8000, epsilon_end=0.05, lr=1e-3)

    def look(learner):
        with torch.no_grad():
            return learner.algorithm.values(learner.online, ONE[0].expand(5, 1, 2, 1), None)[0][:, 0, 0].numpy()

    times, seen = watched(algorithm, "climbing", look, steps=24_000, seeds=range(5), every=500)
    for action, name in enumerate("ABC"):
        band(left, times, np.array(seen)[..., action], f"agent 0's {name}", action)
    left.set_ylim(-7, 8)
    plain(left, "learnt value", place="upper right")
    title(left, "climbing: mean and range of 5 seeds")
    shares = np.linspace(0, 1, 101)
    for action, name in enumerate("ABC"):
        other = np.array([np.full(101, 1), np.full(101, 1), np.full(101, 1)]) * shares / 3
        other[2] += 1 - shares
        line(right, shares, CLIMBING[action] @ other, f"agent 0's {name}", action)
    plain(right, "expected payoff", xlabel="share of random actions of agent 1", place="lower right")
    right.invert_xaxis()
    title(right, "why: agent 1, who plays C, explores")
    return figure


def central_q():
    figure, (left, right) = panels(2)
    settings = {**UNIFORM, "lr": 2e-3}
    module = train(CentralQ(**settings), climbing_game(), steps=96_000, episodes=1).module
    values = _utilities(module, torch.ones(1, 1, 1, 1, module.agents.torso.layers[0].weight.shape[1]))[0].reshape(3, 3)
    values_table(
        left,
        values,
        "climbing as central Q learnt it",
        best=np.unravel_index(values.argmax(), (3, 3)),
        limits=(-30, 11),
    )
    agents = np.arange(1, 9)
    for index, actions in enumerate((3, 5, 9)):
        right.semilogy(
            agents,
            float(actions) ** agents,
            "os^"[index] + "-",
            color=COLOURS[index],
            markersize=4,
            label=f"central, {actions} actions each",
        )
    right.semilogy(agents, 9 * agents, "--", color="black", linewidth=1.2, label="one network each, 9 actions")
    right.set_ylim(1, 1e8)
    plain(right, "outputs", xlabel="agents", place="upper left")
    title(right, "what it costs")
    return figure


def jal_am():
    figure, (left, right) = panels(2)
    algorithm = JALAM(n_envs=8, update_every=8, learning_starts=200, epsilon_steps=12_000, epsilon_end=0.05, lr=1e-3)

    def look(learner):
        with torch.no_grad():
            values, _ = learner.algorithm.values(learner.online, ONE[0], None)
            features, _ = learner.online.agents.act_features(ONE[0], None)
            models = learner.online.models(features, 1).softmax(-1)
        return values[0, 0, 0].numpy(), models[0, 0, 0, 0, 1].numpy(), values[0, 0, 1].argmax().item()

    times, seen = watched(algorithm, "climbing", look, steps=24_000, every=500)
    epsilon = np.array([algorithm.epsilon(int(step)) for step in times])
    for action, name in enumerate("ABC"):
        line(left, times, [models[action] for _, models, _ in seen], f"model of agent 1's {name}", action)
        done = [e / 3 + (1 - e) * (greedy == action) for e, (_, _, greedy) in zip(epsilon, seen)]
        left.plot(times, done, ".", color=COLOURS[action], markersize=2.5)
    left.set_ylim(-0.03, 1.03)
    plain(left, "probability", place="center right")
    title(left, "climbing: what agent 0 thinks of agent 1")
    for action, name in enumerate("ABC"):
        line(right, times, [values[action] for values, _, _ in seen], f"own {name}", action)
    plain(right, "expected value $AV$", place="lower right")
    title(right, "what her own actions are then worth")
    return figure

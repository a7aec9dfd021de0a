"""A judge of stationary policies that shares no code with the library: dense arrays, from the definition."""

import numpy as np
import pytest


def dense_transitions(game):
    """Chances of every next state, shape (S, profiles of actions, S), zero from and into terminal states."""
    s, width = game.n_states, game.successors.shape[-1]
    chances = np.zeros((s, game.rewards[0, 0].size, s))
    successors, probabilities = (a.reshape(s, -1, width) for a in (game.successors, game.probabilities))
    for k in range(width):
        rows, columns = np.indices(successors.shape[:2])
        np.add.at(chances, (rows, columns, successors[:, :, k]), probabilities[:, :, k])
    chances[game.terminal] = 0.0
    chances[:, :, game.terminal] = 0.0
    return chances


def solved_process(rewards, chances, allowed, discount):
    """Best values of a decision process (S, A), (S, A, S), by policy iteration until no action is better."""
    every = np.arange(len(rewards))
    choice = allowed.argmax(axis=1)
    for _ in range(1000):
        values = np.linalg.solve(np.eye(len(every)) - discount * chances[every, choice], rewards[every, choice])
        worth = np.where(allowed, rewards + discount * chances @ values, -np.inf)
        best = worth.argmax(axis=1)
        better = worth[every, best] > worth[every, choice] + 1e-12 * (1.0 + np.abs(values).max())
        if not better.any():
            return values
        choice = np.where(better, best, choice)
    raise AssertionError("policy iteration did not end")


@pytest.fixture(scope="session")
def gains_of_best_replies():
    """The gain of each player's best reply in each state, shape (n, S), of stationary policies."""

    def judge(game, profile):
        s, n, discount = game.n_states, game.n_players, game.discount
        chances = dense_transitions(game).reshape(*game.rewards.shape[1:], s)
        gains = np.zeros((n, s))
        for i in range(n):
            paid, onward = game.rewards[i], chances
            for j in reversed([j for j in range(n) if j != i]):
                weights = profile[j].reshape(s, *[1] * j, -1, *[1] * (paid.ndim - 2 - j))
                paid, onward = (paid * weights).sum(axis=1 + j), (onward * weights[..., None]).sum(axis=1 + j)
            own = np.where(game.terminal[:, None], 0.0, profile[i])
            system = np.eye(s) - discount * np.einsum("sa,sat->st", own, onward)
            values = np.linalg.solve(system, (own * paid).sum(axis=1))
            allowed = game.legal[i] | game.terminal[:, None]
            gains[i] = solved_process(np.where(game.terminal[:, None], 0.0, paid), onward, allowed, discount) - values
        return gains

    return judge


@pytest.fixture(scope="session")
def gains_of_disobedience():
    """The gain of the best disobedience in each state, shape (n, S), in the process of pairs (state, advice)."""

    def judge(game, joint):
        s, discount = game.n_states, game.discount
        chances = dense_transitions(game).reshape(*game.rewards.shape[1:], s)
        gains = np.zeros((game.n_players, s))
        for i in range(game.n_players):
            count = game.n_actions[i]
            told = np.moveaxis(joint, 1 + i, 1).reshape(s, count, -1)
            paid = np.moveaxis(game.rewards[i], 1 + i, 1).reshape(s, count, -1)
            onward = np.moveaxis(chances, 1 + i, 1).reshape(s, count, -1, s)
            often = told.sum(axis=2)
            others = np.divide(told, often[:, :, None], out=np.zeros_like(told), where=often[:, :, None] > 0)
            # Pairs in which the advice is never given are left at zero: nothing leads to them.
            rewards = np.einsum("sax,sbx->sab", others, paid).reshape(s * count, count)
            lead = np.einsum("sax,sbxt->sabt", others, onward).reshape(s * count, count, s)
            pairs = (lead[:, :, :, None] * often[None, None]).reshape(s * count, count, s * count)
            allowed = np.repeat(game.legal[i] | game.terminal[:, None], count, axis=0)
            best = solved_process(rewards, pairs, allowed, discount).reshape(s, count)
            obeying = np.tile(np.arange(count), s)
            every = np.arange(s * count)
            system = np.eye(s * count) - discount * pairs[every, obeying]
            obeyed = np.linalg.solve(system, rewards[every, obeying]).reshape(s, count)
            gains[i] = (often * (best - obeyed)).sum(axis=1)
        return gains

    return judge

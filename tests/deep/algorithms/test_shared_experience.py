"""Experience that agents share: windows whose agents change places."""

import pytest
import torch

from marlgt.deep import IDQN, train
from marlgt.deep.algorithms.idqn import dealt_out
from marlgt.deep.replay.store import Batch
from marlgt.errors import GameError


def numbered_batch(n_seeds=2, windows=50, n_agents=3):
    agents = torch.arange(n_agents).expand(n_seeds, 1, windows, n_agents)
    numbers = agents.to(torch.float32)
    flags = torch.zeros(n_seeds, 1, windows, dtype=torch.bool)
    observations = numbers.unsqueeze(-1).expand(-1, -1, -1, -1, 4)
    return Batch(
        observations=observations,
        actions=agents,
        rewards=numbers,
        discounts=torch.ones(n_seeds, 1, windows),
        reached=observations + 10,
        starts=flags,
        ends=flags,
        allowed=None,
        reached_allowed=None,
        states=None,
        reached_states=None,
        memory=None,
        weights=torch.ones(n_seeds, windows),
        indices=torch.zeros(n_seeds, windows, dtype=torch.int64),
    )


def generators(*seeds):
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def test_all_that_belongs_to_an_agent_moves_with_it():
    batch = dealt_out(numbered_batch(), generators(1, 2))
    assert torch.equal(batch.observations[..., 0], batch.actions.to(torch.float32))
    assert torch.equal(batch.rewards, batch.actions.to(torch.float32))
    assert torch.equal(batch.reached[..., 3], batch.rewards + 10)
    assert torch.equal(batch.actions.sort(-1).values, numbered_batch().actions)


def test_every_agent_comes_to_every_place():
    batch = dealt_out(numbered_batch(), generators(1, 2))
    for place in range(3):
        assert set(batch.actions[..., place].flatten().tolist()) == {0, 1, 2}


def test_a_seed_deals_alike_alone_and_beside_others():
    both = dealt_out(numbered_batch(), generators(1, 2))
    alone = dealt_out(numbered_batch(n_seeds=1), generators(2))
    assert torch.equal(both.actions[1:], alone.actions)


def test_networks_that_share_experience_learn_what_only_others_met():
    settings = {"share": "none", "learning_starts": 64, "epsilon_steps": 500, "hidden": (16,)}
    own = train(IDQN(**settings), "climbing", steps=1000, episodes=1)
    shared = train(IDQN(**settings, shared_experience=True), "climbing", steps=1000, episodes=1)
    pairs = zip(own.module.parameters(), shared.module.parameters())
    assert any(not torch.equal(one, other) for one, other in pairs)


def test_memories_are_not_shared():
    with pytest.raises(GameError, match="leave one of them False"):
        IDQN(recurrent=True, shared_experience=True)

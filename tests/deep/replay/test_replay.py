import re

import pytest
import torch

from marlgt.deep.replay.store import Replay
from marlgt.errors import GameError

S, B, N, D, A, Z, H = 2, 3, 2, 3, 5, 4, 2
SIZES = {"n_agents": N, "n_actions": A, "observation_size": D, "state_size": Z, "memory_size": H, "masked": True}


def generators(n_seeds=S, seed=0):
    return [torch.Generator().manual_seed(seed + s) for s in range(n_seeds)]


def stream(n_rows, seed=0, n_seeds=S, ending=0.2):
    """Return rows as ``Replay.add`` takes them; seed s is the same however many there are beside it."""
    rows = []
    sources = [torch.Generator().manual_seed(100 * seed + s) for s in range(n_seeds)]

    def drawn(*shape):
        return torch.stack([torch.rand(shape, generator=g) for g in sources])

    starts = torch.ones(n_seeds, B, dtype=torch.bool)
    for _ in range(n_rows):
        terminated, truncated = drawn(B) < ending, drawn(B) < ending
        rows.append(
            {
                "observations": drawn(B, N, D),
                "actions": (drawn(B, N) * A).long(),
                "rewards": drawn(B, N),
                "terminated": terminated,
                "truncated": truncated,
                "reached": drawn(B, N, D),
                "starts": starts,
                "allowed": drawn(B, N, A) < 0.7,
                "reached_allowed": drawn(B, N, A) < 0.7,
                "states": drawn(B, Z),
                "reached_states": drawn(B, Z),
                "memory": drawn(B, N, H),
            }
        )
        starts = terminated | truncated
    return rows


def filled(rows, capacity, **settings):
    replay = Replay(len(rows[0]["starts"]), B, capacity, **SIZES, **settings)
    for row in rows:
        replay.add(**row)
    return replay


def reference(rows, seed, env, begin, length):
    """Return the steps from row ``begin`` on of one copy as a list of dicts."""
    return [{name: field[seed, env] for name, field in row.items()} for row in rows[begin : begin + length]]


def kept(rows, n_rows):
    return rows[-n_rows:]


def place_of(rows, n_rows, index):
    """Return the age-ordered row and the copy of an index into the ring."""
    row, env = divmod(int(index), B)
    written, count = len(rows), min(len(rows), n_rows)
    newest = (written - 1) % n_rows
    return count - 1 - (newest - row) % n_rows, env


@pytest.mark.parametrize("n_written", [5, 8, 29])
@pytest.mark.parametrize("n_steps", [1, 2, 3, 4, 5])
def test_transitions_are_those_of_a_plain_list_of_steps(n_written, n_steps):
    """At any fill of the ring, over terminations, truncations and the place where the ring closes."""
    discount, rows = 0.9, stream(n_written)
    replay = filled(rows, 8 * B + 1)
    batch = replay.sample(120, generators(), n_steps=n_steps, discount=discount)
    store = kept(rows, 8)
    seen = set()
    for s in range(S):
        for r in range(120):
            begin, env = place_of(rows, 8, batch.indices[s, r])
            steps = reference(store, s, env, begin, n_steps)
            assert len(steps) == n_steps, "the window crosses the write head"
            total, k = torch.zeros(N), 0
            for step in steps:
                total = total + discount**k * step["rewards"]
                k += 1
                if step["terminated"] or step["truncated"]:
                    break
            last = steps[k - 1]
            torch.testing.assert_close(batch.rewards[s, 0, r], total)
            follows = 0.0 if last["terminated"] else discount**k
            torch.testing.assert_close(batch.discounts[s, 0, r], torch.tensor(follows))
            assert bool(batch.ends[s, 0, r]) == bool(last["terminated"] or last["truncated"])
            for name in ("observations", "actions", "starts", "allowed", "states"):
                assert torch.equal(getattr(batch, name)[s, 0, r], steps[0][name]), name
            for name in ("reached", "reached_allowed", "reached_states"):
                assert torch.equal(getattr(batch, name)[s, 0, r], last[name]), name
            assert torch.equal(batch.memory[s, r], steps[0]["memory"])
            seen.add((begin, env))
    assert len(seen) == (min(n_written, 8) - n_steps + 1) * B, "every window that fits is drawn in 240 draws"


@pytest.mark.parametrize("n_written", [6, 8, 21])
@pytest.mark.parametrize("aligned", [False, True])
def test_sequences_are_those_of_a_plain_list_of_steps(n_written, aligned):
    length, rows = 4, stream(n_written, seed=3)
    replay = filled(rows, 8 * B)
    batch = replay.sample(50, generators(), length=length, discount=0.8, aligned=aligned)
    store = kept(rows, 8)
    for s in range(S):
        for r in range(50):
            begin, env = place_of(rows, 8, batch.indices[s, r])
            steps = reference(store, s, env, begin, length)
            assert len(steps) == length, "the window crosses the write head"
            for i, step in enumerate(steps):
                for name in ("observations", "actions", "rewards", "reached", "starts", "allowed", "reached_allowed"):
                    assert torch.equal(getattr(batch, name)[s, i, r], step[name]), name
                for name in ("states", "reached_states"):
                    assert torch.equal(getattr(batch, name)[s, i, r], step[name]), name
                assert bool(batch.ends[s, i, r]) == bool(step["terminated"] or step["truncated"])
                follows = 0.0 if step["terminated"] else 0.8
                torch.testing.assert_close(batch.discounts[s, i, r], torch.tensor(follows))
            assert torch.equal(batch.memory[s, r], steps[0]["memory"])
            assert steps[0]["starts"] or not aligned
    assert aligned == bool(batch.starts[:, 0].all())


def test_every_aligned_window_is_drawn():
    rows = stream(11, seed=5)
    replay = filled(rows, 8 * B)
    indices = replay.sample(500, generators(), length=3, aligned=True).indices
    for s in range(S):
        store = kept(rows, 8)
        expected = {(t, b) for t in range(6) for b in range(B) if store[t]["starts"][s, b]}
        assert {place_of(rows, 8, i) for i in indices[s]} == expected


@pytest.mark.parametrize("settings", [{}, {"n_steps": 3}, {"length": 4}, {"length": 4, "aligned": True}, {"beta": 0.5}])
def test_a_seed_draws_the_same_alone_and_among_others(settings):
    together, alone = stream(20, n_seeds=3), stream(20, n_seeds=1)
    batches = []
    for rows, n_seeds in ((together, 3), (alone, 1)):
        replay = filled(rows, 9 * B, prioritised=True, window=4)
        sources = generators(n_seeds)
        drawn = replay.sample(16, sources, beta=0.4)
        replay.prioritise(drawn.indices, drawn.rewards.sum((1, 3)), exponent=0.6)
        batches.append(replay.sample(32, sources, **settings))
    for name, many, one in zip(batches[0]._fields, *batches):
        assert torch.equal(many[:1], one), name


@pytest.mark.parametrize("n_written", [3, 8, 13])
def test_a_replay_loaded_from_a_state_goes_on_bit_for_bit(n_written):
    rows = stream(n_written + 6)
    first = filled(rows[:n_written], 8 * B, prioritised=True, window=2)
    drawn = first.sample(8, generators(), beta=0.4)
    first.prioritise(drawn.indices, drawn.rewards.sum((1, 3)), exponent=0.6)
    state = first.state()
    second = Replay(S, B, 8 * B, **SIZES, prioritised=True, window=2)
    second.load(state)
    for row in rows[n_written:]:
        first.add(**row)
        second.add(**row)
        assert first.n_stored == second.n_stored
        for settings in ({"beta": 0.7}, {"n_steps": 2}, {"aligned": True}):
            one, two = (replay.sample(20, generators(seed=9), **settings) for replay in (first, second))
            assert all(torch.equal(a, b) for a, b in zip(one, two))


def test_a_state_is_a_copy_that_later_steps_leave_alone():
    rows = stream(9)
    replay = filled(rows[:8], 8 * B, prioritised=True)
    state = replay.state()
    before = {name: tensor.clone() for name, tensor in state.items()}
    replay.add(**rows[8])
    assert all(torch.equal(state[name], before[name]) for name in state)


def test_what_is_added_may_change_afterwards():
    rows = stream(1)
    replay = filled(rows, 8 * B)
    kept_observations = rows[0]["observations"].clone()
    rows[0]["observations"].zero_()
    batch = replay.sample(5, generators())
    for s in range(S):
        assert torch.equal(batch.observations[s, 0], kept_observations[s, batch.indices[s]])


def test_uniform_draws_are_uniform():
    """Chi-squared over 24 windows: the 99.9 % point of 23 degrees of freedom is 49.7."""
    replay = filled(stream(12), 8 * B)
    counts = torch.bincount(replay.sample(4800, generators()).indices[0], minlength=24).double()
    assert ((counts - 200) ** 2 / 200).sum() < 49.7


def test_the_store_counts_its_steps_up_to_its_capacity():
    rows = stream(10)
    replay = Replay(S, B, 8 * B + 2, **SIZES, window=3)
    counts, ready = [], []
    for row in rows:
        replay.add(**row)
        counts.append(replay.n_stored)
        ready.append(replay.ready(6))
    assert counts == [3, 6, 9, 12, 15, 18, 21, 24, 24, 24]
    assert ready == [False, False] + [True] * 8


def test_fields_that_are_not_kept_are_none():
    replay = Replay(1, 2, 8, n_agents=1, n_actions=2, observation_size=3)
    flags = torch.zeros(1, 2, dtype=torch.bool)
    seen = torch.rand(1, 2, 1, 3)
    replay.add(seen, torch.ones(1, 2, 1, dtype=torch.int64), torch.zeros(1, 2, 1), flags, flags, seen, flags)
    batch = replay.sample(4, generators(1))
    kept_not = (batch.allowed, batch.reached_allowed, batch.states, batch.reached_states, batch.memory)
    assert kept_not == (None,) * 5
    assert torch.equal(batch.actions, torch.ones(1, 1, 4, 1, dtype=torch.int64))
    assert torch.equal(batch.weights, torch.ones(1, 4))


# Priorities


def prioritised(priorities, exponent):
    rows = stream(8, n_seeds=1)
    replay = filled(rows, 8 * B, prioritised=True)
    replay.prioritise(torch.arange(24)[None], priorities[None], exponent=exponent, offset=0.0)
    return replay


@pytest.mark.parametrize("exponent", [0.0, 0.6, 1.0])
def test_frequencies_follow_the_priorities(exponent):
    """Chi-squared over 24 steps, 99.9 % point 49.7: stratified draws only vary less."""
    priorities = torch.arange(1.0, 25.0)
    replay = prioritised(priorities, exponent)
    source = generators(1)
    draws = torch.cat([replay.sample(50, source, beta=0.4).indices[0] for _ in range(120)])
    expected = priorities.double() ** exponent
    expected *= 6000 / expected.sum()
    counts = torch.bincount(draws, minlength=24).double()
    assert ((counts - expected) ** 2 / expected).sum() < 49.7


def test_importance_weights_are_those_of_the_paper():
    """``(N P)^-beta`` over their largest (Schaul et al. 2016, algorithm 1, line 10)."""
    priorities = torch.arange(1.0, 25.0)
    batch = prioritised(priorities, 0.6).sample(32, generators(1), beta=0.5)
    shares = priorities**0.6 / (priorities**0.6).sum()
    weights = (24 * shares[batch.indices[0]]) ** -0.5
    torch.testing.assert_close(batch.weights[0], weights / weights.max())


def test_strata_hold_one_draw_each():
    """48 draws among 24 equal priorities: two strata lie in each step."""
    batch = prioritised(torch.ones(24), 1.0).sample(48, generators(1), beta=0.4)
    counts = torch.bincount(batch.indices[0], minlength=24)
    assert counts.tolist() == [2] * 24


def test_a_step_without_priority_is_never_drawn():
    priorities = torch.ones(24)
    priorities[5:20] = 0.0
    drawn = prioritised(priorities, 1.0).sample(2000, generators(1), beta=0.0).indices
    assert set(drawn.flatten().tolist()) == {*range(5), *range(20, 24)}


def test_new_steps_have_the_largest_priority():
    replay = prioritised(torch.cat((torch.full((23,), 1e-3), torch.tensor([50.0]))), 1.0)
    replay.add(**stream(1, seed=4, n_seeds=1)[0])
    drawn = replay.sample(400, generators(1), beta=0.4).indices
    counts = torch.bincount(drawn.flatten(), minlength=24)
    assert counts[[0, 1, 2, 23]].tolist() == pytest.approx([100] * 4, abs=3)


@pytest.mark.parametrize("n_steps", [1, 2, 3])
def test_windows_drawn_by_priority_never_cross_the_write_head(n_steps):
    rows = stream(23)
    replay = Replay(S, B, 8 * B, **SIZES, prioritised=True, window=n_steps)
    for count, row in enumerate(rows, start=1):
        replay.add(**row)
        if count < n_steps:
            continue
        drawn = replay.sample(100, generators(seed=count), n_steps=n_steps, beta=0.4)
        ages = {place_of(rows[:count], 8, index)[0] for index in drawn.indices.flatten()}
        assert ages == set(range(min(count, 8) - n_steps + 1))


# Bad input


def test_sizes_below_one_are_refused():
    with pytest.raises(GameError, match="n_agents is 0: a replay needs at least 1"):
        Replay(1, 1, 8, **{**SIZES, "n_agents": 0})


def test_a_capacity_below_the_longest_window_is_refused():
    with pytest.raises(GameError, match="capacity is 8: windows of 3 rows of 3 steps need at least 9"):
        Replay(1, 3, 8, **SIZES, window=3)


@pytest.mark.parametrize(
    ("name", "shape"),
    [("observations", (S, B, N, D + 1)), ("actions", (S, B)), ("rewards", (S, B, N + 1)), ("reached", (S, B, N, 1))],
)
def test_a_field_of_another_shape_is_refused_and_nothing_stored(name, shape):
    (row,) = stream(1)
    replay = Replay(S, B, 8 * B, **SIZES)
    with pytest.raises(GameError, match=re.escape(f"{name} has shape {shape}: this replay was made for")):
        replay.add(**{**row, name: torch.zeros(shape)})
    assert replay.n_stored == 0


@pytest.mark.parametrize("name", ["allowed", "states", "memory"])
def test_a_missing_field_is_refused(name):
    (row,) = stream(1)
    del row[name]
    with pytest.raises(GameError, match=f"{name} is missing: this replay keeps it"):
        Replay(S, B, 8 * B, **SIZES).add(**row)


def test_a_field_that_is_not_kept_is_refused():
    (row,) = stream(1)
    with pytest.raises(GameError, match="memory is given, but this replay keeps none"):
        Replay(S, B, 8 * B, **{**SIZES, "memory_size": 0}).add(**row)


def test_drawing_what_is_not_stored_is_refused():
    replay = filled(stream(2), 8 * B)
    with pytest.raises(GameError, match="windows of 3 rows cannot be drawn from 2: add more steps"):
        replay.sample(4, generators(), n_steps=3)
    with pytest.raises(GameError, match="length is 2 and n_steps 2: one of them must be 1"):
        replay.sample(4, generators(), n_steps=2, length=2)
    with pytest.raises(GameError, match="1 generators for 2 seeds: give one for each seed"):
        replay.sample(4, generators(1))
    with pytest.raises(GameError, match="make the replay with prioritised=True"):
        replay.sample(4, generators(), beta=0.4)
    with pytest.raises(GameError, match="keeps no priorities: make it with prioritised=True"):
        replay.prioritise(torch.zeros(S, 1, dtype=torch.int64), torch.ones(S, 1), exponent=0.6)


def test_beginnings_that_are_not_stored_are_refused():
    rows = stream(12, ending=0.0)
    with pytest.raises(GameError, match="no episode of seed 0 begins 2 rows before the newest"):
        filled(rows, 8 * B).sample(4, generators(), length=2, aligned=True)


def test_exponents_outside_0_to_1_are_refused():
    replay = filled(stream(4), 8 * B, prioritised=True)
    with pytest.raises(GameError, match="beta is 2: the exponent of importance weights lies between 0 and 1"):
        replay.sample(4, generators(), beta=2.0)
    with pytest.raises(GameError, match="exponent is -1: the exponent of priorities lies between 0 and 1"):
        replay.prioritise(torch.zeros(S, 1, dtype=torch.int64), torch.ones(S, 1), exponent=-1.0)


def test_a_state_of_other_sizes_is_refused_and_nothing_changed():
    replay = filled(stream(4), 8 * B)
    other = Replay(S, B, 4 * B, **SIZES, prioritised=True)
    with pytest.raises(GameError, match="load it into a replay of the same sizes"):
        other.load(replay.state())
    with pytest.raises(GameError, match="load it into a replay of the same sizes"):
        replay.load({})
    with pytest.raises(GameError, match="load it into a replay of the same sizes"):
        Replay(S, B, 2 * B, **SIZES).load(replay.state())
    assert other.n_stored == 0

"""The studies of policies in foraging and in games of one round: what their tables say of what was measured."""

import math
import sys
from pathlib import Path

import matplotlib.figure
import numpy as np
import pytest
import torch

sys.path.append(str(Path(__file__).parents[2]))

from benchmarks import deep_policies_foraging as foraging
from benchmarks import deep_policies_matrix as matrix
from benchmarks import foraging_standstills as standstills
from marlgt.games import climbing_game, penalty_game


def row(label="IPPO", task=foraging.SEEN, **changes):
    curve = {"steps": [0, 100, 200, 400], "training": [[None, None], [0.5, 0.7], [0.7, 0.95], [0.92, 0.8]]}
    usual = {"final": [0.94, 0.94], "final_greedy": [0.8, 0.8], "seeds": [0, 1], "cpu_seconds": 80.0, "steps": 400}
    usual |= {"steps_per_second": 20_580.0, "curve": curve, "panel": foraging.PANELS[task]}
    return {"label": label, "task": task} | usual | changes


def test_ten_seeds_forage_where_ten_were_asked_for_and_at_least_five_elsewhere():
    seeds = {(cell.algorithm, cell.task): len(cell.seeds) for cell in foraging.cells()}
    assert len(seeds) == len(foraging.cells())
    assert seeds["IPPO", foraging.SEEN] == seeds["MAPPO", foraging.SEEN] == 10
    assert min(seeds.values()) == 5
    assert all(cell.stochastic for cell in foraging.cells())


def test_seconds_to_a_level_are_the_share_of_the_run_until_training_first_reached_it():
    assert foraging.seconds_to(row(), 0.66) == pytest.approx([20.0, 10.0])
    assert foraging.seconds_to(row(), 0.95) == [math.inf, 20.0]


@pytest.mark.parametrize(
    ("changes", "met"),
    [
        ({}, "yes"),
        ({"final": [0.92, 0.92]}, "**no**"),
        ({"cpu_seconds": 121.0}, "**no**"),
        ({"task": foraging.LARGE}, "**no**"),
        ({"task": foraging.LARGE, "final": [0.95, 0.95], "cpu_seconds": 1200.0}, "yes"),
        ({"task": foraging.UNAIDED}, ""),
        ({"label": "IA2C", "task": foraging.LARGE, "final": [0.95, 0.95]}, "yes"),
    ],
)
def test_what_was_asked_is_both_the_return_and_the_time_of_a_seed(changes, met):
    head, line = foraging.as_asked([row(**changes), row("IA2C"), row(task=foraging.COOP)])
    told = dict(zip(head, line))
    assert told["as asked"] == met
    if not changes:
        assert told["EPyMARL's 112 s over the median"] == "7×"
        assert told["steps/CPU-s, over EPyMARL's 686"] == "20,580, 30×"


def test_foraging_returns_stand_beside_those_published_for_the_algorithm():
    head, *lines = foraging.published([row("COMA", foraging.LARGE), row("COMA")])
    assert [dict(zip(head, line)) for line in lines] == [
        {
            "task": "10x10-3p-3f",
            "algorithm": "COMA",
            "steps here": "400",
            "drawn, IQM": "0.940",
            "likeliest, IQM": "0.800",
            "published, in 20 million steps": "0.19",
        }
    ]


@pytest.mark.parametrize(
    ("cells", "actions", "kind"),
    [
        # One food at (2, 2) and another at (5, 5), both agents beside one.
        ([[(2, 1), (5, 4)]] * 3, (5, 5), "each loads a food that takes both"),
        ([[(3, 1), (2, 0)]] * 3, (1, 4), "both want to move to the same field"),
        ([[(2, 1), (2, 0)]] * 3, (5, 4), "one wants to move to where the other stands"),
        ([[(3, 1), (6, 6)], [(4, 1), (6, 6)], [(3, 1), (6, 6)]], (2, 0), "they walk to and fro"),
        ([[(3, 1), (6, 6)], [(4, 1), (6, 6)], [(5, 1), (6, 6)]], (2, 0), "something else"),
    ],
)
def test_the_end_of_an_episode_is_told_from_its_last_states(cells, actions, kind):
    foods = [(2, 2, 3), (5, 5, 3)]
    states = np.array([[[*foods, *((*cell, 1) for cell in now)]] for now in cells], dtype=float).reshape(3, 1, 12)
    assert standstills.KINDS[standstills.how_they_end(states, np.array([actions]), 2)[0]] == kind


class Always:
    """Plays one action."""

    def __init__(self, action):
        self.action = action

    def begin(self):
        pass

    def act(self, observations, allowed):
        return torch.full(observations.shape[:3], self.action)


def test_an_agent_that_sees_what_it_saw_draws():
    policy = standstills.Unstuck(Always(1), Always(2))
    seen = torch.zeros(1, 2, 2, 3)
    policy.begin()
    assert policy.act(seen).eq(1).all()
    changed = seen.clone()
    changed[0, 1, 0, 2] = 1.0
    assert policy.act(changed).tolist() == [[[2, 2], [1, 2]]]
    policy.begin()
    assert policy.act(changed).eq(1).all()


def test_what_is_missing_is_shared_among_the_ends_of_episodes():
    told = {"episodes": [0.1, 0.1, 0.0, 0.0, 0.05], "lost": [0.06, 0.03, 0.0, 0.0, 0.01], "began": 6.0}
    told |= {"differs": [0.2, 0.35, 0.5], "played": {way: [0.9, 0.9] for way in standstills.WAYS}}
    ends, facts, ways = standstills.played_tables(told).values()
    assert [line[-1] for line in ends[1:]] == ["60%", "30%", "0%", "0%", "10%"]
    assert facts[1] == ["6", "in 35% [20%, 50%] of steps"]
    assert ways[1:] == [[way, "0.900 [0.900, 0.900]"] for way in standstills.WAYS]


def test_payoffs_of_a_round_stand_beside_returns_of_25():
    head, line = matrix.published([{"panel": "climbing", "algorithm": "COMA", "label": "COMA", "final": [7.0, 5.0]}])
    assert line == ["climbing", "COMA", "150 of 275", "185 ± 49"]
    assert len(head) == len(line)
    assert {(cell.algorithm, cell.panel) for cell in matrix.cells() if not cell.label} == {
        (name, panel) for name in matrix.ALGORITHMS for panel in matrix.BEST
    }


def test_every_curve_of_the_games_of_one_round_has_a_line_in_the_picture():
    figure = matplotlib.figure.Figure()
    curve = {"steps": [0, 100, 200], "returns": [[2.0, 2.0], [7.0, 10.0], [10.0, 10.0]]}
    cells = matrix.cells()
    rows = [{"label": cell.label or cell.algorithm, "panel": cell.panel, "curve": curve} for cell in cells]
    chance = [matrix.Baseline(task=task, name="random", returns=(1.0, 3.0)) for task in matrix.PANELS]
    matrix.draw(figure, rows, chance)
    learning = [line for ax in figure.axes for line in ax.lines if len(line.get_xdata()) == 3]
    assert len(learning) == len(cells)
    assert figure.axes[0].get_title() == "climbing (random play 2.0)"


def test_smoothed_replies_find_the_best_equilibrium_of_a_penalty_game_only_if_they_begin_hot():
    payoffs = penalty_game(penalty=-25).payoffs[0]
    assert matrix.smoothed_replies(payoffs, 0.2) == pytest.approx(2.0, abs=0.01)
    assert matrix.smoothed_replies(payoffs, 2.0) == pytest.approx(10.0, abs=0.01)
    assert matrix.smoothed_replies(climbing_game().payoffs[0], 2.0) == pytest.approx(7.0, abs=0.01)

import re
from fractions import Fraction
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marlgt as gt
from marlgt.errors import GameError
from marlgt.games import NormalFormGame
from marlgt.games.display import as_html, as_latex, as_text

NASTY = ["<script>alert(1)</script>", "a&b", '"x"', "50% $5_#{}~^\\", "two\nlines", "", "é"]


def test_a_bimatrix_is_one_aligned_table():
    text = str(gt.games.prisoners_dilemma())
    assert text.splitlines() == [
        "Prisoner's dilemma",
        "2 players, 2 x 2 (rows: 1, columns: 2)",
        "             cooperate  defect",
        "cooperate         3, 3    0, 5",
        "defect            5, 0    1, 1",
    ]


def test_three_players_are_shown_as_one_table_for_each_action_of_the_third():
    text = as_text(gt.games.seltens_horse())
    assert "3 plays left" in text
    assert "3 plays right" in text
    assert "4, 4, 0" in text


def test_exact_payoffs_are_shown_as_fractions_and_floats_to_six_digits():
    assert "1/3, -1/3" in as_text(NormalFormGame.zero_sum([[Fraction(1, 3)]]))
    assert "0.333333, -0.333333" in as_text(NormalFormGame.zero_sum([[1 / 3]]))
    assert r"-\frac{1}{3}" in as_latex(NormalFormGame.zero_sum([[Fraction(1, 3)]]))
    assert r"1\cdot 10^{20}" in as_latex(NormalFormGame.zero_sum([[1e20]]))


def test_large_games_are_abbreviated_and_say_so():
    wide = as_text(NormalFormGame.zero_sum(np.zeros((500, 500), dtype=int)))
    assert "only the first 12 rows and columns of each table are shown" in wide
    assert len(wide) < 3000
    deep = as_text(NormalFormGame.common_interest(np.zeros((2,) * 12, dtype=int)))
    assert "1016 of 1024 tables not shown" in deep
    for show in (as_html, as_latex):
        assert len(show(NormalFormGame.zero_sum(np.zeros((500, 500))))) < 30_000


def test_one_player_is_a_column():
    assert as_text(NormalFormGame([[1, 2]], players=["Robinson"])).splitlines()[1].strip() == "Robinson"


class _Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.opened, self.open, self.text = set(), [], ""

    def handle_starttag(self, tag, attrs):
        self.opened.add(tag)
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=8) | st.sampled_from(NASTY), min_size=4, max_size=4))
def test_labels_never_become_markup(labels):
    game = NormalFormGame.zero_sum([[1, 2], [3, 4]], actions=[labels[:2], labels[2:]], title=labels[0])
    parser = _Tags()
    parser.feed(as_html(game))
    parser.close()
    assert parser.open == []
    assert parser.opened <= {"div", "p", "strong", "table", "caption", "thead", "tbody", "tr", "th", "td"}
    latex = as_latex(game)
    body = re.sub(r"\\(textbackslash|textasciicircum|textasciitilde)\{\}|\\[{}$&#%_]|\$[<>]\$", "", latex)
    assert body.count("{") == body.count("}")
    assert body.count("$") == 4
    for cell in re.findall(r"\\mbox\{([^{}]*)\}", body):
        assert not set(cell) & set("\\$&#%_^~")


def test_html_shows_every_label_of_a_small_game():
    game = NormalFormGame.bimatrix([[1, 2]], [[3, 4]], actions=[["<top>"], ["a&b", "c"]], players=["row<", "column"])
    html = game._repr_html_()
    for shown in ("&lt;top&gt;", "a&amp;b", "row&lt;"):
        assert shown in html
    assert game._repr_latex_().startswith("$$")


def test_limits_below_one_are_refused():
    with pytest.raises(GameError, match="max_actions and max_tables must be at least 1, got 0 and 8"):
        as_text(gt.games.prisoners_dilemma(), max_actions=0)


@pytest.mark.parametrize("name", [entry.name for entry in gt.games.catalogue() if entry.kind == "normal_form"])
def test_every_table_of_the_catalogue_can_be_shown(name):
    game = gt.games.load(name)
    assert game.title in as_text(game)
    assert as_html(game).count("<table>") >= 1
    assert as_latex(game).count(r"\begin{array}") >= 1

"""Settings to and from JSON and the texts of a command line: what comes back is equal, what does not fit is named."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import pytest

from marlgt.deep.runs.settings_json import parse_setting, settings_from_json, settings_to_json
from marlgt.errors import GameError


@dataclass(frozen=True)
class Decay:
    start: float = 1.0
    steps: int = 100


@dataclass(frozen=True, kw_only=True)
class Base:
    name: ClassVar[str] = "base"
    lr: float = 5e-4
    batch_size: int = 32
    double: bool = True


@dataclass(frozen=True, kw_only=True)
class Learner(Base):
    hidden: tuple[int, ...] = (64, 64)
    bounds: tuple[float, float] = (-1.0, 1.0)
    clip: float | None = 10.0
    share: str | tuple[int, ...] = "all"
    loss: Literal["huber", "squared", 3] = "huber"
    task: str = "climbing"
    decay: Decay = Decay()
    more: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self):
        if self.lr <= 0:
            raise GameError(f"lr must be a number above 0, got {self.lr!r}")


CHANGED = Learner(
    lr=1 / 3, hidden=(), bounds=(0.1, 2.0), clip=None, share=(0, 0, 1), loss=3, decay=Decay(0.25, 7), more={"a": [1]}
)


@pytest.mark.parametrize("settings", [Learner(), CHANGED, Learner(share="none", double=False)])
def test_settings_come_back_from_json_equal_and_of_the_same_types(settings):
    again = settings_from_json(Learner, json.loads(json.dumps(settings_to_json(settings), allow_nan=False)))
    assert again == settings
    for f in dataclasses.fields(Learner):
        assert type(getattr(again, f.name)) is type(getattr(settings, f.name))


def test_what_is_not_told_has_its_default_and_whole_numbers_are_numbers():
    settings = settings_from_json(Learner, {"lr": 1, "decay": {"steps": 5}})
    assert settings == Learner(lr=1.0, decay=Decay(steps=5))
    assert type(settings.lr) is float


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("lr=3e-4", "lr", 3e-4),
        (" lr = 1 ", "lr", 1.0),
        ("batch_size=1e6", "batch_size", 1_000_000),
        ("batch_size=1_000", "batch_size", 1000),
        ("batch_size=9007199254740993", "batch_size", 9007199254740993),
        ("double=no", "double", False),
        ("double=TRUE", "double", True),
        ("hidden=64,32", "hidden", (64, 32)),
        ("hidden=(64,)", "hidden", (64,)),
        ("hidden=[64, 32]", "hidden", (64, 32)),
        ("hidden=", "hidden", ()),
        ("bounds=-1,2.5", "bounds", (-1.0, 2.5)),
        ("clip=none", "clip", None),
        ("clip=0.5", "clip", 0.5),
        ("share=none", "share", "none"),
        ("share=0,0,1", "share", (0, 0, 1)),
        ("share=3", "share", (3,)),
        ("loss=Squared", "loss", "squared"),
        ("loss=3", "loss", 3),
        ("task=formation:n_drones=3,actions=directions", "task", "formation:n_drones=3,actions=directions"),
        ('decay={"start": 0.5}', "decay", Decay(start=0.5)),
        ('more={"a": [1, null]}', "more", {"a": [1, None]}),
    ],
)
def test_a_text_gives_the_value_that_its_field_holds(text, name, value):
    found = parse_setting(Learner, text)
    assert found == (name, value)
    assert type(found[1]) is type(value)
    assert getattr(dataclasses.replace(Learner(), **dict([found])), name) == value


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("lr", r"written name=value, such as lr=3e-4, got 'lr'"),
        ("=3", "written name=value"),
        (None, "written name=value"),
        ("batchsize=3", r"Learner has no setting 'batchsize': did you mean 'batch_size'\?"),
        ("name=3", r"no setting 'name'"),
        ("zzzzzz=3", r"no setting 'zzzzzz': its settings are lr, batch_size, double, hidden"),
        ("lr=fast", r"lr must be a finite number, got 'fast'"),
        ("lr=nan", r"lr must be a finite number, got nan"),
        ("lr=inf", r"lr must be a finite number, got inf"),
        ("batch_size=2.5", r"batch_size must be a whole number, got '2\.5'"),
        ("batch_size=inf", r"batch_size must be a whole number, got 'inf'"),
        ("double=maybe", r"double must be true or false, got 'maybe'"),
        ("double=none", r"double must be true or false, got None"),
        ("clip=false", r"clip must be a finite number or none, got 'false'"),
        ("hidden=64,x", r"hidden\[1\] must be a whole number, got 'x'"),
        ("bounds=1", r"bounds must be a list of 2 \(a finite number, a finite number\), got '1'"),
        ("loss=cubic", r"loss must be one of 'huber', 'squared', 3, got 'cubic'"),
        ("decay=soon", r"decay must be a mapping of settings, got 'soon'"),
        ('decay={"stepz": 3}', r"Decay has no setting 'stepz': did you mean 'steps'\?"),
        ("more=[1]", r"more must be a mapping, got \[1\]"),
    ],
)
def test_a_text_that_does_not_fit_is_named_with_what_was_expected(text, match):
    with pytest.raises(GameError, match=match):
        parse_setting(Learner, text)


@pytest.mark.parametrize(
    ("data", "match"),
    [
        ([], r"Learner must be a mapping of settings, got \[\]"),
        ({"learning_rate": 1}, "no setting 'learning_rate'"),
        ({3: 1}, "no setting 3"),
        ({"lr": "1"}, r"Learner\.lr must be a finite number, got '1'"),
        ({"lr": True}, r"Learner\.lr must be a finite number, got True"),
        ({"lr": None}, r"Learner\.lr must be a finite number, got None"),
        ({"lr": -1}, r"lr must be a number above 0, got -1\.0"),
        ({"batch_size": 3.0}, r"Learner\.batch_size must be a whole number, got 3\.0"),
        ({"batch_size": True}, r"must be a whole number, got True"),
        ({"double": 1}, r"must be true or false, got 1"),
        ({"hidden": 64}, r"Learner\.hidden must be a list in which each is a whole number, got 64"),
        ({"hidden": [64, "x"]}, r"Learner\.hidden\[1\] must be a whole number, got 'x'"),
        ({"share": 1.5}, r"Learner\.share must be a text or a list in which each is a whole number, got 1\.5"),
        ({"loss": True}, "must be one of"),
        ({"decay": {"start": "x"}}, r"Learner\.decay\.start must be a finite number"),
    ],
)
def test_json_that_does_not_fit_is_named_with_where_it_stands(data, match):
    with pytest.raises(GameError, match=match):
        settings_from_json(Learner, data)


def test_a_setting_without_a_default_must_be_told():
    @dataclass(frozen=True)
    class Needy:
        first: int
        second: int = 2

    with pytest.raises(GameError, match="Needy needs first"):
        settings_from_json(Needy, {"second": 3})


def test_what_json_cannot_give_back_is_refused():
    with pytest.raises(GameError, match=r"Learner\.clip is inf, which JSON has no name for"):
        settings_to_json(Learner(clip=float("inf")))
    with pytest.raises(GameError, match=r"Learner\.more\['f'\] is <function .* cannot be kept with a run"):
        settings_to_json(Learner(more={"f": lambda: 0}))
    for wrong in (Learner, 3):
        with pytest.raises(GameError, match="give a dataclass with its values"):
            settings_to_json(wrong)

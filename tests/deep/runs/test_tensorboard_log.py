"""Events for TensorBoard: read back by its own reader, seed by seed."""

import sys

import numpy as np
import pytest

from marlgt.deep.runs.curves import Evaluation
from marlgt.deep.runs.tensorboard_log import TensorBoardLog
from marlgt.errors import GameError, MissingDependency, SavingFailed


def evaluation(steps, exploration=0.25):
    return Evaluation(
        steps,
        returns=np.array([[1.0, 2.0], [3.0, 5.0]]) + steps,
        lengths=np.array([[10, 20], [30, 30]]),
        success_rates=np.array([0.5, np.nan]),
        training_returns=np.array([-1.0, -2.0]),
        losses=np.array([0.125, np.nan]),
        exploration=exploration,
    )


def scalars(folder):
    accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = accumulators.EventAccumulator(str(folder))
    events.Reload()
    return {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def test_every_seed_is_a_run_whose_scalars_read_back(tmp_path):
    pytest.importorskip("tensorboard")
    with TensorBoardLog(tmp_path / "logs", (4, 7)) as log:
        log.add(evaluation(10))
        log.add(evaluation(20))
        # Flushed, though not yet closed.
        assert scalars(tmp_path / "logs" / "seed_4")["evaluation/return"] == [(10, 11.5), (20, 21.5)]
    found = scalars(tmp_path / "logs" / "seed_7")
    assert found == {
        "evaluation/return": [(10, 14.0), (20, 24.0)],
        "evaluation/length": [(10, 30.0), (20, 30.0)],
        "training/return": [(10, -2.0), (20, -2.0)],
        "training/exploration": [(10, 0.25), (20, 0.25)],
    }
    assert scalars(tmp_path / "logs" / "seed_4")["training/loss"] == [(10, 0.125), (20, 0.125)]
    assert sorted(p.name for p in (tmp_path / "logs").iterdir()) == ["seed_4", "seed_7"]


def test_what_a_killed_run_wrote_after_its_checkpoint_is_hidden_when_it_goes_on(tmp_path, monkeypatch):
    pytest.importorskip("tensorboard")
    import torch.utils.tensorboard.writer as writers
    from tensorboard.summary.writer import event_file_writer

    # Files are ordered by the second in their name, and this test takes less.
    clock = iter(range(1_000_000, 2_000_000, 10))
    for module in (writers, event_file_writer):
        monkeypatch.setattr(module.time, "time", lambda: next(clock))
    with TensorBoardLog(tmp_path, (4, 7)) as log:
        log.add(evaluation(10))
        log.add(evaluation(20))
    with TensorBoardLog(tmp_path, (4, 7), resumed_at=20) as log:
        log.add(evaluation(20, exploration=0.5))
    assert scalars(tmp_path / "seed_4")["training/exploration"] == [(10, 0.25), (20, 0.5)]


def test_an_evaluation_of_other_seeds_is_refused(tmp_path):
    pytest.importorskip("tensorboard")
    with TensorBoardLog(tmp_path, (1, 2, 3)) as log, pytest.raises(GameError, match="of 2 seeds, and 3 are logged"):
        log.add(evaluation(10))


def test_a_folder_that_cannot_be_written_is_a_typed_error(tmp_path):
    pytest.importorskip("tensorboard")
    (tmp_path / "file").write_text("")
    with pytest.raises(SavingFailed, match=r"cannot be written to .*file.*give another folder"):
        TensorBoardLog(tmp_path / "file", (0,))


def test_a_disk_that_is_full_in_the_middle_of_a_run_is_a_typed_error(tmp_path, monkeypatch):
    pytest.importorskip("tensorboard")
    from torch.utils.tensorboard import SummaryWriter

    def full(self):
        raise OSError(28, "No space left on device")

    with TensorBoardLog(tmp_path, (4, 7)) as log:
        log.add(evaluation(10))
        monkeypatch.setattr(SummaryWriter, "flush", full)
        with pytest.raises(SavingFailed, match="No space left on device"):
            log.add(evaluation(20))


def test_without_tensorboard_the_error_says_what_to_type(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(MissingDependency, match=r'needs tensorboard: pip install "marlgt\[tensorboard\]"'):
        TensorBoardLog(tmp_path, (0,))

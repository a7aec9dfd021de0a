"""Checkpoints: what was written comes back bit for bit, and no file, whatever it holds, does more than fail."""

import errno
import json
import os
import pickle
import resource
import signal
import struct
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from marlgt.deep.runs.checkpoints import read_checkpoint, require_same, write_checkpoint
from marlgt.errors import GameError, SavingFailed, UnreadableFile

TENSORS = {
    "weight": torch.arange(24, dtype=torch.float32).reshape(2, 3, 4) / 7,
    "steps": torch.tensor(7, dtype=torch.int64),
    "random": torch.Generator().manual_seed(3).get_state(),
    "ends": torch.tensor([True, False, True]),
    "double": torch.tensor([1 / 3, float("nan"), -float("inf")], dtype=torch.float64),
    "half": torch.tensor([1.5], dtype=torch.bfloat16),
    "nothing": torch.empty(0, 5),
}
FACTS = {"step": 10**17 + 1, "third": 1 / 3, "note": 'é\n"quoted"', "nested": {"list": [1, None, True]}}


def same_bits(one, other):
    return (
        one.shape == other.shape
        and one.dtype == other.dtype
        and one.reshape(-1).view(torch.uint8).equal(other.reshape(-1).view(torch.uint8))
    )


def written(path):
    write_checkpoint(path, TENSORS, FACTS)
    return path


def with_header(path, header, data=b"", length=None):
    packed = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(packed) if length is None else length) + packed + data)
    return path


def test_tensors_and_facts_come_back_bit_for_bit(tmp_path):
    tensors, facts = read_checkpoint(written(tmp_path / "checkpoint.safetensors"))
    assert facts == FACTS
    assert set(tensors) == set(TENSORS)
    assert all(same_bits(tensors[name], TENSORS[name]) for name in TENSORS)
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint.safetensors"]


def test_the_file_is_one_that_the_safetensors_package_reads_alike(tmp_path):
    found = load_file(written(tmp_path / "checkpoint.safetensors"))
    assert all(same_bits(found[name], TENSORS[name]) for name in TENSORS)


def test_every_tensor_begins_where_its_numbers_are_aligned(tmp_path):
    raw = written(tmp_path / "c").read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + length])
    assert length % 8 == 0
    for name, tensor in TENSORS.items():
        assert header[name]["data_offsets"][0] % tensor.element_size() == 0


def test_a_view_is_written_in_its_own_order_and_takes_its_own_room_only(tmp_path):
    whole = torch.arange(100_000, dtype=torch.float32).reshape(100, 1000)
    view = whole.T[::100, 3:5]
    write_checkpoint(tmp_path / "c", {"view": view, "grown": torch.nn.Parameter(view)}, {})
    assert (tmp_path / "c").stat().st_size < 1000
    tensors, _ = read_checkpoint(tmp_path / "c")
    assert tensors["view"].equal(view)
    assert tensors["grown"].equal(view)
    assert not tensors["grown"].requires_grad


def test_what_was_read_does_not_change_with_the_file(tmp_path):
    path = written(tmp_path / "c")
    tensors, _ = read_checkpoint(path)
    before = path.read_bytes()
    tensors["weight"] += 1
    assert path.read_bytes() == before
    path.write_bytes(bytes(len(before)))
    assert tensors["weight"].equal(TENSORS["weight"] + 1)


def test_numbers_that_json_has_no_name_for_become_null_in_the_facts(tmp_path):
    write_checkpoint(tmp_path / "c", {}, {"best": float("nan"), "list": (float("inf"), 1.0)})
    assert read_checkpoint(tmp_path / "c") == ({}, {"best": None, "list": [None, 1.0]})


def test_a_full_disk_leaves_the_earlier_checkpoint_and_nothing_beside_it(tmp_path, monkeypatch):
    path = written(tmp_path / "c")
    before = path.read_bytes()

    class Full:
        def __init__(self, file):
            self.file, self.calls = file, 0

        def write(self, data):
            self.calls += 1
            if self.calls == 3:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return self.file.write(data)

        def __getattr__(self, name):
            return getattr(self.file, name)

        def __enter__(self):
            return self

        def __exit__(self, *error):
            self.file.close()

    plain = Path.open
    monkeypatch.setattr(Path, "open", lambda self, mode="r", *rest: Full(plain(self, mode, *rest)))
    with pytest.raises(SavingFailed, match=r"cannot be written: No space left on device.*make room"):
        write_checkpoint(path, {"weight": torch.zeros(9)}, {})
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["c"]


def test_a_file_that_the_system_will_not_let_grow_is_a_typed_error_too(tmp_path):
    def small_files():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    path = written(tmp_path / "c")
    before = path.read_bytes()
    code = f"""if True:
        import torch
        from marlgt.deep.runs.checkpoints import write_checkpoint
        from marlgt.errors import SavingFailed
        try:
            write_checkpoint({str(path)!r}, {{"large": torch.zeros(100_000)}}, {{}})
        except SavingFailed as error:
            print("refused:", error)
    """
    answer = subprocess.run(
        [sys.executable, "-B", "-c", code], preexec_fn=small_files, capture_output=True, text=True, check=True
    )
    assert "refused:" in answer.stdout
    assert "File too large" in answer.stdout
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["c"]


@pytest.mark.parametrize("write", [lambda value, path: path.write_bytes(pickle.dumps(value)), torch.save])
def test_a_planted_pickle_never_runs(tmp_path, harmful, write):
    path, harmed = tmp_path / "checkpoint.safetensors", tmp_path / "harmed"
    write({"weight": torch.zeros(3), "trap": harmful(harmed)}, path)
    with pytest.raises(UnreadableFile, match="damaged, cut short, or no checkpoint"):
        read_checkpoint(path)
    assert not harmed.exists()
    # The trap itself is a working one.
    with path.open("rb") as file:
        torch.load(file, weights_only=False) if write is torch.save else pickle.load(file)
    assert harmed.exists()


def test_a_file_cut_short_anywhere_is_refused(tmp_path):
    whole = written(tmp_path / "c").read_bytes()
    for length in range(0, len(whole), 7):
        (tmp_path / "c").write_bytes(whole[:length])
        with pytest.raises(UnreadableFile, match="cut short"):
            read_checkpoint(tmp_path / "c")


def test_a_header_of_any_wrong_byte_is_refused_or_read_in_full(tmp_path):
    whole = written(tmp_path / "c").read_bytes()
    (length,) = struct.unpack("<Q", whole[:8])
    for place in range(0, 8 + length, 3):
        (tmp_path / "c").write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        try:
            tensors, facts = read_checkpoint(tmp_path / "c")
        except UnreadableFile as error:
            assert "\n" not in str(error)  # noqa: PT017
        else:
            assert sum(t.numel() for t in tensors.values()) == sum(t.numel() for t in TENSORS.values())
            assert isinstance(facts, dict)


ONE = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
TOLD = {"schema": "marlgt.checkpoint", "version": "1", "facts": "{}"}


@pytest.mark.parametrize(
    ("header", "data", "length"),
    [
        ({"a": ONE, "__metadata__": TOLD}, b"1234567", None),
        ({"a": ONE, "__metadata__": TOLD}, b"123456789", None),
        ({"a": {**ONE, "shape": [2**40]}, "__metadata__": TOLD}, b"12345678", None),
        ({"a": {**ONE, "shape": [2**40], "data_offsets": [0, 2**42]}, "__metadata__": TOLD}, b"12345678", None),
        ({"a": {**ONE, "shape": [2**62, 2**62]}, "__metadata__": TOLD}, b"12345678", None),
        ({"a": {**ONE, "shape": [-2]}, "__metadata__": TOLD}, b"12345678", None),
        ({"a": {**ONE, "dtype": "F31"}, "__metadata__": TOLD}, b"12345678", None),
        ({"a": ONE, "b": ONE, "__metadata__": TOLD}, b"12345678", None),
        ({"__metadata__": TOLD}, b"", 2**63),
        ({"__metadata__": TOLD}, b"", 10**9),
        ({"__metadata__": {**TOLD, "facts": "[" * 100_000}}, b"", None),
        ({"__metadata__": {**TOLD, "facts": "[1]"}}, b"", None),
        ({"__metadata__": {**TOLD, "facts": "{"}}, b"", None),
        ({"__metadata__": {**TOLD, "facts": "9" * 10_000}}, b"", None),
        ({"__metadata__": {"schema": "marlgt.checkpoint", "version": "1"}}, b"", None),
        (b'{"a":', b"", None),
        (b"\xff\xfe", b"", None),
        (b"[1]", b"", None),
    ],
)
def test_a_hostile_header_is_refused_in_one_sentence(tmp_path, header, data, length):
    with pytest.raises(UnreadableFile, match="damaged, cut short, or no checkpoint") as caught:
        read_checkpoint(with_header(tmp_path / "c", header, data, length))
    assert "\n" not in str(caught.value)


def test_a_truth_value_that_is_neither_0_nor_1_is_read_as_true(tmp_path):
    header = {"a": {"dtype": "BOOL", "shape": [3], "data_offsets": [0, 3]}, "__metadata__": TOLD}
    tensors, _ = read_checkpoint(with_header(tmp_path / "c", header, b"\0\1\7"))
    assert tensors["a"].view(torch.uint8).tolist() == [0, 1, 1]


def test_other_files_and_other_versions_are_told_apart(tmp_path):
    save_file({"weight": torch.zeros(2)}, tmp_path / "c")
    with pytest.raises(UnreadableFile, match="no checkpoint of marlgt"):
        read_checkpoint(tmp_path / "c")
    with pytest.raises(UnreadableFile, match="version '2', and this marlgt reads version 1"):
        read_checkpoint(with_header(tmp_path / "c", {"__metadata__": {**TOLD, "version": "2"}}))
    for missing in (tmp_path / "nothing", tmp_path):
        with pytest.raises(UnreadableFile, match="there is no file"):
            read_checkpoint(missing)


def test_a_checkpoint_of_another_architecture_names_the_first_tensor_that_differs():
    own = {"a": torch.zeros(2), "b": torch.zeros(4, 3, device="meta")}
    require_same(own, {"a": torch.ones(2), "b": torch.ones(4, 3)})
    with pytest.raises(GameError, match=r"'b' is \(4, 5\) of float32, and \(4, 3\) of float32 was expected"):
        require_same(own, {"a": torch.ones(2), "b": torch.ones(4, 5)})
    with pytest.raises(GameError, match=r"'a' is \(2,\) of float64, and \(2,\) of float32"):
        require_same(own, {"a": torch.ones(2, dtype=torch.float64), "b": torch.ones(4, 5)})
    with pytest.raises(GameError, match=r"no tensor 'b' \(4, 3\)"):
        require_same(own, {"a": torch.ones(2)})
    with pytest.raises(GameError, match=r"'c' \(1,\) of float32 has no place"):
        require_same(own, {"a": torch.ones(2), "b": torch.ones(4, 3), "c": torch.ones(1)})


@pytest.mark.parametrize(
    ("tensors", "facts", "match"),
    [
        ({"a": torch.zeros(2, dtype=torch.complex64)}, {}, "complex64"),
        ({"a": torch.eye(2).to_sparse()}, {}, "sparse"),
        ({"a": torch.zeros(2, device="meta")}, {}, "meta"),
        ({"a": [1.0]}, {}, "is a list: give a tensor"),
        ({3: torch.zeros(1)}, {}, "has the name 3"),
        ({"__metadata__": torch.zeros(1)}, {}, "give a text other than"),
        ({}, {"a": object()}, "facts of a checkpoint holds <object"),
        ({}, {1: 2}, "has the key 1"),
    ],
)
def test_what_a_checkpoint_cannot_hold_is_refused_before_anything_is_written(tmp_path, tensors, facts, match):
    with pytest.raises(GameError, match=match):
        write_checkpoint(tmp_path / "c", tensors, facts)
    assert not list(tmp_path.iterdir())
    with pytest.raises(GameError, match="there is no folder"):
        write_checkpoint(tmp_path / "nowhere" / "c", {}, {})

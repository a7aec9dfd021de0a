"""Files that are whole or not there, whenever the process that writes them is killed."""

import os
import stat
import subprocess
import sys

import pytest

from marlgt.errors import GameError, SavingFailed
from marlgt.whole_files import remove_leftovers, write_whole

KILLED = """if True:
    import os
    import signal
    import sys
    from pathlib import Path
    from marlgt.whole_files import write_whole

    path, moment = sys.argv[1:]

    def killed(*arguments):
        os.kill(os.getpid(), signal.SIGKILL)

    def fill(file):
        file.write(b"new" * 100_000)
        if moment == "writing":
            killed()

    if moment == "syncing":
        os.fsync = killed
    if moment == "moving":
        Path.replace = killed
    if moment == "moved":
        os.open = killed
    write_whole(path, fill)
"""


@pytest.mark.parametrize(
    ("moment", "left"),
    [("writing", b"old"), ("syncing", b"old"), ("moving", b"old"), ("moved", b"new" * 100_000)],
)
def test_a_process_killed_at_any_moment_leaves_the_old_file_or_the_new_one(tmp_path, moment, left):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    answer = subprocess.run([sys.executable, "-B", "-c", KILLED, str(path), moment], check=False)
    assert answer.returncode == -9
    assert path.read_bytes() == left
    others = [tmp_path / name for name in (".file.backup", ".other.01234567", "file.01234567")]
    for other in others:
        other.write_bytes(b"")
    remove_leftovers(path)
    write_whole(path, lambda file: file.write(b"again"))
    assert path.read_bytes() == b"again"
    assert set(tmp_path.iterdir()) == {path, *others}


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_what_interrupts_the_writing_passes_and_leaves_nothing_beside(tmp_path, error):
    def fill(file):
        file.write(b"half")
        raise error

    with pytest.raises(error):
        write_whole(tmp_path / "file", fill)
    assert not list(tmp_path.iterdir())


def test_a_new_file_has_the_permissions_of_any_other(tmp_path):
    (tmp_path / "plain").write_bytes(b"")
    write_whole(tmp_path / "whole", lambda file: file.write(b""))
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("plain", "whole")}
    assert len(modes) == 1


def test_what_names_no_file_is_refused_and_left_alone(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(GameError, match="no file that could be written over"):
            write_whole(path, lambda file: None)
    with pytest.raises(GameError, match="there is no folder"):
        write_whole(tmp_path / "nowhere" / "file", lambda file: None)
    with pytest.raises(SavingFailed, match=r"cannot be written: File name too long.*save again"):
        write_whole(tmp_path / ("x" * 300), lambda file: None)
    assert [p.name for p in tmp_path.iterdir()] == ["pipe"]

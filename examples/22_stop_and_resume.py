"""A run is interrupted in the middle and resumed: what comes out is what comes out undisturbed, bit for bit."""

import json
import os
import signal
import threading
import time
from pathlib import Path

import torch

from marlgt.deep import VDN, load_run, resume, train

algorithm = VDN(lr=1e-3, learning_starts=128, epsilon_steps=1000, prioritised=True)
plan = {"steps": 1600, "seeds": (3, 5), "episodes": 5, "evaluate_every": 400, "checkpoint_every": 200}
task = "Foraging-5x5-2p-1f-v3"


def weights(run):
    return torch.cat([parameter.detach().flatten() for parameter in run.module.parameters()])


def interrupt(folder):
    """Send what Ctrl-C sends, once the run has come a part of its way."""
    record = Path(folder) / "run.json"
    while not record.exists() or json.loads(record.read_text())["steps_done"] < 400:
        time.sleep(0.002)
    os.kill(os.getpid(), signal.SIGINT)


whole = train(algorithm, task, folder="whole", **plan)

threading.Thread(target=interrupt, args=("stopped",), daemon=True).start()
try:
    train(algorithm, task, folder="stopped", **plan)
except KeyboardInterrupt:
    record = load_run("stopped").record
    print(f"{record.status} after {record.steps_done} of {record.steps} steps: {record.reason}")
print("kept:", sorted(path.name for path in Path("stopped").iterdir()))

# A process that is killed outright goes on from its last checkpoint in the same way.
resumed = resume("stopped")
print(f"resumed, and {resumed.record.status} after {resumed.record.steps_done} steps")
print("the same weights:", torch.equal(weights(whole), weights(resumed)))
print("the same curve:", bool((whole.curve.returns == resumed.curve.returns).all()))

"""The doctor: is the installation whole, and does the compiled gear work here?"""

from __future__ import annotations

import importlib.metadata
import json
import platform
import time
from typing import Any, TextIO

__all__ = ["examine"]

REQUIRED = ("numpy", "scipy", "highspy", "numba", "rich", "tyro")
OPTIONAL = {
    "matplotlib": "plot",
    "open_spiel": "games",
    "nashpy": "games",
    "gymnasium": "drones",
    "pettingzoo": "drones",
    "pybullet": "drones",
    "imageio": "drones",
    "torch": "deep",
    "hypothesis": "testing",
}


def examine(*, as_json: bool, stream: TextIO) -> int:
    """Check versions and try each gear on a small game; return 0 if all that is required works."""
    checks = [*_versions(), _try("the interpreted gear", "plain"), _try("the compiled gear", "compiled"), _highs()]
    if as_json:
        document = {"format": "marlgt.doctor", "version": 1, "checks": checks}
        print(json.dumps(document, indent=1), file=stream)
    else:
        for check in checks:
            mark = {"ok": "ok     ", "absent": "absent ", "failed": "FAILED "}[check["status"]]
            print(f"{mark} {check['what']}: {check['detail']}", file=stream)
    return 0 if all(check["status"] != "failed" for check in checks) else 5


def _versions() -> list[dict[str, Any]]:
    from marlgt import __version__

    checks = [
        _check("marlgt", "ok", __version__),
        _check("python", "ok", f"{platform.python_version()} on {platform.system()} {platform.machine()}"),
    ]
    for name in REQUIRED:
        checks.append(_version(name, "failed", f"not installed: pip install {name}"))
    for name, extra in OPTIONAL.items():
        checks.append(_version(name, "absent", f'optional: pip install "marlgt[{extra}]"'))
    return checks


def _version(name: str, otherwise: str, remedy: str) -> dict[str, Any]:
    try:
        return _check(name, "ok", importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return _check(name, otherwise, remedy)


def _try(what: str, gear_name: str) -> dict[str, Any]:
    """Project a point onto the simplex in one gear."""
    import numpy as np

    from marlgt.dynamics.projections import write_projection
    from marlgt.kernels import compiled

    started = time.perf_counter()
    try:
        project = write_projection if gear_name == "plain" else compiled(write_projection)
        project(np.array([0.5, 0.8, -0.2]))
    except Exception as error:  # whatever goes wrong inside the compiler is what a doctor reports
        return _check(what, "failed", f"{type(error).__name__}: {error}")
    return _check(what, "ok", f"first call took {time.perf_counter() - started:.2f} s")


def _highs() -> dict[str, Any]:
    """Solve a linear program of one variable."""
    from marlgt.linear_programs import solve_linear_program

    try:
        result = solve_linear_program([1.0], matrix=[[1.0]], row_lower=[-1.0], row_upper=[2.0], maximize=True)
    except Exception as error:  # as above
        return _check("linear programs (HiGHS)", "failed", f"{type(error).__name__}: {error}")
    if abs(result.objective - 2.0) > 1e-9:
        return _check("linear programs (HiGHS)", "failed", f"max x, x <= 2, gave {result.objective}")
    return _check("linear programs (HiGHS)", "ok", "solves")


def _check(what: str, status: str, detail: str) -> dict[str, Any]:
    return {"what": what, "status": status, "detail": detail}

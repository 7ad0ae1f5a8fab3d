"""Choice of the gkm-SVM engine."""

from __future__ import annotations

from collections.abc import Sequence

from skdeepprune.baselines._gkm_interface import Codes, GkmEngine, GkmSettings
from skdeepprune.baselines._gkmsvm_lite import GkmsvmLite
from skdeepprune.baselines._lsgkm import LsGkm

_INSTALLATION = (
    "gkm-SVM needs the package gkmsvm-lite (pip install skdeepprune[baselines]), or LS-GKM's programs gkmtrain and"
    " gkmpredict on the PATH"
)
_BY_NAME: dict[str, GkmEngine] = {engine.name: engine for engine in (LsGkm(), GkmsvmLite())}
# In the order tried by "auto".
ENGINES = list(_BY_NAME)


def choose_engine(names: Sequence[str], settings: GkmSettings, codes: Codes) -> GkmEngine:
    """Return the first engine that is installed and supports the settings and sequences.

    Raises
    ------
    ImportError
        If none of them is installed.
    ValueError
        If none of the installed engines does. The message says why.
    """
    installed = [engine for engine in map(_BY_NAME.__getitem__, names) if engine.is_installed()]
    if not installed:
        raise ImportError(f"engine={' or '.join(map(repr, names))} is not installed. {_INSTALLATION}.")
    obstacles = [engine.obstacle(settings, codes) for engine in installed]
    for engine, obstacle in zip(installed, obstacles, strict=True):
        if obstacle is None:
            return engine
    reasons = "; ".join(
        f"{engine.name} cannot be used: {why}" for engine, why in zip(installed, obstacles, strict=True)
    )
    absent = [name for name in ENGINES if not _BY_NAME[name].is_installed()]
    missing = f" {' and '.join(absent)} is not installed. {_INSTALLATION}." if absent else ""
    raise ValueError(f"{reasons}.{missing}")

"""What it takes to import the library and to start the server, and what must not be loaded."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.figure import Figure
from tests.bench.store.servers import Server, started_ours
from tests.integration.bed import ROOT

_TRIES = 5
_IMPORT = "import atlas; atlas.Atlas"


def measure_startup() -> list[Figure]:
    """Processor time of an interpreter that imports everything; seconds until a server answers."""
    imports_s = [_import_cpu_s() for _ in range(_TRIES)]
    ready_s = [_ready_s() for _ in range(_TRIES)]
    return [
        Figure("import atlas, p50", statistics.median(imports_s), "CPU-s", 0.5, note=_IMPORT),
        Figure("import atlas, best", min(imports_s), "CPU-s", 0.5),
        Figure("server ready, p50", statistics.median(ready_s), "s", 2.5),
        Figure("server ready, best", min(ready_s), "s", 2.5),
    ]


def statistics_loaded(server: Server) -> Figure:
    """Libraries of `scipy.stats` that a server has loaded; they cost it memory for nothing."""
    loaded = server.maps("scipy/stats/")
    note = Path(loaded[0]).name if loaded else ""
    return Figure("libraries of scipy.stats in the server", len(loaded), "files", 0.5, note=note)


def _import_cpu_s() -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", _IMPORT], cwd=ROOT, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _ready_s() -> float:
    with tempfile.TemporaryDirectory() as folder, started_ours(Path(folder)) as server:
        return server.ready_s

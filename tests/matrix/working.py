"""Several beds at once, each in a process of its own: the observer looks at that one's children."""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

from tests.integration.bed import ROOT, Bed, made_bed
from tests.integration.observer.kernel import keep_mounts_to_ourselves
from tests.matrix.cells import TWO_REGIONS, cell_named
from tests.matrix.results import Result, commit, keep, sources_version
from tests.matrix.soaking import kill_named
from tests.matrix.trying import calm, kill_at, try_cell


def hand_out(names: Sequence[str], path: Path, beds: int) -> None:
    """Have the cells tried, each by the next process that is free; results go to the file."""
    todo: queue.SimpleQueue[str] = queue.SimpleQueue()
    for name in names:
        todo.put(name)
    lock = threading.Lock()

    def serve() -> None:
        program = [sys.executable, "-m", "tests.matrix", "--worker"]
        with subprocess.Popen(
            program, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as worker:
            assert worker.stdin is not None
            assert worker.stdout is not None
            with suppress(queue.Empty):
                while worker.poll() is None:
                    print(todo.get_nowait(), file=worker.stdin, flush=True)
                    if not (line := worker.stdout.readline()):
                        break
                    with lock:
                        _tell(Result(**json.loads(line)), path, todo.qsize())
            worker.stdin.close()

    threads = [threading.Thread(target=serve) for _ in range(min(beds, len(names)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _tell(result: Result, path: Path, left: int) -> None:
    keep(path, result)
    mark = "ok " if result.is_clean else "BAD"
    print(
        f"{mark} {result.cell}: {result.clean_s} s, exit {result.code}, in {result.hit}"
        f" {'; '.join(result.left)} ({left} to go)",
        flush=True,
    )


def work(names: TextIO, answers: TextIO) -> int:
    """Try one cell after the other on a small platform, which is made anew after any residue.

    A cell that needs another region has a platform of the normal size.
    """
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup's children would be deaf to it
    if os.geteuid() == 0:
        keep_mounts_to_ourselves()
    with ExitStack() as stack:
        bed, size = None, ""
        for line in names:
            wanted = "normal" if line.strip().endswith(TWO_REGIONS) else "small"
            if bed is None or size != wanted:
                stack.close()
                bed, size = stack.enter_context(made_bed()), wanted
                bed.up("--size", size)
            result = _tried(bed, line.strip())
            print(json.dumps(asdict(result), ensure_ascii=False), file=answers, flush=True)
            if result.left:
                stack.close()
                bed = None
            else:
                calm(bed)
                shutil.rmtree(bed.state / "runs", ignore_errors=True)
    return 0


def _tried(bed: Bed, name: str) -> Result:
    """The result; a harness that fails counts as residue, and says how."""
    try:
        if name.startswith("soak"):
            kill = kill_named(name)
            result = kill_at(bed, kill.fault, kill.phase, kill.after_s)
            result.cell = name
            return result
        return try_cell(bed, cell_named(name))
    except Exception as error:  # noqa: BLE001 - one cell must not end the table
        text = f"{type(error).__name__}: {error}"
        return Result(name, sources_version(), commit(), left=[text])

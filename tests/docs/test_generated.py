"""The generated pages are what the program would write now."""

from __future__ import annotations

import subprocess
import sys


def test_generated_pages_are_current(root):
    done = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr

"""The generated pages are what the program would write now."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from atlas.settings import Settings
from atlas.settings_file import read_settings


@pytest.mark.integration
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


def test_example_of_a_settings_file_can_be_read(root, tmp_path):
    page = (root / "docs/atlas-server.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```yaml\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    file = tmp_path / "server.yaml"
    file.write_text(example, encoding="utf-8")
    assert read_settings(file) != Settings()

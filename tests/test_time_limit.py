"""The limit that every test runs under is held."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

SLOW = """
import time
import pytest

@pytest.fixture
def slow():
    time.sleep(30)

def test_that_is_slow():
    time.sleep(30)

def test_that_is_slow_to_set_up(slow):
    pass

def test_that_is_quick():
    time.sleep(0.1)
"""


def test_a_slow_test_fails_and_the_next_goes_on(tmp_path):
    (tmp_path / "test_slow.py").write_text(SLOW)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "time_limit", "-q", str(tmp_path)],
        cwd=tmp_path,
        env=os.environ | {"TEST_LIMIT": "1", "PYTHONPATH": str(Path(__file__).parent)},
        capture_output=True,
        text=True,
    )
    assert "1 passed" in done.stdout
    assert "test_that_is_slow took more than 1 s" in done.stdout
    assert "test_that_is_slow_to_set_up took more than 1 s" in done.stdout

"""No test takes more than a minute: one that does fails, and the others go on.

The alarm of the system does it, so that nothing has to be installed; where a system
has none (Windows), there is no limit. Each of setting up and calling counts alone.
"""

import contextlib
import os
import signal
import threading

import pytest

#: Seconds. A machine that does much else at once may need more.
LIMIT = float(os.environ.get("TEST_LIMIT", "60"))


@contextlib.contextmanager
def _limit(item):
    here = threading.current_thread() is threading.main_thread()
    if not (here and hasattr(signal, "setitimer")):
        yield
        return

    def stop(number, frame):
        pytest.fail(f"{item.nodeid} took more than {LIMIT:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, LIMIT)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item):
    with _limit(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    with _limit(item):
        return (yield)

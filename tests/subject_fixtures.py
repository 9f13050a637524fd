"""Fixtures of the models that tests look into, each built once."""

import functools

import pytest
from subjects import SUBJECTS


@functools.cache
def _built(name):
    return SUBJECTS[name].build()


#: These take long to compile.
LARGE = ("resnet18", "mobilenet_v2", "keras_hub")


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(name, marks=pytest.mark.once if name in LARGE else ())
        for name in SUBJECTS
    ],
)
def large_once(request):
    """As `subject`, where a test runs long: the large ones on one backend alone."""
    return request.param, _built(request.param), SUBJECTS[request.param]


@pytest.fixture(scope="module", params=SUBJECTS)
def subject(request):
    """Each of the seven: its name, the model, and its `Subject`.

    Building takes longer than most tests, so that all share the models and leave
    them as they are; `SUBJECTS[name].build()` gives one to change.
    """
    return request.param, _built(request.param), SUBJECTS[request.param]

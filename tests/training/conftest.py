"""What several tests of training take."""

import pytest
from small_training import few_digits


@pytest.fixture(scope="module")
def digits():
    """Images of digits for a training of seconds."""
    return few_digits()

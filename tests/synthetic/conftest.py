"""The made-up skin and the sample portrait, made once."""

import numpy as np
import numpy.typing as npt
import pytest

from skinprogress.synthetic.portrait import Portrait, make_portrait
from skinprogress.synthetic.sample_client import SEED


@pytest.fixture(scope="session")
def portrait() -> Portrait:
    """The sample client's untreated skin."""
    return make_portrait(SEED)


@pytest.fixture
def skin_patch() -> npt.NDArray[np.float32]:
    """A flat patch of skin with grain, 180 × 240 px, linear."""
    rng = np.random.default_rng(3)
    grain = np.exp(0.05 * rng.standard_normal((180, 240, 1)))
    return (np.array([0.50, 0.29, 0.20]) * grain).astype(np.float32)

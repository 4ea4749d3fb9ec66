import pytest

from keras_bp.optics import FiberLink, simulate


@pytest.fixture(scope="session")
def short_link():
    """Three spans with power enough for the Kerr effect to dominate."""
    return FiberLink.isit(num_spans=3, launch_power=4.0, gamma=2.0)


@pytest.fixture(scope="session")
def blocks(short_link):
    """Samples and symbols of that link."""
    return simulate(short_link, 40, 64, seed=0)


@pytest.fixture(scope="session")
def dual_link():
    return FiberLink.isit(
        num_spans=3, launch_power=7.0, gamma=2.0, polarizations=2
    )


@pytest.fixture(scope="session")
def dual_blocks(dual_link):
    return simulate(dual_link, 40, 64, seed=0)

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import pytest

if os.environ.get("KERAS_BACKEND", "tensorflow") == "tensorflow":
    import tensorflow as tf

    # Two logical devices, before TensorFlow starts: tests of tf.distribute
    # run two replicas on one machine.
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0],
        [tf.config.LogicalDeviceConfiguration()] * 2,
    )
    tf.config.threading.set_intra_op_parallelism_threads(1)

    # Deleting an iterator waits for the thread that tunes its pipeline, which
    # sleeps for longer and longer, up to a minute: a test that happens to
    # delete an old one would stand still.
    _begin = tf.data.Dataset.__iter__

    def _without_tuning(dataset):
        options = tf.data.Options()
        options.autotune.enabled = False
        return _begin(dataset.with_options(options))

    tf.data.Dataset.__iter__ = _without_tuning
    collect_ignore = ["conformance/test_other_backends.py"]
else:
    # What needs TensorFlow is to fail, also where it is installed.
    sys.modules["tensorflow"] = None

import keras

MODES = ("eager", "graph", "xla")

# Set by `make hardware`: what it installs must not be missing.
_NO_SKIPS = bool(os.environ.get("KERAS_BP_NO_SKIPS"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport():
    outcome = yield
    _fail_skipped(outcome.get_result())


@pytest.hookimpl(hookwrapper=True)
def pytest_make_collect_report():
    outcome = yield
    _fail_skipped(outcome.get_result())


def _fail_skipped(report):
    """Data sets are not installed, nor is another processor."""
    reason = str(report.longrepr)
    excused = "KERAS_BP_DATA" in reason or "needs a processor" in reason
    if _NO_SKIPS and report.skipped and not excused:
        report.outcome = "failed"
        report.longrepr = f"make hardware expects no skips. Received: {reason}"


@pytest.fixture(autouse=True)
def same_numbers_in_any_order(request):
    """Weights and a module's RNG start anew with each test."""
    keras.utils.set_random_seed(0)
    if hasattr(request.module, "RNG"):
        request.module.RNG = np.random.default_rng(0)


@pytest.fixture(params=MODES)
def compiled(request):
    """A function that compiles another: as it is, as a graph, or by XLA."""
    if request.param == "eager":
        return lambda function: function
    return lambda function: tf.function(
        function, jit_compile=request.param == "xla"
    )


@pytest.fixture
def value_and_gradient():
    """A function that returns y = f(x) and the gradient for `upstream`."""

    def run(function, x, upstream=None):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = function(x)
        return y, tape.gradient(y, x, output_gradients=upstream)

    return run


@pytest.fixture(scope="session")
def two_replicas():
    """One strategy for all: a second one meets the collectives of the first."""
    devices = [device.name for device in tf.config.list_logical_devices("CPU")]
    assert len(devices) == 2
    return tf.distribute.MirroredStrategy(
        devices, cross_device_ops=tf.distribute.ReductionToOneDevice()
    )

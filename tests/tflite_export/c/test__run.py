import numpy as np
import pytest

from tflite_export import Stream, c, vectors
from tflite_export.tools._process import MissingToolError

COMPILERS = ["gcc", "clang", "arm"]


def test_the_compilers_are_those_of_the_host_and_arm():
    assert list(c.COMPILERS) == COMPILERS


@pytest.mark.hardware
@pytest.mark.parametrize("compiler", COMPILERS)
def test_a_chain_and_its_header_give_the_stream_of_each_signal(
    need, fir_chain, compiler
):
    need(compiler)
    chain = fir_chain(5, padding="circular")
    signal = vectors.draw(chain, "full_scale", 50, batch=2)
    expected = Stream(chain, batch=2).process(signal)
    for given in (chain, c.to_header(chain, "named")):
        found = c.run(given, signal, compiler, blocks=(1, 9))
        assert found.dtype == "int64"
        np.testing.assert_array_equal(found, expected)
    found = c.run(chain, signal, compiler, whole=True)
    np.testing.assert_array_equal(found, chain.run(signal))


@pytest.mark.hardware
def test_signals_of_no_sample_and_of_no_output_are_empty(need, fir_chain):
    need("gcc")
    chain = fir_chain(5, strides=4)
    found = c.run(chain, np.zeros((2, 0, 2), "int64"))
    assert found.shape == (2, 0, 2)
    assert c.run(chain, np.zeros((0, 7, 2), "int64")).shape == (0, 0, 2)
    # One output, then none from the next three samples.
    signal = np.ones((1, 4, 2), "int64")
    assert c.run(chain, signal, blocks=(1,)).shape == (1, 1, 2)


def test_wrong_arguments_are_refused(fir_chain):
    chain = fir_chain()
    signal = np.zeros((1, 4, 2), "int64")
    for given, settings, message in (
        (signal[0], {}, r"shape \(batch, time, 2\)"),
        (signal + 512, {}, "`signal` from -512 to 511"),
        (signal, {"compiler": "msvc"}, "`compiler` to be one of"),
        (signal, {"blocks": (4, 0)}, "`blocks` to be 1 or greater"),
    ):
        with pytest.raises(ValueError, match=message):
            c.run(chain, given, **settings)
    with pytest.raises(TypeError, match="`signal` to hold integers"):
        c.run(chain, signal * 0.5)
    with pytest.raises(ValueError, match="a header that `c.to_header` made"):
        c.run("int x;", signal)
    with pytest.raises(ValueError, match="`blocks` of one number or more"):
        c.run(chain, signal, blocks=())
    header = c.to_header(chain)
    with pytest.raises(ValueError, match="'filter' twice"):
        c.run_many([(header, signal), (header, signal)])


def test_signals_of_a_header_are_checked_as_those_of_a_chain(fir_chain):
    header = c.to_header(fir_chain())
    signal = np.zeros((1, 4, 2), "int64")
    for given, message in (
        (signal[0], r"shape \(batch, time, 2\)"),
        (signal[..., :1], r"shape \(batch, time, 2\).*\(1, 4, 1\)"),
        (signal + 512, "`signal` from -512 to 511"),
    ):
        with pytest.raises(ValueError, match=message):
            c.run(header, given)
    with pytest.raises(ValueError, match="a header that `c.to_header` made"):
        c.run(header.replace("_INPUT_MAX (", "_INPUT_TOP ("), signal)


@pytest.mark.parametrize(
    ("compiler", "package"),
    [
        ("gcc", "gcc"),
        ("clang", "clang"),
        ("arm", "gcc-arm-none-eabi libnewlib-arm-none-eabi"),
    ],
)
def test_a_missing_compiler_is_named_with_its_package(
    fir_chain, monkeypatch, tmp_path, compiler, package
):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingToolError, match=f"apt-get install {package}`"):
        c.run(fir_chain(), np.zeros((1, 4, 2), "int64"), compiler)


@pytest.mark.hardware
def test_what_the_compiler_refuses_is_told(need, fir_chain):
    need("gcc")
    header = c.to_header(fir_chain()).replace("memset(", "clear(")
    with pytest.raises(RuntimeError, match="implicit declaration"):
        c.run(header, np.zeros((1, 4, 2), "int64"))

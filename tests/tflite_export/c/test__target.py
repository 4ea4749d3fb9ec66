import numpy as np
import pytest

from tflite_export import c, vectors
from tflite_export.tools import host_cc


def test_the_files_and_sizes_of_a_target(fir_chain):
    chain = fir_chain(9)
    files, told = c.target_files(chain, name="edge", batch=1, time=64, block=32)
    assert sorted(files) == ["edge.h", "edge_test.c"]
    assert files["edge.h"].decode() == c.to_header(chain, "edge", block=32)
    assert told == c.describe(chain, block=32)
    assert told["state_bytes"] == 32 and told["accumulator_bits"] == [32]


@pytest.mark.hardware
@pytest.mark.parametrize("block", [1, 7, 64])
def test_the_test_program_reproduces_the_test_vectors(
    need, fir_chain, tmp_path, block
):
    need("gcc")
    chain = fir_chain(9, signals=2)
    files, _ = c.target_files(chain, name="edge", batch=1, time=64)
    known, _ = vectors.target_files(chain, name="edge", batch=1, time=30)
    sources = {name: data.decode() for name, data in files.items()}
    flags = ("-O1", f"-DEDGE_TEST_BLOCK={block}")
    program = host_cc.build(sources, tmp_path, flags=flags)
    told = host_cc.run(program, known["input.txt"].decode())
    assert told == known["output.txt"].decode()
    assert np.array_equal(
        vectors.from_text(told.encode()),
        vectors.from_text(known["output.txt"]),
    )

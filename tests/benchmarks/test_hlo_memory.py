import pytest
import tensorflow as tf

from benchmarks.hlo_memory import peak_bytes

# Two arrays of 400 bytes meet in a third one.
CHAIN = """HloModule chain, is_scheduled=true

ENTRY %main (x: f32[100]) -> f32[100] {
  %x = f32[100]{0} parameter(0)
  %a = f32[100]{0} negate(f32[100]{0} %x)
  %b = f32[100]{0} sine(f32[100]{0} %x)
  %v = f32[10,10]{1,0} bitcast(f32[100]{0} %a)
  %c = f32[100]{0} fusion(f32[10,10]{1,0} %v, f32[100]{0} %b), kind=kLoop
  ROOT %d = f32[100]{0} negate(f32[100]{0} %c)
}
"""


def test_it_is_the_sum_of_what_is_alive_at_once():
    assert peak_bytes(CHAIN) == 3 * 400
    # Without the second use of %a through its view, it ends sooner.
    shorter = CHAIN.replace("f32[10,10]{1,0} %v, ", "")
    assert peak_bytes(shorter) == 3 * 400 - 400


def test_shapes_count_by_their_types():
    wide = CHAIN.replace("f32", "c128")
    assert peak_bytes(wide) == 4 * peak_bytes(CHAIN)
    both = CHAIN.replace(
        "%b = f32[100]{0} sine", "%b = (f32[100]{0}, f64[50]{0}) sine"
    )
    assert peak_bytes(both) == peak_bytes(CHAIN) + 400


@pytest.mark.parametrize("steps", [4, 16])
def test_stored_steps_of_a_loop_show(steps):
    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x
            for _ in range(steps):
                y = tf.signal.ifft(tf.signal.fft(y * y))
            loss = tf.abs(tf.reduce_sum(y))
        return tape.gradient(loss, x)

    x = tf.ones((64, 1024), tf.complex64)
    run = tf.function(gradient, jit_compile=True)
    text = run.experimental_get_compiler_ir(x)(stage="optimized_hlo")
    each = 64 * 1024 * 8
    assert (steps - 1) * each < peak_bytes(text) < (2 * steps + 6) * each

import numpy as np
import pytest
import tensorflow as tf

from keras_bp.optics import FiberLink, reversible_split_step, split_step

RNG = np.random.default_rng(0)


def noise(*shape):
    return tf.constant(0.05 * (RNG.normal(size=(*shape, 2)) @ [1, 1j]))


def gradient(function, u, w):
    with tf.GradientTape() as tape:
        tape.watch(u)
        value = tf.reduce_sum(tf.abs(function(u) - w) ** 2)
    return tape.gradient(value, u)


@pytest.mark.parametrize("split", ["symmetric", "asymmetric"])
@pytest.mark.parametrize("polarizations", [1, 2])
def test_the_gradient_equals_automatic_differentiation(
    split, polarizations, compiled
):
    link = FiberLink(gamma=5.0, polarizations=polarizations)
    u, w = noise(2, polarizations, 64), noise(2, polarizations, 64)
    plain = gradient(lambda u: split_step(u, link, 12, split=split), u, w)
    ours = compiled(
        lambda u: gradient(
            lambda u: reversible_split_step(u, link, 12, split=split), u, w
        )
    )(u)
    scale = np.abs(plain).max()
    np.testing.assert_allclose(ours, plain, rtol=0, atol=1e-12 * scale)


def test_the_field_is_that_of_split_step():
    link, u = FiberLink(), noise(2, 1, 64)
    np.testing.assert_array_equal(
        reversible_split_step(u, link, 5, rule="constant"),
        split_step(u, link, 5, rule="constant"),
    )


def test_the_memory_does_not_grow_with_the_steps():
    link, u, w = FiberLink(), noise(4, 1, 512), noise(4, 1, 512)

    def bytes_of(function, steps):
        run = tf.function(
            lambda u: gradient(lambda u: function(u, link, steps), u, w),
            jit_compile=True,
        )
        text = run.experimental_get_compiler_ir(u)(stage="optimized_hlo")
        # Stacked fields of the loop show as one array of them.
        return f"[{steps},4,1,512]" in text

    assert bytes_of(split_step, 37)
    assert not bytes_of(reversible_split_step, 37)


def test_wrong_arguments_raise():
    with pytest.raises(ValueError, match="`split` to be one of"):
        reversible_split_step(noise(1, 1, 8), FiberLink(), 2, split="no")
    with pytest.raises(ValueError, match="`num_steps` to be 1 or greater"):
        reversible_split_step(noise(1, 1, 8), FiberLink(), 0)

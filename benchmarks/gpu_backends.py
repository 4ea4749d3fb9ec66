"""Compiles, differentiates and waits for a device, on each backend.

Each class has the same methods: `device`, its name and whether it is an
accelerator; `step`, a function to time; `copies`, functions that move a tensor
and compute next to nothing; `plain`, a compiled function of tensors; `wait`.
"""

import keras


def backend(torch_compile=False):
    """The class for the backend of Keras, as an object.

    Args:
        torch_compile: Boolean, whether PyTorch compiles what is timed.
    """
    name = keras.backend.backend()
    if name == "jax":
        return Jax()
    if name == "torch":
        return Torch(torch_compile)
    if name == "tensorflow":
        return TensorFlow()
    raise ValueError(
        "benchmarks.gpu expects the backend 'jax', 'tensorflow' or 'torch'. "
        f"Received: KERAS_BACKEND={name!r}"
    )


class Jax:
    """By `jax.jit`, with the variables of a layer as arguments."""

    mode = "jax.jit"

    def __init__(self):
        import jax

        self._jax = jax
        if not self.device()[1]:
            # There, calls that overlap would be timed as one.
            jax.config.update("jax_cpu_enable_async_dispatch", False)
        self._copies = {
            "copy": jax.jit(jax.numpy.copy),
            "negation": jax.jit(jax.numpy.negative),
        }

    def device(self):
        found = self._jax.devices()[0]
        return found.device_kind, found.platform != "cpu"

    def plain(self, function):
        return self._jax.jit(function)

    def copies(self, x):
        return {
            name: lambda copy=copy: copy(x)
            for name, copy in self._copies.items()
        }

    def step(self, layer, arguments, inputs, upstream=None):
        """Forward pass; with `upstream`, the backward pass as well.

        Args:
            layer: Built layer.
            arguments: Dictionary, further arguments of its call.
            inputs: Tensor, or list of tensors.
            upstream: Tensor of the shape of the output, its gradient, or None.

        Returns:
            Function without arguments, which returns the output, and the
            gradients of `inputs` and of the weights.
        """

        def forward(trainable, inputs, rest):
            return layer.stateless_call(trainable, rest, inputs, **arguments)

        def both(trainable, inputs, rest, upstream):
            y, pull_back, rest = self._jax.vjp(
                lambda *both: forward(*both, rest),
                trainable,
                inputs,
                has_aux=True,
            )
            return y, pull_back(upstream), rest

        values = [
            [weight.value for weight in layer.trainable_variables],
            inputs,
            [weight.value for weight in layer.non_trainable_variables],
        ]
        if upstream is None:
            run = self._jax.jit(forward)
        else:
            run = self._jax.jit(both)
            values.append(upstream)
        return lambda: run(*values)[:-1]

    def wait(self, found):
        self._jax.block_until_ready(found)


class Torch:
    """Eager, which is how most of PyTorch runs; or by `torch.compile`."""

    def __init__(self, compiled):
        import torch

        self._torch = torch
        self._compiled = compiled
        self.mode = "torch.compile" if compiled else "torch, eager"

    def device(self):
        if self._torch.cuda.is_available():
            return self._torch.cuda.get_device_name(), True
        return "cpu", False

    def plain(self, function):
        return self._torch.compile(function) if self._compiled else function

    def copies(self, x):
        return {"copy": x.clone, "negation": x.neg}

    def step(self, layer, arguments, inputs, upstream=None):
        """See `Jax.step`."""
        torch = self._torch

        def forward():
            with torch.no_grad():
                return (layer(inputs, **arguments),)

        if upstream is None:
            return self.plain(forward)
        inputs = keras.tree.map_structure(
            lambda x: x.detach().requires_grad_(), inputs
        )
        watched = [
            *keras.tree.flatten(inputs),
            *(weight.value for weight in layer.trainable_variables),
        ]

        def both():
            y = layer(inputs, **arguments)
            return y.detach(), torch.autograd.grad(
                y, watched, upstream, allow_unused=True
            )

        return self.plain(both)

    def wait(self, found):
        if self._torch.cuda.is_available():
            self._torch.cuda.synchronize()


class TensorFlow:
    """By `tf.function` under XLA."""

    mode = "tf.function, XLA"

    def __init__(self):
        import tensorflow as tf

        self._tf = tf
        # There is no copy: XLA gives an input on as it is.
        self._negation = self.plain(tf.negative)

    def device(self):
        found = self._tf.config.list_physical_devices("GPU")
        if not found:
            return "cpu", False
        details = self._tf.config.experimental.get_device_details(found[0])
        return details.get("device_name", "GPU"), True

    def plain(self, function):
        return self._tf.function(function, jit_compile=True)

    def copies(self, x):
        return {"negation": lambda: self._negation(x)}

    def step(self, layer, arguments, inputs, upstream=None):
        """See `Jax.step`."""
        tf = self._tf

        def forward(inputs):
            return (layer(inputs, **arguments),)

        def both(inputs, upstream):
            watched = [
                *keras.tree.flatten(inputs),
                *(weight.value for weight in layer.trainable_variables),
            ]
            with tf.GradientTape() as tape:
                tape.watch(watched)
                y = layer(inputs, **arguments)
            return y, tape.gradient(y, watched, output_gradients=upstream)

        if upstream is None:
            run = self.plain(forward)
            return lambda: run(inputs)
        run = self.plain(both)
        return lambda: run(inputs, upstream)

    def wait(self, found):
        self._tf.test.experimental.sync_devices()

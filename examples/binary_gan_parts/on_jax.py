"""Steps of `BinaryGAN` under JAX, of several runs at once.

Runs whose networks have the same layers, such as those of several seeds, are
trained side by side, each by its own row of every weight. The losses and the
order of steps are those of `BinaryGAN`, which needs TensorFlow to train; a
batch that is not full is left out here.
"""

import functools

import keras
from keras import ops

# Penalty of a gradient of length zero has a gradient too.
_SMALLEST = 1e-8


class Group:
    """Untrained runs of the same layers, which are trained side by side.

    Args:
        gans: List of compiled `BinaryGAN`, each with seeds of its own.
    """

    def __init__(self, gans):
        from jax import numpy as jnp

        self._gans, self._gan = gans, gans[0]
        rows = [_variables(gan) for gan in gans]
        self._state = {
            part: [
                jnp.stack([ops.convert_to_tensor(v) for v in same])
                for same in zip(*(row[part] for row in rows), strict=True)
            ]
            for part in rows[0]
        }
        self._compiled = {}

    def train(self, images, orders):
        """Trains an epoch.

        Args:
            images: Array `(images, ...)`.
            orders: Array `(runs, batches, images of a batch)` of indices.

        Returns:
            Dictionary of the mean of each loss, an array with an entry for
            each run.
        """
        import jax

        count = orders.shape[1]
        orders = jax.numpy.asarray(orders)
        totals = None
        for first, last, steps in pieces(
            self._gan.critic_schedule, int(self._gan.batches.value), count
        ):
            if steps not in self._compiled:
                self._compiled[steps] = jax.jit(
                    functools.partial(_batches, self._gan, steps),
                    donate_argnums=0,
                )
            self._state, sums = self._compiled[steps](
                self._state, images, orders, first, last
            )
            totals = sums if totals is None else totals + sums
        for gan in self._gans:
            gan.batches.assign_add(count)
        means = ops.convert_to_numpy(totals).T / count
        found = {"generator_loss": means[0], "discriminator_loss": means[1]}
        if self._gan.objective == "wgan-gp":
            found["gradient_norm"] = means[2]
        return found

    def restore(self):
        """Gives the weights of the runs to their models, which it returns."""
        for row, gan in enumerate(self._gans):
            for part, variables in _variables(gan).items():
                for variable, value in zip(
                    variables, self._state[part], strict=True
                ):
                    variable.assign(value[row])
        return self._gans

    def scale_slopes(self, factor):
        """Multiplies the slopes of the neurons, one factor for each run."""
        from jax import numpy as jnp

        factor = jnp.asarray(factor, "float32")
        rest = self._state["rest"]
        for place, variable in enumerate(_variables(self._gan)["rest"]):
            if variable.name == "binary_slope":
                rest[place] = rest[place] * factor


def pieces(schedule, done, count):
    """Cuts an epoch where the number of critic steps changes.

    Args:
        schedule: `CriticSchedule`.
        done: Integer, batches before this epoch.
        count: Integer, of this epoch.

    Returns:
        List of triples: the first batch, the one after the last, and the
        steps of each.
    """
    steps = [int(schedule(done + batch)) for batch in range(count)]
    cuts = [k for k in range(1, count) if steps[k] != steps[k - 1]]
    ends = zip([0, *cuts], [*cuts, count], strict=True)
    return [(first, last, steps[first]) for first, last in ends]


def _variables(gan):
    """All variables that change, by what changes them."""
    generator = gan.generator.trainable_variables
    discriminator = gan.discriminator.trainable_variables
    trained = {id(x) for x in (*generator, *discriminator)}
    metrics = {id(x) for x in gan.metrics_variables}
    rest = [
        x
        for x in gan.variables
        if id(x) not in trained | metrics and x is not gan.batches
    ]
    return {
        "generator": generator,
        "discriminator": discriminator,
        "rest": rest,
        "generator_optimizer": gan.optimizer.variables,
        "discriminator_optimizer": gan.discriminator_optimizer.variables,
    }


def _batches(gan, steps, state, images, orders, first, last):
    """Trains on some batches; returns the state, and sums of the losses."""
    import jax
    from jax import numpy as jnp

    critic = jax.vmap(functools.partial(_critic_step, gan))
    generator = jax.vmap(functools.partial(_generator_step, gan))

    def batch(index, carried):
        state, sums = carried
        x = images[orders[:, index]].astype("float32")
        shared = None
        if not gan.fresh_latents:
            state, shared = jax.vmap(functools.partial(_latents, gan))(state, x)

        def step(_, carried):
            state, found = carried
            state, more = critic(state, x, shared)
            return state, found + more

        runs = x.shape[0]
        state, found = jax.lax.fori_loop(
            0, steps, step, (state, jnp.zeros((runs, 2)))
        )
        state, loss = generator(state, x, shared)
        told = jnp.concatenate([loss[:, None], found / steps], axis=1)
        return state, sums + told

    sums = jnp.zeros((orders.shape[0], 3))
    return jax.lax.fori_loop(first, last, batch, (state, sums))


def _scope(gan, state, **replaced):
    """A scope in which the variables of a model have the values of a state."""
    variables = _variables(gan)
    return keras.StatelessScope(
        [
            pair
            for part in ("generator", "discriminator", "rest")
            for pair in zip(
                variables[part], replaced.get(part, state[part]), strict=True
            )
        ]
    )


def _rest(gan, scope):
    """What is not trained, as a scope has left it."""
    rest = _variables(gan)["rest"]
    found = [scope.get_current_value(variable) for variable in rest]
    return [
        variable.value if value is None else value
        for variable, value in zip(rest, found, strict=True)
    ]


def _latents(gan, state, x):
    with _scope(gan, state) as scope:
        found = gan.latents(x.shape[0])
    return {**state, "rest": _rest(gan, scope)}, found


def _critic_step(gan, state, x, shared):
    """A step of the discriminator: the state, its loss and the norm."""
    import jax
    from jax import numpy as jnp

    def loss_of(weights):
        with _scope(gan, state, discriminator=weights) as scope:
            size = x.shape[0]
            latents = gan.latents(size) if shared is None else shared
            fake = jax.lax.stop_gradient(gan.generator(latents, training=True))
            judge = functools.partial(gan.discriminator, training=True)
            real, made = judge(x), judge(fake)
            loss = _discriminator_loss(gan.objective, real, made)
            norm = jnp.zeros(())
            if gan.objective == "wgan-gp":
                shape = (size, *(1,) * (x.ndim - 1))
                share = keras.random.uniform(shape, seed=gan.seed_generator)
                between = share * x + (1 - share) * fake
                slope = jax.grad(lambda x: jnp.sum(judge(x)))(between)
                squares = jnp.sum(slope.reshape(size, -1) ** 2, axis=1)
                norms = jnp.sqrt(_SMALLEST + squares)
                norm = jnp.mean(norms)
                penalty = jnp.mean((norms - 1.0) ** 2)
                total = loss + gan.gradient_penalty * penalty
                return total, (total, norm, _rest(gan, scope))
        return loss, (loss, norm, _rest(gan, scope))

    (_, (loss, norm, rest)), slopes = jax.value_and_grad(loss_of, has_aux=True)(
        state["discriminator"]
    )
    weights, optimizer = gan.discriminator_optimizer.stateless_apply(
        state["discriminator_optimizer"], slopes, state["discriminator"]
    )
    if gan.objective == "wgan":
        weights = [jnp.clip(x, -gan.clip, gan.clip) for x in weights]
    after = {
        "discriminator": list(weights),
        "discriminator_optimizer": list(optimizer),
        "rest": rest,
    }
    return {**state, **after}, jnp.stack([loss, norm])


def _generator_step(gan, state, x, shared):
    """A step of the generator: the state and its loss."""
    import jax
    from jax import numpy as jnp

    def loss_of(weights):
        with _scope(gan, state, generator=weights) as scope:
            latents = gan.latents(x.shape[0]) if shared is None else shared
            made = gan.generator(latents, training=True)
            logits = gan.discriminator(made, training=True)
            each = -logits
            if gan.objective == "gan":
                each = jax.nn.softplus(-logits)
            return jnp.mean(each), _rest(gan, scope)

    (loss, rest), slopes = jax.value_and_grad(loss_of, has_aux=True)(
        state["generator"]
    )
    weights, optimizer = gan.optimizer.stateless_apply(
        state["generator_optimizer"], slopes, state["generator"]
    )
    after = {
        "generator": list(weights),
        "generator_optimizer": list(optimizer),
        "rest": rest,
    }
    return {**state, **after}, loss


def _discriminator_loss(objective, real, made):
    import jax
    from jax import numpy as jnp

    if objective == "gan":
        return jnp.mean(jax.nn.softplus(-real)) + jnp.mean(
            jax.nn.softplus(made)
        )
    return jnp.mean(made) - jnp.mean(real)

"""How the critics of a `BackpropQModel` are made and trained."""

import keras

from keras_bp import _checks
from keras_bp._registration import serializable

TARGETS = ("td", "lambda", "monte_carlo")


@serializable
class CriticOptions:
    r"""What the critics of a `BackpropQModel` are, and what they learn.

    The critic of a node :math:`X` predicts, for each cost :math:`c` below it,
    :math:`E[c \mid \mathrm{scope}]`. It learns

    .. math:: G_X = \gamma\,\operatorname{mean}_k \big[(1-\lambda) Q_{Y_k}
              + \lambda\, G_{Y_k}\big]

    over the nodes :math:`Y_k` next below :math:`X` that lead to :math:`c`, or
    :math:`\gamma c` where the cost is next.

    Args:
        units: Tuple of integers, widths of the hidden layers, of tanh units,
            of each critic. Defaults to `(64,)`.
        networks: Dictionary from the name of a node to a layer that takes its
            place: from a list of tensors (see `BackpropQModel.critic_inputs`)
            to `(batch, costs)`. Defaults to `None`.
        targets: String, `"td"` (:math:`\lambda = 0`), `"lambda"`, or
            `"monte_carlo"` (:math:`\lambda = 1`). Defaults to `"td"`.
        lambda_return: Float in [0, 1], :math:`\lambda` of `"lambda"`.
            Defaults to `0.9`.
        discount: Float in [0, 1], :math:`\gamma`. Below 1 a critic predicts
            less than the cost, by a factor for each edge: far costs count
            less, and the gradient is biased. Defaults to `1.0`.
        target_rate: Float in (0, 1], how fast the weights from which targets
            are made follow those that are trained, or None for the same.
            Defaults to `None`.
        replay: Integer, the size of a replay, `ReplayOptions`, or None for
            the batch alone. Defaults to `None`.
        steps: Integer, steps of the critics for each batch. Defaults to `1`.
        flips: Integer, how many changed samples are evaluated at once, which
            bounds the memory of "all_action". Defaults to `32`.
        control_weight: Float, :math:`a` in equation 27, for the mode
            "control_variate". Defaults to `1.0`.

    Raises:
        TypeError: A count is no integer, or a network no layer.
        ValueError: A number is out of range.

    Example:

    >>> from keras_bp.training import CriticOptions
    >>> CriticOptions(targets="lambda", lambda_return=0.8).trace
    0.8

    Reference:
        Xu, Zu and Zhou, 2018, appendix 4.
    """

    def __init__(
        self,
        units=(64,),
        networks=None,
        targets="td",
        lambda_return=0.9,
        discount=1.0,
        target_rate=None,
        replay=None,
        steps=1,
        flips=32,
        control_weight=1.0,
    ):
        owner = type(self).__name__
        if not isinstance(units, list | tuple):
            raise TypeError(
                f"{owner} expects `units` to be a list or tuple of integers. "
                f"Received: units={units!r}"
            )
        for size in units:
            _checks.check_integer("units", size, owner=owner, minimum=1)
        _check_networks(networks, owner)
        _checks.check_one_of("targets", targets, TARGETS, owner=owner)
        check_share("lambda_return", lambda_return, owner)
        check_share("discount", discount, owner)
        if target_rate is not None:
            check_share("target_rate", target_rate, owner)
            _checks.check_positive("target_rate", target_rate, owner=owner)
        for name, value in (("steps", steps), ("flips", flips)):
            _checks.check_integer(name, value, owner=owner, minimum=1)
        _checks.check_number("control_weight", control_weight, owner=owner)
        self.units = tuple(units)
        self.networks = dict(networks or {})
        self.targets = targets
        self.lambda_return = lambda_return
        self.discount = discount
        self.target_rate = target_rate
        if replay is not None and not isinstance(replay, ReplayOptions):
            replay = ReplayOptions(replay)
        self.replay = replay
        self.steps = steps
        self.flips = flips
        self.control_weight = control_weight

    @property
    def trace(self):
        """The lambda of the targets."""
        fixed = {"td": 0.0, "monte_carlo": 1.0}
        return fixed.get(self.targets, self.lambda_return)

    def get_config(self):
        keep = keras.saving.serialize_keras_object
        return {
            "units": list(self.units),
            "networks": {k: keep(v) for k, v in self.networks.items()} or None,
            "targets": self.targets,
            "lambda_return": self.lambda_return,
            "discount": self.discount,
            "target_rate": self.target_rate,
            "replay": self.replay and keep(self.replay),
            "steps": self.steps,
            "flips": self.flips,
            "control_weight": self.control_weight,
        }

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        make = keras.saving.deserialize_keras_object
        if config.get("networks"):
            config["networks"] = {
                name: make(network) if isinstance(network, dict) else network
                for name, network in config["networks"].items()
            }
        if isinstance(config.get("replay"), dict):
            config["replay"] = make(config["replay"])
        return cls(**config)


@serializable
class ReplayOptions:
    """What a replay of a `BackpropQModel` holds.

    A tuple is the scope of each node, its inputs and targets with it, as it
    was sampled. What is not above a node is drawn again from the nodes as
    they are now, so that old tuples need no weights.

    Args:
        size: Integer, how many tuples it holds.
        draws: Integer, how often the nodes below are drawn for each tuple.
            Defaults to `1`.
        memory: Integer, the bytes that it may take: a larger one is refused
            before training begins. Defaults to `2**30`.

    Raises:
        TypeError: An argument is no integer.
        ValueError: It is less than 1.

    Example:

    >>> from keras_bp.training import CriticOptions
    >>> CriticOptions(replay=1000).replay.draws
    1
    """

    def __init__(self, size, draws=1, memory=2**30):
        owner = type(self).__name__
        for name, value in (
            ("size", size),
            ("draws", draws),
            ("memory", memory),
        ):
            _checks.check_integer(name, value, owner=owner, minimum=1)
        self.size, self.draws, self.memory = size, draws, memory

    def get_config(self):
        return {"size": self.size, "draws": self.draws, "memory": self.memory}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def check_share(name, value, owner):
    """Raises `ValueError` unless `value` lies in `[0, 1]`."""
    _checks.check_not_negative(name, value, owner=owner)
    if value > 1:
        raise ValueError(
            f"{owner} expects `{name}` to be in [0, 1]. "
            f"Received: {name}={value!r}"
        )


def _check_networks(networks, owner):
    if not isinstance(networks, (dict, type(None))):
        raise TypeError(
            f"{owner} expects `networks` to be a dictionary or None. "
            f"Received: networks={networks!r}"
        )
    for name, network in (networks or {}).items():
        if not isinstance(network, keras.layers.Layer):
            kind = f"{type(network).__module__}.{type(network).__name__}"
            raise TypeError(
                f"{owner} expects `networks` to be a dictionary from the name "
                f"of a node to a layer. Received: {kind} for {name!r}"
            )

"""What a `BackpropQModel` tells of its critics."""

from keras_bp.training._backprop_q_rows import (
    critic_rows,
    critic_values,
    twice_drawn,
)
from keras_bp.training._pass import Mode


class CriticInspection:
    """Methods of a `BackpropQModel` that change nothing."""

    @property
    def critic_inputs(self):
        if self.critics is None:
            return {}
        return {k: plan.inputs for k, plan in self.critics.plans.items()}

    def critic_values(self, x, y=None, enumerated=()):
        """What critics predict in a pass, and what came of it.

        Args:
            x: Inputs of the model.
            y: Targets of the losses given to `compile`.
            enumerated: Tuple of names of nodes whose states are gone through.
                With all of them, what came of it is what is to be expected.

        Returns:
            List of `CriticValues`.
        """
        self.build_critics(y)
        run = self._run(x, Mode(enumerated=enumerated))
        return critic_values(
            self._learning, run, self._supervision(y, None).targets
        )

    def critic_draws(self, x, y=None):
        """What critics predict, and two outcomes drawn below one scope.

        Args:
            x: Inputs of the model.
            y: Targets of the losses given to `compile`.

        Returns:
            Dictionary from a node to three tensors `(batch, costs)`:
            predictions, and two outcomes that are independent of each other
            given what the critic sees.
        """
        self.build_critics(y)
        run = self._run(x, Mode(folded=False))
        targets = self._supervision(y, None).targets
        return {
            name: twice_drawn(self._learning, run, targets, name)
            for name in self.critics.plans
        }

    def critic_rows(self):
        """What `keras_bp.stochastic.explain` tells of the critics."""
        if self.critics is None:
            return []
        return critic_rows(self._learning, self._modes)

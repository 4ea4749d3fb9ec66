"""The joint proximal step of a batch, layer by layer."""

import dataclasses

from keras import ops

from keras_bp.training._implicit_inverse import inverses
from keras_bp.training._implicit_rows import Diagonal

# Of a Gram matrix of sampled rows, so much is spread over all directions:
# those that no sampled row has would else take undamped steps.
_SPREAD = 0.1
# What a batch that is not known before is taken for.
_USUAL_BATCH = 64


@dataclasses.dataclass(frozen=True)
class Step:
    """Numbers of a proximal step.

    Attributes:
        rate: Scalar tensor, the learning rate.
        terms: Scalar tensor, the number of terms that the loss averages.
        decays: Dictionary from the id of a weight to the factor of its L2
            penalty, `mu` of `mu / 2 |w|^2`.
        compiled: Boolean, whether XLA compiles the step.
    """

    rate: object
    terms: object
    decays: dict
    compiled: bool = False


@dataclasses.dataclass
class Problem:
    """The proximal problem of some weights of a layer.

    Attributes:
        part: `Rows` or `Diagonal`.
        curvature: Scalar tensor h.
        gradients: List of tensors, gradients of its weights, or None where
            `logit_gradients` are given.
        logit_gradients: Tensor `(rows, units)` or None.
    """

    part: object
    curvature: object
    gradients: list | None = None
    logit_gradients: object = None


def dual_gradients(problems, step):
    """Gradients by which explicit steps become implicit ones.

    For the weights `[kernel; bias]` of `Rows`, with the Gram matrix A of its
    rows by the number of terms, and the curvature h: `(I + rate (h A + mu))^-1`
    times the gradient.

    Args:
        problems: List of `Problem`.
        step: `Step`.

    Returns:
        List of lists of tensors, for the weights of each part.
    """
    solvers = [_solver(problem, step) for problem in problems]
    # Those of a size are inverted together.
    groups = {}
    for solver in solvers:
        if solver.matrix is not None and not solver.factorized:
            size = solver.matrix.shape[0] or id(solver)
            key = (size, solver.matrix.dtype)
            groups.setdefault(key, []).append(solver)
    for group in groups.values():
        found = inverses(ops.stack([x.matrix for x in group]), step.compiled)
        for index, solver in enumerate(group):
            solver.inverse = found[index]
    return [solver.gradients() for solver in solvers]


def _solver(problem, step):
    part = problem.part
    if isinstance(part, Diagonal):
        return _DiagonalSolver(problem, step)
    if problem.logit_gradients is not None:
        return _SampleSolver(problem, step)
    # A rectangular product on either side has to be worth it.
    if part.fewer_rows(2 * _USUAL_BATCH):
        return _WoodburySolver(problem, step)
    return _FeatureSolver(problem, step)


class _Solver:
    """Solves `(I + scale gram) x = right`.

    Divided by `1 + scale`, so that large rates stay in range; then rounding
    would make the matrix indefinite but for a little more of the identity, the
    same for `Z Z^T` and `Z^T Z`.
    """

    matrix = None
    inverse = None

    def __init__(self, problem, step):
        self.part, self.problem, self.step = problem.part, problem, step

    def scale(self, dtype):
        rate = ops.cast(self.step.rate, dtype)
        curvature = ops.cast(self.problem.curvature, dtype)
        return rate * curvature / ops.cast(self.step.terms, dtype)

    def prepare(self, gram, scale=None):
        scale = self.scale(gram.dtype) if scale is None else scale
        size = gram.shape[0]
        size = ops.shape(gram)[0] if size is None else size
        self._low, high = 1.0 / (1.0 + scale), scale / (1.0 + scale)
        epsilon = 2e-16 if gram.dtype == "float64" else 1.2e-7
        more = epsilon * high * ops.trace(gram)
        eye = ops.eye(size, dtype=gram.dtype)
        self.matrix = (self._low + more) * eye + high * gram

    @property
    def factorized(self):
        """Whether a triangular factor is cheaper than the inverse."""
        size = self.matrix.shape[0] or _USUAL_BATCH
        units = self.part.weights[0].shape[-1]
        return not self.step.compiled and units < size

    def solved(self, right):
        if not self.factorized:
            return ops.matmul(self._low * self.inverse, right)
        import tensorflow as tf

        # Not by `ops.cholesky`, which raises for NaN, in graph mode alone.
        factor = tf.linalg.cholesky(self.matrix)
        return tf.linalg.cholesky_solve(factor, self._low * right)


class _DiagonalSolver(_Solver):
    def gradients(self):
        (weight,), (gradient,) = self.part.weights, self.problem.gradients
        gram = ops.convert_to_tensor(self.part.gram)
        damping = self.scale(gram.dtype) * gram
        decay = self.step.decays.get(id(weight), 0.0)
        if decay:
            damping = damping + ops.cast(self.step.rate, gram.dtype) * decay
        return [ops.cast(gradient, gram.dtype) / (1.0 + damping)]


class _SampleSolver(_Solver):
    """`Z^T (I + scale Z Z^T)^-1 G`, of rows times roots of weights."""

    def __init__(self, problem, step):
        super().__init__(problem, step)
        part = self.part
        gram = ops.matmul(part.inputs, ops.transpose(part.inputs))
        if part.ones is not None:
            gram = gram + part.ones * ops.transpose(part.ones)
        self.prepare(gram)

    def gradients(self):
        part, right = self.part, self.problem.logit_gradients
        if part.roots is not None:
            # They hold the weights, of which the rows took the root.
            right = right / part.roots
        solved = self.solved(ops.cast(right, part.inputs.dtype))
        kernel = ops.matmul(ops.transpose(part.inputs), solved)
        found = [ops.reshape(kernel, part.weights[0].shape)]
        if part.ones is not None:
            found.append(ops.sum(part.ones * solved, axis=0))
        return found


class _FromGradient(_Solver):
    def __init__(self, problem, step):
        super().__init__(problem, step)
        self._rows = self.part.joined()
        self._gradient = ops.cast(join(problem.gradients), self._rows.dtype)
        self._shrink = _shrinkage(self.part, step)
        if self._shrink is not None:
            self._rows = self._rows * self._shrink
            self._gradient = self._gradient * ops.transpose(self._shrink)

    def gradients(self):
        found = self.of_rows()
        if self._shrink is not None:
            found = found * ops.transpose(self._shrink)
        return _split(self.part, found)

    def spread(self):
        """Numbers p and q of `p (I + q gram)`, which has to be solved.

        With the share of the trace of the Gram matrix that is spread evenly,
        for sampled rows; p = 1 and q = `scale` for others.
        """
        scale = self.scale(self._rows.dtype)
        if not self.part.sampled:
            return 1.0, scale
        trace = ops.sum(ops.square(self._rows))
        even = 1.0 + scale * _SPREAD * trace / self.part.features
        return even, scale * (1.0 - _SPREAD) / even


class _FeatureSolver(_FromGradient):
    """`(I + scale Z^T Z)^-1 g`."""

    def __init__(self, problem, step):
        super().__init__(problem, step)
        self._even, scale = self.spread()
        rows = self._rows
        self.prepare(ops.matmul(ops.transpose(rows), rows), scale)

    def of_rows(self):
        return self.solved(self._gradient) / self._even


class _WoodburySolver(_FromGradient):
    """The same by `Z Z^T`; the gradient may have parts outside the rows."""

    def __init__(self, problem, step):
        super().__init__(problem, step)
        self._even, self._scale = self.spread()
        rows = self._rows
        self.prepare(ops.matmul(rows, ops.transpose(rows)), self._scale)

    def of_rows(self):
        rows, gradient = self._rows, self._gradient
        solved = self.solved(ops.matmul(rows, gradient))
        less = self._scale * ops.matmul(ops.transpose(rows), solved)
        return (gradient - less) / self._even


def _shrinkage(part, step):
    """Roots of `1 / (1 + rate mu)` for each feature, `(1, features)`."""
    decays = [step.decays.get(id(x)) for x in part.weights]
    if not any(x is not None for x in decays):
        return None
    dtype = part.inputs.dtype
    found = []
    for weight, decay in zip(part.weights, decays, strict=True):
        size = _matrix_shape(weight)[0]
        each = 1.0 if decay is None else 1.0 + step.rate * decay
        one = ops.ones((1, size), dtype)
        found.append(one / ops.sqrt(ops.cast(each, dtype)))
    return ops.concatenate(found, axis=1)


def join(tensors):
    """A matrix `(features, units)` from a kernel, and perhaps a bias."""
    kernel, *bias = tensors
    parts = [ops.reshape(kernel, (-1, kernel.shape[-1]))]
    parts += [ops.expand_dims(x, 0) for x in bias]
    return ops.concatenate(parts) if bias else parts[0]


def _split(part, matrix):
    """The inverse of `join`, for the weights of a part."""
    found, begin = [], 0
    for weight in part.weights:
        size = _matrix_shape(weight)[0]
        rows = matrix[begin : begin + size]
        found.append(ops.reshape(rows, weight.shape))
        begin += size
    return found


def _matrix_shape(weight):
    if len(weight.shape) == 1:
        return 1, weight.shape[0]
    size = 1
    for length in weight.shape[:-1]:
        size *= length
    return size, weight.shape[-1]

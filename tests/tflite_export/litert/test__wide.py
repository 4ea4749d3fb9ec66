import numpy as np
import pytest

from tflite_export.litert._graph import Graph
from tflite_export.litert._numbers import Whole, Wide
from tflite_export.litert._wide import Arithmetic


@pytest.fixture
def net():
    net = Arithmetic(Graph("int32"))
    net.place = "stage 7"
    return net


def number(net, low, high, shape=(2, 3)):
    return Whole(net.graph.tensor("x", shape), low, high)


def test_a_number_is_split_where_int32_ends(net):
    assert isinstance(net.number(2**31 - 1), Whole)
    assert isinstance(net.number(2**31), Wide)
    x = number(net, -(2**30), 2**30)
    assert isinstance(net.add(x, net.number(2**30 - 1)), Whole)
    assert isinstance(net.add(x, net.number(2**30)), Wide)
    assert isinstance(net.add(x, net.number(2**30 + 1), sign=-1), Wide)
    y = number(net, -(2**15), 2**15)
    assert isinstance(net.multiply(y, number(net, 0, 2**16 - 1)), Whole)
    assert isinstance(net.multiply(y, number(net, 0, 2**16)), Wide)


def test_a_square_is_not_negative(net):
    x = number(net, -5, 3)
    square = net.multiply(x, x)
    assert (square.low, square.high) == (0, 25)
    product = net.multiply(x, number(net, -5, 3))
    assert (product.low, product.high) == (-15, 25)


def test_an_operator_is_added_once(net):
    x = number(net, -5, 3)
    assert net.add(x, net.number(1)) == net.add(x, net.number(1))
    assert net.add(x, net.number(2)) != net.add(x, net.number(1))
    assert net.graph.num_operators == 2
    assert net.array(np.int64([1, 2])) == net.array(np.int64([1, 2]))
    assert net.array(np.int64([[1, 2]])) != net.array(np.int64([1, 2]))


def test_the_ends_of_a_sum_of_weighed_rows_hold_partial_sums(net):
    x = number(net, 5, 10, (3, 4))
    kernel = np.array([[7, 1], [-5, 1], [-5, 1]])
    y = net.weigh(x, kernel)
    assert (y.low, y.high) == (-100, 70)
    assert net.shape(y) == (2, 4)


def test_what_two_limbs_do_not_hold_is_refused(net):
    x = number(net, -(2**25), 2**25)
    for act in (
        lambda: net.multiply(x, number(net, -(2**25), 2**25)),
        lambda: net.weigh(x, np.full((2, 1), 2**25)),
        lambda: net.check(0, 2**31, (1,)),
    ):
        with pytest.raises(ValueError, match="Received: stage 7: from"):
            act()
    with pytest.raises(ValueError, match=r"stage 7: .* shape \(65536, 32768\)"):
        net.check(0, 1, (2**16, 2**15))

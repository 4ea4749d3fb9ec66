"""Which clock each signal is computed in."""


def schedule(net, options):
    """Puts registers wherever more than the allowed adders would follow.

    Args:
        net: `Netlist`.
        options: `Options`.

    Returns:
        Dictionary from each `Signal` that samples change to its stage: the
        registers between the input and it.
    """
    levels = options.levels
    stages, depths = {}, {}
    for signal in net.signals:
        if signal.static:
            continue
        ahead = [arg for arg in signal.args if not arg.static]
        stage = max((stages[arg] for arg in ahead), default=0)
        depth = max(
            (depths[arg] for arg in ahead if stages[arg] == stage), default=0
        )
        if signal.op == "delay" and signal.data[0] >= options.lanes:
            # It comes out of a register.
            depth = 0
        if levels and signal.cost and depth and depth + signal.cost > levels:
            stage, depth = stage + 1, 0
        stages[signal] = stage
        depths[signal] = depth + signal.cost
    return stages


def needed(net):
    """The signals that an output depends on, in order."""
    found = set(net.outputs)
    for signal in reversed(net.signals):
        if signal in found:
            found.update(signal.args)
    return [signal for signal in net.signals if signal in found]

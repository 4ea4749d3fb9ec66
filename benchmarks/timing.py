"""Times alternatives side by side, in one run."""

import time


def compare(functions, *, rounds=15, seconds_per_round=0.1, wait=None):
    """Times functions in turns, so that a busy moment hits all of them.

    Args:
        functions: Dictionary from a name to a function without arguments that
            returns when its work is done, or else `wait` does. Each is called
            twice before.
        rounds: Integer, how often each is timed.
        seconds_per_round: Float, how long one timing lasts at least, unless
            a single call takes longer.
        wait: Function of what the last call of a timing returned, which
            returns when all its work is done; for a device that works while
            Python goes on.

    Returns:
        Dictionary from the name to a list of seconds per call, one a round.
    """
    calls = {}
    for name, function in functions.items():
        _seconds(function, 1, wait)
        once = _seconds(function, 1, wait)
        calls[name] = max(1, round(seconds_per_round / once))
    found = {name: [] for name in functions}
    names = list(functions)
    for index in range(rounds):
        # Another one begins in each round.
        turn = index % len(names)
        for name in names[turn:] + names[:turn]:
            found[name].append(_seconds(functions[name], calls[name], wait))
    return found


def ratios(found, name, against):
    """The ratio of two functions' times, in each round.

    Args:
        found: Dictionary, as `compare` returns it.
        name: String, whose time is divided.
        against: String, by whose time.

    Returns:
        List of floats.
    """
    return [
        ours / theirs
        for ours, theirs in zip(found[name], found[against], strict=True)
    ]


def _seconds(function, calls, wait):
    begin = time.perf_counter()
    for _ in range(calls):
        found = function()
    if wait is not None:
        wait(found)
    return (time.perf_counter() - begin) / calls

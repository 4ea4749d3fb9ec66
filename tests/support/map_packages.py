"""Stand-ins for packages that make attribution maps."""

from benchmarks import attribution_cases as cases
from benchmarks import attribution_rivals as rivals


def stand_in(monkeypatch, make):
    """Has a function stand in for what makes another package's maps.

    Args:
        monkeypatch: Fixture.
        make: Function of a model and a rule that returns a function as
            `attribution_cases.plain` does.
    """
    monkeypatch.setattr(rivals, "title", lambda name: f"{name} 1.0")
    monkeypatch.setattr(
        rivals,
        "maker",
        lambda name, model, rule, module=None: make(model, rule),
    )


def ours(model, rule):
    return cases.ours(model, rule, False)


def doubled(model, rule):
    def given(x, target):
        maps = cases.ours(model, rule, False)(x, target)
        return lambda: 2 * maps()

    return given

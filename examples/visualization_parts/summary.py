"""Claims about attribution maps, what was measured, and verdicts."""

import numpy as np

from benchmarks import results

RULES = ("saliency", "deconvnet", "guided")


class Summary:
    """Reads what was measured of one set of images.

    Args:
        name: String, of the images.
        config: `config.Config`.
        found: List of dictionaries, one for each seed, from the name of an
            experiment to what it gave.
    """

    def __init__(self, name, config, found):
        self.name, self.config, self._found = name, config, found

    def values(self, *keys):
        """One number of each seed, by the way to it."""
        values = []
        for own in self._found:
            for key in keys:
                own = own[key]
            if own is not None:
                values.append(own)
        return values

    def random(self, pool, depth, rule, what):
        return self.values("random", f"{pool}/{depth}", rule, what)

    def rows(self):
        """Each claim as a row with what it is held to, then all numbers."""
        return [*self._claims(), *self._numbers()]

    def _claims(self):
        shallow, deep = self.config.depths[0], self.config.depths[-1]
        few, many = self.config.numbers[0], self.config.numbers[-1]
        units = f"{self.config.units[-1]} units"
        local = f"{self.config.filters} filters"
        yield self._row(
            "guided maps of a random network recover the image",
            f"correlation with the image, depth {shallow}",
            self.random(None, shallow, "guided", "recovery"),
            ">= 0.5",
        )
        yield self._row(
            "they are the sum of unit patches, rather",
            f"correlation with that sum, {many} filters",
            self.values("filters", str(many), "expected"),
            ">= 0.98",
        )
        yield self._row(
            "the closed form has the right scale",
            f"slope, {many} filters",
            self.values("filters", str(many), "slope"),
            ">= 0.97",
        )
        yield self._row(
            "more filters are closer to it",
            f"correlation, {few} filters less {many}",
            self._less(
                self.values("filters", str(few), "expected"),
                self.values("filters", str(many), "expected"),
            ),
            "<= 0",
        )
        yield self._row(
            "guided maps of a random network do not depend on the class",
            f"class distance over that of saliency, depth {deep}",
            self._ratio(None, deep, "guided"),
            "<= 0.5",
        )
        for rule in ("saliency", "deconvnet"):
            yield self._row(
                f"{rule} of a random network is noise",
                f"|correlation| with the image, depth {shallow}",
                np.abs(self.random(None, shallow, rule, "recovery")),
                "<= 0.1",
            )
        yield self._row(
            "max-pooling lets DeconvNet recover the image",
            f"gain of correlation, depth {shallow}",
            self._less(
                self.random("max", shallow, "deconvnet", "recovery"),
                self.random(None, shallow, "deconvnet", "recovery"),
            ),
            ">= 0.1",
        )
        yield self._row(
            "max-pooling makes DeconvNet independent of the class",
            f"class distance over that of saliency, depth {shallow}",
            self._ratio("max", shallow, "deconvnet"),
            "<= 0.7",
        )
        yield self._row(
            "average pooling does not",
            f"gain of correlation, depth {shallow}",
            self._less(
                self.random("average", shallow, "deconvnet", "recovery"),
                self.random(None, shallow, "deconvnet", "recovery"),
            ),
            "<= 0.1",
        )
        yield self._row(
            "depth does not change guided maps",
            f"correlation with the image, depth {deep}",
            self.random(None, deep, "guided", "recovery"),
            ">= 0.5",
        )
        yield self._row(
            "without local connections there is no recovery",
            f"correlation, {units} less {local}",
            self._less(
                self.values("connections", units),
                self.values("connections", local),
            ),
            "<= -0.1",
        )
        yield from self._claims_of_trained()

    def _claims_of_trained(self):
        for pool in ("none", "max"):
            where = "no pooling" if pool == "none" else "max-pooling"
            for rule in ("guided", "deconvnet"):
                if (pool, rule) == ("none", "deconvnet"):
                    continue
                distance = np.divide(
                    self.values(pool, "rules", rule, "distance"),
                    self.values(pool, "rules", "saliency", "distance"),
                )
                yield self._row(
                    f"trained, {rule} hardly depends on the class",
                    f"class distance over that of saliency, {where}",
                    distance,
                    "<= 0.7",
                )
                yield self._row(
                    f"an adversary changes saliency more than {rule}",
                    f"correlation before and after, {rule} less saliency, "
                    f"{where}",
                    self._less(
                        self.values(pool, "rules", rule, "stability"),
                        self.values(pool, "rules", "saliency", "stability"),
                    ),
                    ">= 0.1",
                )

    def _numbers(self):
        for pool in ("None", "max", "average"):
            for depth in self.config.depths:
                for rule in RULES:
                    for what in ("recovery", "distance"):
                        yield self._row(
                            f"random, depth {depth}, pooling {pool}",
                            f"{rule}, {what}",
                            self.random(pool, depth, rule, what),
                        )
        for number in self.config.numbers:
            yield self._row(
                f"random, {number} filters",
                "guided, correlation with the expected map",
                self.values("filters", str(number), "expected"),
            )
        yield self._row(
            "the expected guided map of a random network",
            "recovery",
            self.values("limit", "recovery"),
        )
        for name in self._found[0]["connections"]:
            yield self._row(
                f"random, {name}",
                "guided, recovery",
                self.values("connections", name),
            )
        for pool in ("none", "max"):
            where = f"trained, pooling {pool}"
            accuracy = self.values(pool, "accuracy")
            yield self._row(where, "accuracy, test", accuracy)
            for rule in RULES:
                for what in ("recovery", "distance", "stability"):
                    values = self.values(pool, "rules", rule, what)
                    yield self._row(where, f"{rule}, {what}", values)
                last = [
                    own[pool]["rules"][rule]["randomized"][-1]
                    for own in self._found
                ]
                yield self._row(
                    where, f"{rule}, correlation when all is random", last
                )

    def _ratio(self, pool, depth, rule):
        return np.divide(
            self.random(pool, depth, rule, "distance"),
            self.random(pool, depth, "saliency", "distance"),
        )

    def _less(self, values, others):
        return np.subtract(values, others)

    def _row(self, claim, metric, values, aim=None):
        values = [float(v) for v in values]
        return results.row(
            f"{self.name}: {claim}",
            metric,
            float(np.mean(values)),
            "",
            samples=values,
            aim=aim,
        )

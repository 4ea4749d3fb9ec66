"""What descriptions that have a `get_config` have in common."""

import dataclasses
import json


def check_entries(cls, config, *others):
    """Raises unless a configuration has the entries of a data class.

    Args:
        cls: Data class, which `from_config` makes.
        config: Dictionary.
        *others: Strings, entries beside its fields.

    Raises:
        ValueError: An entry is missing or unknown.
    """
    names = {*others, *(field.name for field in dataclasses.fields(cls))}
    wrong = sorted(names ^ set(config))
    if wrong:
        raise ValueError(
            f"{cls.__name__}.from_config expects the entries that "
            "`get_config` makes. Received: missing or unknown entries "
            f"{wrong}"
        )


class Described:
    """JSON and equality by `get_config` and `from_config`."""

    def to_json(self):
        """`get_config` as a string."""
        return json.dumps(self.get_config())

    @classmethod
    def from_json(cls, text):
        """The reverse of `to_json`.

        Args:
            text: String.
        """
        try:
            config = json.loads(text)
        except RecursionError as error:
            raise ValueError(
                f"{cls.__name__}.from_json expects what `to_json` wrote. "
                "Received: JSON that is nested too deeply"
            ) from error
        return cls.from_config(config)

    def __eq__(self, other):
        if not isinstance(other, type(self)):
            return NotImplemented
        return self.get_config() == other.get_config()

    def __hash__(self):
        return hash(self.to_json())

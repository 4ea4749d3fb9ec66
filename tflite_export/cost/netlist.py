"""A netlist of cells, as yosys writes it."""

import collections
import dataclasses
import functools
import json
from pathlib import Path

# The nets of the constants.
ZERO, ONE = 0, 1


@dataclasses.dataclass(frozen=True)
class Instance:
    """One cell of a netlist.

    Args:
        name: String.
        type: String, the cell of the library.
        pins: Dictionary from the names of its pins to nets, integers.
    """

    name: str
    type: str
    pins: dict


@dataclasses.dataclass(frozen=True, eq=False)
class Netlist:
    """A flat module: ports and cells between nets.

    Nets are integers; 0 and 1 are the constants, and whatever is undefined
    counts as 0.

    Args:
        top: String, the name of the module.
        inputs: Dictionary from the names of input ports to their nets, the
            least bit first.
        outputs: The same, of output ports.
        instances: Tuple of `Instance`.
        net_names: Tuple of strings, the name of each net.

    Raises:
        ValueError: `from_json` found no such module, or submodules in it.
    """

    top: str
    inputs: dict
    outputs: dict
    instances: tuple
    net_names: tuple

    @classmethod
    def from_json(cls, path, top=None):
        """Reads what yosys' `write_json` wrote.

        Args:
            path: Path of the file.
            top: String, the name of the module, or None for that which has
                the attribute `top`, or is the only one with cells.

        Returns:
            `Netlist`.

        Raises:
            FileNotFoundError: There is no file.
            ValueError: There is no such module.
        """
        modules = json.loads(Path(path).read_text())["modules"]
        name = top or _top(modules)
        if name not in modules:
            raise ValueError(
                f"Netlist expects a module {name!r}. Received: "
                f"{sorted(modules)[:5]}"
            )
        return cls._from_module(name, modules[name])

    @classmethod
    def _from_module(cls, name, module):
        names = {"0": ZERO, "1": ONE, "x": ZERO, "z": ZERO}
        found = ["0", "1"]

        def net(bit):
            if bit not in names:
                names[bit] = len(found)
                found.append(f"n{bit}")
            return names[bit]

        ports = {"input": {}, "output": {}}
        for port, entry in module["ports"].items():
            ports[entry["direction"]][port] = [net(b) for b in entry["bits"]]
        instances = tuple(
            Instance(
                each,
                cell["type"],
                {
                    pin: net(bits[0])
                    for pin, bits in cell["connections"].items()
                    if bits
                },
            )
            for each, cell in module["cells"].items()
        )
        for label, entry in module["netnames"].items():
            several = len(entry["bits"]) > 1
            for place, bit in enumerate(entry["bits"]):
                if names.get(bit, 0) > ONE:
                    found[names[bit]] = f"{label}[{place}]" * several or label
        return cls(
            name, ports["input"], ports["output"], instances, tuple(found)
        )

    @property
    def num_nets(self):
        """Number of nets, constants included."""
        return len(self.net_names)

    @functools.cached_property
    def counts(self):
        """Dictionary from the types of cells to how many there are."""
        return dict(
            sorted(collections.Counter(i.type for i in self.instances).items())
        )

    def area(self, liberty):
        """Area of all cells, in the unit of the library.

        Args:
            liberty: `Liberty`.
        """
        return sum(
            liberty.cell(kind).area * count
            for kind, count in self.counts.items()
        )

    def registers(self, liberty):
        """Number of flip-flops."""
        return sum(
            count
            for kind, count in self.counts.items()
            if liberty.cell(kind).flip_flop is not None
        )


def _top(modules):
    def marked(module):
        return int(str(module.get("attributes", {}).get("top", "0")), 2)

    found = [name for name, module in modules.items() if marked(module)]
    if not found:
        found = [name for name, module in modules.items() if module["cells"]]
    if len(found) != 1:
        raise ValueError(
            "Netlist expects one module at the top; pass `top`. Received: "
            f"{sorted(modules)[:5]}"
        )
    return found[0]

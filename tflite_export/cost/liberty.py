"""A library of cells, read from a liberty file."""

import functools
import gzip
import re
from pathlib import Path

import numpy as np

from tflite_export.cost._liberty_cell import read_cell
from tflite_export.cost._liberty_text import parse, split_cells

_PREFIXES = {"": 1.0, "f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3}


class Liberty:
    """A library of standard cells: areas, functions, capacitances, energies.

    Of a liberty file it takes the area, leakage, functions and flip-flops of
    the cells, the capacitances of their pins, the tables of `internal_power`,
    and the default wire load. Timing is left to OpenSTA. A cell is parsed
    when it is asked for.

    Args:
        path: Path of the file, plain or `.gz`.
        dont_use: String, regular expression. A cell in whose name it is found
            is left out. Defaults to those of sky130 that isolate supplies,
            probe, delay, or fill.

    Raises:
        FileNotFoundError: There is none.
        ValueError: It is no liberty file.

    Example:

    ```python
    liberty = Liberty("osu018_stdcells.lib")
    liberty.cell("NAND2X1").area
    ```
    """

    def __init__(self, path, dont_use="lpflow|probe|dly|sparecell|decap"):
        self.path = Path(path)
        open_file = gzip.open if self.path.suffix == ".gz" else open
        try:
            with open_file(self.path, "rt", errors="replace") as file:
                self._rest, texts = split_cells(file.read())
            self._library = parse(self._rest)
        except (gzip.BadGzipFile, ValueError) as error:
            raise ValueError(
                "Liberty expects a liberty file. Received: "
                f"{str(self.path)!r}, {error}"
            ) from error
        self._texts = {
            name: text
            for name, text in texts.items()
            if not re.search(dont_use, name)
        }
        self._scales = _scales(self._library)
        self._templates = _templates(self._library)
        self._cells = {}

    @property
    def name(self):
        """The name that the library gives itself."""
        return self._library.arguments[0]

    @property
    def cell_names(self):
        """List of the names of all cells."""
        return list(self._texts)

    def cell(self, name):
        """A cell.

        Args:
            name: String.

        Returns:
            `Cell`, with `area`, `leakage` in nW, `pins` and `flip_flop`.

        Raises:
            ValueError: The library has none of that name.
        """
        if name not in self._texts:
            raise ValueError(
                f"Liberty expects a cell of {self.name}. Received: {name!r}"
            )
        if name not in self._cells:
            default = self._library.number("default_input_pin_cap")
            self._cells[name] = read_cell(
                parse(self._texts[name]),
                self._templates,
                self._scales,
                default,
            )
        return self._cells[name]

    @functools.cached_property
    def voltage(self):
        """Supply voltage in V."""
        library = self._library
        default = library.attributes.get("default_operating_conditions")
        for group in library.all("operating_conditions"):
            if default in (None, *group.arguments):
                return group.number("voltage")
        return library.number("nom_voltage")

    def wire_capacitance(self, fanout):
        """Capacitance of a wire by the default wire load of the library.

        Args:
            fanout: Integer array, the pins that it leads to.

        Returns:
            Float64 array in pF; 0 where the library names no wire load, or
            the wire leads nowhere.
        """
        fanout = np.asarray(fanout)
        default = self._library.attributes.get("default_wire_load")
        for group in self._library.all("wire_load"):
            if default in group.arguments:
                length = _wire_length(group, fanout)
                unit = group.number("capacitance") * self._scales["pF"]
                return np.where(fanout > 0, length * unit, 0.0)
        return np.zeros(fanout.shape)

    def write(self, path):
        """Writes the library, without the cells left out, as plain text.

        Args:
            path: Path of the file.
        """
        head = self._rest.rstrip().removesuffix("}")
        Path(path).write_text("\n".join([head, *self._texts.values(), "}", ""]))


def _scales(library):
    attributes = library.attributes
    volt = _unit(attributes.get("voltage_unit", "1V"))
    size, unit = attributes.get("capacitive_load_unit", ["1", "pf"])
    farad = _unit(f"{size}{unit}")
    return {
        "ns": _unit(attributes.get("time_unit", "1ns")) / 1e-9,
        "pF": farad / 1e-12,
        # The unit of energy follows from the others.
        "pJ": farad * volt**2 / 1e-12,
        "nW": _unit(attributes.get("leakage_power_unit", "1nW")) / 1e-9,
    }


def _unit(text):
    """The number that `"10ps"` stands for, in s."""
    found = re.fullmatch(r"\s*([\d.]+)\s*([fpnum]?)[A-Za-z]\s*", text)
    if found is None:
        raise ValueError(f"a unit such as '1ns' is expected, not {text!r}")
    return float(found.group(1)) * _PREFIXES[found.group(2)]


def _templates(library):
    """From the name of each template to its variables and default indices."""
    found = {}
    for kind in ("power_lut_template", "lu_table_template"):
        for group in library.all(kind):
            keys = sorted(
                key for key in group.attributes if key.startswith("variable_")
            )
            variables = tuple(group.attributes[key] for key in keys)
            indices = {
                key: value
                for key, value in group.attributes.items()
                if key.startswith("index_")
            }
            found[group.arguments[0]] = variables, indices
    return found


def _wire_length(group, fanout):
    """Lengths by fanout, past the last one along the slope."""
    pairs = sorted(
        (int(float(fan)), float(length))
        for fan, length in group.repeated.get("fanout_length", [])
    )
    if not pairs:
        return fanout * group.number("slope")
    fans, lengths = np.array(pairs).T
    beyond = np.maximum(fanout - fans[-1], 0) * group.number("slope")
    return np.interp(fanout, fans, lengths) + beyond

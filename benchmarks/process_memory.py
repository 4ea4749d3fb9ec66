"""Memory of this process."""

import pathlib
import re
import sys


def resident_peak():
    """The most memory that this program has held so far, in bytes."""
    status = pathlib.Path("/proc/self/status")
    if status.exists():
        # Of this program alone; `ru_maxrss` begins at what started it.
        line = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
        if line:
            return 1024 * int(line[1])
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

"""A Cortex-M4 in QEMU."""

from tflite_export.tools import _process

PACKAGE = "qemu-system-arm"


def run(program, input="", *, count_instructions=False, timeout=600):
    """Runs a program that `arm_gcc.build` made.

    Args:
        program: Path.
        input: String for its standard input. Defaults to `""`.
        count_instructions: Boolean, whether the clock of the machine moves
            by 1 ns with each instruction, so that its 25 MHz timers count 40
            of them at a time. Defaults to `False`.
        timeout: Float, seconds. Defaults to `600`.

    Returns:
        String, what it wrote.

    Raises:
        MissingToolError: QEMU is not installed.
        RuntimeError: The program failed, or took too long.
    """
    path = _process.find("qemu-system-arm", PACKAGE)
    counted = ["-icount", "shift=0"] if count_instructions else []
    return _process.run(
        [
            path,
            *("-M", "mps2-an386", "-nographic", "-monitor", "none"),
            *("-serial", "none"),
            *("-semihosting-config", "enable=on,target=native"),
            *counted,
            *("-kernel", program),
        ],
        input=input,
        timeout=timeout,
    )

"""The C compiler for Arm Cortex-M4, and the size of what it makes."""

from tflite_export.tools import _process, host_cc

PACKAGE = "gcc-arm-none-eabi libnewlib-arm-none-eabi"

CPU = ("-mcpu=cortex-m4", "-mthumb")

# The MPS2 board with image AN386, as QEMU has it: everything lies where it
# runs, so that the start is left nothing to copy.
_LINKER_SCRIPT = """\
ENTRY(start_here)
MEMORY
{
    code (rx) : ORIGIN = 0x00000000, LENGTH = 4M
    data (rwx) : ORIGIN = 0x20000000, LENGTH = 4M
}
SECTIONS
{
    .text : { KEEP(*(.vectors)) *(.text*) *(.rodata*) } > code
    .ARM.exidx : { *(.ARM.exidx*) } > code
    .data : { *(.data*) } > data
    .bss : { *(.bss*) *(COMMON) } > data
    . = ALIGN(8);
    end = .;
}
stack_top = ORIGIN(data) + LENGTH(data);
"""

_START = """\
#include <stdlib.h>

extern char stack_top;
extern void initialise_monitor_handles(void);
int main(void);
void _init(void);
void _fini(void);
void start_here(void);

/* What newlib calls around main, and nothing here needs. */
void _init(void) {}
void _fini(void) {}

void start_here(void)
{
    initialise_monitor_handles();
    exit(main());
}

static void fault(void)
{
    abort();
}

struct vectors {
    void *stack;
    void (*handlers[15])(void);
};

__attribute__((section(".vectors"), used))
static const struct vectors vectors = {
    &stack_top,
    {start_here, fault, fault, fault, fault, fault, fault, fault,
     fault, fault, fault, fault, fault, fault, fault},
};
"""


def build(sources, folder, *, flags=("-O2",), output="program.elf"):
    """Compiles C into a program that `qemu.run` runs.

    Its standard input and output are those of QEMU, by semihosting.

    Args:
        sources: Dictionary from file names to their text. They are written
            into `folder`; those that end in `.c` are compiled.
        folder: Path of an existing folder.
        flags: Sequence of strings, after those of `host_cc.STRICT`.
            Defaults to `("-O2",)`.
        output: String, name of the program. Defaults to `"program.elf"`.

    Returns:
        `pathlib.Path` of the program.

    Raises:
        MissingToolError: The compiler is not installed.
        RuntimeError: It refused the sources; with its messages.
    """
    path = _process.find("arm-none-eabi-gcc", PACKAGE)
    linked = ("-nostartfiles", "--specs=rdimon.specs", "-T", "an386.ld")
    sources = {**sources, "an386.ld": _LINKER_SCRIPT, "start_an386.c": _START}
    return host_cc.compile_with(
        path,
        sources,
        folder,
        (*CPU, *host_cc.STRICT, *linked, *flags),
        output,
    )


def build_object(source, folder, *, flags=("-O2",), output="unit.o"):
    """Compiles one file of C, and links nothing.

    Args:
        source: String, its text.
        folder: Path of an existing folder, with the headers that it includes.
        flags: Sequence of strings, after those of `host_cc.STRICT`.
            Defaults to `("-O2",)`.
        output: String, name of the object. Defaults to `"unit.o"`.

    Returns:
        `pathlib.Path` of the object.

    Raises:
        MissingToolError: The compiler is not installed.
        RuntimeError: It refused the source.
    """
    path = _process.find("arm-none-eabi-gcc", PACKAGE)
    return host_cc.compile_with(
        path,
        {"unit.c": source},
        folder,
        (*CPU, *host_cc.STRICT, "-c", *flags),
        output,
    )


def size(path):
    """Bytes of a program or object.

    Args:
        path: Path.

    Returns:
        Dictionary: `"text"`, code and constants; `"data"`; `"bss"`.

    Raises:
        MissingToolError: `arm-none-eabi-size` is not installed.
        RuntimeError: It cannot read the file.
    """
    program = _process.find("arm-none-eabi-size", "binutils-arm-none-eabi")
    header, line, *_ = _process.run([program, path]).splitlines()
    found = dict(zip(header.split(), line.split(), strict=True))
    return {name: int(found[name]) for name in ("text", "data", "bss")}

"""Makes a workspace that the Bazel of npm can build without a network.

Bazel 2.1 has no modules, and would download its rule sets. So the workspace is
a folder of links to the files here, and small stubs take the place of the rule
sets: they export what Bazel has built in. Prints the options to run it by.
"""

import pathlib
import shutil
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
LINKED = (
    *("BUILD", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md"),
    *("benchmarks", "docs", "examples", "keras_bp", "pyproject.toml"),
    *("tests", "tflite_export"),
)
# Path of a file of rules, and which of them it has.
STUBS = {
    "rules_python/python": ("py_binary", "py_library", "py_runtime", "py_test"),
    "rules_cc/cc": (
        *("cc_binary", "cc_import", "cc_library", "cc_test", "cc_toolchain"),
        "cc_toolchain_suite",
    ),
    "rules_java/java": (
        *("java_binary", "java_import", "java_library", "java_runtime"),
        *("java_test", "java_toolchain"),
    ),
}
# Bazel asks for it by name, and needs it for reports of coverage alone.
COVERAGE = """filegroup(
    name = "coverage_report_generator",
    visibility = ["//visibility:public"],
)
"""


def make(folder):
    """Writes the workspace and the stubs; returns options, a list."""
    shutil.rmtree(folder, ignore_errors=True)
    workspace = folder / "workspace"
    workspace.mkdir(parents=True)
    (workspace / "WORKSPACE").write_text('workspace(name = "keras_bp")\n')
    for name in LINKED:
        (workspace / name).symlink_to(ROOT / name)
    for path, rules in STUBS.items():
        stub = folder / path
        stub.mkdir(parents=True)
        (stub / "BUILD").write_text("")
        lines = [f"{rule} = native.{rule}" for rule in rules]
        (stub / "defs.bzl").write_text("\n".join(lines) + "\n")
        _repository(stub.parent, "")
    _repository(folder / "remote_coverage_tools", COVERAGE)
    names = [path.split("/")[0] for path in STUBS] + ["remote_coverage_tools"]
    return [f"--override_repository={name}={folder / name}" for name in names]


def _repository(folder, build):
    folder.mkdir(exist_ok=True)
    (folder / "WORKSPACE").write_text(f'workspace(name = "{folder.name}")\n')
    (folder / "BUILD").write_text(build)


if __name__ == "__main__":
    print(*make(pathlib.Path(sys.argv[1]).resolve()))

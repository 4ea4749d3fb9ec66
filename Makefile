# Every target sets up what it needs in .venv by itself; run `make` for the list of them.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
RIVALS := .venv-rivals
# PyTorch without CUDA, which is gigabytes; without a network, pip takes what it finds.
TORCH_WHEELS := https://download.pytorch.org/whl/cpu/torch/
TOOLS := .tools
# Debian packages of compilers and simulators, and what shows that they are there.
HARDWARE_PACKAGES := clang g++ gcc gcc-arm-none-eabi iverilog libnewlib-arm-none-eabi \
  opensta qemu-system-arm verilator yosys
HARDWARE_PROGRAMS := clang g++ gcc arm-none-eabi-gcc iverilog sta qemu-system-arm \
  verilator yosys
OSU018 := $(TOOLS)/osu018/osu018_stdcells.lib
BUILDIFIER := $(TOOLS)/node_modules/.bin/buildifier
BAZEL_FILES := BUILD MODULE.bazel

# The package runs on TensorFlow, whatever ~/.keras/keras.json says.
export KERAS_BACKEND := tensorflow
export TF_CPP_MIN_LOG_LEVEL ?= 2

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# Two installations into one environment must not overlap.
.NOTPARALLEL:
.PHONY: help quickstart learned-dbp rivals test hardware hardware-tools lint lint-python \
  lint-build results clean

help:
	@echo "make quickstart  run examples/quickstart.py; its flags go in ARGS=\"...\""
	@echo "make learned-dbp run examples/learned_dbp.py; its flags go in ARGS=\"...\""
	@echo "make test        run the tests"
	@echo "make hardware    run the tests that need compilers and simulators; on"
	@echo "                 Debian as root it installs them"
	@echo "make lint        check style, import order and BUILD files (needs npm)"
	@echo "make rivals      make $(RIVALS), where the benchmarks meet other packages"
	@echo "make results     render the tables of docs/results"
	@echo "make clean       remove .venv, .tools, caches and build folders; out/ stays"
	@echo "Python 3.11 or later is needed; choose it with PYTHON=python3.12."

quickstart: $(VENV)/.examples.stamp
	$(PY) examples/quickstart.py $(ARGS)

learned-dbp: $(VENV)/.examples.stamp
	$(PY) -m examples.learned_dbp $(ARGS)

test: $(VENV)/.test.stamp
	$(PY) -m pytest -n 2 $(ARGS)

hardware: $(VENV)/.test.stamp $(VENV)/.hardware.stamp hardware-tools $(OSU018)
	KERAS_BP_NO_SKIPS=1 $(PY) -m pytest -n 2 -m hardware $(ARGS)

hardware-tools:
	@missing=; for program in $(HARDWARE_PROGRAMS); do \
	  command -v $$program >/dev/null || missing="$$missing $$program"; done; \
	case "$$(arm-none-eabi-gcc -print-file-name=rdimon.specs 2>/dev/null)" in \
	  */*) ;; *) missing="$$missing newlib";; esac; \
	if [ -n "$$missing" ]; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "Installing$$missing by apt-get."; \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
	      --no-install-recommends $(HARDWARE_PACKAGES) >/dev/null; \
	  else \
	    echo "Not here:$$missing. On Debian: sudo apt-get install" \
	      "$(HARDWARE_PACKAGES)" >&2; exit 1; fi; fi

# The cells of a process of 0.18 um: downloaded and unpacked, not installed.
$(OSU018):
	@echo "Fetching the cells of qflow-tech-osu018 into $(TOOLS)."
	@sh tflite_export/tools/fetch_osu018.sh $(TOOLS)/osu018

lint: lint-python lint-build

lint-python: $(VENV)/.lint.stamp
	$(VENV)/bin/ruff check --output-format=concise .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/lint-imports

lint-build: $(BUILDIFIER)
	$(BUILDIFIER) -mode=check -lint=warn $(BAZEL_FILES)

results: $(VENV)/.examples.stamp
	$(PY) -m benchmarks.pages $(ARGS)

# Apart, since they pin packages of their own.
rivals:
	$(MAKE) VENV=$(RIVALS) PIP_FLAGS="--find-links $(TORCH_WHEELS)" $(RIVALS)/.rivals.stamp
	$(RIVALS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps sionna==1.2.2
	$(RIVALS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps libauc==2.0.1
	$(RIVALS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps xplique==2.0.2

clean:
	rm -rf $(VENV) $(RIVALS) $(TOOLS) build dist *.egg-info
	rm -rf .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or later is needed, and PYTHON=$(PYTHON) is not. Name one that" \
	    "is: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "Making $(VENV)."
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "$(PYTHON) could not make $(VENV). On Debian and Ubuntu its package" \
	    "python3-venv is needed." >&2; exit 1; }

# $(VENV)/.NAME.stamp: this package is installed in place, with its extra NAME.
$(VENV)/.%.stamp: setup.py keras_bp/_version.py | $(PY)
	@echo "Installing keras_bp[$*] into $(VENV). The first time takes a minute or two."
	@$(PY) -m pip install --quiet --disable-pip-version-check $(PIP_FLAGS) -e '.[$*]' || { \
	  echo "The installation failed, see above. If pip found no matching tensorflow, this" \
	    "Python is too new for it: make clean, then PYTHON=python3.12." >&2; exit 1; }
	@touch $@

$(BUILDIFIER):
	@command -v npm >/dev/null || { \
	  echo "npm is needed to install buildifier, which checks $(BAZEL_FILES). Install" \
	    "Node.js, or run make lint-python alone." >&2; exit 1; }
	@echo "Installing buildifier into $(TOOLS)."
	@npm install --prefix $(TOOLS) --loglevel=error --no-audit --no-fund --no-save \
	  @bazel/buildifier@8.2.1

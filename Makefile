# Every target sets up what it needs in .venv by itself; run `make` for the list of them.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
RIVALS := .venv-rivals
# What the package promises at least, and a wheel of it in an environment of its own.
OLDEST := .venv-oldest
WHEEL := .venv-wheel
# PyTorch without CUDA, which is gigabytes: from a folder that pip is told of, else from
# this page if it can be reached, else what pip finds.
TORCH_WHEELS := https://download.pytorch.org/whl/cpu/torch/
TORCH := $(shell sed -n 's/^torch = "\(.*\)"$$/\1/p' setup.py)
BACKENDS ?= tensorflow jax torch
TOOLS := .tools
# Debian packages of compilers and simulators, and what shows that they are there.
HARDWARE_PACKAGES := clang g++ gcc gcc-arm-none-eabi iverilog libnewlib-arm-none-eabi \
  opensta qemu-system-arm verilator yosys
HARDWARE_PROGRAMS := clang g++ gcc arm-none-eabi-gcc iverilog sta qemu-system-arm \
  verilator yosys
OSU018 := $(TOOLS)/osu018/osu018_stdcells.lib
BUILDIFIER := $(TOOLS)/node_modules/.bin/buildifier
# Each apart, since npm removes from a folder what it is not told to install.
BAZEL := $(TOOLS)/bazel-npm/node_modules/@bazel/bazel-linux_x64/bazel-2.1.0-linux-x86_64
BAZEL_FILES := BUILD MODULE.bazel
KATEX := $(TOOLS)/docs/node_modules/katex/package.json

# The package runs on TensorFlow, whatever ~/.keras/keras.json says.
export KERAS_BACKEND := tensorflow
export TF_CPP_MIN_LOG_LEVEL ?= 2

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# Two installations into one environment must not overlap.
.NOTPARALLEL:
.PHONY: help quickstart learned-dbp rivals test test-backends test-oldest wheel bazel \
  hardware hardware-tools lint lint-python lint-build results soak docs clean

help:
	@echo "make quickstart  run examples/quickstart.py; its flags go in ARGS=\"...\""
	@echo "make learned-dbp run examples/learned_dbp.py; its flags go in ARGS=\"...\""
	@echo "make test        run the tests"
	@echo "make test-backends  run the tests of what needs no tape on TensorFlow, JAX"
	@echo "                 and PyTorch; BACKENDS=\"jax torch\" chooses"
	@echo "make test-oldest run a part of the tests with the oldest versions that"
	@echo "                 setup.py allows, in $(OLDEST)"
	@echo "make wheel       build a wheel, install it by itself, and use it"
	@echo "make bazel       build and test the packages by Bazel (needs npm, Linux)"
	@echo "make hardware    run the tests that need compilers and simulators; on"
	@echo "                 Debian as root it installs them"
	@echo "make lint        check style, import order and BUILD files (needs npm)"
	@echo "make rivals      make $(RIVALS), where the benchmarks meet other packages"
	@echo "make results     render the tables of docs/results"
	@echo "make soak        train each model for ten minutes, and tell how memory grows"
	@echo "make docs        build the site of docs into out/site (needs npm)"
	@echo "make clean       remove .venv, .tools, caches and build folders; out/ stays"
	@echo "Python 3.11 or later is needed; choose it with PYTHON=python3.12."

quickstart: $(VENV)/.examples.stamp
	$(PY) examples/quickstart.py $(ARGS)

learned-dbp: $(VENV)/.examples.stamp
	$(PY) -m examples.learned_dbp $(ARGS)

# Files share fixtures that train: each file is for one of the processes.
test: $(VENV)/.test.stamp
	$(PY) -m pytest -n 2 --dist loadfile $(ARGS)

# Where TensorFlow computes, `test_layers.py` says more than a comparison with it would.
test-backends: $(VENV)/.backends.stamp
	@for backend in $(BACKENDS); do \
	  case $$backend in tensorflow) others=test_layers.py;; \
	    *) others=test_other_backends.py;; esac; \
	  echo "Testing on $$backend."; \
	  KERAS_BACKEND=$$backend JAX_PLATFORMS=cpu JAX_DISABLE_MOST_OPTIMIZATIONS=1 \
	    $(PY) -m pytest -n 2 tests/conformance/test_backends.py \
	    tests/conformance/$$others $(ARGS) || exit 1; done

# Every example of a docstring, among them a step of each model, and every layer.
test-oldest: $(OLDEST)/.oldest.stamp
	$(OLDEST)/bin/python -m pytest -n 2 --durations=3 \
	  tests/conformance/test_docstrings.py tests/conformance/test_layers.py \
	  tests/keras_bp/ops/test_fir.py tests/keras_bp/ops/test_kerr_rotation.py \
	  -k "not two_replicas and not describe and not section and not every_argument" $(ARGS)

# In a folder of its own, from which the files here cannot be seen.
wheel: $(PY)
	rm -rf $(WHEEL) build dist
	$(PY) -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .
	rm -rf build
	$(PYTHON) -m venv $(WHEEL)
	$(WHEEL)/bin/python -m pip install --quiet --disable-pip-version-check \
	  "$$(ls $$PWD/dist/*.whl)[examples]"
	cd $(WHEEL) && bin/python -I ../tests/wheel/check.py ../dist ../README.md

bazel: $(VENV)/.test.stamp $(BAZEL)
	@options="$$($(PY) tests/bazel/make_workspace.py $(TOOLS)/bazel)"; \
	path="$$PWD/$(VENV)/bin:$$PATH"; bazel="$$PWD/$(BAZEL)"; \
	cd $(TOOLS)/bazel/workspace && for command in "build //..." "test :rooms"; do \
	  PATH="$$path" $$bazel --batch --output_user_root="$$PWD/../../bazel-out" $$command \
	    $$options --curses=no --noshow_progress --test_output=errors \
	    --action_env=PATH="$$path" --jobs=2 $(ARGS) || exit 1; done

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

soak: $(VENV)/.examples.stamp
	$(PY) -m benchmarks.soak $(ARGS)

# Any warning fails. The variable silences a notice of the theme about its future.
docs: $(VENV)/.docs.stamp $(KATEX)
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --quiet --strict $(ARGS)
	@echo "The site is in out/site: open out/site/index.html."

# Apart, since they pin packages of their own.
rivals:
	$(MAKE) VENV=$(RIVALS) $(RIVALS)/.rivals.stamp
	$(RIVALS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps sionna==1.2.2
	$(RIVALS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps libauc==2.0.1
	$(RIVALS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps xplique==2.0.2

clean:
	rm -rf $(VENV) $(RIVALS) $(OLDEST) $(WHEEL) build dist *.egg-info
	chmod -R u+w $(TOOLS) 2>/dev/null || true
	rm -rf $(TOOLS)
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

# These take PyTorch as it is found here first.
$(VENV)/.backends.stamp $(VENV)/.rivals.stamp: $(VENV)/.torch.stamp

$(VENV)/.torch.stamp: setup.py | $(PY)
	@echo "Installing $(TORCH) into $(VENV)."
	@install="$(PY) -m pip install --quiet --disable-pip-version-check"; \
	$$install "$(TORCH)+cpu" 2>/dev/null || { \
	  $(PY) -c "import urllib.request as r; r.urlopen('$(TORCH_WHEELS)', timeout=5)" \
	    2>/dev/null && $$install --find-links $(TORCH_WHEELS) "$(TORCH)+cpu"; } || { \
	  echo "No wheel without CUDA can be had; taking what there is."; \
	  $$install "$(TORCH)"; }
	@touch $@

# The oldest version of each requirement that setup.py names with `>=`.
$(OLDEST)/.oldest.stamp: setup.py tests/floors.py
	@$(MAKE) VENV=$(OLDEST) $(OLDEST)/bin/python
	$(OLDEST)/bin/python tests/floors.py >$(OLDEST)/constraints.txt
	@echo "Installing the oldest versions into $(OLDEST). It takes a minute or two."
	$(OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check \
	  --constraint $(OLDEST)/constraints.txt -e '.[test]'
	@touch $@

$(BAZEL):
	@command -v npm >/dev/null || { \
	  echo "npm is needed to install Bazel. Install Node.js." >&2; exit 1; }
	@echo "Installing Bazel into $(TOOLS)."
	@npm install --prefix $(TOOLS)/bazel-npm --loglevel=error --no-audit --no-fund \
	  --no-save @bazel/bazel-linux_x64@2.1.0

$(KATEX):
	@command -v npm >/dev/null || { \
	  echo "npm is needed to install KaTeX, which sets formulas. Install Node.js." >&2; \
	  exit 1; }
	@echo "Installing KaTeX into $(TOOLS)/docs."
	@npm install --prefix $(TOOLS)/docs --loglevel=error --no-audit --no-fund --no-save \
	  katex@0.16.47

$(BUILDIFIER):
	@command -v npm >/dev/null || { \
	  echo "npm is needed to install buildifier, which checks $(BAZEL_FILES). Install" \
	    "Node.js, or run make lint-python alone." >&2; exit 1; }
	@echo "Installing buildifier into $(TOOLS)."
	@npm install --prefix $(TOOLS) --loglevel=error --no-audit --no-fund --no-save \
	  @bazel/buildifier@8.2.1

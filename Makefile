# Everything runs in .venv, which the first target that needs it makes.
#
#   make sim                              simulate held-out digits in the Verilog engine, check every result
#   make sim MODEL=squeezenet1.0          the whole of SqueezeNet, 224 x 224, one image; other names: digits-bypass,
#                                         squeezenet1.0-torchvision, squeezenet1.1, squeezenet1.0-simple-bypass,
#                                         squeezenet1.0-complex-bypass, light_squeezenet  (SIZE=64: smaller images)
#   make sim MODEL=net.onnx IMAGE=a.png   the same with a network and an image of your own  (LABELS=names.txt)
#   make sim WAVES=1                      and keep waveforms
#   make bench                            measure whole frames, speeds and accuracy again, and write docs/benchmarks.md
#   make bench ONLY=squeezenet1.1         one of them alone   (or squeezenet1.0, squeezenet1.0-simple-bypass,
#                                         squeezenet1.0-complex-bypass, accuracy; none: write the document only)
#   make test                             the test suite        (PYTEST_ARGS="-k requantize")
#   make lint                             ruff and mypy
#   make bitstream BOARD=ulx3s_85f        a bitstream           (MODEL=net.onnx BANKS=4 CLOCK=60 SEED=2 SEEDS=4)
#   make vivado BOARD=arty_a7_100         a project for Vivado, and what it needs  (MODEL=net.onnx)
#   make program BOARD=ulx3s_85f          load it into a board  (MODEL=net.onnx)
#   make clean                            remove build/

PYTHON := $(shell for p in python3.11 python3 python3.12 python3.13; do \
    $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
INSTALLED := $(VENV)/installed.stamp
BITSTREAM_BOARD = $(or $(BOARD),ulx3s_85f)
FIRELANE := $(VENV)/bin/firelane

option = $(if $($(1)),--$(2) '$($(1))')
SIM_OPTIONS = $(call option,MODEL,model) $(call option,IMAGE,image) $(call option,IMAGES,images) \
    $(call option,SIZE,input-size) $(call option,LABELS,labels) \
    $(call option,BOARD,board) $(call option,BANKS,banks) $(call option,ACTIVATION_WORDS,activation-words) \
    $(call option,WEIGHT_WORDS,weight-words) $(call option,PROGRAM_WORDS,program-words) \
    $(if $(filter-out 0,$(WAVES)),--waves)

.DEFAULT_GOAL := help
.PHONY: help sim bench test lint bitstream vivado program clean

help:
	@sed -n 's/^#   //p' Makefile

$(INSTALLED): pyproject.toml setup.py constraints.txt
	@test -n '$(PYTHON)' || { echo 'error: no Python 3.11 or later found; Debian 12: apt install python3.11 python3-venv'; exit 2; }
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[test]' --constraint constraints.txt
	@touch $@

sim: $(INSTALLED)
	@$(FIRELANE) simulate $(SIM_OPTIONS)

bench: $(INSTALLED)
	@OPENBLAS_NUM_THREADS=1 $(FIRELANE) bench $(foreach name,$(ONLY),--only '$(name)')

test: $(INSTALLED)
	OPENBLAS_NUM_THREADS=1 $(VENV)/bin/python -m pytest -n auto $(PYTEST_ARGS)

lint: $(INSTALLED)
	$(VENV)/bin/ruff check .
	PYTHON=$(VENV)/bin/python .ci/types

bitstream: $(INSTALLED)
	@$(FIRELANE) bitstream $(call option,MODEL,model) --board '$(BITSTREAM_BOARD)' $(call option,BANKS,banks) \
	    $(call option,SEED,seed) $(call option,SEEDS,seeds) $(call option,CLOCK,clock)

vivado: $(INSTALLED)
	@$(FIRELANE) vivado-project '$(or $(MODEL),models/digits_squeezenet.onnx)' --board '$(or $(BOARD),arty_a7_100)'

program: $(INSTALLED)
	@$(FIRELANE) program $(call option,MODEL,model) --board '$(BITSTREAM_BOARD)'

clean:
	rm -rf build

# Everything runs in .venv, which the first target that needs it makes; each installs what it needs, `make test` all.
#
#   make sim                          simulate digits in the Verilog engine, and
#                                     check every result
#   make sim MODEL=squeezenet1.0      the whole of SqueezeNet, 224 x 224, one
#                                     image; SIZE=64: smaller images. Names:
#                                     `.venv/bin/firelane simulate --help`
#   make sim MODEL=net.onnx IMAGE=a.png
#                                     a network and an image of your own, or
#                                     IMAGES=DIR LIMIT=20; LABELS=names.txt;
#                                     PRESET=imagenet, or MEAN=0 SCALE=0.00392
#                                     CHANNELS=RGB RESIZE=256: how its input is
#                                     made of it
#   make sim WAVES=conv1              and write waveforms: of a layer; conv1:3,
#                                     its third instruction; frame; 1, all
#   make bitstream BOARD=ulx3s_85f    a bitstream; MODEL=net.onnx BANKS=4
#                                     TAPS=2: two weights a cycle; CLOCK=60
#                                     SEED=2 SEEDS=4; CAMERA=ov7670: a board
#                                     that looks for itself
#   make camera-sim                   a picture through a camera, the board's
#                                     gateware and its serial line; IMAGE=a.png
#                                     MODEL=net.onnx
#   make program BOARD=ulx3s_85f      load it into a board; MODEL=net.onnx
#   make vivado BOARD=arty_a7_100     a project for Vivado, and what it needs
#   make test                         the test suite; PYTEST_ARGS="-k drain"
#   make lint                         ruff and mypy
#   make bench                        measure whole frames, speeds and accuracy,
#                                     and write docs/benchmarks.md; ONLY=NAME:
#                                     squeezenet1.0, squeezenet1.1, accuracy,
#                                     squeezenet1.1-two-taps, ...; none
#   make compare                      what SqueezeNet and MobileNets, ShuffleNets
#                                     and others cost, to docs/comparison.md
#   make fuzz CASES=100000            mutated inputs, to docs/reliability.md;
#                                     SEED=1
#   make exporters                    what other tools write, and what becomes
#                                     of it, to docs/models.md; ONLY=brevitas
#   make journey                      what a new user types, from torchvision's
#                                     SqueezeNet to an image on a board, and
#                                     the same in a notebook, whose record in
#                                     docs/notebooks it writes
#   make site                         the documentation: build/site/index.html
#   make pages                        run every command of the documentation
#   make clean                        remove build/
#
#   .venv/bin/firelane --help         estimate, build, demo, run and all others

PYTHON := $(shell for p in python3.11 python3 python3.12 python3.13; do \
    $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
INSTALLED := $(VENV)/installed.stamp
FIRELANE := $(VENV)/bin/firelane

# Values of the user reach commands through the environment, each as one word: neither make nor the shell reads them.
# `value` is the text as it was typed; without it make would expand a $ in it, and run $(shell ...).
USERS := MODEL IMAGE IMAGES LIMIT SIZE LABELS BOARD BANKS TAPS ACTIVATION_WORDS WEIGHT_WORDS PROGRAM_WORDS WAVES ONLY \
    PYTEST_ARGS SEED SEEDS CLOCK CAMERA CASES PRESET CHANNELS MEAN SCALE RESIZE
$(foreach name,$(USERS),$(if $(filter undefined,$(origin $(name))),,\
    $(eval override $(name) := $$(value $(name)))$(eval export $(name))))
MAKEOVERRIDES =

# --option=value for the shell, where the variable has a value: $(call option,IMAGE,image)
option = $${$(1):+--$(2)="$$$(1)"}
ENGINE_OPTIONS = $(call option,BANKS,banks) $(call option,TAPS,taps) $(call option,ACTIVATION_WORDS,activation-words) \
    $(call option,WEIGHT_WORDS,weight-words) $(call option,PROGRAM_WORDS,program-words)
RECORD_OPTIONS = $(call option,PRESET,preset) $(call option,CHANNELS,channels) $(call option,MEAN,mean) \
    $(call option,SCALE,scale) $(call option,RESIZE,resize)
MODEL_ARGUMENT = $${MODEL:+-- "$$MODEL"}
BITSTREAM_BOARD = --board="$${BOARD:-ulx3s_85f}"

.DEFAULT_GOAL := help
.PHONY: help sim camera-sim bench compare test fuzz exporters journey lint site pages bitstream vivado program clean

help:
	@sed -n 's/^#   //p' Makefile

# What a target needs of .venv: the stamp of its group, an extra of pyproject.toml, or that of everything if it is there.
needs = $(if $(INSTALLED),$(or $(wildcard $(INSTALLED)),$(VENV)/$(1).stamp))

define install
	@test -n '$(PYTHON)' || { echo 'error: no Python 3.11 or later found; Debian 12: apt install python3.11 python3-venv'; exit 2; }
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[$(1)]' --constraint constraints.txt
	@touch $@
endef

$(INSTALLED): pyproject.toml setup.py constraints.txt
	$(call install,test)

$(VENV)/%.stamp: pyproject.toml setup.py constraints.txt
	$(call install,$*)

# Networks that are built and quantized here, by their names, take more than others.
sim: $(call needs,sim) $(if $(filter squeezenet% light_squeezenet,$(value MODEL)),$(call needs,compile))
	@case "$$WAVES" in ''|0|no|false) set -- ;; 1|yes|true) set -- --waves=all ;; *) set -- --waves="$$WAVES" ;; esac; \
	    $(FIRELANE) simulate $(call option,IMAGE,image) $(call option,IMAGES,images) $(call option,LIMIT,limit) \
	    $(call option,SIZE,input-size) $(call option,LABELS,labels) $(call option,BOARD,board) $(ENGINE_OPTIONS) \
	    $(RECORD_OPTIONS) "$$@" $(MODEL_ARGUMENT)

bench: $(INSTALLED)
	@set -f; for name in $$ONLY; do set -- "$$@" --only="$$name"; done; \
	    OPENBLAS_NUM_THREADS=1 $(FIRELANE) bench "$$@"

compare: $(INSTALLED)
	@OPENBLAS_NUM_THREADS=1 $(VENV)/bin/python -m firelane.boards.comparison.run docs/comparison.md
	@$(VENV)/bin/python docs/picture_comparison.py docs/images/accuracy_latency.png

test: $(INSTALLED)
	PYTEST_ADDOPTS="$$PYTEST_ARGS" OPENBLAS_NUM_THREADS=1 $(VENV)/bin/python -m pytest -n auto --dist worksteal

fuzz: $(INSTALLED)
	OPENBLAS_NUM_THREADS=1 $(VENV)/bin/python -m tests.fuzz --cases="$${CASES:-2000}" --seed="$${SEED:-1}" \
	    --write docs/reliability.md

exporters: $(INSTALLED)
	@set -f; OPENBLAS_NUM_THREADS=1 $(VENV)/bin/python -m tests.exporters $$ONLY

journey: $(INSTALLED)
	@FIRELANE_BUILD="$${FIRELANE_BUILD:-build}" OPENBLAS_NUM_THREADS=1 $(VENV)/bin/python -m tests.end_to_end.new_user \
	    build/journey --build=--effort=fast
	@FIRELANE_BUILD="$${FIRELANE_BUILD:-build}" OPENBLAS_NUM_THREADS=1 $(VENV)/bin/python -m tests.end_to_end.notebook \
	    build/journey/notebook

lint: $(INSTALLED)
	$(VENV)/bin/ruff check .
	PYTHON=$(VENV)/bin/python .ci/types

site: $(call needs,docs)
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/python -m mkdocs build --quiet --strict
	@echo 'written: build/site/index.html'

pages: $(INSTALLED)
	$(VENV)/bin/python -m tests.pages

camera-sim: $(call needs,sim)
	@$(FIRELANE) camera-sim $(call option,BOARD,board) $(call option,IMAGE,image) $(MODEL_ARGUMENT)

bitstream: $(call needs,build)
	@$(FIRELANE) bitstream $(BITSTREAM_BOARD) $(call option,BANKS,banks) $(call option,TAPS,taps) \
	    $(call option,SEED,seed) $(call option,SEEDS,seeds) $(call option,CLOCK,clock) $(call option,CAMERA,camera) $(RECORD_OPTIONS) \
	    $(MODEL_ARGUMENT)

vivado: $(call needs,build)
	@$(FIRELANE) vivado-project --board="$${BOARD:-arty_a7_100}" $(MODEL_ARGUMENT)

program: $(call needs,build)
	@$(FIRELANE) program $(BITSTREAM_BOARD) $(MODEL_ARGUMENT)

clean:
	rm -rf build

# What every study shares. Targets are files, so a study goes on where it stopped, and make -j2 runs what is independent.
#
#   FER2013=path/fer2013.csv   the real data; some studies need other sets, too
#   TINY=1                     synthetic faces, few networks and epochs instead: a minute or less
#   STUDIES=folder             where results go (default: studies)
#   SPLITS="val test"          what networks are scored on (default: val; PrivateTest is for the last table only)
#   SEED=1  EPOCHS=5           other chance, shorter training
#   OPTIONS="--width 0.5"      other options of fer train for all networks
#
# A study is its name STUDY and ROWS, the names of its networks and thereby of the rows of its table, and
#
#   TRAIN     options of fer train; TRAIN_full, TRAIN_tiny, then TRAIN_row add to them, and the last one of a name counts
#   DATA      the dataset file; DATA_row where a row has another. DATA may hold $(1), the row
#   AFTER_row files that must be there before the row is trained
#   BODIES    networks that are trained as well, but are no rows: others start from them
#   PLUS      rows without a network of their own, such as ensembles, for which the study has rules
#   RESULTS   other results that the page shall show, for which the study has rules
#   COMPARE   options of fer compare
#   PUBLISHED table for fer compare; empty where published.csv is for another command
#   NEEDS     the data sets without which it cannot begin
#
# ROWS_tiny and PLUS_tiny are instead of ROWS and PLUS in the tiny run. `published.csv` beside the Makefile holds figures
# to stand beside ours, by row; `expected.json` the ranges of ours.

FER     ?= fer
PYTHON  ?= python3
STUDIES ?= studies
SEED    ?= 0
SPLITS  ?= val
NEEDS   ?= FER2013
MODE    := $(if $(TINY),tiny,full)
RECIPE  := recipes/$(STUDY)
OUT     := $(STUDIES)/$(STUDY)$(if $(TINY),-tiny)
FACES   := $(STUDIES)/$(if $(TINY),synthetic,fer2013).h5
DATA    ?= $(FACES)
comma   := ,
# Learns drawn faces in seconds; what tiny runs train where the network is not the question.
SMALL   := --arch pattern:CPCPF --widths 16,32 --optimizer adam --lr 1e-2 --batch-size 32 --epochs 8

.DELETE_ON_ERROR:
.SECONDARY:
.SECONDEXPANSION:
.DEFAULT_GOAL := all

ifdef TINY
ROWS := $(or $(ROWS_tiny),$(ROWS))
PLUS := $(or $(PLUS_tiny),$(PLUS))
else
$(foreach name,$(NEEDS),$(if $($(name)),,$(error $(name) is not set: say $(name)=path, or TINY=1 for synthetic faces)))
endif

data      = $(or $(DATA_$(1)),$(DATA))
results   = $(foreach split,$(SPLITS),$(1:%=$(OUT)/$(split)/%/result.json))
PUBLISHED ?= $(wildcard $(RECIPE)/published.csv)
compared  := $(if $(ROWS)$(PLUS),$(OUT)/comparison/result.json)

# The study of all studies has a page of another kind.
ifneq ($(STUDY),all)
all: $(OUT)/report.html
	@echo "the page is $<"
	@$(PYTHON) recipes/check.py $(RECIPE)/expected.json $(MODE) $(OUT)
endif

# Asks nothing but whether the data sets are there that the study needs.
can-begin:
	@true

$(STUDIES)/synthetic.h5:
	$(FER) prepare synthetic --count 700 --size 32 --seed $(SEED) -o $@

$(STUDIES)/fer2013.h5: $(FER2013)
	$(FER) prepare $< -o $@ --overwrite

# A training that was stopped goes on. A network that was trained otherwise, or on other data, is trained again.
$(patsubst %,$(OUT)/%.keras,$(ROWS) $(BODIES)): $(OUT)/%.keras: $$(call data,$$*) $$(AFTER_$$*)
	$(FER) train $< $(TRAIN) $(TRAIN_$(MODE)) $(TRAIN_$*) $(EPOCHS:%=--epochs %) $(OPTIONS) --seed $(SEED) \
	  --resume --overwrite -o $@
	@touch -c $@

# The folder of a result bears the name of its row, and the folder above that of its split.
$(call results,$(ROWS)): $(OUT)/%/result.json: $(OUT)/$$(*F).keras $$(call data,$$(*F))
	$(FER) eval $^ --split $(*D) --seed $(SEED) -o $(@D) --overwrite

$(compared): $(call results,$(ROWS) $(PLUS)) $(PUBLISHED)
	$(FER) compare $(call results,$(ROWS) $(PLUS)) $(ROWS:%=$(OUT)/%.training) $(PUBLISHED:%=--published %) $(COMPARE) \
	  --seed $(SEED) -o $(@D) --overwrite

ifneq ($(STUDY),all)
$(OUT)/report.html: $(compared) $(RESULTS)
	$(FER) report $(OUT) $(sort $(foreach row,$(or $(ROWS),none),$(call data,$(row)))) --title $(STUDY) -o $@ --overwrite
endif

.PHONY: all can-begin

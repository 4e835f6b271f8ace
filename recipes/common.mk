# What every study shares. Targets are files, so a study goes on where it stopped.
#
#   FER2013=path/fer2013.csv   the real data
#   TINY=1                     synthetic faces and a few epochs instead: a minute or two
#   STUDIES=folder             where results go (default: studies)

FER     ?= fer
STUDIES ?= studies
SEED    ?= 0
OUT      = $(STUDIES)/$(STUDY)$(if $(TINY),-tiny)

.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

ifdef TINY
$(OUT)/data.h5:
	$(FER) prepare synthetic --count 1400 --seed $(SEED) -o $@
else
ifndef FER2013
$(error FER2013 is not set: say FER2013=path/fer2013.csv, or TINY=1 for synthetic faces)
endif
$(OUT)/data.h5: $(FER2013)
	$(FER) prepare $< -o $@ --overwrite
endif

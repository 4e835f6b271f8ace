# ACCEL, for studies with classical classifiers: the option of fer svm where its extra is installed. ACCEL= goes without.
ifeq ($(origin ACCEL),undefined)
ACCEL := $(shell $(PYTHON) -c "import importlib.util as u; print('--accel' if u.find_spec('sklearnex') else '')")
endif

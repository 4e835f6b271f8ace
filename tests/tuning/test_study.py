"""Studies and where they are kept: resumed, refused, and shared without one trial too many."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from fer_cli.errors import InputError, MissingError, OutputError, UsageError
from fer_cli.tuning import notes, outcome
from fer_cli.tuning.plan import ACCURACY, ROBUST, Plan
from fer_cli.tuning.space import Choice, Space
from fer_cli.tuning.storage import absolute, open_storage
from fer_cli.tuning.study import claim, open_study
from tests.tuning.searches import SPACE, a_plan, planted

STORAGES = ["journal:deep/trials.journal", "sqlite:///deep/trials.db"]


@pytest.mark.parametrize("storage", STORAGES)
def test_workers_share_exactly_as_many_trials_as_were_asked_for(storage: str) -> None:
    plan = a_plan(storage, trials=9)
    with open_study(plan):
        pass

    def work(worker: int) -> int:
        with open_study(plan) as study:
            done = 0
            while planted(study, plan):
                done += 1
            return done

    with ThreadPoolExecutor(4) as pool:
        shares = list(pool.map(work, range(4)))
    assert sum(shares) == 9
    with open_study(plan) as study:
        assert len(outcome.ended_rows(study)) == 9
        # Each trial drew for itself.
        assert len({row.drawn["lr"] for row in outcome.ended_rows(study)}) == 9


def test_a_trial_drawn_at_the_same_moment_as_the_last_one_is_withdrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = a_plan(trials=1)
    with open_study(plan) as study:
        assert claim(study, plan) is not None
        monkeypatch.setattr("fer_cli.tuning.study.open_places", lambda study, plan: 1)  # what another process still saw
        assert claim(study, plan) is None
        assert [notes.WITHDRAWN in trial.user_attrs for trial in study.trials] == [False, True]
        assert outcome.ended_rows(study) == []


@pytest.mark.parametrize("storage", STORAGES)
def test_a_study_goes_on_only_as_the_search_that_it_was(storage: str) -> None:
    plan = a_plan(storage)
    with open_study(plan) as study:
        planted(study, plan)
    with open_study(replace(plan, sampler="tpe", trials=9)) as study:
        assert len(study.trials) == 1
    others: dict[str, Plan] = {
        "it was made with another dataset file": replace(plan, dataset_sha256="1" * 64),
        "it has epochs=3, not 4": replace(plan, fixed={**plan.fixed, "epochs": 4}),
        "its space has lr={'low': 0.0001, 'high': 1.0, 'log': True, 'step': None}, not None": replace(
            plan, space=SPACE.without({"lr"})
        ),
    }
    for difference, other in others.items():
        with pytest.raises(UsageError) as caught, open_study(other):
            pass
        assert difference in str(caught.value)
        assert "choose another --study or --storage" in str(caught.value)
    with open_study(replace(plan, space=Space(()), study="other")) as study:
        assert study.trials == []


def test_what_is_measured_is_part_of_a_search() -> None:
    attacked = a_plan(fixed={**a_plan().fixed, "adversarial": "fgsm"})
    assert (a_plan().measure, attacked.measure) == (ACCURACY, ROBUST)
    assert "measure" not in a_plan().identity()  # which studies of before have not
    assert attacked.identity()["measure"] == "val accuracy under attack"


@pytest.mark.parametrize("storage", STORAGES)
def test_a_study_of_which_nothing_came_may_become_another(storage: str) -> None:
    plan = a_plan(storage)
    corrected = replace(plan, fixed={**plan.fixed, "epochs": 4})
    with open_study(plan) as study:
        trial = claim(study, plan)
        assert trial is not None
        plan.space.suggest(trial)
        with pytest.raises(UsageError, match="is another search"), open_study(corrected):
            pass  # while it runs
        study.tell(trial, state=TrialState.FAIL)
        begun = study
        narrow = replace(corrected, space=Space((Choice("batch_size", (16,), (16,)),)))
        with pytest.raises(UsageError, match="is another search"), open_study(narrow):
            pass  # Optuna takes no other choices of the same name
        with open_study(corrected) as study:
            with pytest.raises(UsageError, match="has become another search meanwhile"):
                claim(begun, plan)
            assert notes.WITHDRAWN in study.trials[-1].user_attrs
            planted(study, corrected)
    with pytest.raises(UsageError, match="it has epochs=4, not 3"), open_study(plan):
        pass


def test_a_study_of_another_program_is_refused() -> None:
    study = optuna.create_study(study_name="fer", storage=open_storage("journal:a"), direction="maximize")
    study.add_trial(optuna.create_trial(value=1.0))
    with pytest.raises(UsageError, match="its trials are not those of fer tune"), open_study(a_plan("journal:a")):
        pass


@pytest.mark.parametrize(
    "text", ["trials.db", "journal:", "sqlite:///", "sqlite:///:memory:", "redis://localhost", "no:way"]
)
def test_a_text_that_names_no_storage(text: str) -> None:
    with pytest.raises(UsageError, match="--storage: expected journal:FILE, sqlite:///FILE or another SQLAlchemy URL"):
        open_storage(text)


def test_a_storage_that_cannot_be_used() -> None:
    Path("broken").write_text("not a storage\n" * 99, encoding="utf-8")
    for kind in ("journal:", "sqlite:///"):
        with (
            pytest.raises(InputError, match=f"{kind}broken: not a readable storage"),
            open_study(a_plan(f"{kind}broken")),
        ):
            pass
        with pytest.raises(OutputError, match="broken/trials: cannot be written"):
            open_storage(f"{kind}broken/trials")
    with pytest.raises(MissingError, match=r"its database driver is not installed .*pymssql"):
        open_storage("mssql+pymssql://host/fer")


def test_a_storage_is_the_same_from_another_folder(tmp_path: Path) -> None:
    assert absolute("journal:a/b") == f"journal:{tmp_path}/a/b"
    assert absolute("sqlite:///a.db") == f"sqlite:///{tmp_path}/a.db"
    assert absolute(f"sqlite:///{tmp_path}/a.db") == f"sqlite:///{tmp_path}/a.db"
    assert absolute("postgresql://host/fer") == "postgresql://host/fer"

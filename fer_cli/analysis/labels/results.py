"""What a ranking of suspects found, JSON-able."""

from __future__ import annotations

from typing import Any

from fer_cli.analysis import scores
from fer_cli.analysis.labels import judges
from fer_cli.analysis.labels.judges import Known
from fer_cli.analysis.labels.ranking import Ranking


def results(ranking: Ranking, known: Known, top: int, seed: int) -> dict[str, Any]:
    """Conditions, the first `top` suspects, all pairs of classes, and what is known of who is right.

    accuracy: how often the model names rows as they are labelled. seed: of the bootstrap.
    """
    answers = ranking.answers
    counts = scores.confusion_matrix(answers.labels, answers.probabilities.argmax(1), len(answers.class_names))
    truth, majority = known.truth, known.majority
    return {
        "models": answers.models,
        "cross_validation": answers.cross_validation,
        "split": answers.split,
        "n": len(answers.labels),
        "protocol": answers.protocol,
        "method": ranking.method,
        "accuracy": float(scores.accuracy(counts)),
        "accuracy_interval": scores.interval(scores.accuracy(scores.resample(counts, seed))),
        "class_names": list(answers.class_names),
        "suspects": len(ranking),
        "worst": [_suspect(ranking, place, majority) for place in range(min(top, len(ranking)))],
        "pairs": ranking.pairs(top),
        "truth": None if truth is None else judges.against_truth(ranking, truth, top, seed),
        "votes": None if majority is None else judges.against_votes(ranking, majority, top, seed),
        "warnings": answers.warnings,
    }


def _suspect(ranking: Ranking, place: int, majority: list[str | None] | None) -> dict[str, Any]:
    names, row = ranking.answers.class_names, int(ranking.rows[place])
    return {
        "rank": place + 1,
        "source": ranking.answers.sources[row],
        "given": names[ranking.given[place]],
        "suggested": names[ranking.suggested[place]],
        "suspicion": float(ranking.suspicion[place]),
        **({} if majority is None else {"majority": majority[row]}),
    }

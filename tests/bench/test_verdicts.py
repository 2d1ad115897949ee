"""What counts as help, and what does not."""

import numpy as np
import pytest

from skoverfit._core._statistics import corrected_comparison
from skoverfit.bench._aggregate import Results
from skoverfit.bench._questions import QUESTIONS
from skoverfit.bench._verdicts import Judge, outcome_of, signed


def statistic(mean, spread, n=10):
    values = mean + spread * np.linspace(-1, 1, n)
    return corrected_comparison(values, test_train_ratio=0.25, rope=0.01)


@pytest.mark.parametrize(
    ("mean", "spread", "p", "better", "expected"),
    [
        (0.1, 0.01, 0.001, True, "helps"),
        (0.1, 0.01, 0.001, False, "undecided"),  # a better model of pure noise
        (0.1, 0.01, 0.2, True, "undecided"),  # one of many tried
        (0.001, 0.0001, 0.001, True, "equivalent"),  # sure, and of no use
        (-0.1, 0.01, 0.001, True, "harms"),
        (0.0, 0.5, 1.0, True, "undecided"),
        (0.0, 0.0, 1.0, True, "equivalent"),
    ],
)
def test_outcome(mean, spread, p, better, expected):
    stat = statistic(mean, spread)
    assert outcome_of(stat, p, better_than_dummy=better) == expected


def test_signed_never_writes_minus_zero():
    assert signed(-0.0001) == "0.000"
    assert signed(0.0004) == "0.000"
    assert signed(-0.0006) == "-0.001"


def results(scores, *, groups=("as it is",), n_folds=25, spread=0.005, planned=None):
    """Fabricate a run: scores[group][estimator, remedy] is a mean balanced accuracy.

    The ranking follows the same numbers and the log-loss falls with them; noise of
    `spread` is drawn for each cell, so differences have that spread times sqrt(2).
    """
    rng = np.random.default_rng(0)
    cells, rows = [], []
    for group in groups:
        for (estimator, remedy), mean in scores[group].items():
            for fold in range(n_folds):
                key = f"{group}/{estimator}/{remedy}/{fold}"
                spec = {
                    "table": "t",
                    "group": group,
                    "estimator": estimator,
                    "remedy": remedy,
                    "repeat": fold // 5,
                    "fold": fold % 5,
                }
                value = mean + spread * rng.normal()
                test = {
                    "ranking": value,
                    "log_loss": 1 - value,
                    "balanced_accuracy": value,
                }
                dummy = {"ranking": 0.3, "log_loss": 0.7, "balanced_accuracy": 0.5}
                cells.append([key, spec])
                rows.append(
                    {
                        "key": key,
                        "status": "done",
                        "created": "2026-01-01T00:00:00Z",
                        "value": {"test": test, "dummy": dummy},
                    }
                )
    names = {pair[1] for group in groups for pair in scores[group]}
    estimators = {pair[0] for group in groups for pair in scores[group]}
    run = {
        "cells": cells,
        "groups": list(groups),
        "shifted_groups": [group for group in groups if group == "rare"],
        "n_splits": 5,
        "tables": [{"name": "t", "classes": {"no": 60, "yes": 40}, "folds": ""}],
        "estimators": dict.fromkeys(sorted(estimators)),
        "remedies": [{"name": name} for name in sorted(names)],
    }
    return Results(run, rows)


def verdicts(scores, **options):
    judge = Judge(results(scores, **options), {})
    return {metric.id: judge.verdict(metric) for metric in QUESTIONS}, judge


PLAIN = {
    ("forest", "nothing"): 0.80,
    ("forest", "threshold"): 0.80,
    ("knn", "nothing"): 0.70,
    ("knn", "threshold"): 0.70,
}


def test_a_planted_gain_is_named_and_set_beside_the_best_untreated_model():
    found, _ = verdicts({"as it is": {**PLAIN, ("knn", "smote"): 0.75}})
    verdict = found["ranking"]
    assert verdict["helps"]
    assert verdict["sentence"].startswith("Smote with knn helps: average precision")
    assert "than nothing" in verdict["sentence"]
    (context, *_) = verdict["clauses"][0]["details"]
    assert context.startswith("But it trails the best model without any remedy, forest")


def test_a_gain_beyond_the_best_untreated_model_says_so():
    found, _ = verdicts({"as it is": {**PLAIN, ("knn", "smote"): 0.85}})
    assert "It also leads" in found["ranking"]["clauses"][0]["details"][0]


def test_decisions_are_judged_against_the_tuned_threshold():
    scores = {**PLAIN, ("knn", "threshold"): 0.78, ("knn", "smote"): 0.775}
    found, _ = verdicts({"as it is": scores})
    assert found["ranking"]["sentence"].startswith(("Smote with knn", "Threshold"))
    decision = found["decision"]["sentence"]
    assert decision.startswith("Threshold with knn helps")
    assert "than nothing" in decision
    assert "smote" not in "".join(found["decision"]["clauses"][0]["details"])


def test_harm_is_named_and_the_worst_quantified():
    found, _ = verdicts({"as it is": {**PLAIN, ("forest", "smote"): 0.6}})
    verdict = found["probability"]
    assert not verdict["helps"]
    assert verdict["clauses"][0]["outcome"] == "none"
    (harm,) = verdict["clauses"][0]["details"]
    assert harm.startswith("Harmful: smote; worst smote with forest, -0.199")


def test_a_difference_of_no_use_is_no_help_however_sure():
    scores = {**PLAIN, ("forest", "smote"): 0.804}
    found, _ = verdicts({"as it is": scores}, spread=0.0005)
    assert not found["ranking"]["helps"]
    assert "equivalent to doing nothing" in found["ranking"]["sentence"]


def test_better_models_of_noise_are_no_help():
    scores = {pair: score - 0.55 for pair, score in PLAIN.items()}
    scores["knn", "smote"] = 0.28  # from .15 to .28, still under the class shares' .3
    found, judge = verdicts({"as it is": scores})
    assert found["ranking"]["clauses"][0]["outcome"] == "no_signal"
    assert "forecasting the class shares" in found["ranking"]["sentence"]
    assert judge.headline(list(found.values())) == "No remedy helps here."


def test_scenarios_are_judged_apart():
    scores = {"plain": dict(PLAIN), "rare": {**PLAIN, ("knn", "smote"): 0.78}}
    found, judge = verdicts(scores, groups=("plain", "rare"))
    verdict = found["ranking"]
    assert [c["outcome"] for c in verdict["clauses"]] == ["none", "helps"]
    rare = found["probability"]["clauses"][1]
    assert rare["details"][-1].startswith("Part of the gain is the change of class")
    assert verdict["sentence"] == "A remedy helps in “rare”; none does in “plain”."
    assert judge.headline(list(found.values())) == (
        "For ranking, probability and decision remedies help weaker models only, the "
        "best model needs none."
    )


def test_the_headline_tells_the_best_model_from_the_weak_ones():
    scores = {**PLAIN, ("forest", "threshold"): 0.85, ("knn", "smote"): 0.78}
    found, judge = verdicts({"as it is": scores})
    del found["probability"]
    assert judge.headline([found["decision"]]) == (
        "A remedy improves on the best model for decision."
    )


def test_one_fold_is_too_little_and_says_so():
    found, judge = verdicts({"as it is": dict(PLAIN)}, n_folds=1)
    assert found["ranking"]["clauses"][0]["outcome"] == "too_little_data"
    assert "Too few" in judge.headline(list(found.values()))


def test_several_scenarios_with_one_fold_each_are_not_judged():
    found, _ = verdicts(
        {"plain": dict(PLAIN), "rare": dict(PLAIN)}, groups=("plain", "rare"), n_folds=1
    )
    assert found["ranking"]["sentence"].startswith("Too few cells are finished")

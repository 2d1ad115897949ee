"""Self-ensembling: when it is the plain classifier, the rules, what variants do."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import sklearn
import torch
from sklearn.compose import make_column_transformer
from sklearn.datasets import make_classification
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier
from skorch import NeuralNetClassifier

import skoverfit
from skoverfit.calibration import SelfEnsembleClassifier, combine_predictions
from skoverfit.neural_network import TabularMLPClassifier

RULES = ("max", "mean", "majority")


def table(n=400, seed=0, **options):
    return make_classification(
        n, 6, n_informative=4, n_classes=3, flip_y=0.1, random_state=seed, **options
    )


def tree():
    return DecisionTreeClassifier(min_samples_leaf=3, random_state=0)


# The rules ---------------------------------------------------------------------------


@pytest.mark.parametrize("rule", RULES)
def test_equal_answers_stay(rule):
    p = np.random.default_rng(0).dirichlet([1, 1, 1], size=20)
    np.testing.assert_allclose(combine_predictions([p, p, p], rule), p)


def test_rules_against_loops():
    answers = np.random.default_rng(0).dirichlet([0.5] * 4, size=(7, 30))
    for row in range(30):
        own = answers[:, row]
        largest = own.max(axis=0) / own.max(axis=0).sum()
        votes = {}
        for p in own:
            votes.setdefault(p.argmax(), []).append(p)
        winner = max(votes, key=lambda c: sum(p.max() for p in votes[c]))
        expected = {
            "max": largest,
            "mean": sum(own) / 7,
            "majority": np.mean(votes[winner], axis=0),
        }
        for rule in RULES:
            got = combine_predictions(answers, rule)[row]
            np.testing.assert_allclose(got, expected[rule])


def test_rules_give_probabilities_and_keep_float32():
    answers = np.random.default_rng(0).dirichlet([1, 2, 3], size=(5, 40))
    for rule in RULES:
        p = combine_predictions(answers.astype(np.float32), rule)
        assert p.dtype == np.float32
        np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-6)
    # The top probability of "max" can't fall below that of even classes.
    assert combine_predictions(answers, "max").max(axis=1).min() >= 1 / 3


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (np.ones((2, 3)), r"shape \(n_variants.*\(2, 3\)"),
        (np.empty((0, 2, 2)), "variant at least"),
        (np.full((2, 2, 2), np.nan), "finite"),
        (-np.ones((2, 2, 2)), "at least 0"),
    ],
)
def test_bad_answers_are_named(answers, said):
    with pytest.raises(ValueError, match=said):
        combine_predictions(answers)


# The classifier ----------------------------------------------------------------------


@pytest.mark.parametrize("perturb", ["gaussian", "mask", "context", lambda X, rng: X])
def test_one_variant_is_the_classifier(perturb):
    X, y = table()
    model = SelfEnsembleClassifier(tree(), perturb=perturb, n_variants=1).fit(X, y)
    plain = tree().fit(X, y).predict_proba(X)
    assert np.array_equal(model.predict_proba(X), plain)


@pytest.mark.parametrize("rule", RULES)
def test_no_shift_is_the_classifier(rule):
    X, y = table()
    model = SelfEnsembleClassifier(
        tree(), scale=0, combine=rule, include_original=False
    )
    p = model.fit(X, y).predict_proba(X)
    np.testing.assert_allclose(p, tree().fit(X, y).predict_proba(X))


@pytest.mark.parametrize("perturb", ["gaussian", "mask", "context"])
def test_answers_depend_on_the_row_alone_and_on_the_seed(perturb):
    X, y = table()

    def probabilities(rows, seed=0):
        model = SelfEnsembleClassifier(
            KNeighborsClassifier(3), perturb=perturb, scale=0.3, random_state=seed
        )
        return model.fit(X, y).predict_proba(rows)

    p = probabilities(X)
    assert np.array_equal(p[:7], probabilities(X[:7]))
    assert np.array_equal(p, probabilities(X))
    assert not np.array_equal(p, probabilities(X, seed=1))


def test_a_linear_model_gets_the_shifts_that_were_drawn():
    """With one column the mean answer is that of shifted logits."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 1)) * 5
    y = X[:, 0] + rng.normal(size=300) > 0
    seen = []

    def note(rows, generator):
        seen.append(generator.standard_normal(1))
        return rows + 0.3 * X.std(axis=0) * seen[-1]

    options = {"combine": "mean", "random_state": 3, "n_variants": 8}
    ours = SelfEnsembleClassifier(LogisticRegression(), scale=0.3, **options)
    own = SelfEnsembleClassifier(LogisticRegression(), perturb=note, **options)
    p = ours.fit(X, y).predict_proba(X)
    np.testing.assert_allclose(p, own.fit(X, y).predict_proba(X))
    assert len(np.unique(seen)) == 7


def test_masked_columns_are_those_of_a_mean_row():
    X, y = table()
    model = SelfEnsembleClassifier(
        tree(), perturb="mask", scale=1.0, n_variants=1, include_original=False
    ).fit(X, y)
    mean = model.estimator_.predict_proba(X.mean(axis=0, keepdims=True))
    np.testing.assert_allclose(model.predict_proba(X), np.repeat(mean, len(X), axis=0))


@pytest.mark.parametrize("seed", range(3))
def test_an_over_confident_tree_is_helped(seed):
    X, y = table(900, seed)
    model = SelfEnsembleClassifier(tree(), scale=0.3, random_state=seed)
    model.fit(X[:250], y[:250])
    plain = log_loss(y[250:], model.estimator_.predict_proba(X[250:]))
    assert log_loss(y[250:], model.predict_proba(X[250:])) < 0.5 * plain


def test_auto_takes_the_rule_of_least_loss():
    X, y = table()
    model = SelfEnsembleClassifier(
        tree(), scale=0.3, combine="auto", cv=3, random_state=0
    ).fit(X, y)
    losses = model.rule_losses_
    assert set(losses) == set(RULES)
    assert losses[model.combine_] == min(losses.values())
    again = SelfEnsembleClassifier(
        tree(), scale=0.3, combine=model.combine_, random_state=0
    ).fit(X, y)
    assert np.array_equal(again.predict_proba(X), model.predict_proba(X))
    assert not hasattr(again, "rule_losses_")


def test_auto_of_a_frozen_classifier_is_its_loss_on_the_rows_given():
    X, y = table()
    frozen = FrozenEstimator(tree().fit(X[:200], y[:200]))
    model = SelfEnsembleClassifier(frozen, combine="auto", random_state=0)
    model.fit(X[200:], y[200:])
    for rule in RULES:
        same = SelfEnsembleClassifier(frozen, combine=rule, random_state=0)
        p = same.fit(X[200:], y[200:]).predict_proba(X[200:])
        assert model.rule_losses_[rule] == pytest.approx(log_loss(y[200:], p))


def test_zero_weights_are_no_rows_in_the_spread():
    X, y = table()
    weight = (np.arange(len(y)) < 300).astype(float)
    X[300:] *= 100
    options = {"random_state": 0, "perturb": "gaussian"}
    some = SelfEnsembleClassifier(LogisticRegression(), **options)
    fewer = SelfEnsembleClassifier(LogisticRegression(), **options)
    p = some.fit(X, y, sample_weight=weight).predict_proba(X[:300])
    q = fewer.fit(X[:300], y[:300]).predict_proba(X[:300])
    np.testing.assert_allclose(p, q, atol=1e-5)


# Containers --------------------------------------------------------------------------


def mixed_model(perturb):
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="error"), ["kind", "code"]),
        remainder=StandardScaler(),
    )
    return SelfEnsembleClassifier(
        make_pipeline(encode, tree()),
        perturb=perturb,
        scale=0.4,
        categorical_features=["code"],
        random_state=0,
    )


@pytest.mark.parametrize("perturb", ["gaussian", "mask"])
def test_frames_of_mixed_columns(perturb):
    X, y = table()
    rng = np.random.default_rng(0)
    columns = {
        "a": X[:, 0],
        "count": np.round(3 * X[:, 1]).astype(int),
        "kind": rng.choice(["x", "y", "z"], len(y)),
        "code": rng.integers(3, size=len(y)),
        "b": X[:, 2].astype(np.float32),
    }
    frame = pd.DataFrame(columns)
    before = frame.copy()
    model = mixed_model(perturb).fit(frame, y)
    p = model.predict_proba(frame)
    pd.testing.assert_frame_equal(frame, before)
    assert not np.array_equal(p, model.estimator_.predict_proba(frame))
    other = mixed_model(perturb).fit(pl.DataFrame(columns), y)
    np.testing.assert_allclose(other.predict_proba(pl.DataFrame(columns)), p)
    categories = frame.astype({"kind": "category"})
    np.testing.assert_allclose(
        mixed_model(perturb).fit(categories, y).predict_proba(categories), p
    )


@pytest.mark.parametrize("perturb", ["gaussian", "mask"])
def test_arrays_of_any_dtype_and_sparse(perturb):
    X, y = table()
    X = np.round(4 * X)
    kept = X.copy()
    options = {"perturb": perturb, "scale": 0.3, "random_state": 0}
    p = SelfEnsembleClassifier(tree(), **options).fit(X, y).predict_proba(X)
    for other in (X.astype(int), X.astype(object), X.tolist()):
        model = SelfEnsembleClassifier(tree(), **options).fit(other, y)
        np.testing.assert_allclose(model.predict_proba(other), p)
    assert np.array_equal(X, kept)
    sparse = sp.csr_array(X)
    model = SelfEnsembleClassifier(tree(), **options).fit(sparse, y)
    assert model.predict_proba(sparse).shape == p.shape
    assert (sparse.toarray() == X).all()


def test_float32_rows_stay_float32():
    X, y = table()
    seen = []

    class Spy(LogisticRegression):
        def predict_proba(self, X):
            seen.append(X.dtype)
            return super().predict_proba(X)

    X = X.astype(np.float32)
    SelfEnsembleClassifier(Spy(), n_variants=3).fit(X, y).predict(X)
    assert set(seen) == {np.dtype(np.float32)}


# Nets --------------------------------------------------------------------------------


def small_net(dropout=0.3):
    return TabularMLPClassifier(
        hidden_layer_sizes=(16,), dropout=dropout, n_estimators=2, max_epochs=5,
        random_state=0,
    )  # fmt: skip


def test_dropout_of_our_net_is_row_by_row_and_leaves_no_trace(tmp_path):
    X, y = table()
    model = SelfEnsembleClassifier(small_net(), perturb="dropout", random_state=0)
    before = torch.get_rng_state()
    model.fit(X, y)
    plain = model.estimator_.predict_proba(X)
    p = model.predict_proba(X)
    assert torch.equal(torch.get_rng_state(), before)
    np.testing.assert_allclose(p[:9], model.predict_proba(X[:9]), atol=1e-6)
    assert np.abs(p - plain).max() > 0.01
    assert np.array_equal(model.estimator_.predict_proba(X), plain)
    skoverfit.save(model, tmp_path / "model")
    again = skoverfit.load(tmp_path / "model")
    np.testing.assert_allclose(again.predict_proba(X), p, atol=1e-6)


def test_dropout_of_a_linear_net_is_that_of_its_columns():
    """Dropout on the input of a linear net: the masks can be read off."""
    X, y = table()
    torch.manual_seed(0)
    net = NeuralNetClassifier(
        torch.nn.Sequential(torch.nn.Dropout(0.5), torch.nn.Linear(6, 3)),
        criterion=torch.nn.CrossEntropyLoss,
        max_epochs=3,
        train_split=None,
        verbose=0,
    )
    X = X.astype(np.float32)
    model = SelfEnsembleClassifier(
        net, perturb="dropout", n_variants=1, include_original=False, random_state=0
    ).fit(X, y)
    layer = model.estimator_.module_[1]
    logits = np.log(model.predict_proba(X))
    centred = logits - logits.mean(axis=1, keepdims=True)
    weight = layer.weight.detach().numpy().astype(float)
    bias = layer.bias.detach().numpy().astype(float)
    fits = []
    for bits in range(64):
        kept = 2.0 * np.array([bits >> j & 1 for j in range(6)])
        z = (X * kept) @ weight.T + bias
        fits.append(np.abs(z - z.mean(axis=1, keepdims=True) - centred).max())
    assert sorted(fits)[0] < 1e-4 < sorted(fits)[1]


# What is refused ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"perturb": "mask", "scale": 2.0}, "scale.*share.*below 1"),
        ({"perturb": "context", "scale": 1.0}, "scale.*share.*below 1"),
        ({"perturb": "dropout"}, "needs a net that has dropout"),
        ({"perturb": "noise"}, "'perturb' parameter"),
        ({"n_variants": 0}, "'n_variants' parameter"),
        ({"combine": "best"}, "'combine' parameter"),
        ({"categorical_features": [9]}, "categorical_features names column 9"),
        ({"combine": "auto", "cv": 900}, "cv=900 needs at least 900 rows"),
    ],
)
def test_bad_parameters_are_named(options, said):
    X, y = table()
    model = SelfEnsembleClassifier(tree(), **options)
    with pytest.raises(ValueError, match=said):
        model.fit(X, y)
    assert not hasattr(model, "estimator_")


def test_other_refusals():
    X, y = table()
    frozen = FrozenEstimator(tree().fit(X, y))
    with pytest.raises(ValueError, match="FrozenEstimator is not trained again"):
        SelfEnsembleClassifier(frozen, perturb="context").fit(X, y)
    with pytest.raises(ValueError, match=r"class 9, which the fitted.*not know"):
        SelfEnsembleClassifier(frozen).fit(X, np.where(y == 0, 9, y))
    with pytest.raises(ValueError, match="no parameter 'sample_weight'"):
        SelfEnsembleClassifier(KNeighborsClassifier()).fit(X, y, np.ones(len(y)))
    model = SelfEnsembleClassifier(tree(), include_original=False).fit(X, y)
    with pytest.raises(ValueError, match=r"X has 5 features, but SelfEnsemble.* 6"):
        model.predict(X[:, :5])
    with pytest.raises(ValueError, match="needs a net that has dropout"):
        SelfEnsembleClassifier(small_net(0.0), perturb="dropout").fit(X, y)


def test_weights_are_routed():
    X, y = table()
    seen = []

    class Spy(LogisticRegression):
        def fit(self, X, y, sample_weight=None):
            seen.append(sample_weight)
            return super().fit(X, y, sample_weight)

    with sklearn.config_context(enable_metadata_routing=True):
        inner = Spy().set_fit_request(sample_weight=True)
        SelfEnsembleClassifier(inner).fit(X, y, sample_weight=np.ones(len(y)))
    assert seen[0] is not None

"""Devices, precision, threads; generators that others use stay as they were."""

import os
import random
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import torch
from sklearn.datasets import make_classification

from skoverfit.exceptions import BadInputError
from skoverfit.neural_network import TabularMLPClassifier, TabularMLPRegressor

X, Y = make_classification(90, 5, random_state=0)
SMALL = {
    "hidden_layer_sizes": (6,),
    "n_estimators": 2,
    "max_epochs": 3,
    "random_state": 0,
}


class Noisy(torch.nn.Module):
    """Draws from torch's global generator at its start and in training."""

    def __init__(self, n_features, n_outputs):
        super().__init__()
        self.last = torch.nn.Linear(n_features, n_outputs)

    def forward(self, x):
        return self.last(torch.nn.functional.dropout(x, 0.2, self.training))


@pytest.mark.parametrize(
    ("device", "told"),
    [
        ("cuda:9", r"'cuda:9' is not there: .* has .*'cpu'.*device='auto'"),
        ("xpu", r"'xpu' is not there"),
        ("nonsense", r"must be 'auto', 'cpu', .* Got 'nonsense' instead"),
        ("cpu:x", r"Got 'cpu:x' instead"),
        ("", r"Got '' instead"),
        (torch.device("cuda", 9), r"'cuda:9' is not there"),
    ],
)
def test_a_device_that_is_not_there(device, told):
    for kind in (TabularMLPClassifier, TabularMLPRegressor):
        model = kind(**SMALL, device=device)
        with pytest.raises(BadInputError, match=told):
            model.fit(X, Y)
        assert set(vars(model)) == set(model.get_params())


def test_no_cuda_is_said_to_be_not_there(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(BadInputError, match="'cuda' is not there"):
        TabularMLPClassifier(device="cuda").fit(X, Y)


@pytest.mark.parametrize("device", ["auto", "cpu", "cpu:0", torch.device("cpu")])
def test_devices_that_are_there(device, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    model = TabularMLPClassifier(**SMALL, device=device).fit(X, Y)
    same = TabularMLPClassifier(**SMALL, device="cpu").fit(X, Y)
    assert np.array_equal(model.predict_proba(X), same.predict_proba(X))


def test_mixed_precision_on_the_cpu():
    exact = TabularMLPClassifier(**SMALL, device="cpu").fit(X, Y)
    mixed = TabularMLPClassifier(**SMALL, device="cpu", mixed_precision="bfloat16")
    mixed.fit(X, Y)
    assert not np.array_equal(mixed.predict_proba(X), exact.predict_proba(X))
    assert np.allclose(mixed.predict_proba(X), exact.predict_proba(X), atol=0.05)
    assert all(p.dtype is torch.float32 for p in mixed.net_.module_.parameters())
    with pytest.raises(BadInputError, match="'float16' needs a GPU; use 'bfloat16'"):
        mixed.set_params(mixed_precision="float16").fit(X, Y)


@pytest.mark.parametrize("module", [None, Noisy])
def test_one_seed_one_answer_and_other_generators_untouched(module):
    first, *rest = (
        TabularMLPClassifier(**SMALL, module=module, dropout=0.3) for _ in range(3)
    )
    torch.manual_seed(5), random.seed(5), np.random.seed(5)  # noqa: NPY002
    before = torch.get_rng_state(), random.getstate(), np.random.get_state()  # noqa: NPY002
    answer = first.fit(X, Y).partial_fit(X, Y).predict_proba(X)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert random.getstate() == before[1]
    after = np.random.get_state()  # noqa: NPY002
    assert np.array_equal(after[1], before[2][1])
    assert after[2:] == before[2][2:]
    for seed, other in enumerate(rest):
        torch.manual_seed(seed)
        again = other.fit(X, Y).partial_fit(X, Y).predict_proba(X)
        assert np.array_equal(again, answer)
    different = TabularMLPClassifier(**{**SMALL, "random_state": 1}, module=module)
    assert not np.array_equal(different.fit(X, Y).predict_proba(X), answer)


THREADS = """
    import torch
    from sklearn.datasets import make_classification
    from skoverfit.neural_network import TabularMLPClassifier

    X, y = make_classification(500, 20, random_state=0)
    answers = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        model = TabularMLPClassifier((48, 48), n_estimators=2, max_epochs=1,
                                     random_state=0, batch_size=220)
        answers.append(model.fit(X, y).predict_proba(X))
    print(torch.get_num_threads(), (answers[0] == answers[1]).all())
"""


def test_one_thread_and_two_give_the_same_numbers():
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(THREADS)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "OMP_NUM_THREADS": "2"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["2", "True"]


if torch.cuda.is_available():

    @pytest.mark.gpu
    @pytest.mark.parametrize("module", [None, Noisy])
    def test_on_a_gpu(module, tmp_path):
        options = {**SMALL, "module": module, "dropout": 0.2, "device": "cuda"}
        torch.cuda.manual_seed(3)
        before = torch.cuda.get_rng_state()
        model = TabularMLPClassifier(**options).fit(X, Y)
        assert torch.equal(torch.cuda.get_rng_state(), before)
        again = TabularMLPClassifier(**options).fit(X, Y)
        assert np.array_equal(again.predict_proba(X), model.predict_proba(X))
        path = tmp_path / "run.ckpt"
        TabularMLPClassifier(**{**options, "max_epochs": 2}, checkpoint=path).fit(X, Y)
        resumed = TabularMLPClassifier(**options, resume_from=path).fit(X, Y)
        assert np.array_equal(resumed.predict_proba(X), model.predict_proba(X))
        half = TabularMLPClassifier(**options, mixed_precision="float16").fit(X, Y)
        assert np.allclose(half.predict_proba(X), model.predict_proba(X), atol=0.05)
        on_cpu = TabularMLPClassifier(**{**options, "device": "cpu"}).fit(X, Y)
        assert torch.equal(torch.cuda.get_rng_state(), before)
        assert on_cpu.net_.device == "cpu"

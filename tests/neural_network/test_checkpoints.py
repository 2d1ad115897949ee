"""A training that was cut off goes on to the very result it would have had."""

import io
import json
import os
import subprocess
import sys
import textwrap
import zipfile

import numpy as np
import pytest
import torch
from sklearn.datasets import make_classification, make_regression
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback

from skoverfit.exceptions import BadInputError, SkoverfitWarning
from skoverfit.neural_network import Mixup, TabularMLPClassifier, TabularMLPRegressor

X, Y = make_classification(
    90, 5, n_classes=3, n_informative=4, n_redundant=0, random_state=0
)
SMALL = {
    "hidden_layer_sizes": (6,),
    "n_estimators": 2,
    "max_epochs": 6,
    "random_state": 0,
}


class Stop(Exception):
    """An error of someone else, in the middle of a training."""


class StopIn(Callback):
    def __init__(self, epoch):
        self.epoch = epoch

    def on_batch_begin(self, net, **kwargs):
        if len(net.history) == self.epoch:
            raise Stop


class DropNet(torch.nn.Module):
    """Draws its masks from torch's global generator."""

    def __init__(self, n_features, n_outputs):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(n_features, 8),
            torch.nn.BatchNorm1d(8),
            torch.nn.Dropout(0.3),
            torch.nn.Linear(8, n_outputs),
        )

    def forward(self, x):
        return self.layers(x)


def net(**parameters):
    return TabularMLPClassifier(**{**SMALL, **parameters})


def cut_off(path, epoch, X=X, y=Y, kind=TabularMLPClassifier, **parameters):
    """Leave a checkpoint of a training that an error ended."""
    model = kind(
        **{**SMALL, **parameters},
        checkpoint=path,
        checkpoint_every=1,
        callbacks=[StopIn(epoch)],
    )
    with pytest.raises(Stop):
        model.fit(X, y)
    assert not hasattr(model, "net_")


def assert_same_training(first, second):
    a, b = first.net_, second.net_
    for (name, mine), other in zip(
        a.module_.state_dict().items(), b.module_.state_dict().values(), strict=True
    ):
        assert torch.equal(mine, other), name
    keys = ("train_losses", "lr")
    assert a.history[:, keys] == b.history[:, keys]
    assert first.n_iter_ == second.n_iter_
    assert getattr(first, "best_epochs_", 0) == getattr(second, "best_epochs_", 0)
    assert getattr(first, "best_losses_", 0) == getattr(second, "best_losses_", 0)


@pytest.mark.parametrize("epoch", [2, 5])
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"early_stopping": False, "schedule": "cosine", "optimizer": "sgd"},
        {"n_iter_no_change": 2, "tol": 0.1, "learning_rate": 0.05},
        {"batch_step": Mixup(0.4), "dropout": 0.5},
        {"module": DropNet},
        {"module": DropNet, "n_estimators": 1},
        {"mixed_precision": "bfloat16", "dtype": "float64"},
        {"class_weight": "balanced", "batch_size": 7},
    ],
    ids=str,
)
def test_a_training_that_goes_on_ends_as_one_that_was_not_cut_off(
    parameters, epoch, tmp_path
):
    whole = net(**parameters).fit(X, Y)
    if whole.n_iter_ < epoch:
        epoch = whole.n_iter_
    path = tmp_path / "run.ckpt"
    cut_off(path, epoch, **parameters)
    resumed = net(**parameters, resume_from=path).fit(X, Y)
    assert_same_training(resumed, whole)
    for each in (resumed, whole):
        each.partial_fit(X, Y)
    assert np.array_equal(resumed.predict_proba(X), whole.predict_proba(X))


def test_the_regressor_goes_on_too(tmp_path):
    X, y = make_regression(80, 4, random_state=0)
    path = tmp_path / "run.ckpt"
    cut_off(path, 3, X, y, TabularMLPRegressor)
    resumed = TabularMLPRegressor(**SMALL, resume_from=path).fit(X, y)
    assert_same_training(resumed, TabularMLPRegressor(**SMALL).fit(X, y))


def test_one_script_begins_goes_on_and_is_done(tmp_path):
    path = str(tmp_path / "run.ckpt")
    again = {"checkpoint": path, "resume_from": path, "checkpoint_every": 2}
    whole = net().fit(X, Y)
    begun = net(**again, max_epochs=3).fit(X, Y)
    assert begun.n_iter_ == 3
    for _ in range(2):  # goes on, then has nothing left to do
        assert_same_training(net(**again).fit(X, Y), whole)
    assert os.listdir(tmp_path) == ["run.ckpt"]


def test_a_training_without_a_seed_keeps_the_one_it_had(tmp_path):
    path = tmp_path / "run.ckpt"
    whole = net(random_state=None, checkpoint=path).fit(X, Y)
    half = net(random_state=None, max_epochs=3, checkpoint=path).fit(X, Y)
    resumed = net(random_state=None, resume_from=path).fit(X, Y)
    assert (
        resumed.net_.history[:3, "train_losses"] == half.net_.history[:, "train_losses"]
    )
    assert resumed.n_iter_ == whole.n_iter_ == 6


def test_writing_checkpoints_changes_no_result(tmp_path):
    with_files = net(checkpoint=tmp_path / "a.ckpt", checkpoint_every=1).fit(X, Y)
    assert_same_training(with_files, net().fit(X, Y))


def test_time_that_ran_out_can_be_given(tmp_path):
    path = tmp_path / "run.ckpt"
    short = net(max_time=1e-9, checkpoint=path).fit(X, Y)
    assert short.n_iter_ == 1
    assert net(max_time=1e-9, resume_from=path).fit(X, Y).n_iter_ == 2
    assert_same_training(net(resume_from=path).fit(X, Y), net().fit(X, Y))


def test_warm_starts_have_checkpoints(tmp_path):
    path = tmp_path / "run.ckpt"
    whole = net(warm_start=True).fit(X, Y).fit(X, Y)
    model = net(warm_start=True).fit(X, Y)
    model.set_params(checkpoint=path, max_epochs=2).fit(X, Y)
    fresh = net(warm_start=True, resume_from=path).fit(X, Y)
    assert_same_training(fresh, whole)


def test_interrupted_by_hand_and_resumed(tmp_path):
    path = tmp_path / "run.ckpt"

    class CtrlC(Callback):
        def on_batch_begin(self, net, **kwargs):
            if len(net.history) == 4:
                raise KeyboardInterrupt

    with pytest.warns(SkoverfitWarning, match="interrupted after 3 of 6"):
        net(checkpoint=path, checkpoint_every=1, callbacks=[CtrlC()]).fit(X, Y)
    assert_same_training(net(resume_from=path).fit(X, Y), net().fit(X, Y))


# --- refusals -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("written") / "run.ckpt"
    net(max_epochs=2, checkpoint=path).fit(X, Y)
    return path


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"hidden_layer_sizes": (7,)}, r"hidden_layer_sizes=\(6,\)"),
        ({"learning_rate": 0.1}, "learning_rate=0.004, now learning_rate is 0.1"),
        ({"n_estimators": 3}, "n_estimators=2"),
        ({"optimizer": "sgd"}, "optimizer=AdamW, now optimizer is SGD"),
        ({"label_smoothing": 0.1}, r"loss=CrossEntropyLoss.*label_smoothing=0\.0"),
        ({"batch_step": "mixup"}, "batch_step=BatchStep"),
        ({"module": DropNet}, "module=None, now module is DropNet"),
        ({"random_state": 1}, "random_state"),
        ({"early_stopping": False}, "n_iter_no_change=16"),
        ({"schedule": "cosine"}, "schedule='constant'"),
        ({"validation_fraction": 0.3}, "the held-out rows are other ones"),
        ({"numeric_scaling": "standard"}, "the encoded rows of X are other ones"),
    ],
    ids=str,
)
def test_another_training_is_refused_by_name(parameters, told, written):
    model = net(**parameters, resume_from=written)
    with pytest.raises(BadInputError, match=rf"of another training: .*{told}"):
        model.fit(X, Y)
    assert not [n for n in vars(model) if n.endswith("_")]


def test_other_data_are_refused(written):
    model = net(resume_from=written)
    with pytest.raises(BadInputError, match="encoded rows of X"):
        model.fit(X + np.eye(len(X), 5), Y)
    with pytest.raises(BadInputError, match="values of y"):
        model.fit(X, np.roll(Y, 1))
    with pytest.raises(BadInputError, match=r"the (weights|encoded rows of X)"):
        model.fit(X, Y, sample_weight=np.arange(1, 91))


def damage(path, to, how):
    data = path.read_bytes()
    if how == "cut":
        to.write_bytes(data[: len(data) // 2])
    elif how == "flipped":
        with np.load(path) as archive:
            place = data.index(archive["module/head.bias"].tobytes()) + 2
        to.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
    elif how == "empty":
        to.write_bytes(b"")
    elif how == "pickle":
        np.savez(to.with_suffix(".npz"), plain=np.array([print], dtype=object))
        to.with_suffix(".npz").rename(to)
    elif how == "compressed":
        with np.load(path) as archive:
            np.savez_compressed(to.with_suffix(".npz"), **archive)
        to.with_suffix(".npz").rename(to)
    else:
        name, array = how
        with np.load(path) as archive:
            arrays = dict(archive)
        if name in arrays:
            arrays[name] = array
        else:
            plain = json.loads(arrays["plain"].tobytes())
            plain[name] = array
            arrays["plain"] = np.frombuffer(json.dumps(plain).encode(), "u1")
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)
        to.write_bytes(buffer.getvalue())


@pytest.mark.parametrize(
    "how",
    [
        "cut",
        "flipped",
        "empty",
        "pickle",
        "compressed",
        ("module/head.bias", np.ones(3, "f4")),
        ("kept/head.bias", np.ones(3, "f4")),
        ("optimizer/0/exp_avg", np.ones(3, "f4")),
        ("generator/1", np.ones(16, "u1")),
        ("global/cpu", np.ones(16, "u1")),
        ("best/done", np.ones(1, bool)),
        ("batch_size", -3),
        ("entropy", "x"),
        ("checkpoint", 99),
        ("fingerprint", None),
        ("epochs", None),
        ("history", "x"),
        ("optimizer", {}),
    ],
    ids=str,
)
def test_a_damaged_checkpoint_is_refused_in_a_sentence(how, written, tmp_path):
    damage(written, tmp_path / "bad.ckpt", how)
    model = net(resume_from=tmp_path / "bad.ckpt")
    with pytest.raises(BadInputError, match=r"bad\.ckpt' is no checkpoint, or is dam"):
        model.fit(X, Y)
    assert not [n for n in vars(model) if n.endswith("_")]


def test_the_damage_is_in_the_one_place(written, tmp_path):
    damage(written, tmp_path / "good.ckpt", ("seconds", 0.0))
    assert net(resume_from=tmp_path / "good.ckpt").fit(X, Y).n_iter_ == 6


def test_a_refused_checkpoint_leaves_a_fitted_net_as_it_was(written):
    model = net(warm_start=True).fit(X, Y)
    before, was = model.predict_proba(X), dict(vars(model))
    with pytest.raises(BadInputError, match="another training"):
        model.set_params(resume_from=written, learning_rate=0.5).fit(X, Y)
    assert np.array_equal(model.predict_proba(X), before)
    assert vars(model).keys() == was.keys()


def test_no_file_and_no_folder(tmp_path):
    with pytest.raises(BadInputError, match=r"no checkpoint .* to resume from"):
        net(resume_from=tmp_path / "absent.ckpt").fit(X, Y)
    with pytest.raises(
        BadInputError, match=r"can't be written: .*absent' is no folder"
    ):
        net(checkpoint=tmp_path / "absent" / "run.ckpt").fit(X, Y)
    with pytest.raises(BadInputError, match="it is a folder"):
        net(checkpoint=tmp_path).fit(X, Y)


def test_not_in_a_search_where_fits_would_overwrite_each_other(tmp_path):
    search = GridSearchCV(
        net(checkpoint=tmp_path / "run.ckpt"),
        {"dropout": [0, 0.1]},
        cv=3,
        error_score="raise",
    )
    with pytest.raises(BadInputError, match="set checkpoint=None there"):
        search.fit(X, Y)


def test_a_full_disk_does_not_end_the_training(tmp_path, monkeypatch):
    from skoverfit.neural_network import _checkpoints

    def full(path, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_checkpoints, "replace_file", full)
    with pytest.warns(SkoverfitWarning, match="No space left .* goes on without"):
        model = net(checkpoint=tmp_path / "run.ckpt").fit(X, Y)
    assert_same_training(model, net().fit(X, Y))


def test_old_leftovers_of_killed_writings_are_removed(tmp_path):
    old, new = tmp_path / ".run.ckpt.aa.tmp", tmp_path / ".run.ckpt.bb.tmp"
    other = tmp_path / ".other.ckpt.aa.tmp"
    for each in (old, new, other):
        each.write_bytes(b"")
    for each in (old, other):
        os.utime(each, (0, 0))
    net(checkpoint=tmp_path / "run.ckpt").fit(X, Y)
    assert {p.name for p in tmp_path.iterdir()} == {"run.ckpt", new.name, other.name}


def test_a_checkpoint_holds_arrays_and_text_only(written):
    with zipfile.ZipFile(written) as archive:
        assert all(name.endswith(".npy") for name in archive.namelist())
    with np.load(written, allow_pickle=False) as archive:
        assert all(archive[name].dtype != object for name in archive.files)


KILLED = """
    import os, signal, sys, time
    import numpy as np
    from sklearn.datasets import make_classification
    from skoverfit.neural_network import TabularMLPClassifier

    path = sys.argv[1]
    X, y = make_classification(120, 6, random_state=0)
    options = dict(hidden_layer_sizes=(16,), n_estimators=2, max_epochs=40,
                   random_state=0, n_iter_no_change=40)
    whole = TabularMLPClassifier(**options).fit(X, y)
    rng, killed = np.random.default_rng(int(sys.argv[2])), 0
    for attempt in range(40):
        child = os.fork()
        if not child:
            model = TabularMLPClassifier(**options, checkpoint=path,
                                         checkpoint_every=1, resume_from=path)
            model.fit(X, y)
            np.save(path + ".npy", model.predict_proba(X))
            os._exit(0)
        # Late enough that something is done, early enough that not all is.
        time.sleep(rng.uniform(0.0, 0.15) + 0.02 * attempt)
        if killed < 5:
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0
            break
        killed += 1
    same = np.array_equal(np.load(path + ".npy"), whole.predict_proba(X))
    print(killed, same)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_at_random_moments_and_resumed(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED), str(tmp_path / "k.ckpt"), "0"],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    killed, same = done.stdout.split()
    assert int(killed) >= 2
    assert same == "True"

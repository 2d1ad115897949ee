# SPDX-License-Identifier: BSD-3-Clause
"""Checkpoints: a training that was killed goes on as if it had not been.

A checkpoint is an uncompressed npz archive: arrays, and one member of JSON. Nothing in
it is a pickle, so it is safe to resume from; shapes are checked before they are used.
It is written under another name and then moved, so a crash never leaves half of one.
"""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import io
import json
import os
import sys
import time
import zipfile
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from skoverfit._core._persistence import replace_file
from skoverfit._core._validation import warn
from skoverfit.exceptions import BadInputError
from skoverfit.neural_network._batch_steps import BatchStep
from skoverfit.neural_network._interruption import is_one_of_many
from skoverfit.neural_network._prepared import Prepared
from skoverfit.neural_network._settings import Settings
from skoverfit.neural_network._state import (
    NetState,
    as_json,
    capture,
    part_of,
    restore,
    set_generator,
)

__all__ = ["TrainingCheckpoint"]

_FORMAT = 1
_PLAIN = "plain"
# Settings under which a training may go on although they are other ones.
_FREE = {"device", "max_time", "callbacks"}
# What a setting is called where a person sets it.
_NAMES = {"patience": "n_iter_no_change"}
_OLD_SECONDS = 3600


class TrainingCheckpoint:
    """Write the state of a training, and go on from a written one.

    Parameters
    ----------
    path : path or None
        File to write.
    every : int
        Epochs from one writing to the next.
    resume_from : path or None
        File to go on from. One that does not exist is an error, unless it is the one
        to be written.

    Raises
    ------
    BadInputError
        If ``resume_from`` is no checkpoint, or ``path`` can't be written.
    """

    def __init__(self, path: Any, every: int, resume_from: Any) -> None:
        self.path = None if path is None else Path(path)
        self.every = every
        self.state: NetState | None = None
        self._origin = ""
        self._told: dict[str, str] = {}
        self._entropy = 0
        self._epochs = self._written = 0
        self._ended = False
        if self.path is not None:
            _check_writable(self.path)
        if resume_from is not None:
            origin = Path(resume_from)
            if self.path is None or origin.exists() or origin != self.path:
                self._origin = os.fspath(resume_from)
                self.state = _read(origin)

    @classmethod
    def of(cls, estimator: Any) -> TrainingCheckpoint | None:
        """Return the checkpoint that an estimator's parameters ask for, if any.

        Raises
        ------
        BadInputError
            If many fits would write the one file, or a file is not as it has to be.
        """
        if estimator.checkpoint is None and estimator.resume_from is None:
            return None
        if estimator.checkpoint is not None and is_one_of_many():
            raise BadInputError(
                "checkpoint names one file, which the fits of a search, a "
                "cross-validation or an ensemble would overwrite in turn; set "
                "checkpoint=None there."
            )
        return cls(
            estimator.checkpoint, estimator.checkpoint_every, estimator.resume_from
        )

    @property
    def entropy(self) -> int | None:
        """The source of all random numbers of the training that goes on."""
        return None if self.state is None else int(self.state.plain["entropy"])

    @property
    def batch_size(self) -> int | None:
        """Rows of a batch in the training that goes on."""
        return None if self.state is None else int(self.state.plain["batch_size"])

    def check(self, prepared: Prepared, settings: Settings) -> None:
        """Require that the rows and settings are those of the checkpoint.

        Raises
        ------
        BadInputError
            Naming the first difference.
        """
        self._told = _fingerprint(prepared, settings)
        self._entropy = prepared.extra["entropy"]
        if self.state is None:
            return
        was = self.state.plain["fingerprint"]
        for name, now in self._told.items():
            if was.get(name) == now:
                continue
            what = f"The checkpoint {self._origin!r} is of another training"
            if name.startswith("data"):
                raise BadInputError(
                    f"{what}: {name.removeprefix('data: ')} are other ones; resume "
                    "with the X, y and sample_weight that it was begun with."
                )
            raise BadInputError(
                f"{what}: it was begun with {name}={was.get(name)}, now {name} is "
                f"{now}."
            )

    # --- what the loop asks ----------------------------------------------------------

    def resume(self, net: Any) -> tuple[int, float]:
        """Put the written state into the net; return its epochs and seconds."""
        self._epochs = self._written = 0
        self._ended = False
        if self.state is None:
            return 0, 0.0
        size, judged = net.batch_size, net.best_.kept is not None
        plain, arrays = self.state.plain, self.state.arrays
        try:
            restore(net, self.state)
            net.set_params(batch_size=size)
            net.interrupted_ = net.timed_out_ = False
            net._first_step = int(plain["first_step"])
            net._set_masks()
            if net._scaler is not None and plain["scaler"] is not None:
                net._scaler.load_state_dict(plain["scaler"])
            _set_global(part_of(arrays, "global/"), torch.device(net.device))
            net._step.load_state_arrays(part_of(arrays, "step/"))
            if (net.best_.kept is not None) != judged:
                raise BadInputError("The best weights are not in it")
            done, seconds = int(plain["epochs"]), float(plain["seconds"])
        except Exception as exc:  # whatever a damaged state makes torch raise
            raise _damaged(self._origin, exc) from exc
        self._epochs = self._written = done
        self._ended = plain["ended"] is True
        return (sys.maxsize if self._ended else done), seconds

    def after_epoch(self, net: Any, seconds: float, *, over: bool) -> None:
        """Count the epoch; write the state every few of them."""
        self._epochs += 1
        # A training that ran out of time goes on where it is given more.
        self._ended = over and not net.timed_out_
        if self._epochs % self.every == 0:
            self._write(net, seconds)

    def at_end(self, net: Any, seconds: float) -> None:
        """Write the last state, if it is not written."""
        if self._written != self._epochs or not self._epochs:
            self._write(net, seconds)

    def _write(self, net: Any, seconds: float) -> None:
        if self.path is None:
            return
        state = capture(net)
        arrays = dict(state.arrays)
        for name, array in net._step.state_arrays().items():
            arrays[f"step/{name}"] = array
        arrays["global/cpu"] = torch.get_rng_state().numpy()
        if torch.device(net.device).type == "cuda":
            arrays["global/cuda"] = torch.cuda.get_rng_state(net.device).numpy()
        plain = {
            **state.plain,
            "checkpoint": _FORMAT,
            "fingerprint": self._told,
            "entropy": str(self._entropy),
            "epochs": self._epochs,
            "ended": self._ended,
            "seconds": seconds,
            "first_step": net._first_step,
            "scaler": None if net._scaler is None else net._scaler.state_dict(),
        }
        arrays[_PLAIN] = np.frombuffer(as_json(plain).encode(), dtype=np.uint8)
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **arrays)
        try:
            _remove_leftovers(self.path)
            replace_file(self.path, buffer.getvalue())
        except OSError as exc:
            warn(
                f"The checkpoint {os.fspath(self.path)!r} can't be written ({exc}); "
                "the training goes on without."
            )
            return
        self._written = self._epochs


def _check_writable(path: Path) -> None:
    folder = path.parent
    if path.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        raise BadInputError(
            f"The checkpoint {os.fspath(path)!r} can't be written: "
            + (
                "it is a folder."
                if path.is_dir()
                else f"{os.fspath(folder)!r} is no folder that can be written to."
            )
        )


def _remove_leftovers(path: Path) -> None:
    """Remove what writings that were killed long ago left behind."""
    start, now = f".{path.name}.", time.time()
    for old in path.parent.iterdir():
        if old.name.startswith(start) and old.suffix == ".tmp":
            with contextlib.suppress(OSError):
                if now - old.stat().st_mtime > _OLD_SECONDS:
                    old.unlink()


def _read(path: Path) -> NetState:
    name = os.fspath(path)
    if not path.is_file():
        raise BadInputError(
            f"There is no checkpoint {name!r} to resume from; leave resume_from=None, "
            "or set checkpoint to the same path to begin one there."
        )
    try:
        with zipfile.ZipFile(path) as archive:
            if any(each.compress_type for each in archive.infolist()):
                raise ValueError("it is compressed")
        with np.load(path, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
        plain = json.loads(arrays.pop(_PLAIN).tobytes())
        if plain["checkpoint"] != _FORMAT:
            raise ValueError(
                f"it has the format {plain['checkpoint']!r}, not {_FORMAT}"
            )
        int(plain["entropy"])
        if type(plain["batch_size"]) is not int or plain["batch_size"] < 1:
            raise ValueError(f"it has batch_size={plain['batch_size']!r}")
        if not isinstance(plain["fingerprint"], dict):
            raise ValueError("it does not say what it is a checkpoint of")
    except Exception as exc:  # whatever a damaged archive makes zipfile raise
        raise _damaged(name, exc) from exc
    return NetState(arrays, plain)


def _damaged(name: str, exc: Exception) -> BadInputError:
    text = str(exc).rstrip(".")
    kind = "" if isinstance(exc, ValueError) else f"{type(exc).__name__}: "
    return BadInputError(
        f"The file {name!r} is no checkpoint, or is damaged: {kind}{text}."
    )


def _set_global(states: dict[str, np.ndarray], device: torch.device) -> None:
    set_generator(torch.default_generator, states["cpu"])
    if device.type == "cuda" and "cuda" in states:
        torch.cuda.set_rng_state(torch.from_numpy(states["cuda"].copy()), device)


def _fingerprint(prepared: Prepared, settings: Settings) -> dict[str, str]:
    """Tell what a training depends on: settings in words, data as hashes."""
    free = set(_FREE)
    if settings.schedule == "constant":
        free.add("max_epochs")  # the first epochs are the same ones
    told = {"module": _words(settings.module)}  # what follows from it comes later
    told |= {
        _NAMES.get(each.name, each.name): _words(getattr(settings, each.name))
        for each in fields(settings)
        if each.name not in free
    }
    told["n_estimators"] = str(len(prepared.seeds))
    told["random_state"] = "of seeds " + ", ".join(map(str, prepared.seeds[:3]))
    rows = prepared.rows
    told["data: the encoded rows of X"] = _hash(rows.dense, rows.codes)
    told["data: the values of y"] = _hash(prepared.target)
    told["data: the weights"] = _hash(prepared.weight)
    told["data: the held-out rows"] = _hash(*prepared.train, *(prepared.valid or ()))
    return told


def _words(value: Any) -> str:
    if isinstance(value, nn.Module):
        plain = {
            name: held
            for name, held in vars(value).items()
            if isinstance(held, (str, int, float)) and name[0] != "_"
        }
        plain.pop("training", None)
        kind = type(value).__qualname__
        layers = f" {value!r}" if list(value.children()) else ""
        return f"{kind}({', '.join(f'{k}={v!r}' for k, v in plain.items())}){layers}"
    if isinstance(value, BatchStep):
        held = {
            name: each.__qualname__ if inspect.isfunction(each) else each
            for name, each in vars(value).items()
        }  # an address is another one in the process that goes on
        return f"{type(value).__qualname__}{sorted(held.items())}"
    if isinstance(value, type) or callable(value):
        return getattr(value, "__qualname__", type(value).__qualname__)
    return repr(value)


def _hash(*arrays: np.ndarray | None) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        if array is not None:
            digest.update(f"{array.shape}{array.dtype}".encode())
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()

# SPDX-License-Identifier: BSD-3-Clause
"""One training with a coreset: what is chosen, and the views of a batch."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch.nn import functional

from skoverfit._core._facility_location import facility_location
from skoverfit.exceptions import BadInputError
from skoverfit.neural_network._batch_steps import BatchStep, StepModel
from skoverfit.neural_network._data import Batch, NetData
from skoverfit.neural_network._step_tools import (
    counts_of,
    generator_on,
    real_rows,
    viewed,
)
from skoverfit.neural_network._table_space import TableSpace

if TYPE_CHECKING:
    from skoverfit.neural_network._coreset_step import CoresetAugmentationStep

__all__ = ["CoresetTraining"]


@dataclass
class _Part:
    """Rows of one net in a step, with their views behind them."""

    dense: torch.Tensor
    codes: torch.Tensor | None
    target: torch.Tensor
    weight: torch.Tensor

    def __len__(self) -> int:
        return len(self.target)


class CoresetTraining(BatchStep):
    """What `CoresetAugmentationStep` does in one training.

    Parameters
    ----------
    step : CoresetAugmentationStep
        The parameters.
    model : StepModel
        The nets.
    data : NetData
        All rows. It is the one table that is held; views that have to be fitted hold
        rows of their own.
    """

    hides_outputs: ClassVar[bool] = True

    def __init__(
        self, step: CoresetAugmentationStep, model: StepModel, data: NetData
    ) -> None:
        self.step, self.data = step, data
        features = getattr(model.module, "features", None)
        if step.gradient == "last_layer" and features is None:
            raise BadInputError(
                "gradient='last_layer' needs a net that tells its last hidden units, "
                "and a module of one's own doesn't; use gradient='error'."
            )
        self._features = features
        self._space: TableSpace | None = None
        if step.space == "table":
            space = TableSpace(data.encoder, data.dense.dtype)
            if data.device.type == "mps":  # which has no double precision
                space = space.float()
            self._space = space.to(data.device)
        self._views = self._fitted_views()
        self._unseen = True
        # How much the view of each row counts in each net: 0 for rows not chosen.
        shape = data.n_nets, len(data.target)
        self._mass = data.dense.new_zeros(shape)
        self._scales: list[float] = []
        self._coverage, self._refreshed = 0.0, 0.0
        if step.base == "coreset":
            self.order = self._in_turn

    # --- views -----------------------------------------------------------------------

    def _fitted_views(self) -> list[Any]:
        """Return the view maker of each net, fitted where it has a fit."""
        given, data = self.step.views, self.data
        if not hasattr(given, "fit"):
            return [given] * data.n_nets
        made: list[Any] = []
        for net, rows in enumerate(data.train):
            same = net and torch.equal(rows, data.train[net - 1])
            made.append(made[-1] if same else self._fitted(given, rows))
        return made

    def _fitted(self, given: Any, rows: torch.Tensor) -> Any:
        """Fit a copy on the training rows of a net, in the form that views get."""
        data = self.data
        places = rows.to(data.dense.device)
        table = data.dense[places].to(data.device)
        if self._space is not None:
            table = self._space.decode(table)
        elif data.codes is not None:
            codes = data.codes[places].to(table)
            table = torch.cat([table, codes], dim=1)
        fresh = getattr(given, "unfitted", None)
        view = copy.deepcopy(given) if fresh is None else fresh()
        options = {}
        known = inspect.signature(view.fit).parameters
        if "groups" in known and getattr(view, "categorical_groups", None) is None:
            # Columns of one category go together.
            encoded = self._space is None and data.encoder is not None
            options["groups"] = data.encoder.column_groups() if encoded else []
        view.fit(table, **options)
        return view

    def _seen(self, part: _Part, net: int, own: torch.Generator) -> Batch:
        """Return a view of rows."""
        generator = generator_on(part.dense.device, own)
        batch = Batch(
            dense=part.dense, codes=part.codes, target=part.target, weight=None,
            count=len(part),
        )  # fmt: skip
        given = self._views[net]

        def view(rows: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
            seen = rows if self._space is None else self._space.decode(rows)
            made = given(seen, generator)
            if self._unseen:
                self._check(made, seen)
                self._unseen = False
            if self._space is not None:
                made = self._space(made)
            return made.to(rows.dtype)

        with torch.no_grad():
            return viewed(batch, view, generator)

    @staticmethod
    def _check(made: Any, seen: torch.Tensor) -> None:
        """Require rows of the shape that was given, and numbers."""
        right = isinstance(made, torch.Tensor) and made.shape == seen.shape
        if not right or not bool(torch.isfinite(made).all()):
            shape = tuple(made.shape) if hasattr(made, "shape") else made
            what = f"the shape {shape}" if not right else "numbers that aren't finite"
            raise BadInputError(
                "The 'views' of CoresetAugmentationStep must return a tensor of finite "
                f"numbers of the shape {tuple(seen.shape)}, that of the rows it was "
                f"given. Got {what} instead."
            )

    # --- the choice ------------------------------------------------------------------

    def on_epoch_begin(self, model: StepModel, epoch: int) -> None:
        """Choose anew, if it is time to."""
        if self.step.base == "coreset" and self.data.order != self.order:
            raise BadInputError(
                "CoresetAugmentationStep(base='coreset') decides which rows an epoch "
                "has, and so does a callback (Cooldown or TwoPhaseTraining); use "
                "base='full', or one of the two alone."
            )
        every = self.step.refresh_every
        due = epoch == 0 if every is None else epoch % every == 0
        self._refreshed = float(due)
        if due:
            self._choose(model)

    def _choose(self, model: StepModel) -> None:
        data, step = self.data, self.step
        outputs = features = None
        if step.selection != "random":
            assert model.outputs is not None
            outputs = model.outputs(data.dense, data.codes)
            if step.gradient == "last_layer" and step.selection == "coreset":
                features = model.outputs(data.dense, data.codes, self._features)
        self._mass.zero_()
        coverage = []
        for net, rows in enumerate(data.train):
            places = rows.to(data.target.device)
            mine = None if outputs is None else outputs[net][places.to(outputs.device)]
            more = None
            if features is not None:
                more = features[net][places.to(features.device)]
            chosen, mass, covered = self._chosen(
                data.target[places], self._weights(net), mine, more,
                model.generators[net],
            )  # fmt: skip
            here = rows[torch.from_numpy(chosen)].to(self._mass.device)
            self._mass[net, here] = torch.from_numpy(mass).to(self._mass)
            coverage += covered
        self._coverage = float(np.mean(coverage)) if coverage else 0.0
        self._weigh()

    def _weights(self, net: int) -> np.ndarray:
        """Return the weights of a net's rows, of mean 1."""
        rows = self.data.train[net]
        if self.data.weight is None:
            return np.ones(len(rows))
        weight = self.data.weight[rows.to(self.data.weight.device)].double()
        return (weight / weight.mean()).cpu().numpy()

    def _chosen(
        self,
        target: torch.Tensor,
        weight: np.ndarray,
        output: torch.Tensor | None,
        features: torch.Tensor | None,
        generator: torch.Generator,
    ) -> tuple[np.ndarray, np.ndarray, list[float]]:
        """Return chosen rows of a net, how much each counts, and coverages."""
        step = self.step
        random = None
        if step.method == "stochastic" and step.selection == "coreset":
            seed = int(torch.randint(2**62, (), generator=generator))
            random = np.random.default_rng(seed)
        found, masses, coverage = [], [], []
        for rows in self._groups(target):
            size = max(1, round(step.fraction * len(rows)))
            own = weight[rows]
            if output is None:
                first = torch.randperm(len(rows), generator=generator)[:size].numpy()
                mass = own[first]
            elif step.selection == "max_loss":
                part = torch.from_numpy(rows).to(output.device)
                losses = functional.cross_entropy(
                    output[part].double(),
                    target.to(output.device)[part],
                    reduction="none",
                )
                first = np.argsort(-losses.cpu().numpy(), kind="stable")[:size]
                mass = own[first]
            else:
                points = self._gradients(rows, target, output, features)
                first, nearest, _, covered = facility_location(
                    points, size, weight=own, method=step.method, generator=random
                )
                coverage.append(covered)
                mass = own[first]
                if step.weighted:
                    mass = np.bincount(nearest, weights=own, minlength=size)
            found.append(rows[first])
            masses.append(mass)
        chosen, mass = np.concatenate(found), np.concatenate(masses)
        if step.weighted:
            mass = mass / mass.mean()
        return chosen, mass, coverage

    def _groups(self, target: torch.Tensor) -> Iterator[np.ndarray]:
        """Yield the rows of each class, or all rows."""
        if not self.step.per_class:
            yield np.arange(len(target))
            return
        labels = target.cpu().numpy()
        for label in np.unique(labels):
            yield np.flatnonzero(labels == label)

    @staticmethod
    def _gradients(
        rows: np.ndarray,
        target: torch.Tensor,
        output: torch.Tensor,
        features: torch.Tensor | None,
    ) -> np.ndarray:
        """Return the gradient of each row by the outputs, or by the last layer."""
        part = torch.from_numpy(rows).to(output.device)
        scores = output[part].double()
        right = functional.one_hot(target.to(output.device)[part], scores.shape[1])
        error = scores.softmax(dim=1) - right
        if features is not None:
            held = functional.pad(features[part].double(), (0, 1), value=1.0)
            error = torch.einsum("nc,nh->nch", error, held).flatten(1)
        return error.cpu().numpy()

    def _weigh(self) -> None:
        """Find by what losses are multiplied, so that weights have mean 1."""
        self._scales = []
        for mass, rows in zip(self._mass.double(), self.data.train, strict=True):
            total, size = float(mass.sum()), int((mass > 0).sum())
            if self.step.base == "coreset":
                self._scales.append(size / (2 * total))
            else:
                self._scales.append(len(rows) / (len(rows) + total))

    def _in_turn(
        self, net: int, rows: torch.Tensor, generator: torch.Generator
    ) -> torch.Tensor:
        """Return the coreset again and again, each time in another order."""
        core = rows[self._mass[net, rows.to(self._mass.device)].cpu() > 0]
        rounds = -(-len(rows) // len(core))
        orders = [torch.randperm(len(core), generator=generator) for _ in range(rounds)]
        return core[torch.cat(orders)[: len(rows)]]

    # --- a step ----------------------------------------------------------------------

    def __call__(self, model: StepModel, batch: Batch) -> torch.Tensor:
        """Return the losses of the rows of a batch, and behind them of the views.

        Their sum by the number of rows is the loss of a net.
        """
        n_nets = len(model.generators)
        stacked, rows = n_nets > 1, batch.rows
        assert rows is not None
        rows = rows.to(self._mass.device)
        mass = self._mass.gather(1, rows) if stacked else self._mass[0, rows]
        mass = mass.to(batch.dense.device)
        real = real_rows(batch)
        if real is not None:
            mass = mass * real
        if self.step.base == "coreset":
            weight = mass
        elif batch.weight is None:
            weight = torch.ones_like(mass)
        else:
            weight = batch.weight
        parts = []
        for net, count in enumerate(counts_of(batch, n_nets)):
            codes = batch.codes
            if stacked:
                codes = None if codes is None else codes[net, :count]
                own = _Part(
                    batch.dense[net, :count], codes, batch.target[net, :count],
                    weight[net, :count],
                )  # fmt: skip
            else:
                own = _Part(batch.dense, codes, batch.target, weight)
            share = mass[net, :count] if stacked else mass
            parts.append(self._with_views(own, share, net, model.generators[net]))
        seen = _batch_of(parts) if stacked else parts[0]
        whole = Batch(
            dense=seen.dense,
            codes=seen.codes,
            target=seen.target,
            weight=seen.weight,
            count=batch.count,
            lengths=[len(part) for part in parts] if stacked else None,
        )
        output = model.decode(model.encode(whole))
        return model.loss(output, whole.target, whole.weight)

    def _with_views(
        self, own: _Part, mass: torch.Tensor, net: int, generator: torch.Generator
    ) -> _Part:
        """Append views of the chosen rows."""
        scale = self._scales[net]
        chosen = (mass > 0).nonzero()[:, 0]
        if not len(chosen):
            return _Part(own.dense, own.codes, own.target, own.weight * scale)
        codes = None if own.codes is None else own.codes[chosen]
        picked = _Part(own.dense[chosen], codes, own.target[chosen], mass[chosen])
        made = self._seen(picked, net, generator)
        if own.codes is not None and made.codes is not None:
            codes = torch.cat([own.codes, made.codes])
        return _Part(
            torch.cat([own.dense, made.dense]),
            codes,
            torch.cat([own.target, picked.target]),
            torch.cat([own.weight, picked.weight]) * scale,
        )

    # --- records ---------------------------------------------------------------------

    def epoch_values(self) -> dict[str, float]:
        """Return whether the epoch began with a choice, and how much that covers."""
        told = {"coreset_refreshed": self._refreshed}
        if self.step.selection == "coreset":
            told["coreset_coverage"] = self._coverage
        return told

    def state_arrays(self) -> dict[str, np.ndarray]:
        """Return the choice."""
        return {
            "mass": self._mass.cpu().numpy().copy(),
            "coverage": np.array(self._coverage),
        }

    def load_state_arrays(self, arrays: dict[str, np.ndarray]) -> None:
        """Go on with a choice.

        Raises
        ------
        ValueError
            If it is none of these rows.
        """
        mass = torch.from_numpy(np.array(arrays["mass"]))
        if mass.shape != self._mass.shape or not bool((mass >= 0).all()):
            raise ValueError("the chosen rows are none of this table's")
        self._mass = mass.to(self._mass)
        self._coverage = float(arrays["coverage"])
        self._weigh()


def _batch_of(parts: list[_Part]) -> _Part:
    """Put the rows of nets beside each other; rows that fill up count nothing.

    They are copies of a net's first row, so that nothing strange comes into a layer
    that looks at whole batches.
    """
    width = max(len(part) for part in parts)

    def beside(tensors: list[torch.Tensor]) -> torch.Tensor:
        return torch.stack([
            torch.cat([x, x[:1].expand(width - len(x), *x.shape[1:])])
            for x in tensors
        ])  # fmt: skip

    weight = [functional.pad(part.weight, (0, width - len(part))) for part in parts]
    codes = [part.codes for part in parts if part.codes is not None]
    return _Part(
        beside([part.dense for part in parts]),
        beside(codes) if codes else None,
        beside([part.target for part in parts]),
        torch.stack(weight),
    )

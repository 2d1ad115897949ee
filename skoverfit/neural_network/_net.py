# SPDX-License-Identifier: BSD-3-Clause
"""The one training loop: a skorch net over tensors that were moved once.

`TabularNet` is skorch's net with the parts replaced that cost time on tables: no
per-row loader (batches are gathered by index), no history of batches, the loss stays on
the device until an epoch ends. The module may hold several nets (its ``n_nets``); each
has its own rows, generator, learning rate, best weights, and they never meet.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from skorch import NeuralNet
from skorch.callbacks import Callback

from skoverfit.exceptions import TrainingError
from skoverfit.neural_network._batch_steps import BatchStep, StepModel
from skoverfit.neural_network._best_weights import BestWeights
from skoverfit.neural_network._compaction import drop_finished, take_back
from skoverfit.neural_network._data import Batch, NetData, TrainBatches, ValidBatches
from skoverfit.neural_network._losses import row_losses
from skoverfit.neural_network._net_steps import clip_gradients, uneven_step
from skoverfit.neural_network._schedules import Schedule
from skoverfit.neural_network._training_plan import TrainingPlan

__all__ = ["TabularNet"]

# Numbers of the widest layer when rows are only run forward: 4 MiB in float32.
_NUMBERS_AT_ONCE = 1 << 20
_BATCH_HOOKS = ("on_batch_begin", "on_batch_end", "on_grad_computed")


class TabularNet(NeuralNet):
    """skorch net for tables and for stacks of nets; `fit` takes a ``NetData``.

    Parameters
    ----------
    module : torch.nn.Module
        Fresh module; ``module.n_nets`` nets where it has that attribute, otherwise one.
    criterion : torch.nn.Module
        Loss with ``reduction="none"``.
    plan : TrainingPlan
        How to train.
    batch_step : BatchStep, optional
        What is computed on a batch.
    **kwargs : dict
        Parameters of ``skorch.NeuralNet``.
    """

    def __init__(
        self,
        module: Any,
        *,
        criterion: Any,
        plan: TrainingPlan,
        batch_step: BatchStep | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(module, criterion=criterion, train_split=None, **kwargs)
        self.plan = plan
        self.batch_step = batch_step

    @property
    def _default_callbacks(self) -> list[Any]:
        return []

    @property
    def n_nets(self) -> int:
        """Number of nets in the module."""
        return len(self.plan.generators)

    def initialize_optimizer(self, triggered_directly: bool | None = None) -> Any:
        """Make the optimizer with the module's own parameter groups, if it has any."""
        parameters = self.get_params_for("optimizer")
        parameters["lr"] = max(self.plan.learning_rate)
        decay = self.plan.weight_decay[0]
        groups: list[dict[str, Any]] = [
            {"params": list(self.module_.parameters()), "decayed": True}
        ]
        if hasattr(self.module_, "parameter_groups"):
            groups = self.module_.parameter_groups()
        own = list(self.criterion_.parameters())
        if own:
            groups.append({"params": own, "decayed": False})
        self._uneven = self._is_uneven()
        # Only AdamW's decay is apart from the gradient, and can be done by hand.
        self._own_decay = self._uneven and self.optimizer is torch.optim.AdamW
        for group in groups:
            decayed = group["decayed"] and not self._own_decay
            group["weight_decay"] = decay if decayed else 0.0
        if decay == 0.0 and not self._uneven:  # one group is one fused call
            every = [p for group in groups for p in group["params"]]
            groups = [{"params": every, "decayed": True, "weight_decay": 0.0}]
        groups = [group for group in groups if group["params"]]
        self.optimizer_ = self.optimizer(groups, **parameters)
        for group in self.optimizer_.param_groups:
            group["initial_lr"] = group["lr"]
        return self

    def _is_uneven(self) -> bool:
        plan = self.plan
        return len({*plan.learning_rate}) > 1 or len({*plan.weight_decay}) > 1

    def on_epoch_begin(self, net: Any, *args: Any, **kwargs: Any) -> None:
        """Open a row of the history, and tell a loss that wants to know."""
        super().on_epoch_begin(net, *args, **kwargs)
        if hasattr(self.criterion_, "on_epoch_begin"):
            self.criterion_.on_epoch_begin(len(self.history) - 1, self.max_epochs)

    def get_split_datasets(
        self, X: NetData, y: Any = None, **fit_params: Any
    ) -> tuple[NetData, NetData | None]:
        """Return the data; it knows itself what is held out."""
        return X, (X if X.valid is not None else None)

    def get_iterator(self, dataset: NetData, training: bool = False) -> Any:
        """Return batches that are gathered by index."""
        if training:
            return TrainBatches(dataset, self.batch_size, self.plan.generators)
        return ValidBatches(dataset, self.rows_at_once(dataset.dense.shape[1]))

    def fit_loop(
        self,
        X: NetData,
        y: Any = None,
        epochs: int | None = None,
        **fit_params: Any,
    ) -> TabularNet:
        """Train until the epochs, the patience or the time are over.

        Ctrl-C ends the training, too; ``interrupted_`` tells so afterwards, and the
        best weights so far are in place.
        """
        self.began_, self.interrupted_, self.timed_out_ = False, False, False
        self.first_row_ = len(self.history)
        self.check_training_readiness()
        epochs = self.max_epochs if epochs is None else epochs
        data, held_out = self.get_split_datasets(X, y)
        train = self.get_iterator(data, training=True)
        valid = None if held_out is None else self.get_iterator(held_out)
        self._prepare(train, epochs)
        self.best_ = BestWeights(self.module_, self.n_nets, self.plan)
        self.failed_: dict[int, TrainingError] = {}
        self._whole: Any = None
        started = time.monotonic()
        saver, done = self.plan.checkpoint, 0
        try:
            if valid is not None:
                self._set_training(False)
                self.best_.start(self.module_, self.validation_losses(valid).tolist())
            if saver is not None:
                done, spent = saver.resume(self)
                started -= spent
            self.began_ = True
            for epoch in range(done, epochs):
                self.notify("on_epoch_begin", dataset_train=data, dataset_valid=valid)
                self._step.on_epoch_begin(self._model, epoch)
                self.run_single_epoch(train, True, "train", self.train_step)
                self.run_single_epoch(valid, False, "valid", self.validation_step)
                self.history.record("epoch_seconds", time.monotonic() - started)
                over = self._ends(data, valid, started)
                if saver is not None:
                    saver.after_epoch(self, time.monotonic() - started, over=over)
                if over:
                    break
                smaller = drop_finished(self, data)
                if smaller is not None:
                    train = self.get_iterator(smaller, training=True)
                    self._model.bounds = partial(getattr, smaller, "bounds")
                    valid = self.get_iterator(smaller)
            if saver is not None:
                saver.at_end(self, time.monotonic() - started)
        except KeyboardInterrupt:
            self.interrupted_ = True
            if self.history and "epoch_seconds" not in self.history[-1]:
                self.history.pop()  # an epoch that did not come to its end
        finally:
            take_back(self)
            if valid is not None:
                self.best_.restore(self.module_)
            self.module_.eval()
            if hasattr(self.module_, "set_generators"):
                self.module_.set_generators(None)
            del self._model, self._step, self._learnt
            self.plan.on_epoch = self.plan.checkpoint = None
        return self

    def _prepare(self, train: TrainBatches, epochs: int) -> None:
        plan = self.plan
        self._factor = Schedule(
            plan.schedule, epochs * len(train), plan.warmup_epochs * len(train)
        )
        self.n_steps_ = getattr(self, "n_steps_", 0)
        self._first_step = self.n_steps_
        self._hooked = [
            hook
            for hook in _BATCH_HOOKS
            if any(
                getattr(type(callback), hook) is not getattr(Callback, hook)
                for _, callback in self.callbacks_
            )
        ]
        self._scaler = None
        if plan.mixed_precision is torch.float16:
            self._scaler = torch.amp.GradScaler(torch.device(self.device).type)
        self._set_masks()
        self._model = StepModel(
            encode=self._encode,
            decode=self._decode,
            loss=self._weighted_losses,
            generators=plan.generators,
            module=self.module_,
            bounds=partial(getattr, train.data, "bounds"),
            outputs=self.outputs,
        )
        self._epoch_steps = len(train)
        step = self.batch_step or BatchStep()
        self._step = step.for_training(self._model, train.data)
        if hasattr(self._step, "order"):  # nets that share their batches
            train.data.order = self._step.order
        self._learnt = [
            p for group in self.optimizer_.param_groups for p in group["params"]
        ]
        self._rates = self._ratios() if self._uneven else None

    def _set_masks(self) -> None:
        """Give generators to the module for its masks, and to a loss that draws."""
        parts = (self.module_, self.criterion_)
        drawing = [part for part in parts if hasattr(part, "set_generators")]
        if not drawing:
            return
        if not hasattr(self, "mask_generators_"):
            # Masks are drawn where they are needed, orders in main memory.
            self.mask_generators_ = [
                torch.Generator(self.device).manual_seed(g.initial_seed() ^ 1)
                for g in self.plan.generators
            ]
        for part in drawing:
            part.set_generators(self.mask_generators_)

    def _ratios(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return learning rates relative to the largest, and decays, one a net."""
        rates = torch.tensor(self.plan.learning_rate, dtype=torch.float64)
        decays = torch.tensor(self.plan.weight_decay, dtype=torch.float64)
        parameter = next(self.module_.parameters())
        return (rates / rates.max()).to(parameter), decays.to(parameter)

    def _encode(self, batch: Batch) -> torch.Tensor:
        if hasattr(self.module_, "encode"):
            if batch.lengths is not None:
                self.module_.set_lengths(batch.lengths)
            return self.module_.encode(batch.dense, batch.codes)
        return batch.dense

    def _decode(self, encoded: torch.Tensor) -> torch.Tensor:
        if hasattr(self.module_, "decode"):
            return self.module_.decode(encoded)
        return self.module_(encoded)

    def _weighted_losses(
        self, output: torch.Tensor, target: torch.Tensor, weight: torch.Tensor | None
    ) -> torch.Tensor:
        rows = row_losses(self.criterion_, output, target, weight)
        return rows if weight is None else rows * weight

    def _mean(self, rows: torch.Tensor, count: torch.Tensor | int) -> torch.Tensor:
        """Return the mean loss of each net, of shape (n_nets,), or a scalar for one."""
        if isinstance(count, int) and count == rows.shape[-1]:
            return rows.mean(dim=-1)
        return rows.sum(dim=-1) / count

    def _ends(self, data: NetData, valid: Any, started: float) -> bool:
        """Note the epoch; whether training is over."""
        row = self.history[-1]
        if valid is not None:
            self.best_.note(self.module_, row["valid_losses"])
        done = self.best_.is_over
        if self.plan.max_time is not None:
            spent = time.monotonic() - started
            self.timed_out_ = not done and spent >= self.plan.max_time
        try:
            self.notify("on_epoch_end", dataset_train=data, dataset_valid=valid)
        except KeyboardInterrupt:  # skorch's way for a callback to end the training
            return True
        asked = self.plan.on_epoch is not None and self.plan.on_epoch(self)
        return done or asked or self.timed_out_

    def run_single_epoch(
        self, iterator: Any, training: bool, prefix: str, step_fn: Any, **_: Any
    ) -> None:
        """Run one epoch; losses leave the device once, at its end."""
        if iterator is None:
            return
        self._set_training(training)
        if not training:
            losses = self.validation_losses(iterator)
            self.history.record("valid_losses", self._of_all(losses))
            self.history.record("valid_loss", float(losses.mean()))
            return
        begin, end = "on_batch_begin" in self._hooked, "on_batch_end" in self._hooked
        steps = []
        for batch in iterator:
            if begin:
                self.notify("on_batch_begin", batch=batch, training=True)
            loss = step_fn(batch)
            steps.append(loss)
            if end:
                self.notify("on_batch_end", batch=batch, training=True, loss=loss)
        losses = torch.stack(steps).view(len(steps), -1).double().cpu()
        self._check_finite(losses)
        self.history.record("train_losses", self._of_all(losses.mean(dim=0)))
        self.history.record("train_loss", float(losses.mean()))
        self.history.record("lr", self.optimizer_.param_groups[0]["lr"])
        values = self._step.epoch_values()
        if values:
            self.history.record("step_values", values)

    def _of_all(self, losses: torch.Tensor) -> list[float]:
        """Return losses of all nets; NaN for those that were dropped."""
        if self.best_.active is None:
            return losses.tolist()
        whole = torch.full((self.best_.n_nets,), torch.nan, dtype=losses.dtype)
        whole[self.best_.active] = losses
        return whole.tolist()

    def train_step(self, batch: Batch, **fit_params: Any) -> torch.Tensor:
        """Do one step of the optimizer; return the loss of each net, detached."""
        optimizer, plan = self.optimizer_, self.plan
        done = self.n_steps_ - self._first_step
        self._model.epoch = done / self._epoch_steps
        for parameter in self._learnt:
            parameter.grad = None
        if plan.mixed_precision is None:
            losses = self._mean(self._step(self._model, batch), batch.count)
        else:
            kind = torch.device(self.device).type
            with torch.autocast(kind, dtype=plan.mixed_precision):
                losses = self._mean(self._step(self._model, batch), batch.count)
        total = losses if losses.dim() == 0 else losses.sum()
        if self._scaler is None:
            total.backward()
        else:
            self._scaler.scale(total).backward()
            self._scaler.unscale_(optimizer)
        if plan.gradient_clip is not None:
            clip_gradients(self.module_, self.n_nets, plan.gradient_clip)
        if "on_grad_computed" in self._hooked:
            self.notify(
                "on_grad_computed",
                named_parameters=list(self.get_all_learnable_params()),
                batch=batch,
                training=True,
            )
        factor = self._factor(done)
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor
        self.n_steps_ += 1
        if self._rates is not None:
            uneven_step(optimizer, *self._rates, own_decay=self._own_decay)
        elif self._scaler is None:
            optimizer.step()
        else:
            self._scaler.step(optimizer)
            self._scaler.update()
        return losses.detach()

    @torch.no_grad()
    def validation_losses(self, iterator: ValidBatches) -> torch.Tensor:
        """Return the weighted mean loss of each net on its held-out rows."""
        total: Any = 0.0
        weight: Any = 0.0
        for batch in iterator:
            rows = self._step.held_out_losses(self._model, batch)
            if rows is None:
                output = self._decode(self._encode(batch))
                rows = row_losses(self.criterion_, output, batch.target)
            if batch.weight is None:
                total = total + rows.sum(dim=-1)
                weight = weight + rows.shape[-1]
            else:
                total = total + (rows * batch.weight).sum(dim=-1)
                weight = weight + batch.weight.sum(dim=-1)
        return (total / weight).reshape(-1).double().cpu()

    def _check_finite(self, losses: torch.Tensor) -> None:
        """Raise where the loss of a net stopped being a number, or note its owner."""
        if bool(torch.isfinite(losses).all()):
            return
        if self.plan.owners is None:
            raise self._failure(losses, list(range(self.n_nets)))
        owners, active = torch.tensor(self.plan.owners), self.best_.active
        for owner in owners.unique().tolist():
            nets = owners == owner
            part = losses[:, nets]
            done = self.best_.done if active is None else self.best_.done[active]
            if bool(torch.isfinite(part).all()) or bool(done[nets].all()):
                continue  # an estimator that is done would not have come here alone
            self.failed_[owner] = self._failure(part, nets.nonzero()[:, 0].tolist())
            self.best_.done[nets if active is None else active[nets]] = True

    def _failure(self, losses: torch.Tensor, nets: Sequence[int]) -> TrainingError:
        """Say where the losses of these nets stopped being numbers."""
        steps, columns = torch.nonzero(~torch.isfinite(losses), as_tuple=True)
        step = self.n_steps_ - len(losses) + int(steps[0])
        rate = self.plan.learning_rate[nets[int(columns[0])]]
        rate *= self._factor(step - self._first_step)
        return TrainingError(
            f"The loss is {float(losses[steps[0], columns[0]])} at step {step} (epoch "
            f"{len(self.history)}), where the learning rate is {rate:.3g}. "
            f"{self._likely_cause(losses[: int(steps[0])], rate)}"
        )

    @staticmethod
    def _likely_cause(before: torch.Tensor, rate: float) -> str:
        finite = before[torch.isfinite(before).all(dim=1)]
        if len(finite) > 1 and float(finite[-1].max()) > 10 * float(finite[0].max()):
            return (
                "The loss had been growing, so the learning rate is probably too high; "
                f"try learning_rate={rate / 10:.1g}."
            )
        return (
            "Probably the learning rate is too high or the loss is not defined there; "
            f"try learning_rate={rate / 10:.1g}, gradient_clip=1.0, or another loss."
        )

    def rows_at_once(self, n_features: int) -> int:
        """Return how many rows are run at once, so that a layer fits the cache."""
        usual = self.n_nets * max(n_features, 256)
        return max(
            1, _NUMBERS_AT_ONCE // getattr(self.module_, "numbers_per_row", usual)
        )

    @torch.no_grad()
    def outputs(
        self,
        dense: torch.Tensor,
        codes: torch.Tensor | None = None,
        decode: Callable[[torch.Tensor], torch.Tensor] | None = None,
    ) -> torch.Tensor:
        """Return the module's outputs ``(n_nets, rows, n_outputs)`` for rows.

        Parameters
        ----------
        dense : tensor of shape (n, d)
            The same rows for all nets.
        codes : tensor of shape (n, c), optional
            Their codes.
        decode : callable, optional
            Another part of the module that is run on encoded rows.
        """
        self.module_.eval()
        decode = decode or self._decode
        n, device, made = len(dense), torch.device(self.device), []
        chunk = self.rows_at_once(dense.shape[1])
        for first in range(0, max(n, 1), chunk):
            rows = dense[first : first + chunk].to(device)
            more = None if codes is None else codes[first : first + chunk].to(device)
            if self.n_nets > 1:
                rows = rows.expand(self.n_nets, *rows.shape)
                more = None if more is None else more.expand(self.n_nets, *more.shape)
            batch = Batch(dense=rows, codes=more, target=rows, weight=None, count=0)
            output = decode(self._encode(batch))
            made.append(output if self.n_nets > 1 else output.unsqueeze(0))
        return torch.cat(made, dim=1)

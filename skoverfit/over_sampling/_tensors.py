# SPDX-License-Identifier: BSD-3-Clause
"""Tables that came as torch tensors: rows are made on the device where they live.

torch is taken from the tensor itself; this module is imported only when one came in.
Draws come from numpy's generators, so that a seed means the same on each device.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from skoverfit._core._arrays import to_numpy, torch_of
from skoverfit._core._resampling import ResamplingData
from skoverfit.over_sampling._plan import Options, Plan
from skoverfit.over_sampling._segments import copied_share, restoring_scale
from skoverfit.over_sampling._spaces import nan_std
from skoverfit.over_sampling._tables import NumericTable, refuse_empty_columns

__all__ = ["TensorTable"]

# Larger chunks than in main memory: a launch costs more than a cache miss.
CHUNK = 65_536


class TensorTable(NumericTable):
    """Rows of a tensor; its dtype and device are kept."""

    def __init__(self, data: ResamplingData, options: Options, **search: Any) -> None:
        super().__init__(data, options, **search)
        self.torch = torch_of(self.values)
        self.floating = self.values.is_floating_point()
        self.complete = not self.floating or not bool(self.values.isnan().any())
        if not self.complete:
            empty = to_numpy(self.values.isnan().all(dim=0))
            refuse_empty_columns(empty, len(self.values))

    def _column_scale(self) -> np.ndarray:
        scale = nan_std(to_numpy(self.values))
        scale[scale == 0] = 1.0
        return scale

    def _dense(self) -> np.ndarray:
        return to_numpy(self.values)

    def _send(self, array: np.ndarray, like: Any) -> Any:
        return self.torch.as_tensor(np.ascontiguousarray(array)).to(like)

    def _rows(self, rows: np.ndarray) -> Any:
        index = self.torch.as_tensor(rows.astype(np.int64), device=self.values.device)
        taken = self.values.index_select(0, index)
        return taken if self.floating else taken.double()

    def _fill(self, out: Any, plan: Plan) -> None:
        options, m = self.options, len(plan.base)
        affine = None
        if options.variance_preserving:
            affine = restoring_scale(to_numpy(self.values), plan)
        share = 0.5
        if not self.complete:
            share = copied_share(to_numpy(self.values.isnan()), plan, options.missing)
        for start in range(0, m, CHUNK):
            part = slice(start, min(start + CHUNK, m))
            base, partner = plan.base[part], plan.partner[part]
            alone = partner < 0
            made = self._rows(base)
            other = self._rows(np.where(alone, base, partner))
            first = None if self.complete else made.clone()
            if options.gap == "box":
                steps = plan.cells.random(tuple(made.shape))
                plan.step[part] = np.where(alone, 0.0, steps.mean(axis=1))
            else:
                steps = plan.step[part][:, None]
            made += (other - made) * self._send(steps, made)
            if first is not None:
                self._fill_missing(made, first, other, plan, share)
            if alone.any() and options.fallback == "jitter":
                noise = plan.cells.standard_normal((int(alone.sum()), made.shape[1]))
                if plan.noise is not None:
                    noise *= plan.noise[part][alone, None]
                which = self.torch.as_tensor(alone, device=made.device)
                made[which] += self._send(self.spread(plan) * noise, made)
            if affine is not None:
                centre, factor = (self._send(a, made) for a in affine)
                made = (made - centre) * factor + centre
            if not self.floating:
                made = self._round(made, plan)
            out[part] = made.to(out.dtype)

    def _round(self, made: Any, plan: Plan) -> Any:
        if self.options.integer == "round":
            made = made.round()
        else:
            draws = plan.cells.random(tuple(made.shape))
            made = (made + self._send(draws, made)).floor()
        if self.values.dtype == self.torch.bool:
            return made.clamp(0, 1)
        info = self.torch.iinfo(self.values.dtype)
        # float64 can't hold the largest int64: the next smaller one is taken.
        top = np.nextafter(float(info.max), 0) if info.bits == 64 else info.max
        return made.clamp(float(info.min), float(top))

    def _fill_missing(
        self, made: Any, first: Any, other: Any, plan: Plan, share: Any
    ) -> None:
        gone, lacking = first.isnan(), other.isnan()
        coin = plan.cells.random(tuple(made.shape)) < share
        copied = (gone ^ lacking) & self.torch.as_tensor(coin, device=made.device)
        made.copy_(self.torch.where(copied & lacking, first, made))
        made.copy_(self.torch.where(copied & gone, other, made))

    def make(self, plan: Plan) -> Any:
        out = self.values.new_empty((len(plan.base), self.values.shape[1]))
        self._fill(out, plan)
        return out

    def pick(self, made: Any, chosen: np.ndarray) -> Any:
        return made[self.torch.as_tensor(chosen, device=made.device)]

    def _room(self, m: int) -> Any:
        n, d = self.values.shape
        out = self.values.new_empty((n + m, d))
        out[:n] = self.values
        return out

    def assemble(self, plans: Sequence[Plan]) -> Any:
        out = self._room(sum(len(plan.base) for plan in plans))
        start = self.data.n
        for plan in plans:
            self._fill(out[start : start + len(plan.base)], plan)
            start += len(plan.base)
        return out

    def join(self, made: Sequence[Any]) -> Any:
        out = self._room(sum(len(rows) for rows in made))
        start = self.data.n
        for rows in made:
            out[start : start + len(rows)] = rows
            start += len(rows)
        return out

    def public(self, made: Any) -> Any:
        return made

# SPDX-License-Identifier: BSD-3-Clause
"""The neighbour search in torch, on any device that has float64.

The same bounds, shortlist, proof and redo as `_neighbors._search`, for tensors and for
arrays where no kernel was built. The light rooms never load this module: the engine
imports it by name when it is needed, and torch is imported by name too, so that nobody
pays for it by accident.
"""

from __future__ import annotations

import contextlib
import importlib
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.utils.parallel import Parallel, delayed

from skoverfit._core._arrays import torch_of
from skoverfit._core._neighbors import _search
from skoverfit._core._neighbors._bounds import can_embed
from skoverfit._core._neighbors._table import NeighborTable

__all__ = ["search", "search_own_and_all"]

torch: Any = importlib.import_module("torch")
_BLOCK = {"cpu": 2**20, "other": 2**25}  # bounds held at a time and thread
_EXTRA = 3
_LOCK = threading.Lock()
_THREADS = {"users": 0, "before": 1}


def search(
    table: NeighborTable,
    k: int,
    queries: NeighborTable | None,
    rows: np.ndarray | None,
    n_jobs: int,
) -> tuple[Any, Any]:
    """Return the distances and indices of the k nearest rows of the table."""
    if not table.is_tensor and _better_elsewhere(table, queries):
        return _search.search(table, k, queries, rows, n_jobs)
    space = _Space(table, queries)
    n_asked = len(queries) if queries is not None else len(table)
    asked = torch.arange(n_asked) if rows is None else torch.as_tensor(rows)
    asked = asked.to(space.device)
    own = asked if queries is None else None
    return _back(space, table, _run(space, asked, own, [(None, k)], n_jobs)[0])


def search_own_and_all(
    table: NeighborTable,
    k_own: int,
    k_all: int,
    labels: np.ndarray,
    rows: np.ndarray,
    n_jobs: int,
) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Return the nearest rows of the own class and of all, bounds made once."""
    if not table.is_tensor and _better_elsewhere(table, None):
        return _search.search_own_and_all(table, k_own, k_all, labels, rows, n_jobs)
    space = _Space(table, None)
    at = space.device
    out = [_empty(len(rows), k, at) for k in (k_own, k_all)]
    for label in np.unique(labels[rows]):
        mine = torch.as_tensor(np.flatnonzero(labels[rows] == label), device=at)
        asked = torch.as_tensor(rows, device=at)[mine]
        members = torch.as_tensor(np.flatnonzero(labels == label), device=at)
        found = _run(space, asked, asked, [(members, k_own), (None, k_all)], n_jobs)
        for (distances, indices), (d, i) in zip(out, found, strict=True):
            distances[mine], indices[mine] = d, i
    return _back(space, table, out[0]), _back(space, table, out[1])


def _better_elsewhere(table: NeighborTable, queries: NeighborTable | None) -> bool:
    incomplete = table.has_missing or (queries is not None and queries.has_missing)
    return incomplete or not can_embed(table)


def _empty(n: int, k: int, device: Any) -> tuple[Any, Any]:
    return (
        torch.empty((n, k), dtype=torch.float64, device=device),
        torch.empty((n, k), dtype=torch.int64, device=device),
    )


def _back(space: _Space, table: NeighborTable, answer: tuple[Any, Any]) -> Any:
    distances, indices = answer[0] * space.unit, answer[1]
    if table.is_tensor:
        return distances, indices
    return distances.numpy(), indices.numpy().astype(np.intp, copy=False)


class _Space:
    """Two tables as float64 rows on the device, and their bounds."""

    def __init__(self, base: NeighborTable, queries: NeighborTable | None) -> None:
        self.device = base.numeric.device if base.is_tensor else torch.device("cpu")
        both = [base] if queries is None else [base, queries]
        numeric = [self._tensor(table.numeric).double() for table in both]
        self.missing = any(table.has_missing for table in both)
        self.mismatch, self.unit = base.mismatch, 1.0
        self.codes = None
        if base.codes is not None:
            self.codes = [self._tensor(t.codes.astype(np.int32)) for t in both]  # type: ignore[union-attr]
        self._rescale(numeric)
        self.n_columns = base.n_columns
        self.numeric = numeric
        self.direct = self.missing or not all(can_embed(t) for t in both)
        if not self.direct:
            self.rows = self._embed(numeric)
            self._precisions: dict[bool, _Precision] = {}
            self.precision(False)

    def _tensor(self, values: Any) -> Any:
        if torch_of(values) is None:
            if not values.flags.writeable:  # torch warns, though nothing writes
                values = values.copy()
            values = torch.from_numpy(np.ascontiguousarray(values))
        return values.to(self.device)

    def _rescale(self, numeric: list[Any]) -> None:
        """Multiply numbers whose squares leave float64 by a power of two."""
        sizes = [float(t.nan_to_num(0.0).abs().max()) for t in numeric if t.numel()]
        largest = max(sizes, default=0.0)
        nominal = self.codes is not None and self.mismatch > 0
        if largest == 0 or 1e-100 < largest < 1e140 or (nominal and largest < 1):
            return
        exponent = int(np.frexp(largest)[1])
        for position, values in enumerate(numeric):
            numeric[position] = _times_power(values, -exponent)
        self.unit = float(np.ldexp(1.0, exponent))
        if nominal:
            self.mismatch = float(np.ldexp(self.mismatch, -2 * exponent))

    def _embed(self, numeric: list[Any]) -> list[Any]:
        base = numeric[0]
        if base.shape[1]:
            centre = base.mean(0).clamp(base.amin(0), base.amax(0))
            if bool((base[:64] == base[:64].round()).all()):
                centre = centre.round()
            rows = [values - centre for values in numeric]
        else:
            rows = list(numeric)
        if self.codes is None:
            return rows
        height = (self.mismatch / 2) ** 0.5
        parts: list[list[Any]] = [[values] for values in rows]
        for column in range(self.codes[0].shape[1]):
            top = max(int(codes[:, column].max()) for codes in self.codes)
            levels = torch.arange(1, top + 1, device=self.device)
            for position, codes in enumerate(self.codes):
                hot = codes[:, column, None] == levels
                parts[position].append(hot.double() * height)
        return [torch.cat(pieces, 1) for pieces in parts]

    def precision(self, double: bool) -> _Precision:
        """Return the rows in float32 or float64, made on first use."""
        if double not in self._precisions:
            dtype = torch.float64 if double else torch.float32
            self._precisions[double] = _Precision(self.rows, dtype)
        return self._precisions[double]

    def measure(self, i: Any, j: Any) -> Any:
        """Return the squared distances of pairs by direct differences."""
        out = torch.empty(len(i), dtype=torch.float64, device=self.device)
        room = _BLOCK["cpu" if self.device.type == "cpu" else "other"]
        step = max(1, room // max(1, self.n_columns))
        for start in range(0, len(i), step):
            part = slice(start, start + step)
            gap = self.numeric[-1].index_select(0, i[part])
            gap -= self.numeric[0].index_select(0, j[part])
            total = torch.linalg.vecdot(gap, gap)
            if self.codes is not None:
                differs = self.codes[-1][i[part]] != self.codes[0][j[part]]
                total += self.mismatch * differs.sum(1).double()
            out[part] = total
        return out

    def all_distances(self, asked: Any) -> Any:
        """Return all squared distances of a block, column after column."""
        shape = (len(asked), len(self.numeric[0]))
        total = torch.zeros(shape, dtype=torch.float64, device=self.device)
        present = torch.zeros(shape, dtype=torch.int32, device=self.device)
        asking = self.numeric[-1][asked]
        for column in range(asking.shape[1]):
            gap = asking[:, column, None] - self.numeric[0][:, column]
            present += ~gap.isnan()
            total += gap.nan_to_num_(0.0).square_()
        if self.codes is not None:
            codes = self.codes[-1][asked]
            for column in range(codes.shape[1]):
                a, b = codes[:, column, None], self.codes[0][:, column]
                known = (a != 0) & (b != 0)
                present += known
                total += self.mismatch * ((a != b) & known).double()
        scaled = total * (self.n_columns / present.double())
        return torch.where(present == 0, torch.inf, scaled)


def _times_power(values: Any, exponent: int) -> Any:
    """Multiply by a power of two that float64 may not hold in one factor."""
    half = exponent // 2
    return values * 2.0**half * 2.0 ** (exponent - half)


class _Precision:
    """Centred rows in one precision; see `_neighbors._bounds`."""

    def __init__(self, rows: list[Any], dtype: Any) -> None:
        info = torch.finfo(dtype)
        largest = max((float(r.abs().max()) for r in rows if r.numel()), default=0.0)
        n_columns = max(1, rows[0].shape[1])
        whole = all(bool((r == r.round()).all()) for r in rows)
        self.exact = whole and largest**2 * 4 * n_columns < 2 / info.eps
        self.shift = 50 - int(np.frexp(largest)[1]) if largest else 0
        self.shift = 0 if self.exact else self.shift
        self.slack = 0.0 if self.exact else (n_columns + 24) * info.eps / 2
        self.tiny = 0.0 if self.exact else n_columns * info.tiny * 64
        small = [_times_power(r, self.shift).to(dtype) for r in rows]
        lengths = [torch.linalg.vecdot(r.double(), r.double()) for r in small]
        lengths = [length * (1 - self.slack) for length in lengths]
        self.base_t, self.base_lengths = small[0].T, lengths[0].to(dtype)
        self.queries, self.query_lengths = small[-1], lengths[-1]
        self._local = threading.local()

    def block(self, asked: Any) -> Any:
        """Return lower bounds less the length of the query.

        They are written where the last ones of this thread were: fresh pages cost as
        much as the product.
        """
        asking = self.queries.index_select(0, asked)
        shape = (len(asked), len(self.base_lengths))
        out = getattr(self._local, "buffer", None)
        if out is None or out.shape != shape:
            out = self._local.buffer = asking.new_empty(shape)
        return torch.addmm(self.base_lengths, asking, self.base_t, alpha=-2, out=out)

    def limit(self, squared: Any, asked: Any) -> Any:
        """Return the bound that nobody as near as this squared distance exceeds."""
        squared = _times_power(squared, 2 * self.shift) + self.tiny
        return squared - self.query_lengths[asked]


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Keep torch's own pool idle: our threads work on blocks, and forks stay safe."""
    with _LOCK:
        if _THREADS["users"] == 0:
            _THREADS["before"] = torch.get_num_threads()
            torch.set_num_threads(1)
        _THREADS["users"] += 1
    try:
        yield
    finally:
        with _LOCK:
            _THREADS["users"] -= 1
            if _THREADS["users"] == 0:
                torch.set_num_threads(_THREADS["before"])


def _run(
    space: _Space, asked: Any, own: Any, targets: list[tuple[Any, int]], n_jobs: int
) -> list[tuple[Any, Any]]:
    """Search block after block, in threads where more than one is asked for."""
    on_cpu = space.device.type == "cpu"
    room = _BLOCK["cpu" if on_cpu else "other"]
    step = max(1, room // max(1, len(space.numeric[0])))
    tasks = [
        (asked[s : s + step], None if own is None else own[s : s + step])
        for s in range(0, len(asked), step)
    ]

    def one(part: Any, mine: Any) -> list[tuple[Any, Any]]:
        with torch.inference_mode():
            return _search_block(space, part, mine, targets)

    with _one_thread() if on_cpu else contextlib.nullcontext():
        if n_jobs > 1 and len(tasks) > 1 and on_cpu:
            parallel = Parallel(n_jobs=n_jobs, backend="threading")
            found = parallel(delayed(one)(*task) for task in tasks)
        else:
            found = [one(*task) for task in tasks]
    answers = []
    for position, (_, k) in enumerate(targets):
        distances, indices = _empty(len(asked), k, space.device)
        start = 0
        for block in found:
            squared, columns = block[position]
            distances[start : start + len(squared)] = squared
            indices[start : start + len(squared)] = columns
            start += len(squared)
        answers.append((distances.sqrt_(), indices))
    return answers


def _search_block(
    space: _Space, asked: Any, own: Any, targets: list[tuple[Any, int]]
) -> list[tuple[Any, Any]]:
    bounds, answers = _bounds(space, asked, own, False), []
    for members, k in targets:
        mine = bounds if members is None else bounds.index_select(1, members)
        if space.direct:
            squared, columns = _smallest_exact(mine, k)
        elif space.precision(False).exact:
            squared, columns = _smallest_exact(mine.double(), k)
            squared = squared + space.precision(False).query_lengths[asked, None]
        else:
            squared, columns = _proven(space, mine, asked, own, members, k)
        answers.append((squared, columns if members is None else members[columns]))
    return answers


def _bounds(space: _Space, asked: Any, own: Any, double: bool) -> Any:
    if space.direct:
        bounds = space.all_distances(asked)
    else:
        bounds = space.precision(double).block(asked)
    if own is not None:  # NaN sorts behind infinity
        behind = torch.nan if space.direct else torch.inf
        bounds[torch.arange(len(asked), device=space.device), own] = behind
    return bounds


def _smallest_exact(squared: Any, k: int) -> tuple[Any, Any]:
    values, columns = squared.sort(dim=1, stable=True)
    return values[:, :k].clone(), columns[:, :k].clone()


def _shortlist(bounds: Any, size: int) -> tuple[Any, Any]:
    """Return the smallest bounds and their columns, by minima of blocks of 64."""
    n = bounds.shape[1]
    n_blocks = n // 64
    if n_blocks < 4 * size:
        return bounds.topk(size, dim=1, largest=False, sorted=False)
    minima = bounds[:, : 64 * n_blocks].view(-1, n_blocks, 64).amin(2)
    blocks = minima.topk(size, dim=1, largest=False, sorted=False).indices
    offsets = torch.arange(64, device=bounds.device)
    columns = (64 * blocks[:, :, None] + offsets).flatten(1)
    rest = torch.arange(64 * n_blocks, n, device=bounds.device)
    columns = torch.cat([columns, rest.expand(len(bounds), -1)], 1)
    best = bounds.gather(1, columns).topk(size, dim=1, largest=False, sorted=False)
    return best.values, columns.gather(1, best.indices)


def _proven(
    space: _Space, bounds: Any, asked: Any, own: Any, members: Any, k: int
) -> tuple[Any, Any]:
    """Return the k nearest of each row with the float64 truth as squared distances."""
    n = bounds.shape[1]
    size = min(n, k + _EXTRA + (own is not None))
    low, columns = _shortlist(bounds, size)
    columns = columns.sort(1).values  # so that the stable sort keeps ties in order
    true = columns if members is None else members[columns]
    squared = space.measure(asked.repeat_interleave(size), true.flatten())
    squared = squared.view(-1, size)
    if own is not None:
        squared[true == own[:, None]] = torch.inf
    squared, order = squared.sort(dim=1, stable=True)
    squared, columns = squared[:, :k].clone(), columns.gather(1, order)[:, :k].clone()
    if size == n:
        return squared, columns
    worst = squared[:, -1]
    limit = space.precision(False).limit(worst, asked)
    unsure = (limit >= low.amax(1)) & (worst > 0)
    bad = unsure.nonzero().flatten()
    step = max(1, len(asked) // 4)
    for start in range(0, len(bad), step):
        part = bad[start : start + step]
        mine = None if own is None else own[part]
        exact = _bounds(space, asked[part], mine, True)
        exact = exact if members is None else exact.index_select(1, members)
        limit = space.precision(True).limit(worst[part], asked[part])
        redone = _redo(space, exact <= limit[:, None], asked[part], members, k)
        squared[part], columns[part] = redone
    return squared, columns


def _redo(
    space: _Space, possible: Any, asked: Any, members: Any, k: int
) -> tuple[Any, Any]:
    """Measure every candidate that its bound does not exclude."""
    row, column = possible.nonzero(as_tuple=True)
    true = column if members is None else members[column]
    found = space.measure(asked[row], true)
    found, order = found.sort(stable=True)
    row, column = row[order], column[order]
    row, order = row.sort(stable=True)
    found, column = found[order], column[order]
    counts = possible.sum(1)
    first = counts.cumsum(0) - counts
    take = first[:, None] + torch.arange(k, device=space.device)
    return found[take], column[take]

// SPDX-License-Identifier: BSD-3-Clause
// Rows in the order of a k-d tree, cast, scaled and packed for the tile.
#pragma once
#include "search.hpp"
#include "streams.hpp"
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

namespace skoverfit {

// The cast of one table: y = (x - centre) * scale, and a power of two as the scale.
struct Cast {
  std::vector<double> centre; // empty: zero
  double scale = 1.0;
  double at(const Rows &rows, int64_t i, int64_t t) const {
    if (t >= rows.n_columns) return 0.0; // the column of zeros of a nominal table
    double v = rows.is_double
                   ? static_cast<const double *>(rows.values)[i * rows.n_columns + t]
                   : static_cast<const float *>(rows.values)[i * rows.n_columns + t];
    return (centre.empty() ? v : v - centre[t]) * scale;
  }
};

inline int64_t packed_columns(const Rows &rows) {
  return std::max<int64_t>(rows.n_columns, 1); // padding needs a numeric column
}

// Up to so many columns the boxes of four queries are small enough to save tiles.
constexpr int64_t BOXED_COLUMNS = 6;

// Order places so that leaves of LEAF rows lie together, and where `fine` groups of
// QUERIES within a leaf: split at the median of the column that is widest in a sample.
// `row_of` gives the row of a place. Ties by place.
template <class S, class F> struct Ordering {
  const S *x;
  int64_t d;
  bool fine;
  const F &row_of;
  const Streams &streams;
  std::vector<uint64_t> keys, scratch;
  std::vector<S> low, high;

  void split(int64_t *p, int64_t n) {
    const int64_t unit = n > LEAF ? LEAF : QUERIES;
    if (n <= unit || d == 0 || (unit == QUERIES && !fine)) return;
    const int64_t step = std::max<int64_t>(1, n / 96);
    int64_t widest = 0;
    S width = -1;
    if (int64_t(low.size()) < d) low.resize(d), high.resize(d);
    for (int64_t i = 0; i < n; i += step) {
      const S *row = x + row_of(p[i]) * d;
      for (int64_t t = 0; t < d; t++) {
        low[t] = i && low[t] < row[t] ? low[t] : row[t];
        high[t] = i && high[t] > row[t] ? high[t] : row[t];
      }
    }
    for (int64_t t = 0; t < d; t++)
      if (high[t] - low[t] > width) width = high[t] - low[t], widest = t;
    const int64_t units = (n + unit - 1) / unit, middle = units / 2 * unit;
    if (int64_t(keys.size()) < n) keys.resize(n), scratch.resize(n + 8);
    // Place in the sampled range as a float, in the order of its bits; then the place.
    const double from = double(low[widest]), range = 1 / double(width);
    const double scale = std::isfinite(range) && range > 0 ? range : 1.0;
    for (int64_t i = 0; i < n; i++) {
      const float v = float((double(x[row_of(p[i]) * d + widest]) - from) * scale);
      uint32_t bits;
      std::memcpy(&bits, &v, 4);
      bits ^= uint32_t(-int32_t(bits >> 31)) | 0x80000000u;
      keys[i] = uint64_t(bits) << 32 | uint64_t(p[i]);
    }
    streams.select(keys.data(), n, middle, scratch.data());
    for (int64_t i = 0; i < n; i++) p[i] = int64_t(keys[i] & 0xffffffffu);
    split(p, middle);
    split(p + middle, n - middle);
  }
};

template <class F>
void order_places(const Rows &rows, int64_t *p, int64_t n, const Streams &streams,
                  const F &row_of) {
  const int64_t d = rows.n_columns;
  const bool fine = d <= BOXED_COLUMNS;
  if (rows.is_double)
    Ordering<double, F>{static_cast<const double *>(rows.values), d, fine, row_of,
                        streams, {}, {}, {}, {}}.split(p, n);
  else
    Ordering<float, F>{static_cast<const float *>(rows.values), d, fine, row_of,
                       streams, {}, {}, {}, {}}.split(p, n);
}

template <class T> struct Candidates {
  int64_t n_columns = 0, n_leaves = 0, n_own_leaves = 0;
  int width = 0;
  std::vector<T> values, present, low, high; // bounds: [column][leaf]
  std::vector<T> leaf_low, leaf_high;        // the same, [leaf][column]
  std::vector<uint8_t> codes;
  std::vector<int32_t> ids; // [leaf][LEAF], -1 for padding
  // Norm of what the cast to T lost, and the largest.
  std::vector<double> lost;
  double most_lost = 0;

  const T *leaf(int64_t b) const { return values.data() + b * LEAF * n_columns; }
  int count(int64_t b) const {
    const int32_t *first = ids.data() + b * LEAF;
    return int(std::find(first, first + LEAF, -1) - first);
  }

  // `order` holds row numbers; the first n_own of them get leaves of their own.
  void pack(const Rows &rows, const Cast &cast, const std::vector<int64_t> &order,
            int64_t n_own, int candidate_width, bool partial) {
    const int64_t n = int64_t(order.size()), n_bytes = rows.n_bytes();
    const T inf = std::numeric_limits<T>::infinity();
    width = candidate_width;
    n_columns = packed_columns(rows);
    n_own_leaves = (n_own + LEAF - 1) / LEAF;
    n_leaves = n_own_leaves + (n - n_own + LEAF - 1) / LEAF;
    // Padding is infinitely far, or in partial distances has no column at all.
    values.assign(n_leaves * LEAF * n_columns, partial ? T(0) : inf);
    present.assign(partial ? n_leaves * LEAF * n_columns : 0, T(0));
    codes.assign(n_leaves * LEAF * n_bytes, 0);
    ids.assign(n_leaves * LEAF, -1);
    low.assign(n_leaves * n_columns, inf), high.assign(n_leaves * n_columns, -inf);
    lost.assign(rows.n, 0.0);
    for (int64_t i = 0; i < n; i++) {
      const int64_t place = i < n_own ? i : n_own_leaves * LEAF + (i - n_own);
      const int64_t b = place / LEAF, r = place % LEAF, row = order[i];
      const int64_t at = b * LEAF * n_columns + r / width * width * n_columns + r % width;
      ids[place] = int32_t(row);
      double missed = 0, norm = 0;
      for (int64_t t = 0; t < n_columns; t++) {
        double exact = cast.at(rows, row, t);
        const bool there = !std::isnan(exact) && t < rows.n_columns;
        if (std::isnan(exact)) exact = 0;
        const T v = T(exact);
        values[at + t * width] = v;
        if (partial) present[at + t * width] = there ? T(1) : T(0);
        T &l = low[t * n_leaves + b], &h = high[t * n_leaves + b];
        l = std::min(l, v), h = std::max(h, v);
        missed += (exact - v) * (exact - v), norm += exact * exact;
      }
      // Centring in double rounds too: at most half a unit of each value.
      lost[row] = std::sqrt(missed) * (1 + 1e-9) +
                  (cast.centre.empty() ? 0 : std::sqrt(norm) * 0x1p-51);
      most_lost = std::max(most_lost, lost[row]);
      const uint8_t *c = rows.codes ? rows.codes + row * n_bytes : nullptr;
      uint8_t *out = codes.data() + b * LEAF * n_bytes + r / width * width * n_bytes;
      for (int64_t t = 0; t < n_bytes; t++) out[t * width + r % width] = c[t];
    }
    leaf_low.resize(low.size()), leaf_high.resize(high.size());
    for (int64_t t = 0; t < n_columns; t++)
      for (int64_t b = 0; b < n_leaves; b++) {
        leaf_low[b * n_columns + t] = low[t * n_leaves + b];
        leaf_high[b * n_columns + t] = high[t * n_leaves + b];
      }
  }
};

// Queries are packed leaf by leaf when their turn comes.
template <class T> struct QueryLeaf {
  std::vector<T> values, present, low, high;
  std::vector<T> group_low, group_high; // [column][GROUPS]
  std::vector<uint8_t> codes;
  std::vector<int32_t> skip;
  double lost[LEAF];
  int count = 0;

  void pack(const Rows &rows, const Cast &cast, const int64_t *order, int n,
            bool partial, bool is_self) {
    const int64_t d = packed_columns(rows), n_bytes = rows.n_bytes();
    const T inf = std::numeric_limits<T>::infinity();
    count = n;
    values.assign(LEAF * d, T(0));
    present.assign(partial ? LEAF * d : 0, T(0));
    codes.assign(LEAF * n_bytes, 0);
    skip.assign(LEAF, -1);
    low.assign(d, inf), high.assign(d, -inf);
    group_low.assign(d * GROUPS, inf), group_high.assign(d * GROUPS, -inf);
    for (int64_t r = 0; r < n; r++) {
      const int64_t at = r / QUERIES * QUERIES * d + r % QUERIES;
      double missed = 0, norm = 0;
      for (int64_t t = 0; t < d; t++) {
        double exact = cast.at(rows, order[r], t);
        const bool there = !std::isnan(exact) && t < rows.n_columns;
        if (std::isnan(exact)) exact = 0;
        const T v = T(exact);
        values[at + t * QUERIES] = v;
        if (partial) present[at + t * QUERIES] = there ? T(1) : T(0);
        low[t] = std::min(low[t], v), high[t] = std::max(high[t], v);
        T &l = group_low[t * GROUPS + r / QUERIES], &h = group_high[t * GROUPS + r / QUERIES];
        l = std::min(l, v), h = std::max(h, v);
        missed += (exact - v) * (exact - v), norm += exact * exact;
      }
      lost[r] = std::sqrt(missed) * (1 + 1e-9) +
                (cast.centre.empty() ? 0 : std::sqrt(norm) * 0x1p-51);
      if (is_self) skip[r] = int32_t(order[r]);
      const uint8_t *c = rows.codes ? rows.codes + order[r] * n_bytes : nullptr;
      uint8_t *out = codes.data() + r / QUERIES * QUERIES * n_bytes + r % QUERIES;
      for (int64_t t = 0; t < n_bytes; t++) out[t * QUERIES] = c[t];
    }
  }
};

// Squared distance between a box and each of n boxes, whose columns lie `stride` apart.
template <class T>
void box_distances(const T *low_of, const T *high_of, const T *lows, const T *highs,
                   int64_t n, int64_t n_columns, T *bound, int64_t stride = 1) {
  std::fill(bound, bound + n, T(0));
  for (int64_t t = 0; t < n_columns; t++) {
    const T low = low_of[t], high = high_of[t];
    const T *l = lows + t * stride, *h = highs + t * stride;
    for (int64_t b = 0; b < n; b++) {
      T above = l[b] - high, under = low - h[b];
      T gap = above > under ? above : under;
      gap = gap > 0 ? gap : 0;
      bound[b] += gap * gap;
    }
  }
}

} // namespace skoverfit

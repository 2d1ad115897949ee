// SPDX-License-Identifier: BSD-3-Clause
// Passes over the memory of whole arrays, chosen by instruction set as the tile is.
//
// streams.cpp is compiled once an instruction set, under the rule of kernel.hpp: nothing
// with weak linkage.
#pragma once
#include <stdint.h>

namespace skoverfit {

// Blocks of a fingerprint, the numbers that stand for one, and the bytes of its keys.
constexpr int64_t PRINT_BLOCK = 4096;
constexpr int PRINT_NUMBERS = 4;
constexpr int64_t PRINT_KEYS = PRINT_BLOCK + 64 * (PRINT_NUMBERS - 1);

// out[i] = x + step[i] * (z - x) with x, z the rows base[i], partner[i] of the values
// (z = x where partner[i] < 0), rounded as numpy rounds. `past_caches` for output that
// no cache would hold until it is read.
template <class T, class I>
using Segments = void (*)(const T *values, int64_t n_columns, const I *base,
                          const I *partner, const double *step, int64_t n, T *out,
                          bool past_caches);

struct Streams {
  bool (*finite_float)(const float *, int64_t); // neither NaN nor infinity
  bool (*finite_double)(const double *, int64_t);
  Segments<float, int32_t> segments_float_32;
  Segments<float, int64_t> segments_float_64;
  Segments<double, int32_t> segments_double_32;
  Segments<double, int64_t> segments_double_64;
  // NH (Black et al. 1999, UMAC) of each block: two inputs of equal length that differ
  // in a block get equal numbers for it with probability 2^-128 over random keys. The
  // last block is filled up with zeros. Writes PRINT_NUMBERS numbers a block.
  void (*fingerprint)(const uint8_t *data, int64_t n, const uint8_t *keys, uint64_t *out);
  // Sum of ((x - y) * scale)^2 in float64: four sums, one formula on every processor.
  double (*apart_float)(const float *x, const float *y, int64_t n, double scale);
  double (*apart_double)(const double *x, const double *y, int64_t n, double scale);
  // Rearrange n distinct keys so that the first `nth` are the least. `scratch` has room
  // for n + 8.
  void (*select)(uint64_t *keys, int64_t n, int64_t nth, uint64_t *scratch);
};

} // namespace skoverfit

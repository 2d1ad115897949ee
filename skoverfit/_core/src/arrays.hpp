// SPDX-License-Identifier: BSD-3-Clause
// Passes over whole arrays: rows between rows, finiteness, fingerprints.
#pragma once
#include <stdint.h>
#include <vector>

namespace skoverfit {

// out[i] = x + step[i] * (z - x) with x, z the rows base[i], partner[i] of the values
// (z = x where partner[i] < 0), in the type of the values, rounded as numpy rounds.
template <class T, class I>
void interpolate(const T *values, int64_t n_columns, const I *base, const I *partner,
                 const double *step, int64_t n, T *out, int n_threads);

bool all_finite(const float *values, int64_t n);
bool all_finite(const double *values, int64_t n);

// Numbers that stand for the bytes; `keys` holds PRINT_KEYS random bytes.
std::vector<uint64_t> fingerprint(const uint8_t *data, int64_t n, const uint8_t *keys);

} // namespace skoverfit

// SPDX-License-Identifier: BSD-3-Clause
#include "arrays.hpp"
#include "dispatch.hpp"
#include "workers.hpp"
#include <algorithm>

namespace skoverfit {

namespace {

// Bytes of output from which the caches are left to others.
constexpr int64_t PAST_CACHES = 1 << 25;

const Streams &streams() {
  static const Streams &best = *objects_for("").streams;
  return best;
}

Segments<float, int32_t> segments(float, int32_t) { return streams().segments_float_32; }
Segments<float, int64_t> segments(float, int64_t) { return streams().segments_float_64; }
Segments<double, int32_t> segments(double, int32_t) { return streams().segments_double_32; }
Segments<double, int64_t> segments(double, int64_t) { return streams().segments_double_64; }

} // namespace

template <class T, class I>
void interpolate(const T *values, int64_t n_columns, const I *base, const I *partner,
                 const double *step, int64_t n, T *out, int n_threads) {
  const Segments<T, I> write = segments(T(), I());
  const int64_t n_bytes = n_columns * int64_t(sizeof(T));
  const bool past_caches = n_bytes >= 1024 && n * n_bytes >= PAST_CACHES;
  const int64_t rows = std::max<int64_t>(1, (1 << 16) / std::max<int64_t>(n_columns, 1));
  in_parallel(n_threads, (n + rows - 1) / rows, [] { return false; },
              [&](int64_t chunk, int) {
    const int64_t first = chunk * rows;
    write(values, n_columns, base + first, partner + first, step + first,
          std::min(rows, n - first), out + first * n_columns, past_caches);
  });
}
#define INTERPOLATE(T, I)                                                              \
  template void interpolate(const T *, int64_t, const I *, const I *, const double *,   \
                            int64_t, T *, int);
INTERPOLATE(float, int32_t)
INTERPOLATE(float, int64_t)
INTERPOLATE(double, int32_t)
INTERPOLATE(double, int64_t)

bool all_finite(const float *values, int64_t n) { return streams().finite_float(values, n); }
bool all_finite(const double *values, int64_t n) { return streams().finite_double(values, n); }

std::vector<uint64_t> fingerprint(const uint8_t *data, int64_t n, const uint8_t *keys) {
  std::vector<uint64_t> numbers((n + PRINT_BLOCK - 1) / PRINT_BLOCK * PRINT_NUMBERS);
  streams().fingerprint(data, n, keys, numbers.data());
  return numbers;
}

} // namespace skoverfit

// SPDX-License-Identifier: BSD-3-Clause
// Passes over whole arrays at the speed of the memory. Compiled once an instruction set
// (-DISA=name), without contraction: a product and a sum are rounded as numpy's are.
#include "streams.hpp"
#include <string.h>
#if defined(__SSE2__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#elif defined(__AVX2__)
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

#define INLINE __attribute__((always_inline)) inline

using namespace skoverfit;

namespace {

// v - v is 0 for every finite value and NaN otherwise; NaN stays in a sum.
template <class T> bool finite(const T *x, int64_t n) {
  typedef T V __attribute__((vector_size(VECTOR_BYTES)));
  constexpr int W = VECTOR_BYTES / sizeof(T), U = 4;
  V sum[U] = {};
  int64_t i = 0;
  for (; i + U * W <= n; i += U * W) UNROLL for (int u = 0; u < U; u++) {
      V v;
      memcpy(&v, x + i + u * W, sizeof v);
      sum[u] += v - v;
    }
  const V all = (sum[0] + sum[1]) + (sum[2] + sum[3]);
  T rest = 0;
  for (int l = 0; l < W; l++) rest += all[l];
  for (; i < n; i++) rest += x[i] - x[i];
  return rest == 0;
}

// Past the caches, so that no line is read before it is written.
template <class T> INLINE void store_past(T *p, const void *v) {
#if defined(__AVX512F__)
  _mm512_stream_si512((__m512i *)p, _mm512_loadu_si512(v));
#elif defined(__AVX2__)
  _mm256_stream_si256((__m256i *)p, _mm256_loadu_si256((const __m256i *)v));
#elif defined(__SSE2__)
  _mm_stream_si128((__m128i *)p, _mm_loadu_si128((const __m128i *)v));
#else
  memcpy(p, v, VECTOR_BYTES);
#endif
}

INLINE void fetch(const void *row, int64_t n_bytes) {
  for (int64_t b = 0; b < n_bytes; b += 64) __builtin_prefetch((const char *)row + b);
}

template <class T, class I>
void segments(const T *values, int64_t n_columns, const I *base, const I *partner,
              const double *step, int64_t n, T *__restrict out, bool past_caches) {
  typedef T V __attribute__((vector_size(VECTOR_BYTES)));
  constexpr int64_t W = VECTOR_BYTES / sizeof(T);
  const int64_t n_bytes = n_columns * int64_t(sizeof(T));
  // The rows lie anywhere: those of the next 4 KiB of output are on their way.
  const int64_t ahead = n_bytes < 4096 ? 4096 / (n_bytes + 1) + 1 : 1;
  for (int64_t i = 0; i < n; i++, out += n_columns) {
    if (i + ahead < n) {
      const I next = base[i + ahead], other = partner[i + ahead];
      fetch(values + next * n_columns, n_bytes);
      if (other >= 0) fetch(values + other * n_columns, n_bytes);
    }
    const T *x = values + base[i] * n_columns;
    const T *z = partner[i] < 0 ? x : values + partner[i] * n_columns;
    const T u = T(step[i]);
    int64_t t = 0;
    if (past_caches) {
      for (; t < n_columns && uintptr_t(out + t) % VECTOR_BYTES; t++)
        out[t] = x[t] + (z[t] - x[t]) * u;
      for (; t + W <= n_columns; t += W) {
        V a, b;
        memcpy(&a, x + t, sizeof a), memcpy(&b, z + t, sizeof b);
        const V made = a + (b - a) * u;
        store_past(out + t, &made);
      }
    }
    for (; t < n_columns; t++) out[t] = x[t] + (z[t] - x[t]) * u;
  }
#if defined(__SSE2__)
  if (past_caches) _mm_sfence();
#endif
}

typedef uint32_t Words __attribute__((vector_size(VECTOR_BYTES)));
typedef uint64_t Pairs __attribute__((vector_size(VECTOR_BYTES)));

// Products of the two halves of each 64 bits.
INLINE Pairs halves(Pairs v) {
#if defined(__AVX512F__)
  return (Pairs)_mm512_mul_epu32((__m512i)v, (__m512i)(v >> 32));
#elif defined(__AVX2__)
  return (Pairs)_mm256_mul_epu32((__m256i)v, (__m256i)(v >> 32));
#elif defined(__SSE2__)
  return (Pairs)_mm_mul_epu32((__m128i)v, (__m128i)(v >> 32));
#else
  return (v & 0xffffffff) * (v >> 32);
#endif
}

void one_block(const uint8_t *data, const uint8_t *keys, uint64_t *out) {
  Pairs sum[PRINT_NUMBERS] = {};
  for (int64_t at = 0; at < PRINT_BLOCK; at += VECTOR_BYTES) {
    Words m;
    memcpy(&m, data + at, sizeof m);
    UNROLL for (int r = 0; r < PRINT_NUMBERS; r++) {
      Words k;
      memcpy(&k, keys + at + 64 * r, sizeof k);
      sum[r] += halves((Pairs)(m + k));
    }
  }
  for (int r = 0; r < PRINT_NUMBERS; r++) {
    out[r] = 0;
    for (unsigned l = 0; l < VECTOR_BYTES / 8; l++) out[r] += sum[r][l];
  }
}

void fingerprint(const uint8_t *data, int64_t n, const uint8_t *keys, uint64_t *out) {
  for (; n >= PRINT_BLOCK; n -= PRINT_BLOCK, data += PRINT_BLOCK, out += PRINT_NUMBERS)
    one_block(data, keys, out);
  if (!n) return;
  uint8_t last[PRINT_BLOCK] = {};
  memcpy(last, data, n);
  one_block(last, keys, out);
}

template <class T> double apart(const T *x, const T *y, int64_t n, double scale) {
  typedef T Four __attribute__((vector_size(4 * sizeof(T))));
  typedef double Wide __attribute__((vector_size(32)));
  Wide sum = {};
  int64_t t = 0;
  for (; t + 4 <= n; t += 4) {
    Four a, b;
    memcpy(&a, x + t, sizeof a), memcpy(&b, y + t, sizeof b);
    const Wide e =
        (__builtin_convertvector(a, Wide) - __builtin_convertvector(b, Wide)) * scale;
    sum += e * e;
  }
  double first = sum[0];
  for (; t < n; t++) {
    const double e = (double(x[t]) - double(y[t])) * scale;
    first += e * e;
  }
  return (first + sum[1]) + (sum[2] + sum[3]);
}

// Move what is at most `pivot` to the front; return how many these are.
int64_t partition(uint64_t *keys, int64_t n, uint64_t pivot, uint64_t *scratch) {
  int64_t i = 0, front = 0, back = 0;
#if defined(__AVX512F__)
  const __m512i bound = _mm512_set1_epi64((long long)pivot);
  for (; i + 8 <= n; i += 8) { // what is written to the front was read before
    const __m512i v = _mm512_loadu_si512(keys + i);
    const __mmask8 least = _mm512_cmple_epu64_mask(v, bound);
    _mm512_storeu_si512(keys + front, _mm512_maskz_compress_epi64(least, v));
    _mm512_storeu_si512(scratch + back, _mm512_maskz_compress_epi64(__mmask8(~least), v));
    const int count = __builtin_popcount(least);
    front += count, back += 8 - count;
  }
#endif
  for (; i < n; i++) {
    const uint64_t key = keys[i];
    const bool least = key <= pivot;
    keys[front] = key, scratch[back] = key;
    front += least, back += !least;
  }
  memcpy(keys + front, scratch, back * sizeof *keys);
  return front;
}

void sort_few(uint64_t *keys, int64_t n) {
  for (int64_t i = 1; i < n; i++) {
    const uint64_t key = keys[i];
    int64_t at = i;
    for (; at > 0 && keys[at - 1] > key; at--) keys[at] = keys[at - 1];
    keys[at] = key;
  }
}

void select(uint64_t *keys, int64_t n, int64_t nth, uint64_t *scratch) {
  constexpr int SAMPLE = 15, FEW = 24;
  uint64_t random = 0x9e3779b97f4a7c15u;
  while (n > FEW) {
    // Of distinct keys the median of a sample is never the largest: the range shrinks.
    uint64_t sample[SAMPLE];
    const int64_t stride = n / SAMPLE;
    for (int s = 0; s < SAMPLE; s++) {
      random = random * 6364136223846793005u + 1442695040888963407u;
      sample[s] = keys[s * stride + int64_t((random >> 33) % uint64_t(stride))];
    }
    sort_few(sample, SAMPLE);
    // The rank wanted, kept away from the ends.
    int64_t rank = (nth * SAMPLE + n / 2) / n;
    rank = rank < 2 ? 2 : rank > SAMPLE - 3 ? SAMPLE - 3 : rank;
    const int64_t front = partition(keys, n, sample[rank], scratch);
    if (nth < front) {
      n = front;
    } else {
      keys += front, n -= front, nth -= front;
    }
  }
  sort_few(keys, n);
}

} // namespace

#define JOIN2(a, b) a##b
#define JOIN(a, b) JOIN2(a, b)
extern "C" __attribute__((visibility("hidden"))) const Streams JOIN(streams_, ISA) = {
    finite<float>,
    finite<double>,
    segments<float, int32_t>,
    segments<float, int64_t>,
    segments<double, int32_t>,
    segments<double, int64_t>,
    fingerprint,
    apart<float>,
    apart<double>,
    select,
};

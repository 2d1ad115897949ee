// SPDX-License-Identifier: BSD-3-Clause
// Sorted lists of the nearest so far: in memory, or in two registers while a tile feeds
// them. Included by kernel.cpp only, inside the object of an instruction set.
#pragma once
#include <stdint.h>
#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace {

// Insert into a sorted list of k, whose last entry falls out.
template <bool TIES, class T>
__attribute__((always_inline)) inline void insert(T *distance, int32_t *index, int k, T v,
                                                  int32_t id) {
  int t = k - 1;
  if (TIES && distance[t] == v && index[t] < id) return;
  while (t > 0 && (distance[t - 1] > v ||
                   (TIES && distance[t - 1] == v && index[t - 1] > id))) {
    distance[t] = distance[t - 1];
    index[t] = index[t - 1];
    t--;
  }
  distance[t] = v;
  index[t] = id;
}

#if defined(__AVX512F__)
constexpr int REGISTER = 16; // entries of a list that fits

// A list of up to 16 without branches: what is not nearer changes nothing.
template <bool TIES> class List {
public:
  __attribute__((always_inline)) List(float *distance, int32_t *index, int k)
      : to_distance(distance), to_index(index), live(__mmask16((1u << k) - 1)),
        last(_mm512_set1_epi32(k - 1)), d(_mm512_maskz_loadu_ps(live, distance)),
        id(_mm512_maskz_loadu_epi32(live, index)) {}

  // The last distance, in every lane.
  __attribute__((always_inline)) __m512 limit() const {
    return _mm512_permutexvar_ps(last, d);
  }

  __attribute__((always_inline)) void insert(__m512 v, int32_t row) {
    const __m512i rows = _mm512_set1_epi32(row);
    unsigned behind = _mm512_mask_cmp_ps_mask(live, d, v, _CMP_GT_OQ);
    if (TIES) {
      const unsigned tied = _mm512_mask_cmp_ps_mask(live, d, v, _CMP_EQ_OQ);
      behind |= _mm512_mask_cmpgt_epi32_mask(__mmask16(tied), id, rows);
    }
    const __m512i bits = _mm512_castps_si512(d);
    const __mmask16 all = __mmask16(behind), first = __mmask16(behind & -behind);
    const __m512i moved = _mm512_mask_alignr_epi32(bits, all, bits, bits, 15);
    d = _mm512_mask_mov_ps(_mm512_castsi512_ps(moved), first, v);
    id = _mm512_mask_mov_epi32(_mm512_mask_alignr_epi32(id, all, id, id, 15), first, rows);
  }

  __attribute__((always_inline)) void store() const {
    _mm512_mask_storeu_ps(to_distance, live, d);
    _mm512_mask_storeu_epi32(to_index, live, id);
  }

private:
  float *to_distance;
  int32_t *to_index;
  __mmask16 live;
  __m512i last;
  __m512 d;
  __m512i id;
};

// A distance that at least n + 1 lanes do not exceed (n < 16): no more than n + 1 ranks
// lie below it among these.
__attribute__((always_inline)) inline __m512 enough(__m512 lanes, int n) {
  __m512i rank = _mm512_setzero_si512();
  const __m512i one = _mm512_set1_epi32(1);
  for (int l = 0; l < 16; l++) {
    const __m512 other = _mm512_permutexvar_ps(_mm512_set1_epi32(l), lanes);
    rank = _mm512_mask_add_epi32(rank, _mm512_cmp_ps_mask(other, lanes, _CMP_LT_OQ), rank,
                                 one);
  }
  const __mmask16 chosen = _mm512_cmple_epi32_mask(rank, _mm512_set1_epi32(n));
  return _mm512_set1_ps(_mm512_mask_reduce_max_ps(chosen, lanes));
}
#endif

} // namespace

// SPDX-License-Identifier: BSD-3-Clause
// The tile: direct differences of 4 queries and CW candidates, kept in registers and
// compared with the k-th best by mask. Compiled once an instruction set (-DISA=name).
#include "kernel.hpp"
#include "lists.hpp"
#include <string.h>

// Bytes of a vector, and vectors of a tile's row: best or equal of the sizes tried.
#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#define VECTORS 4
#elif defined(__AVX2__)
#define VECTOR_BYTES 32
#define VECTORS 2
#else
#define VECTOR_BYTES 16
#define VECTORS 2
#endif
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif
#define INLINE __attribute__((always_inline)) inline

using namespace skoverfit;

namespace {

template <class T> struct Vec {
  static constexpr int W = VECTOR_BYTES / sizeof(T);
  static constexpr int CW = VECTORS * W;
  typedef T V __attribute__((vector_size(VECTOR_BYTES)));
  typedef int32_t Int __attribute__((vector_size(W * 4)));
  typedef uint8_t Bytes __attribute__((vector_size(W)));
  typedef uint8_t Codes __attribute__((vector_size(CW)));
};
typedef Vec<float>::V VF;
typedef Vec<double>::V VD;

template <class V> INLINE V load(const void *p) {
  V v;
  memcpy(&v, p, sizeof v);
  return v;
}

// Bit l is set where a[l] < b[l], or a[l] <= b[l] where ties count.
#if VECTOR_BYTES == 64
template <bool TIES> INLINE unsigned below(VF a, VF b) {
  return _mm512_cmp_ps_mask((__m512)a, (__m512)b, TIES ? _CMP_LE_OQ : _CMP_LT_OQ);
}
template <bool TIES> INLINE unsigned below(VD a, VD b) {
  return _mm512_cmp_pd_mask((__m512d)a, (__m512d)b, TIES ? _CMP_LE_OQ : _CMP_LT_OQ);
}
#elif VECTOR_BYTES == 32
template <bool TIES> INLINE unsigned below(VF a, VF b) {
  return _mm256_movemask_ps(TIES ? (__m256)(a <= b) : (__m256)(a < b));
}
template <bool TIES> INLINE unsigned below(VD a, VD b) {
  return _mm256_movemask_pd(TIES ? (__m256d)(a <= b) : (__m256d)(a < b));
}
#elif defined(__SSE2__)
template <bool TIES> INLINE unsigned below(VF a, VF b) {
  return _mm_movemask_ps(TIES ? (__m128)(a <= b) : (__m128)(a < b));
}
template <bool TIES> INLINE unsigned below(VD a, VD b) {
  return _mm_movemask_pd(TIES ? (__m128d)(a <= b) : (__m128d)(a < b));
}
#else
template <bool TIES, class V> INLINE unsigned below(V a, V b) {
  auto mask = TIES ? a <= b : a < b;
  unsigned bits = 0;
  for (unsigned l = 0; l < sizeof(V) / sizeof(a[0]); l++) bits |= (mask[l] != 0) << l;
  return bits;
}
#endif

template <class V> INLINE V smaller(V a, V b) { return a < b ? a : b; }

template <class T> using Tile = typename Vec<T>::V[QUERIES][VECTORS];

// Squared distances of 4 queries to CW candidates.
template <class T>
INLINE void squares(const T *q, const T *p, int64_t n_columns, Tile<T> &sum) {
  typedef typename Vec<T>::V V;
  UNROLL for (int r = 0; r < QUERIES; r++) UNROLL for (int u = 0; u < VECTORS; u++)
      sum[r][u] = V{};
  for (int64_t t = 0; t < n_columns; t++, p += Vec<T>::CW, q += QUERIES) {
    V c[VECTORS];
    UNROLL for (int u = 0; u < VECTORS; u++) c[u] = load<V>(p + u * Vec<T>::W);
    UNROLL for (int r = 0; r < QUERIES; r++) {
      V v = q[r] - V{};
      UNROLL for (int u = 0; u < VECTORS; u++) {
        V e = v - c[u];
        sum[r][u] += e * e;
      }
    }
  }
}

// The same over the columns that both rows have; `count` gets how many these are.
template <class T>
INLINE void partial_squares(const T *q, const T *p, const T *qm, const T *pm,
                            int64_t n_columns, Tile<T> &sum, Tile<T> &count) {
  typedef typename Vec<T>::V V;
  UNROLL for (int r = 0; r < QUERIES; r++) UNROLL for (int u = 0; u < VECTORS; u++) {
    sum[r][u] = V{};
    count[r][u] = V{};
  }
  for (int64_t t = 0; t < n_columns; t++) {
    UNROLL for (int u = 0; u < VECTORS; u++) {
      V c = load<V>(p + u * Vec<T>::W), m = load<V>(pm + u * Vec<T>::W);
      UNROLL for (int r = 0; r < QUERIES; r++) {
        V both = m * qm[r], e = (q[r] - c) * both;
        sum[r][u] += e * e;
        count[r][u] += both;
      }
    }
    p += Vec<T>::CW, pm += Vec<T>::CW, q += QUERIES, qm += QUERIES;
  }
}

// Add `weight` for every nominal column that differs (`count` for every one that both
// have). Byte counters, widened before they can overflow.
template <class T, bool PARTIAL>
INLINE void mismatches(const uint8_t *q, const uint8_t *p, int64_t n_wide,
                       int64_t n_narrow, T weight, Tile<T> &sum, Tile<T> &count) {
  typedef Vec<T> X;
  typedef typename X::Codes C;
  for (int64_t left = n_wide + n_narrow; left > 0;) {
    int64_t step = left < 255 ? left : 255;
    C differ[QUERIES], both[QUERIES];
    UNROLL for (int r = 0; r < QUERIES; r++) differ[r] = both[r] = C{};
    for (int64_t t = 0; t < step; t++) {
      bool wide = n_wide > 0;
      C low = load<C>(p), high = wide ? load<C>(p + X::CW) : C{};
      UNROLL for (int r = 0; r < QUERIES; r++) {
        C mine = q[r] - C{};
        C ne = (C)(mine != low);
        C here = (C)(low != C{}) & (C)(mine != C{});
        if (wide) {
          C top = q[QUERIES + r] - C{};
          ne |= (C)(top != high);
          if (PARTIAL)
            here = (C)((low | high) != C{}) & (C)((mine | top) != C{});
        }
        if (PARTIAL) {
          ne &= here;
          both[r] -= here;
        }
        differ[r] -= ne;
      }
      p += X::CW * (wide ? 2 : 1);
      q += QUERIES * (wide ? 2 : 1);
      n_wide -= wide;
    }
    UNROLL for (int r = 0; r < QUERIES; r++) UNROLL for (int u = 0; u < VECTORS; u++) {
      auto widened = [&](const C &bytes) {
        auto part = load<typename X::Bytes>((const uint8_t *)&bytes + u * X::W);
        return __builtin_convertvector(__builtin_convertvector(part, typename X::Int),
                                       typename X::V);
      };
      sum[r][u] += weight * widened(differ[r]);
      if (PARTIAL) count[r][u] += widened(both[r]);
    }
    left -= step;
  }
}

// Squared distance of each group's box to the candidates' box, all groups at once.
template <class T> INLINE void group_bounds(const LeafPair<T> &a, T *bound) {
  T sum[GROUPS] = {};
  for (int64_t t = 0; t < a.n_columns; t++) {
    const T *low = a.group_low + t * GROUPS, *high = a.group_high + t * GROUPS;
    for (int g = 0; g < GROUPS; g++) {
      T above = a.leaf_low[t] - high[g], under = low[g] - a.leaf_high[t];
      T gap = above > under ? above : under;
      gap = gap > 0 ? gap : 0;
      sum[g] += gap * gap;
    }
  }
  for (int g = 0; g < GROUPS; g++) bound[g] = sum[g] * a.slack;
}

#if VECTOR_BYTES == 64
// Offer a query's tile to its lists; `least` holds the least of each lane.
template <bool TIES>
INLINE void offer(const LeafPair<float> &a, int row, int u0, const VF *tile, VF least) {
  List<TIES> all(a.distance + row * a.k, a.index + row * a.k, a.k);
  VF limit = (VF)all.limit();
  // An empty list would take nearly all: as many as it holds bound what it can keep.
  // One more, since the row itself may be among them.
  const int longest = a.k_own > a.k ? a.k_own : a.k;
  const bool empty = limit[0] == __builtin_inff();
  if (!a.k_own) {
    if (empty && longest < 16) limit = (VF)enough((__m512)least, longest);
    for (int u = 0; u < VECTORS; u++) {
      const VF x = tile[u];
      unsigned bits = empty ? below<true>(x, limit) : below<TIES>(x, limit);
      for (; bits; bits &= bits - 1) {
        const int l = __builtin_ctz(bits);
        const int32_t id = a.ids[u0 + u * 16 + l];
        if (id < 0 || id == a.skip[row]) continue;
        all.insert(_mm512_permutexvar_ps(_mm512_set1_epi32(l), (__m512)x), id);
      }
      if (!empty) limit = (VF)all.limit();
    }
    all.store();
    return;
  }
  List<TIES> own(a.own_distance + row * a.k_own, a.own_index + row * a.k_own, a.k_own);
  const VF other = (VF)own.limit();
  const bool any = empty || other[0] == __builtin_inff();
  limit = other > limit ? other : limit;
  if (any && longest < 16) limit = smaller(limit, (VF)enough((__m512)least, longest));
  for (int u = 0; u < VECTORS; u++) {
    const VF x = tile[u];
    unsigned bits = any ? below<true>(x, limit) : below<TIES>(x, limit);
    for (; bits; bits &= bits - 1) {
      const int l = __builtin_ctz(bits);
      const int32_t id = a.ids[u0 + u * 16 + l];
      if (id < 0 || id == a.skip[row]) continue;
      const __m512 v = _mm512_permutexvar_ps(_mm512_set1_epi32(l), (__m512)x);
      all.insert(v, id), own.insert(v, id);
    }
  }
  all.store(), own.store();
}
#endif

template <class T, bool TIES, bool PARTIAL> void nearest(const LeafPair<T> *pair) {
  typedef typename Vec<T>::V V;
  constexpr int W = Vec<T>::W, CW = Vec<T>::CW;
  const LeafPair<T> a = *pair;
  const int64_t n_bytes = 2 * a.n_wide + a.n_narrow;
  T bound[GROUPS];
  for (int g = 0; g < GROUPS; g++) bound[g] = a.lower_bound;
  if (a.group_low) group_bounds(a, bound);
  for (int g = 0; g * QUERIES < a.n_queries; g++) {
    T worst = 0;
    for (int r = g * QUERIES; r < (g + 1) * QUERIES && r < a.n_queries; r++) {
      T v = a.distance[r * a.k + a.k - 1];
      if (a.k_own) {
        T own = a.own_distance[r * a.k_own + a.k_own - 1];
        v = own > v ? own : v;
      }
      worst = v > worst ? v : worst;
    }
    if (bound[g] > worst) continue;
    for (int u0 = 0; u0 < LEAF; u0 += CW) {
      Tile<T> s, n;
      const T *q = a.query + g * QUERIES * a.n_columns, *p = a.candidate + u0 * a.n_columns;
      if (PARTIAL)
        partial_squares<T>(q, p, a.query_present + g * QUERIES * a.n_columns,
                           a.candidate_present + u0 * a.n_columns, a.n_columns, s, n);
      else
        squares<T>(q, p, a.n_columns, s);
      if (n_bytes)
        mismatches<T, PARTIAL>(a.query_codes + g * QUERIES * n_bytes,
                               a.candidate_codes + u0 * n_bytes, a.n_wide, a.n_narrow,
                               a.mismatch, s, n);
      if (PARTIAL) // no common column: 0 / 0 becomes infinity
        UNROLL for (int r = 0; r < QUERIES; r++) UNROLL for (int u = 0; u < VECTORS; u++) {
          V far = (T)__builtin_inf() - V{};
          s[r][u] = n[r][u] > 0 ? s[r][u] * (a.n_all_columns / n[r][u]) : far;
        }
      UNROLL for (int r = 0; r < QUERIES; r++) {
        const int row = g * QUERIES + r;
        T *distance = a.distance + row * a.k;
        int32_t *index = a.index + row * a.k;
        T *own = a.own_distance + row * a.k_own;
        V m = s[r][0];
        UNROLL for (int u = 1; u < VECTORS; u++) m = smaller(m, s[r][u]);
        if (row >= a.n_queries) continue;
        auto limit = [&]() -> T {
          T v = distance[a.k - 1];
          return a.k_own && own[a.k_own - 1] > v ? own[a.k_own - 1] : v;
        };
        if (__builtin_expect(below<TIES>(m, limit() - V{}) == 0, 1)) continue;
#if VECTOR_BYTES == 64
        if constexpr (sizeof(T) == 4)
          if (a.k <= REGISTER && a.k_own <= REGISTER) {
            offer<TIES>(a, row, u0, s[r], m);
            continue;
          }
#endif
        for (int u = 0; u < VECTORS; u++) {
          V x = s[r][u];
          for (unsigned bits = below<TIES>(x, limit() - V{}); bits; bits &= bits - 1) {
            int l = __builtin_ctz(bits);
            int32_t id = a.ids[u0 + u * W + l];
            T v = x[l];
            if (id < 0 || id == a.skip[row]) continue;
            if (TIES ? v <= distance[a.k - 1] : v < distance[a.k - 1])
              insert<TIES>(distance, index, a.k, v, id);
            if (a.k_own && (TIES ? v <= own[a.k_own - 1] : v < own[a.k_own - 1]))
              insert<TIES>(own, a.own_index + row * a.k_own, a.k_own, v, id);
          }
        }
      }
    }
  }
}

#if VECTOR_BYTES == 64
// Offer a tile to the lists of its queries, and to those of its candidates.
INLINE void offer_both(const SymmetricPair &a, int64_t first_a, int64_t first_b,
                       const Tile<float> &s, const unsigned *hit_a, const unsigned *hit_b) {
  auto pick = [](VF x, int l) {
    return _mm512_permutexvar_ps(_mm512_set1_epi32(l), (__m512)x);
  };
  UNROLL for (int r = 0; r < QUERIES; r++) {
    if (!hit_a[r]) continue;
    const int64_t i = first_a + r;
    List<false> list(a.distance + i * a.k, a.index + i * a.k, a.k);
    UNROLL for (int u = 0; u < VECTORS; u++)
      for (unsigned bits = below<false>(s[r][u], (VF)list.limit()); bits; bits &= bits - 1) {
        const int l = __builtin_ctz(bits);
        list.insert(pick(s[r][u], l), (int32_t)(first_b + u * 16 + l));
      }
    list.store();
    a.worst[i] = ((VF)list.limit())[0];
  }
  UNROLL for (int u = 0; u < VECTORS; u++)
    for (unsigned bits = hit_b[u]; bits; bits &= bits - 1) {
      const int l = __builtin_ctz(bits);
      const int64_t i = first_b + u * 16 + l;
      List<false> list(a.distance + i * a.k, a.index + i * a.k, a.k);
      UNROLL for (int r = 0; r < QUERIES; r++)
        list.insert(pick(s[r][u], l), (int32_t)(first_a + r));
      list.store();
      a.worst[i] = ((VF)list.limit())[0];
    }
}
#endif

void symmetric(const SymmetricPair *pair) {
  typedef VF V;
  constexpr int W = Vec<float>::W, CW = Vec<float>::CW;
  const SymmetricPair a = *pair;
  const int64_t n_bytes = 2 * a.n_wide + a.n_narrow;
  const V far = __builtin_inff() - V{};
  for (int g = 0; g * QUERIES < a.n_a; g++)
    for (int u0 = 0; u0 < LEAF; u0 += CW) {
      Tile<float> s;
      squares<float>(a.query + g * QUERIES * a.n_columns, a.candidate + u0 * a.n_columns,
                     a.n_columns, s);
      if (n_bytes)
        mismatches<float, false>(a.query_codes + g * QUERIES * n_bytes,
                                 a.candidate_codes + u0 * n_bytes, a.n_wide, a.n_narrow,
                                 a.mismatch, s, s);
      for (int r = a.n_a - g * QUERIES; r < QUERIES; r++)
        for (int u = 0; u < VECTORS; u++) s[r][u] = far;
      float *worst_a = a.worst + a.leaf_a * LEAF + g * QUERIES;
      float *worst_b = a.worst + a.leaf_b * LEAF + u0;
      unsigned hit_a[QUERIES], hit_b[VECTORS], any = 0;
      UNROLL for (int u = 0; u < VECTORS; u++) {
        V m = s[0][u];
        UNROLL for (int r = 1; r < QUERIES; r++) m = smaller(m, s[r][u]);
        any |= hit_b[u] = below<false>(m, load<V>(worst_b + u * W));
      }
      UNROLL for (int r = 0; r < QUERIES; r++) {
        V m = s[r][0];
        UNROLL for (int u = 1; u < VECTORS; u++) m = smaller(m, s[r][u]);
        any |= hit_a[r] = below<false>(m, worst_a[r] - V{});
      }
      if (__builtin_expect(any == 0, 1)) continue;
#if VECTOR_BYTES == 64
      if (a.k <= REGISTER) {
        offer_both(a, a.leaf_a * LEAF + g * QUERIES, a.leaf_b * LEAF + u0, s, hit_a, hit_b);
        continue;
      }
#endif
      for (int r = 0; r < QUERIES && g * QUERIES + r < a.n_a; r++) {
        const int64_t i = a.leaf_a * LEAF + g * QUERIES + r;
        for (int u = 0; u < VECTORS; u++) {
          V x = s[r][u];
          const int64_t first = a.leaf_b * LEAF + u0 + u * W;
          auto offer = [&](int64_t row, float v, int64_t other, float &worst) {
            if (!(v < worst)) return;
            insert<false>(a.distance + row * a.k, a.index + row * a.k, a.k, v,
                          (int32_t)other);
            float last = a.distance[row * a.k + a.k - 1];
            if (last < worst) worst = last;
          };
          for (unsigned bits = below<false>(x, worst_a[r] - V{}); bits; bits &= bits - 1) {
            int l = __builtin_ctz(bits);
            offer(i, x[l], first + l, worst_a[r]);
          }
          for (unsigned bits = below<false>(x, load<V>(worst_b + u * W)); bits;
               bits &= bits - 1) {
            int l = __builtin_ctz(bits);
            offer(first + l, x[l], i, worst_b[u * W + l]);
          }
        }
      }
    }
}

} // namespace

#define JOIN2(a, b) a##b
#define JOIN(a, b) JOIN2(a, b)
extern "C" __attribute__((visibility("hidden"))) const Kernels JOIN(kernels_, ISA) = {
    Vec<float>::CW,
    Vec<double>::CW,
    nearest<float, false, false>,
    nearest<float, true, false>,
    nearest<double, true, false>,
    nearest<double, true, true>,
    symmetric,
};

// SPDX-License-Identifier: BSD-3-Clause
// The driver, in baseline code: float32 search, certificate, float64 redo.
#include "search.hpp"
#include "dispatch.hpp"
#include "packing.hpp"
#include "self_join.hpp"
#include "workers.hpp"
#include <cstring>

namespace skoverfit {

namespace {


// A shortlist of one search: (number of queries, k), squared distances, row numbers.
template <class T> struct Shortlist {
  int k = 0;
  std::vector<T> distance;
  std::vector<int32_t> index;
  void resize(int64_t n, int width) {
    k = width;
    distance.assign(n * k, std::numeric_limits<T>::infinity());
    index.assign(n * k, std::numeric_limits<int32_t>::max());
  }
};

struct Search {
  const Problem &problem;
  const Kernels &kernels;
  const Streams &streams;
  const Rows &queries;
  bool is_self, partial = false, small_integers = false;
  int64_t n_queries;
  Cast cast;
  float weight32 = 0; // mismatch in the cast's units
  double weight = 0;
  std::vector<int64_t> table_order; // k-d order of the table, own rows first
  int64_t n_own = 0;

  Search(const Problem &p, const Objects &objects)
      : problem(p), kernels(*objects.kernels), streams(*objects.streams), queries(p.foreign.n ? p.foreign : p.table),
        is_self(!p.foreign.n),
        n_queries(p.foreign.n ? p.foreign.n : p.rows ? p.n_rows : p.table.n) {}

  int64_t query_row(int64_t i) const {
    return is_self && problem.rows ? problem.rows[i] : i;
  }

  // --- what kind of values these are -------------------------------------------------

  template <class F> void each_row(const Rows &rows, F f) const {
    for (int64_t i = 0; i < rows.n; i++) {
      if (rows.is_double)
        f(static_cast<const double *>(rows.values) + i * rows.n_columns);
      else
        f(static_cast<const float *>(rows.values) + i * rows.n_columns);
    }
  }

  void look_at_values() {
    double largest = 0;
    bool fits_float = true, infinite = false;
    for (const Rows *rows : {&problem.table, &queries}) {
      each_row(*rows, [&](auto *x) {
        // v - v is 0 for every finite value.
        double size = 0, sum = 0;
        bool fits = true;
        for (int64_t t = 0; t < rows->n_columns; t++) {
          const double v = double(x[t]);
          size = std::max(size, std::fabs(v)); // a NaN is passed over
          sum += v - v;
          fits &= double(float(v)) == v;
        }
        fits_float &= fits;
        if (sum == 0) {
          largest = std::max(largest, size);
          return;
        }
        for (int64_t t = 0; t < rows->n_columns; t++) {
          const double v = double(x[t]);
          partial |= std::isnan(v), infinite |= std::isinf(v);
          if (std::isfinite(v)) largest = std::max(largest, std::fabs(v));
        }
      });
      const int64_t width = rows->n_bytes();
      for (int64_t i = 0; rows->codes && i < rows->n * width && !partial; i += width) {
        for (int64_t t = 0; t < rows->n_wide; t++)
          partial |= !(rows->codes[i + 2 * t] | rows->codes[i + 2 * t + 1]);
        for (int64_t t = 2 * rows->n_wide; t < width; t++) partial |= !rows->codes[i + t];
      }
      if (is_self) break;
    }
    if (infinite) throw std::invalid_argument("infinite values");
    if (!fits_float && !partial) largest = centre();
    const double root = std::sqrt(problem.mismatch);
    const bool mixed = problem.table.n_bytes() > 0;
    if (mixed && problem.table.n_columns) largest = std::max(largest, root);
    int exponent = 0;
    std::frexp(largest, &exponent);
    // The largest value comes below 2^50: squares fit, small differences survive.
    if (largest > 0 && problem.table.n_columns)
      cast.scale = std::ldexp(1.0, std::clamp(50 - exponent, -1000, 1000));
    if (mixed) weight = problem.mismatch * cast.scale * cast.scale;
    small_integers = !partial && cast.centre.empty() && are_small_integers();
    // Without numeric columns the count itself is searched: it is exact.
    weight32 = problem.table.n_columns ? float(weight) : 1.0f;
  }

  double centre() {
    const Rows &table = problem.table;
    const double share = 1.0 / double(table.n);
    cast.centre.assign(table.n_columns, 0.0);
    each_row(table, [&](auto *x) {
      for (int64_t t = 0; t < table.n_columns; t++) cast.centre[t] += double(x[t]) * share;
    });
    double largest = 0;
    for (const Rows *rows : {&table, &queries}) {
      each_row(*rows, [&](auto *x) {
        for (int64_t t = 0; t < table.n_columns; t++)
          largest = std::max(largest, std::fabs(double(x[t]) - cast.centre[t]));
      });
      if (is_self) break;
    }
    return largest;
  }

  // Multiples of one quantum so small that float32 sums of squares are exact.
  bool are_small_integers() const {
    if (problem.table.n_columns == 0) return true;
    if (problem.table.n_bytes()) return false;
    int lowest = 10000, highest = -10000;
    bool small = true;
    for (const Rows *rows : {&problem.table, &queries}) {
      const int64_t size = rows->n * rows->n_columns;
      for (int64_t i = 0; small && i < size; i++) {
        float v = rows->is_double ? float(static_cast<const double *>(rows->values)[i])
                                  : static_cast<const float *>(rows->values)[i];
        if (v == 0) continue;
        uint32_t bits;
        std::memcpy(&bits, &v, 4);
        const int e = int((bits >> 23) & 255) - 150;
        if (e == -150) return false; // denormal
        lowest = std::min(lowest, e + __builtin_ctz((bits & 0x7fffff) | 0x800000));
        highest = std::max(highest, e + 24);
        small = highest - lowest <= 11;
      }
      if (is_self) break;
    }
    // A difference spans twice the largest value.
    return small && std::ldexp(double(problem.table.n_columns),
                               2 * (highest + 1 - lowest)) < 0x1p24;
  }

  void order_table() {
    const int64_t n = problem.table.n;
    table_order.resize(n);
    std::iota(table_order.begin(), table_order.end(), 0);
    if (problem.own) {
      auto end = std::stable_partition(table_order.begin(), table_order.end(),
                                       [&](int64_t i) { return problem.own[i] != 0; });
      n_own = end - table_order.begin();
    }
    if (partial) return; // partial distances obey no triangle: nothing can be pruned
    auto itself = [](int64_t i) { return i; };
    order_places(problem.table, table_order.data(), n_own, streams, itself);
    order_places(problem.table, table_order.data() + n_own, n - n_own, streams, itself);
  }

  // --- searches ----------------------------------------------------------------------

  template <class T>
  using Kernel = void (*)(const LeafPair<T> *);

  // Each query row of `wanted` (places among the queries) against all candidates.
  template <class T>
  void by_rows(const Candidates<T> &table, Kernel<T> kernel, T mismatch,
               const Cast &how, const std::vector<int64_t> &wanted, Shortlist<T> &all,
               Shortlist<T> &own, std::vector<double> *lost) const {
    // Queries of a leaf should lie together; those of the whole table lie as it does.
    const bool everybody = is_self && !problem.rows && !n_own &&
                           int64_t(wanted.size()) == problem.table.n;
    std::vector<int64_t> order = table_order, rows(wanted.size());
    for (size_t i = 0; i < rows.size(); i++) rows[i] = query_row(wanted[i]);
    if (!everybody) {
      order.resize(wanted.size());
      std::iota(order.begin(), order.end(), 0);
      if (!partial)
        order_places(queries, order.data(), int64_t(order.size()), streams,
                     [&](int64_t i) { return rows[i]; });
    }
    struct Buffers {
      QueryLeaf<T> leaf;
      std::vector<T> bound;
      std::vector<std::pair<T, int64_t>> todo;
      Shortlist<T> all, own;
      std::vector<int64_t> rows;
    };
    const int64_t n = int64_t(order.size()), n_leaves = (n + LEAF - 1) / LEAF;
    std::vector<Buffers> buffers(std::max(1, problem.n_threads));
    in_parallel(problem.n_threads, n_leaves, problem.interrupted,
                [&](int64_t a, int worker) {
      Buffers &mine = buffers[worker];
      const int count = int(std::min<int64_t>(LEAF, n - a * LEAF));
      mine.rows.resize(count);
      for (int r = 0; r < count; r++) mine.rows[r] = rows[order[a * LEAF + r]];
      mine.leaf.pack(queries, how, mine.rows.data(), count, partial, is_self);
      mine.all.resize(LEAF, all.k);
      if (own.k) mine.own.resize(LEAF, own.k);
      one_leaf(table, kernel, mismatch, mine.leaf, mine.bound, mine.todo, mine.all,
               mine.own);
      for (int r = 0; r < count; r++) {
        const int64_t to = order[a * LEAF + r];
        std::copy_n(&mine.all.distance[r * all.k], all.k, &all.distance[to * all.k]);
        std::copy_n(&mine.all.index[r * all.k], all.k, &all.index[to * all.k]);
        if (own.k) {
          std::copy_n(&mine.own.distance[r * own.k], own.k, &own.distance[to * own.k]);
          std::copy_n(&mine.own.index[r * own.k], own.k, &own.index[to * own.k]);
        }
        if (lost) (*lost)[to] = mine.leaf.lost[r];
      }
    });
  }

  template <class T>
  void one_leaf(const Candidates<T> &table, Kernel<T> kernel, T mismatch,
                const QueryLeaf<T> &leaf, std::vector<T> &bound,
                std::vector<std::pair<T, int64_t>> &todo, Shortlist<T> &all,
                Shortlist<T> &own) const {
    const Rows &rows = problem.table;
    // A computed bound may exceed a computed distance by the rounding of both.
    const T slack = T(1) - T(table.n_columns + 8) * std::numeric_limits<T>::epsilon();
    const bool boxes = !partial && table.n_columns <= BOXED_COLUMNS;
    auto visit = [&](int64_t b, T lower) {
      const bool mine = b < table.n_own_leaves;
      const int64_t n_bytes = rows.n_bytes();
      LeafPair<T> pair = {leaf.values.data(), table.leaf(b), table.n_columns,
                          leaf.codes.data(), table.codes.data() + b * LEAF * n_bytes,
                          rows.n_wide, rows.n_narrow, mismatch, leaf.present.data(),
                          partial ? table.present.data() + b * LEAF * table.n_columns
                                  : nullptr,
                          T(rows.n_columns + rows.n_wide + rows.n_narrow), leaf.count,
                          table.ids.data() + b * LEAF, leaf.skip.data(), lower,
                          boxes ? leaf.group_low.data() : nullptr,
                          leaf.group_high.data(), table.leaf_low.data() + b * table.n_columns,
                          table.leaf_high.data() + b * table.n_columns, slack, all.k,
                          all.distance.data(), all.index.data(), mine ? own.k : 0,
                          own.distance.data(), own.index.data()};
      kernel(&pair);
    };
    if (partial) {
      for (int64_t b = 0; b < table.n_leaves; b++) visit(b, T(0));
      return;
    }
    auto worst_of = [&](const Shortlist<T> &list) {
      T worst = 0;
      for (int r = 0; r < leaf.count; r++)
        worst = std::max(worst, list.distance[r * list.k + list.k - 1]);
      return worst;
    };
    bound.resize(table.n_leaves);
    box_distances(leaf.low.data(), leaf.high.data(), table.low.data(), table.high.data(),
                  table.n_leaves, table.n_columns, bound.data(), table.n_leaves);
    const int64_t first = std::min_element(bound.begin(), bound.end()) - bound.begin();
    visit(first, T(0));
    T worst = worst_of(all), worst_own = own.k ? std::max(worst, worst_of(own)) : worst;
    todo.clear();
    for (int64_t b = 0; b < table.n_leaves; b++) {
      T lower = bound[b] * slack;
      if (b != first && lower <= (b < table.n_own_leaves ? worst_own : worst))
        todo.emplace_back(lower, b);
    }
    std::sort(todo.begin(), todo.end());
    size_t seen = 0;
    for (const auto &[lower, b] : todo) {
      if ((seen++ & 3) == 0) {
        worst = worst_of(all);
        worst_own = own.k ? std::max(worst, worst_of(own)) : worst;
        if (lower > worst_own) break;
      }
      if (lower <= (b < table.n_own_leaves ? worst_own : worst)) visit(b, lower);
    }
  }

  // --- certificate ---------------------------------------------------------------------

  // Squared distance of the values as given, in the scale's units: one formula, so that
  // the answer is the same on every processor.
  double exact(int64_t query, int64_t row) const {
    const Rows &table = problem.table;
    const int64_t d = table.n_columns;
    double sum = 0;
    int64_t differ = 0, present = 0;
    auto add = [&](auto x, auto y, auto apart) {
      if (!partial) return void(sum = apart(x, y, d, cast.scale));
      double lanes[4] = {0, 0, 0, 0};
      for (int64_t t = 0; t < d; t++) {
        const bool both = x[t] == x[t] && y[t] == y[t];
        present += both;
        const double e = (double(x[t]) - double(y[t])) * cast.scale;
        if (both) lanes[t & 3] += e * e;
      }
      sum = (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
    };
    if (table.is_double)
      add(static_cast<const double *>(queries.values) + query * d,
          static_cast<const double *>(table.values) + row * d, streams.apart_double);
    else
      add(static_cast<const float *>(queries.values) + query * d,
          static_cast<const float *>(table.values) + row * d, streams.apart_float);
    auto compare = [&](int a, int b) {
      const bool both = a && b;
      differ += a != b && (both || !partial);
      present += both;
    };
    if (table.n_bytes()) {
      const uint8_t *a = queries.codes + query * table.n_bytes();
      const uint8_t *b = table.codes + row * table.n_bytes();
      for (int64_t t = 0; t < table.n_wide; t++, a += 2, b += 2)
        compare(a[0] | a[1] << 8, b[0] | b[1] << 8);
      for (int64_t t = 0; t < table.n_narrow; t++) compare(a[t], b[t]);
    }
    const double all = sum + weight * double(differ);
    if (!partial) return all;
    const double columns = double(d + table.n_wide + table.n_narrow);
    return present ? all * (columns / double(present)) : HUGE_VAL;
  }

  // Write the answer of one query out of its shortlist, in float64. True where no row
  // outside the shortlist can be as near as the k-th: the proof is kernel.md's.
  // `rows` translates the shortlist's numbers, where it is not null.
  bool settle(const Shortlist<float> &list, int64_t at, int64_t query, int64_t to,
              const Answer &answer, int64_t candidates, double lost,
              std::vector<std::pair<double, int32_t>> &found,
              const int32_t *rows = nullptr) const {
    found.clear();
    for (int t = 0; t < list.k; t++) {
      int32_t row = list.index[at * list.k + t];
      if (rows && row >= 0) row = rows[row];
      if (row >= 0 && row < problem.table.n) found.emplace_back(exact(query, row), row);
    }
    std::sort(found.begin(), found.end());
    const int k = answer.k;
    for (int t = 0; t < k; t++) write(answer, to, t, found[t].first, found[t].second);
    if (list.k >= candidates || small_integers) return true;
    const double limit = found[k - 1].first, last = list.distance[at * list.k + list.k - 1];
    const int64_t d = packed_columns(problem.table);
    const double relative = double(d + (problem.table.n_bytes() ? 6 : 4)) * 0x1p-24;
    const double least = std::max(0.0, last * (1 - relative) - double(d) * 0x1p-125);
    // Strictly: rows as near as the k-th must not be left outside, the lowest wins.
    return std::sqrt(limit) * (1 + 1e-15) < std::sqrt(least) - lost;
  }

  void write(const Answer &answer, int64_t to, int t, double squared, int64_t row) const {
    answer.distance[to * answer.k + t] = std::sqrt(squared) / cast.scale;
    answer.index[to * answer.k + t] = row;
  }

  // float32 with a shortlist of k + extra for the queries `wanted`; returns those that
  // could not be certified.
  std::vector<int64_t> in_float(const Candidates<float> &table, int extra,
                                const std::vector<int64_t> &wanted, bool everybody) {
    const Answer &answer = problem.answer, &mine = problem.own_answer;
    const int64_t others = problem.table.n - is_self, own_others = n_own - is_self;
    if (small_integers) extra = 0;
    const int k = int(std::min<int64_t>(answer.k + extra, others));
    if (everybody && is_self && !problem.rows && !mine.k && !small_integers &&
        problem.table.n > 2 * LEAF && packed_columns(problem.table) > 5)
      return each_pair_once(table, k);
    Shortlist<float> all, own;
    const int64_t n = int64_t(wanted.size());
    all.resize(n, k);
    if (mine.k) own.resize(n, int(std::min<int64_t>(mine.k + extra, own_others)));
    std::vector<double> lost(n, 0.0);
    by_rows<float>(table,
                   small_integers ? kernels.nearest_float_ties : kernels.nearest_float,
                   weight32, cast, wanted, all, own, &lost);
    std::vector<uint8_t> open(n, 0);
    settle_all(n, [&](int64_t i, Found &found) {
      const int64_t query = query_row(wanted[i]);
      const double off = lost[i] + table.most_lost;
      open[i] = !settle(all, i, query, wanted[i], answer, others, off, found);
      if (mine.k)
        open[i] |= !settle(own, i, query, wanted[i], mine, own_others, off, found);
    });
    std::vector<int64_t> left;
    for (int64_t i = 0; i < n; i++)
      if (open[i]) left.push_back(wanted[i]);
    return left;
  }

  // The same for the whole table without a second answer.
  std::vector<int64_t> each_pair_once(const Candidates<float> &table, int k) {
    SelfJoin join(problem, kernels, table, weight32, k);
    join.run();
    Shortlist<float> list;
    list.k = k, list.distance.swap(join.distance), list.index.swap(join.index);
    std::vector<uint8_t> open(problem.table.n, 0);
    settle_all(int64_t(table.ids.size()), [&](int64_t place, Found &found) {
      const int64_t row = table.ids[place];
      if (row < 0) return;
      open[row] = !settle(list, place, row, row, problem.answer, problem.table.n - 1,
                          table.lost[row] + table.most_lost, found, table.ids.data());
    });
    std::vector<int64_t> left;
    for (int64_t row = 0; row < problem.table.n; row++)
      if (open[row]) left.push_back(row);
    return left;
  }

  using Found = std::vector<std::pair<double, int32_t>>;

  template <class F> void settle_all(int64_t n, F one) const {
    constexpr int64_t CHUNK = 256;
    std::vector<Found> found(std::max(1, problem.n_threads));
    in_parallel(problem.n_threads, (n + CHUNK - 1) / CHUNK, problem.interrupted,
                [&](int64_t chunk, int worker) {
      for (int64_t i = chunk * CHUNK; i < std::min(n, (chunk + 1) * CHUNK); i++)
        one(i, found[worker]);
    });
  }

  void in_double(const std::vector<int64_t> &wanted) {
    Cast scaled;
    scaled.scale = cast.scale;
    Candidates<double> table;
    table.pack(problem.table, scaled, table_order, n_own, kernels.double_width, partial);
    Shortlist<double> all, own;
    const int64_t n = int64_t(wanted.size());
    all.resize(n, problem.answer.k);
    if (problem.own_answer.k) own.resize(n, problem.own_answer.k);
    by_rows<double>(table,
                    partial ? kernels.partial_double_ties : kernels.nearest_double_ties,
                    weight, scaled, wanted, all, own, nullptr);
    auto copy = [&](const Shortlist<double> &list, const Answer &answer) {
      for (int64_t i = 0; i < n; i++)
        for (int t = 0; t < answer.k; t++) {
          const int32_t row = list.index[i * list.k + t];
          write(answer, wanted[i], t, exact(query_row(wanted[i]), row), row);
        }
    };
    copy(all, problem.answer);
    if (own.k) copy(own, problem.own_answer);
  }

  int64_t run() {
    look_at_values();
    order_table();
    std::vector<int64_t> wanted(n_queries);
    std::iota(wanted.begin(), wanted.end(), 0);
    if (partial) {
      in_double(wanted);
      return n_queries;
    }
    {
      Candidates<float> table;
      table.pack(problem.table, cast, table_order, n_own, kernels.float_width, false);
      wanted = in_float(table, 2, wanted, true);
      // A longer shortlist is cheaper than float64 where rows come in copies.
      if (int64_t(wanted.size()) * 20 > n_queries)
        wanted = in_float(table, 10, wanted, false);
    }
    if (!wanted.empty()) in_double(wanted);
    return int64_t(wanted.size());
  }
};

} // namespace

int64_t solve(const Problem &problem) {
  Search search(problem, objects_for(problem.instruction_set));
  return search.n_queries ? search.run() : 0;
}

} // namespace skoverfit

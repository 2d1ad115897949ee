// SPDX-License-Identifier: BSD-3-Clause
// The whole table against itself in float32, each pair once: it serves both rows.
//
// Leaves are taken in blocks, and a task is a pair of blocks, near ones in the order
// of the tree first. A thread holds both blocks of its task alone, so that one list a
// row serves all threads.
#pragma once
#include "packing.hpp"
#include "workers.hpp"
#include <condition_variable>
#include <mutex>

namespace skoverfit {

// Pairs (i, j), i <= j, of n blocks, by j - i; none shares a block with one that runs.
class BlockPairs {
public:
  struct Pair {
    int64_t i, j;
  };

  explicit BlockPairs(int64_t n) : busy(n, 0), n(n) {}
  int64_t size() const { return n * (n + 1) / 2; }

  Pair take() {
    std::unique_lock<std::mutex> guard(lock);
    for (;;) {
      while (waiting.size() < WINDOW && apart < n) {
        waiting.push_back({first, first + apart});
        if (++first + apart == n) first = 0, apart++;
      }
      for (size_t at = 0; at < waiting.size(); at++) {
        const Pair pair = waiting[at];
        if (busy[pair.i] || busy[pair.j]) continue;
        waiting.erase(waiting.begin() + at);
        busy[pair.i] = busy[pair.j] = 1;
        return pair;
      }
      released.wait(guard);
    }
  }

  void give_back(const Pair &pair) {
    {
      std::lock_guard<std::mutex> guard(lock);
      busy[pair.i] = busy[pair.j] = 0;
    }
    released.notify_all();
  }

private:
  static constexpr size_t WINDOW = 64;
  std::mutex lock;
  std::condition_variable released;
  std::vector<uint8_t> busy;
  std::vector<Pair> waiting;
  int64_t n, apart = 0, first = 0;
};

class SelfJoin {
public:
  // The lists: (place, k), places in the order of the table's leaves.
  std::vector<float> distance;
  std::vector<int32_t> index;

  SelfJoin(const Problem &problem, const Kernels &kernels, const Candidates<float> &table,
           float mismatch, int k)
      : problem(problem), kernels(kernels), table(table), mismatch(mismatch), k(k),
        n_bytes(problem.table.n_bytes()), n_leaves(table.n_leaves),
        slack(1 - float(table.n_columns + 8) * 1.2e-7f) {}

  void run() {
    const float inf = std::numeric_limits<float>::infinity();
    distance.assign(n_leaves * LEAF * k, inf), index.assign(n_leaves * LEAF * k, -1);
    worst.assign(n_leaves * LEAF, -inf); // padding takes nothing
    const int n_threads = std::max(1, problem.n_threads);
    std::vector<Query> query(n_threads);
    // A leaf with itself gives every row a first list.
    in_parallel(n_threads, n_leaves, problem.interrupted,
                [&](int64_t a, int worker) { with_itself(a, query[worker]); });
    const int64_t size = std::clamp<int64_t>(n_leaves / (4 * n_threads), 1, BLOCK);
    set_blocks(size);
    BlockPairs pairs(n_blocks);
    in_parallel(n_threads, pairs.size(), problem.interrupted, [&](int64_t, int worker) {
      struct Held {
        BlockPairs &pairs;
        BlockPairs::Pair pair;
        ~Held() { pairs.give_back(pair); }
      } held{pairs, pairs.take()};
      two_blocks(held.pair.i, held.pair.j, query[worker]);
    });
  }

private:
  static constexpr int64_t BLOCK = 16; // leaves that fit a core's second cache twice

  // With more columns the boxes of leaves are looked at only if those of blocks part.
  static constexpr int64_t BOUNDED_COLUMNS = 48;

  struct Query { // a leaf laid out as queries are
    std::vector<float> values, bound;
    std::vector<uint8_t> codes;
  };

  const Problem &problem;
  const Kernels &kernels;
  const Candidates<float> &table;
  float mismatch;
  int k;
  int64_t n_bytes, n_leaves;
  float slack;
  std::vector<float> worst; // the last distance of each list
  int64_t block = 1, n_blocks = 0;
  std::vector<float> block_low, block_high; // [block][column]

  void lay_out(int64_t a, Query &query) const {
    const int64_t d = table.n_columns, width = table.width;
    query.values.resize(LEAF * d), query.codes.resize(LEAF * n_bytes);
    const uint8_t *codes = table.codes.data() + a * LEAF * n_bytes;
    auto move = [&](auto *to, const auto *from, int64_t n_columns) {
      for (int64_t u0 = 0; u0 < LEAF; u0 += width)
        for (int64_t t = 0; t < n_columns; t++, from += width)
          for (int64_t r = 0; r < width; r += QUERIES)
            std::copy_n(from + r, QUERIES, to + (u0 + r) * n_columns + t * QUERIES);
    };
    move(query.values.data(), table.leaf(a), d);
    if (n_bytes) move(query.codes.data(), codes, n_bytes);
  }

  void with_itself(int64_t a, Query &query) {
    lay_out(a, query);
    const int count = table.count(a);
    int32_t place[LEAF], skip[LEAF];
    for (int r = 0; r < LEAF; r++) {
      place[r] = r < count ? int32_t(a * LEAF + r) : -1;
      skip[r] = int32_t(a * LEAF + r);
    }
    const Rows &rows = problem.table;
    LeafPair<float> pair = {query.values.data(), table.leaf(a), table.n_columns,
                            query.codes.data(), table.codes.data() + a * LEAF * n_bytes,
                            rows.n_wide, rows.n_narrow, mismatch, nullptr, nullptr, 0,
                            count, place, skip, 0, nullptr, nullptr, nullptr, nullptr, 1,
                            k, distance.data() + a * LEAF * k,
                            index.data() + a * LEAF * k, 0, nullptr, nullptr};
    kernels.nearest_float(&pair);
    for (int64_t i = a * LEAF; i < a * LEAF + count; i++)
      worst[i] = distance[i * k + k - 1];
  }

  void set_blocks(int64_t size) {
    const int64_t d = table.n_columns;
    block = size, n_blocks = (n_leaves + size - 1) / size;
    block_low.resize(n_blocks * d), block_high.resize(n_blocks * d);
    for (int64_t i = 0; i < n_blocks; i++)
      for (int64_t t = 0; t < d; t++) {
        const int64_t first = i * size, stop = std::min(first + size, n_leaves);
        const float *low = table.low.data() + t * n_leaves;
        const float *high = table.high.data() + t * n_leaves;
        block_low[i * d + t] = *std::min_element(low + first, low + stop);
        block_high[i * d + t] = *std::max_element(high + first, high + stop);
      }
  }

  // Lane by lane: compilers don't vectorize a plain maximum of floats.
  float worst_in(int64_t first_leaf, int64_t stop_leaf) const {
    constexpr int LANES = 16;
    const float *w = &worst[first_leaf * LEAF], *end = &worst[0] + stop_leaf * LEAF;
    float m[LANES];
    std::copy_n(w, LANES, m);
    for (w += LANES; w < end; w += LANES)
      for (int l = 0; l < LANES; l++) m[l] = w[l] > m[l] ? w[l] : m[l];
    return *std::max_element(m, m + LANES);
  }

  void two_blocks(int64_t i, int64_t j, Query &query) {
    const int64_t d = table.n_columns, stop_a = std::min((i + 1) * block, n_leaves);
    const int64_t first_b = j * block, stop_b = std::min((j + 1) * block, n_leaves);
    float apart = 0;
    box_distances(&block_low[i * d], &block_high[i * d], &block_low[j * d],
                  &block_high[j * d], 1, d, &apart);
    if (apart * slack > std::max(worst_in(i * block, stop_a), worst_in(first_b, stop_b)))
      return;
    query.bound.resize(block);
    for (int64_t a = i * block; a < stop_a; a++) {
      const int64_t first = std::max(first_b, a + 1);
      if (first >= stop_b) continue;
      if (d > BOUNDED_COLUMNS && apart == 0)
        std::fill_n(query.bound.data(), stop_b - first, 0.0f);
      else
        box_distances(&table.leaf_low[a * d], &table.leaf_high[a * d],
                      table.low.data() + first, table.high.data() + first,
                      stop_b - first, d, query.bound.data(), n_leaves);
      bool laid_out = false;
      for (int64_t b = first; b < stop_b; b++) {
        const float lower = query.bound[b - first] * slack;
        if (lower > 0 && lower > std::max(worst_in(a, a + 1), worst_in(b, b + 1))) continue;
        if (!laid_out) lay_out(a, query), laid_out = true;
        const Rows &rows = problem.table;
        SymmetricPair pair = {query.values.data(), table.leaf(b), d, query.codes.data(),
                              table.codes.data() + b * LEAF * n_bytes, rows.n_wide,
                              rows.n_narrow, mismatch, a, b, table.count(a), k,
                              distance.data(), index.data(), worst.data()};
        kernels.symmetric_float(&pair);
      }
    }
  }
};

} // namespace skoverfit

// SPDX-License-Identifier: BSD-3-Clause
// Exact nearest neighbours of rows with numeric and nominal columns.
#pragma once
#include "kernel.hpp"
#include <functional>
#include <string>
#include <vector>

namespace skoverfit {

// Rows as the caller has them: float or double values, NaN where missing, and nominal
// columns as bytes (the first n_wide take two, low byte first; 0 is missing).
struct Rows {
  const void *values = nullptr;
  bool is_double = false;
  int64_t n = 0, n_columns = 0;
  const uint8_t *codes = nullptr;
  int64_t n_wide = 0, n_narrow = 0;
  int64_t n_bytes() const { return 2 * n_wide + n_narrow; }
};

struct Answer { // row-major (number of queries, k), distances not squared
  int k = 0;
  double *distance = nullptr;
  int64_t *index = nullptr;
};

struct Problem {
  Rows table;
  Rows foreign;                  // queries of another table, where foreign.n > 0
  const int64_t *rows = nullptr; // queries: these rows of the table (all where null)
  int64_t n_rows = 0;
  double mismatch = 1.0; // what a differing nominal column adds, squared
  const uint8_t *own = nullptr; // mask of the rows that the second answer is about
  Answer answer, own_answer;
  int n_threads = 1;
  std::string instruction_set; // empty: the best one
  std::function<bool()> interrupted = [] { return false; };
};

// Returns how many queries needed float64; throws std::invalid_argument for infinity.
int64_t solve(const Problem &problem);

} // namespace skoverfit

// SPDX-License-Identifier: BSD-3-Clause
// What the driver and the objects of each instruction set share: plain data only.
//
// kernel.cpp is compiled once an instruction set. It must not instantiate anything
// with weak linkage (std::vector, std::thread): the linker keeps one copy of a weak
// symbol for the whole library, possibly the AVX-512 one, and an older processor dies.
#pragma once
#include <stdint.h>

namespace skoverfit {

constexpr int LEAF = 64;   // rows of a leaf: the unit of packing and of pruning
constexpr int QUERIES = 4; // query rows of a register tile
constexpr int GROUPS = LEAF / QUERIES;

// A leaf of queries against a leaf of candidates. Packed layouts, CW = candidate width:
//   candidates [LEAF / CW][column][CW], queries [LEAF / QUERIES][column][QUERIES]
template <class T> struct LeafPair {
  const T *query, *candidate;
  int64_t n_columns;
  // Nominal columns as bytes; the first n_wide take two bytes each.
  const uint8_t *query_codes, *candidate_codes;
  int64_t n_wide, n_narrow;
  T mismatch;
  // Presence (1 or 0) of each value, packed alike; only for partial distances.
  const T *query_present, *candidate_present;
  T n_all_columns;
  int n_queries;
  const int32_t *ids;  // row number of each candidate, -1 for padding
  const int32_t *skip; // row number that a query must not meet, -1 for none
  T lower_bound;       // no pair of the two leaves is nearer (squared)
  // Boxes, or null: of each group of QUERIES, [column][GROUPS]; of the candidates.
  const T *group_low, *group_high, *leaf_low, *leaf_high;
  T slack; // a box distance times this is certainly no more than a tile's distance
  // Sorted best squared distances of each query row, and their rows.
  int k;
  T *distance;
  int32_t *index;
  // A second list, fed by this leaf too, where k_own > 0.
  int k_own;
  T *own_distance;
  int32_t *own_index;
};

// Two different leaves of one table; each pair of rows serves both.
struct SymmetricPair {
  const float *query, *candidate;
  int64_t n_columns;
  const uint8_t *query_codes, *candidate_codes;
  int64_t n_wide, n_narrow;
  float mismatch;
  int64_t leaf_a, leaf_b;
  int n_a;
  int k;
  float *distance; // [row][k], all rows of the table
  int32_t *index;  // positions, not row numbers
  float *worst;    // k-th best of each row
};

struct Kernels {
  int float_width, double_width;             // CW of each type
  void (*nearest_float)(const LeafPair<float> *);        // strictly nearer wins
  void (*nearest_float_ties)(const LeafPair<float> *);   // ties to the lower row
  void (*nearest_double_ties)(const LeafPair<double> *);
  void (*partial_double_ties)(const LeafPair<double> *); // missing values
  void (*symmetric_float)(const SymmetricPair *);
};

} // namespace skoverfit

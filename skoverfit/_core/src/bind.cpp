// SPDX-License-Identifier: BSD-3-Clause
// The Python module. It checks nothing that _compiled.py has checked already, except
// what would read or write outside an array.
#include "arrays.hpp"
#include "dispatch.hpp"
#include "search.hpp"
#include "workers.hpp"
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>
#include <optional>

namespace nb = nanobind;
using namespace skoverfit;

using Values = nb::ndarray<nb::ro, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Codes = nb::ndarray<const uint8_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Numbers = nb::ndarray<const int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Mask = nb::ndarray<const uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Distances = nb::ndarray<double, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Indices = nb::ndarray<int64_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

static void require(bool holds, const char *what) {
  if (!holds) throw std::invalid_argument(what);
}

static Rows rows_of(const Values &values, const std::optional<Codes> &codes,
                    int64_t n_wide) {
  Rows rows;
  rows.values = values.data();
  rows.is_double = values.dtype() == nb::dtype<double>();
  require(rows.is_double || values.dtype() == nb::dtype<float>(), "dtype of the values");
  rows.n = int64_t(values.shape(0)), rows.n_columns = int64_t(values.shape(1));
  require(rows.n < INT32_MAX, "too many rows");
  if (codes) {
    require(int64_t(codes->shape(0)) == rows.n, "rows of the codes");
    require(2 * n_wide <= int64_t(codes->shape(1)), "wide columns");
    rows.codes = codes->data(), rows.n_wide = n_wide;
    rows.n_narrow = int64_t(codes->shape(1)) - 2 * n_wide;
  }
  return rows;
}

static Answer answer_of(Distances &distance, Indices &index, int64_t n_queries) {
  require(int64_t(distance.shape(0)) == n_queries && distance.shape(0) == index.shape(0) &&
              distance.shape(1) == index.shape(1),
          "shape of the answer");
  return {int(distance.shape(1)), distance.data(), index.data()};
}

static int64_t search(const Values &values, const std::optional<Codes> &codes,
                      int64_t n_wide, double mismatch,
                      const std::optional<Values> &foreign,
                      const std::optional<Codes> &foreign_codes,
                      const std::optional<Numbers> &rows, const std::optional<Mask> &own,
                      Distances distance, Indices index,
                      std::optional<Distances> own_distance,
                      std::optional<Indices> own_index, int n_threads,
                      const std::string &instruction_set) {
  Problem problem;
  problem.table = rows_of(values, codes, n_wide);
  const int64_t n = problem.table.n;
  int64_t n_queries = n, candidates = n - 1;
  if (foreign) {
    problem.foreign = rows_of(*foreign, foreign_codes, n_wide);
    require(problem.foreign.n_columns == problem.table.n_columns &&
                problem.foreign.n_bytes() == problem.table.n_bytes() &&
                problem.foreign.is_double == problem.table.is_double,
            "columns of the queries");
    n_queries = problem.foreign.n, candidates = n;
  } else if (rows) {
    problem.rows = rows->data(), problem.n_rows = n_queries = int64_t(rows->shape(0));
    for (int64_t i = 0; i < n_queries; i++)
      require(problem.rows[i] >= 0 && problem.rows[i] < n, "row numbers");
  }
  problem.mismatch = mismatch;
  problem.answer = answer_of(distance, index, n_queries);
  require(problem.answer.k >= 1 && problem.answer.k <= candidates, "k");
  if (own) {
    require(own_distance && own_index && !foreign, "second answer");
    require(int64_t(own->shape(0)) == n, "rows of the mask");
    problem.own = own->data();
    problem.own_answer = answer_of(*own_distance, *own_index, n_queries);
    int64_t n_own = 0;
    for (int64_t i = 0; i < n; i++) n_own += problem.own[i] != 0;
    require(problem.own_answer.k >= 1 && problem.own_answer.k < n_own, "k of the class");
    for (int64_t i = 0; i < n_queries; i++)
      require(problem.own[problem.rows ? problem.rows[i] : i], "a query of another class");
  }
  problem.n_threads = n_threads;
  problem.instruction_set = instruction_set;
  problem.interrupted = [] {
    nb::gil_scoped_acquire held;
    return PyErr_CheckSignals() != 0;
  };
  try {
    nb::gil_scoped_release released;
    return solve(problem);
  } catch (const Interrupted &) {
    throw nb::python_error(); // set by PyErr_CheckSignals
  }
}

template <class T, class I>
static void make_rows(nb::ndarray<const T, nb::ndim<2>, nb::c_contig, nb::device::cpu> values,
                      nb::ndarray<const I, nb::ndim<1>, nb::c_contig, nb::device::cpu> base,
                      nb::ndarray<const I, nb::ndim<1>, nb::c_contig, nb::device::cpu> partner,
                      nb::ndarray<const double, nb::ndim<1>, nb::c_contig, nb::device::cpu> step,
                      nb::ndarray<T, nb::ndim<2>, nb::c_contig, nb::device::cpu> out,
                      int n_threads) {
  const int64_t m = int64_t(base.shape(0)), n = int64_t(values.shape(0));
  require(int64_t(partner.shape(0)) == m && int64_t(step.shape(0)) == m &&
              int64_t(out.shape(0)) == m && out.shape(1) == values.shape(1),
          "shapes of the plan");
  for (int64_t i = 0; i < m; i++)
    require(base.data()[i] >= 0 && base.data()[i] < n && partner.data()[i] < n,
            "row numbers of the plan");
  nb::gil_scoped_release released;
  interpolate(values.data(), int64_t(values.shape(1)), base.data(), partner.data(),
              step.data(), m, out.data(), n_threads);
}

template <class T, class I> static void add_interpolate(nb::module_ &m) {
  m.def("interpolate", &make_rows<T, I>, nb::arg("values").noconvert(),
        nb::arg("base").noconvert(), nb::arg("partner").noconvert(),
        nb::arg("step").noconvert(), nb::arg("out").noconvert(), nb::arg("n_threads"));
}

using Bytes = nb::ndarray<const uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

// Numbers (least byte first on every processor we know) that stand for the bytes.
static nb::bytes fingerprint_of(const Bytes &data, const Bytes &keys) {
  require(int64_t(keys.shape(0)) == PRINT_KEYS, "keys");
  std::vector<uint64_t> numbers;
  {
    nb::gil_scoped_release released;
    numbers = fingerprint(data.data(), int64_t(data.shape(0)), keys.data());
  }
  return nb::bytes(numbers.data(), numbers.size() * sizeof(uint64_t));
}

template <class T>
static bool finite(nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu> values) {
  nb::gil_scoped_release released;
  return all_finite(values.data(), int64_t(values.shape(0)));
}

NB_MODULE(_knn, m) {
  m.doc() = "Compiled exact nearest neighbours; used through skoverfit._core._neighbors.";
  m.def("search", &search, nb::arg("values").noconvert(), nb::arg("codes").noconvert().none(),
        nb::arg("n_wide"), nb::arg("mismatch"), nb::arg("foreign").noconvert().none(),
        nb::arg("foreign_codes").noconvert().none(), nb::arg("rows").noconvert().none(),
        nb::arg("own").noconvert().none(), nb::arg("distance").noconvert(),
        nb::arg("index").noconvert(), nb::arg("own_distance").noconvert().none(),
        nb::arg("own_index").noconvert().none(), nb::arg("n_threads"),
        nb::arg("instruction_set"));
  m.def("instruction_sets", &instruction_sets);
  m.attr("n_keys") = PRINT_KEYS;
  m.def("fingerprint", &fingerprint_of, nb::arg("data").noconvert(),
        nb::arg("keys").noconvert());
  m.def("all_finite", &finite<float>, nb::arg("values").noconvert());
  m.def("all_finite", &finite<double>, nb::arg("values").noconvert());
  add_interpolate<float, int32_t>(m);
  add_interpolate<float, int64_t>(m);
  add_interpolate<double, int32_t>(m);
  add_interpolate<double, int64_t>(m);
}

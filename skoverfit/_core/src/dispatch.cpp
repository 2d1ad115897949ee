// SPDX-License-Identifier: BSD-3-Clause
#include "dispatch.hpp"
#include <stdexcept>

extern "C" const skoverfit::Kernels kernels_base;
extern "C" const skoverfit::Streams streams_base;
#if defined(__x86_64__) || defined(_M_X64)
extern "C" const skoverfit::Kernels kernels_v3, kernels_v4;
extern "C" const skoverfit::Streams streams_v3, streams_v4;
#endif

namespace skoverfit {

std::vector<std::string> instruction_sets() {
  std::vector<std::string> names;
#if defined(__x86_64__) || defined(_M_X64)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("x86-64-v4")) names.push_back("v4");
  if (__builtin_cpu_supports("x86-64-v3")) names.push_back("v3");
#endif
  names.push_back("base");
  return names;
}

Objects objects_for(const std::string &instruction_set) {
  for (const std::string &name : instruction_sets()) {
    if (!instruction_set.empty() && instruction_set != name) continue;
#if defined(__x86_64__) || defined(_M_X64)
    if (name == "v4") return {&kernels_v4, &streams_v4};
    if (name == "v3") return {&kernels_v3, &streams_v3};
#endif
    return {&kernels_base, &streams_base};
  }
  throw std::invalid_argument("no instruction set " + instruction_set);
}

} // namespace skoverfit

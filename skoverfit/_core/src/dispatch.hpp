// SPDX-License-Identifier: BSD-3-Clause
// Which object of an instruction set serves this processor.
#pragma once
#include "kernel.hpp"
#include "streams.hpp"
#include <string>
#include <vector>

namespace skoverfit {

// Those that this processor has, best first.
std::vector<std::string> instruction_sets();

struct Objects {
  const Kernels *kernels;
  const Streams *streams;
};

// By name, the best where it is empty; throws std::invalid_argument.
Objects objects_for(const std::string &instruction_set);

} // namespace skoverfit

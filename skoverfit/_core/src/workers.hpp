// SPDX-License-Identifier: BSD-3-Clause
// Threads of one call: started and joined in it, so nothing survives a fork.
#pragma once
#include <atomic>
#include <chrono>
#include <exception>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

namespace skoverfit {

struct Interrupted : std::exception {};

// Call work(i, worker) for i < n on so many threads. The first exception is thrown again
// here; the calling thread asks ten times a second whether it is interrupted.
inline void in_parallel(int n_threads, int64_t n, const std::function<bool()> &interrupted,
                        const std::function<void(int64_t, int)> &work) {
  std::atomic<int64_t> next{0};
  std::atomic<bool> stop{false};
  std::exception_ptr failure;
  std::mutex lock;
  auto run = [&](int worker) {
    auto asked = std::chrono::steady_clock::now();
    try {
      for (int64_t i; !stop && (i = next.fetch_add(1)) < n;) {
        work(i, worker);
        if (worker) continue;
        auto now = std::chrono::steady_clock::now();
        if (now - asked < std::chrono::milliseconds(100)) continue;
        asked = now;
        if (interrupted()) throw Interrupted();
      }
    } catch (...) {
      std::lock_guard<std::mutex> guard(lock);
      if (!failure) failure = std::current_exception();
      stop = true;
    }
  };
  std::vector<std::thread> threads;
  try {
    for (int t = 1; t < n_threads && t < n; t++) threads.emplace_back(run, t);
  } catch (const std::system_error &) {
    // No more threads to be had: those that there are do the work.
  }
  run(0);
  for (auto &t : threads) t.join();
  if (failure) std::rethrow_exception(failure);
}

} // namespace skoverfit

#pragma once

#include <algorithm>
#include <cstdint>
#include <exception>
#include <new>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "memory/failing.hpp"

namespace ablaze::testing {

/// The outcome of a call and its result.
struct Ending {
  enum Kind { done, out_of_memory, another_error } kind = done;
  std::string result;  ///< or the other error's message
  Requests requests;
};

template <class State, class Act>
Ending attempt(State& state, const Act& act, std::int64_t number, Failing how) {
  Ending ending;
  fail_request(number, how);
  try {
    ending.result = act(state);
    ending.requests = stop_failing();
  } catch (const std::bad_alloc&) {
    ending.requests = stop_failing();
    ending.kind = Ending::out_of_memory;
  } catch (const std::exception& error) {
    ending.requests = stop_failing();
    ending.kind = Ending::another_error;
    ending.result = error.what();
  }
  return ending;
}

/// A request number that never occurs.
inline constexpr std::int64_t never = INT64_MAX;

/// The requests to refuse, one per attempt: all, or `most` evenly spaced ones if there are more. With
/// sanitizers an attempt is so slow that only every sixth is used.
inline std::vector<std::int64_t> chosen_requests(std::int64_t made, std::int64_t most) {
  std::vector<std::int64_t> numbers;
#ifdef ABLAZE_SANITIZED
  most = std::max<std::int64_t>(1, std::min(made, most) / 6);
#endif
  const std::int64_t count = std::min(made, most);
  for (std::int64_t i = 0; i < count; ++i) numbers.push_back(1 + i * made / count);
  return numbers;
}

/// Runs a stage out of memory at one request after the other, in both ways. Each attempt must end in
/// std::bad_alloc or in the result with enough memory; afterwards the same state must give that result, and
/// after its destruction nothing may remain. `prepare` makes the state, with enough memory; `act(state)`
/// returns the stage's whole result as bytes; `look_after(ended)` checks effects outside the state.
template <class Prepare, class Act, class LookAfter>
void run_out_of_memory(const Prepare& prepare, const Act& act, const LookAfter& look_after,
                       const std::vector<std::int64_t>& requests) {
  std::string expected;
  {
    auto state = prepare();
    expected = act(state);
  }
  for (const Failing how : {Failing::once, Failing::onwards}) {
    for (const std::int64_t number : requests) {
      CAPTURE(number);
      CAPTURE(static_cast<int>(how));
      const std::int64_t before = live_blocks();
      {
        auto state = prepare();
        const Ending ending = attempt(state, act, number, how);
        CHECK(ending.requests.refused);
        CHECK(ending.kind != Ending::another_error);
        if (ending.kind != Ending::out_of_memory) CHECK(ending.result == expected);
        look_after(ending);
        CHECK(act(state) == expected);
      }
      CHECK(live_blocks() == before);
    }
  }
}

template <class Prepare, class Act>
std::int64_t requests_of(const Prepare& prepare, const Act& act) {
  // The second round tests what is allocated when a program exists already.
  for (int warm = 0; warm < 2; ++warm) {
    auto state = prepare();
    act(state);
  }
  auto state = prepare();
  return attempt(state, act, never, Failing::once).requests.made;
}

template <class Prepare, class Act>
void run_out_of_memory(const Prepare& prepare, const Act& act, std::int64_t most = 4000) {
  const std::int64_t made = requests_of(prepare, act);
  REQUIRE(made > 0);
  run_out_of_memory(
      prepare, act, [](const Ending&) {}, chosen_requests(made, most));
}

/// For stages without a state.
struct Nothing {};
inline Nothing nothing() { return {}; }

/// Numbers as bytes.
template <class Numbers>
void add_bytes(std::string& to, const Numbers& numbers) {
  to.append(reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(*numbers.data()));
}

}  // namespace ablaze::testing

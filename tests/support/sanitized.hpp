#pragma once

namespace ablaze::testing {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool sanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool sanitized = true;
#else
inline constexpr bool sanitized = false;
#endif
#else
inline constexpr bool sanitized = false;
#endif

/// The step of a loop over many random cases. With a sanitizer, a case takes ten times as long and tests
/// memory accesses, for which a third of the cases suffices.
inline constexpr int case_step = sanitized ? 3 : 1;

}  // namespace ablaze::testing

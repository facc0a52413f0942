#pragma once

namespace ablaze::testing {

/// Makes pthread_create fail with EAGAIN until the next call. False if that is impossible: ThreadSanitizer
/// needs its own pthread_create.
bool refuse_threads(bool refuse);

}  // namespace ablaze::testing

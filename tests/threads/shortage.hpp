#pragma once

namespace ablaze::testing {

/// From now on pthread_create fails with EAGAIN, until the next call says otherwise. False where that cannot
/// be had: ThreadSanitizer needs its own pthread_create.
bool refuse_threads(bool refuse);

}  // namespace ablaze::testing

#pragma once

namespace ablaze::testing {

/// From now on pthread_create fails with EAGAIN, until the next call says otherwise.
void refuse_threads(bool refuse);

}  // namespace ablaze::testing

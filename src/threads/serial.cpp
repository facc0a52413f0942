#include "threads/backend.hpp"
#include "threads/threads.hpp"

// The caller's thread alone.

namespace ablaze::threads {

std::string_view backend() { return "none"; }

void enter_together(int /*most*/, bool /*spin*/, Enter enter, void* context) { enter(context, 0, 1); }

}  // namespace ablaze::threads

#pragma once

namespace ablaze::threads {

/// How a member begins its part. Throws nothing.
using Enter = void (*)(void* context, int number, int count);

/// What differs between the backends: enter(context, number, count) by 1 to `most` threads at the same time,
/// this one among them. Returns when all have returned; a thread that has not begun when this one has
/// returned may be left out. `spin`: they may wait on their cores for a short time.
void enter_together(int most, bool spin, Enter enter, void* context);

/// In a child after fork(), where the other threads of its parent are no more: forgets their regions.
void forget_members();

}  // namespace ablaze::threads

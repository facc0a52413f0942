#pragma once

namespace ablaze::threads {

/// Starts a member's part. Throws nothing.
using Enter = void (*)(void* context, int number, int count);

/// The part that differs between the backends: calls enter(context, number, count) on 1 to `most` threads at
/// the same time, including the caller. Returns when all calls have returned; a thread that has not started
/// when the caller's own call returns may be left out. `spin`: threads may busy-wait for a short time.
void enter_together(int most, bool spin, Enter enter, void* context);

/// In a child after fork(), where the parent's other threads do not exist: forgets their regions.
void forget_members();

}  // namespace ablaze::threads

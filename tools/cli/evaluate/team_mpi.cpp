// The only use of MPI. Free processes receive tasks one at a time, because photos take unequally long; the
// leader works as well. A separate thread makes the leader's MPI calls, so that no process waits for the
// leader to finish a photo. Waiting polls and sleeps: MPI's own waiting would busy-wait on a core needed by
// another process.

#include "cli/evaluate/team_mpi.hpp"

#include <chrono>
#include <cstdint>
#include <exception>
#include <limits>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include <mpi.h>

#include <ablaze/error.hpp>

namespace ablaze::cli {

namespace {

constexpr int kResultTag = 1, kTaskTag = 2;
constexpr auto kBetweenLooks = std::chrono::microseconds(500);
constexpr std::uint64_t kNoTask = std::numeric_limits<std::uint64_t>::max();

/// Waits for the next message.
MPI_Status await_message(int source, int tag) {
  MPI_Status status;
  for (int arrived = 0;;) {
    MPI_Iprobe(source, tag, MPI_COMM_WORLD, &arrived, &status);
    if (arrived != 0) return status;
    std::this_thread::sleep_for(kBetweenLooks);
  }
}

std::string receive_result(int& source) {
  MPI_Status status = await_message(MPI_ANY_SOURCE, kResultTag);
  int size = 0;
  MPI_Get_count(&status, MPI_CHAR, &size);
  std::string result(static_cast<std::size_t>(size), '\0');
  source = status.MPI_SOURCE;
  MPI_Recv(result.data(), size, MPI_CHAR, source, kResultTag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  return result;
}

void send_result(const std::string& result) {
  if (result.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    throw Error("a photo's results exceed the size limit of an MPI message; request fewer methods at once");
  }
  MPI_Send(result.data(), static_cast<int>(result.size()), MPI_CHAR, 0, kResultTag, MPI_COMM_WORLD);
}

/// The leader's tasks and results: shared by its working thread and the thread that serves the others.
class Desk {
 public:
  Desk(std::span<const std::size_t> tasks, const std::function<void(std::string_view)>& deliver)
      : tasks_(tasks), deliver_(deliver) {}

  std::optional<std::size_t> take() {
    const std::lock_guard lock(mutex_);
    if (failure_ || next_ == tasks_.size()) return std::nullopt;
    return tasks_[next_++];
  }

  void deliver(std::string_view result) {
    const std::lock_guard lock(mutex_);
    if (!failure_) deliver_(result);
  }

  /// Stops handing out tasks; share() rethrows the failure at the end.
  void fail(std::exception_ptr failure) {
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = std::move(failure);
  }

  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  std::mutex mutex_;
  std::span<const std::size_t> tasks_;
  const std::function<void(std::string_view)>& deliver_;
  std::size_t next_ = 0;
  std::exception_ptr failure_;
};

template <class Call>
void guarded(Desk& desk, const Call& call) {
  try {
    call();
  } catch (...) {
    desk.fail(std::current_exception());
  }
}

/// Answers each process until all have been told that no task is left.
void serve(Desk& desk, std::size_t others) {
  while (others > 0) {
    int source = 0;
    const std::string result = receive_result(source);
    // A process's first message is empty.
    if (!result.empty()) guarded(desk, [&] { desk.deliver(result); });
    const std::uint64_t task = desk.take().value_or(kNoTask);
    MPI_Send(&task, 1, MPI_UINT64_T, source, kTaskTag, MPI_COMM_WORLD);
    if (task == kNoTask) --others;
  }
}

class MpiTeam : public Team {
 public:
  MpiTeam() {
    int provided = 0;
    MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &size_);
    if (provided < MPI_THREAD_SERIALIZED) {
      throw Error(
          "this MPI library lacks thread support (MPI_THREAD_SERIALIZED), so the processes cannot share the "
          "work; use an MPI library with thread support, or --shard");
    }
  }

  /// After a failure a process exits without MPI_Finalize, so that mpirun ends the others.
  ~MpiTeam() override {
    if (std::uncaught_exceptions() == 0) MPI_Finalize();
  }
  MpiTeam(const MpiTeam&) = delete;
  MpiTeam& operator=(const MpiTeam&) = delete;

  bool leads() const override { return rank_ == 0; }
  std::size_t size() const override { return static_cast<std::size_t>(size_); }

  void share(std::span<const std::size_t> tasks, const std::function<std::string(std::size_t)>& work,
             const std::function<void(std::string_view)>& deliver) override {
    leads() ? lead(tasks, work, deliver) : follow(work);
  }

 private:
  void lead(std::span<const std::size_t> tasks, const std::function<std::string(std::size_t)>& work,
            const std::function<void(std::string_view)>& deliver) const {
    Desk desk(tasks, deliver);
    std::thread service([&] { serve(desk, size() - 1); });
    guarded(desk, [&] {
      while (const auto task = desk.take()) desk.deliver(work(*task));
    });
    service.join();
    desk.rethrow();
  }

  static void follow(const std::function<std::string(std::size_t)>& work) {
    for (std::string result;;) {
      send_result(result);
      await_message(0, kTaskTag);
      std::uint64_t task = kNoTask;
      MPI_Recv(&task, 1, MPI_UINT64_T, 0, kTaskTag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
      if (task == kNoTask) return;
      result = work(static_cast<std::size_t>(task));
    }
  }

  int rank_ = 0, size_ = 1;
};

}  // namespace

std::unique_ptr<Team> join_mpi_team() { return std::make_unique<MpiTeam>(); }

}  // namespace ablaze::cli

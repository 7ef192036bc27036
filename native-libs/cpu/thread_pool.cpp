// Generations of jobs that workers enter until the caller closes them; spinning briefly, then futex
// (Drepper, "Futexes are tricky", 2011).
//
// A sleeper announces itself before it re-reads the word inside futex(FUTEX_WAIT); the waker
// changes the word before it reads the announcement. Both are sequentially consistent, so one sees
// the other.
#include "thread_pool.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace quire {

static constexpr uint64_t kClosed = uint64_t{1} << 31;
static constexpr int64_t kSpinNanos = 50'000;
static constexpr int kPausesPerClockRead =
    64;  // A read of the clock costs as much as a few pauses.

static int64_t now_nanos() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

static void futex(std::atomic<int32_t>& word, int operation, int32_t value) {
  static_assert(sizeof(word) == sizeof(int32_t));
  syscall(SYS_futex, &word, operation | FUTEX_PRIVATE_FLAG, value, nullptr, nullptr, 0);
}

ThreadPool::ThreadPool(int32_t threads, bool spin) : threads_(threads), spin_(spin) {
  workers_.reserve(static_cast<size_t>(threads));
  try {
    for (int32_t worker = 1; worker < threads; ++worker) {
      workers_.emplace_back([this, worker] { work(worker); });
    }
  } catch (...) {
    join_all();
    throw;
  }
}

ThreadPool::~ThreadPool() { join_all(); }

void ThreadPool::join_all() {
  stop_.store(true);
  generation_.fetch_add(1);
  futex(generation_, FUTEX_WAKE, INT_MAX);
  for (std::thread& worker : workers_) worker.join();
  workers_.clear();
}

void ThreadPool::await_change(std::atomic<int32_t>& word, int32_t value,
                              std::atomic<int32_t>& sleepers, bool spin) {
  if (spin) {
    const int64_t until = now_nanos() + kSpinNanos;
    do {
      for (int i = 0; i < kPausesPerClockRead; ++i) {
        if (word.load(std::memory_order_acquire) != value) return;
        __builtin_ia32_pause();
      }
    } while (now_nanos() < until);
  }
  sleepers.fetch_add(1);
  while (word.load() == value) futex(word, FUTEX_WAIT, value);
  sleepers.fetch_sub(1);
}

void ThreadPool::run(Call call, const void* data) {
  if (threads_ == 1) {
    call(data, 0);
    return;
  }
  // Nobody is inside: the last generation is closed and all who came have left.
  call_ = call;
  data_ = data;
  left_.store(0);
  // Unsigned: after 2^31 jobs, a day or two of steps, the number wraps around.
  const int32_t generation = static_cast<int32_t>(static_cast<uint32_t>(generation_.load()) + 1);
  entry_.store(static_cast<uint64_t>(static_cast<uint32_t>(generation)) << 32);
  generation_.store(generation);
  if (sleepers_.load() > 0) futex(generation_, FUTEX_WAKE, INT_MAX);
  call(data, 0);
  const int32_t came = static_cast<int32_t>(entry_.fetch_or(kClosed) & (kClosed - 1));
  for (int32_t left; (left = left_.load()) != came;) {
    await_change(left_, left, caller_sleeps_, spin_);
  }
}

bool ThreadPool::enter(int32_t generation) {
  uint64_t entry = entry_.load();
  do {
    if (static_cast<uint32_t>(entry >> 32) != static_cast<uint32_t>(generation)) return false;
    if ((entry & kClosed) != 0) return false;
  } while (!entry_.compare_exchange_weak(entry, entry + 1));
  return true;
}

void ThreadPool::work(int32_t worker) {
  for (int32_t seen = 0;;) {
    await_change(generation_, seen, sleepers_, spin_ && in_step_.load(std::memory_order_relaxed));
    seen = generation_.load();
    if (stop_.load()) return;
    if (!enter(seen)) continue;
    call_(data_, worker);
    left_.fetch_add(1);
    if (caller_sleeps_.load() > 0) futex(left_, FUTEX_WAKE, 1);
  }
}

}  // namespace quire

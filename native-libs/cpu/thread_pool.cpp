// Generations of jobs that workers enter until the caller closes them; spinning briefly, then futex
// (Drepper, "Futexes are tricky", 2011).
//
// A sleeper announces itself before it re-reads the state inside futex(FUTEX_WAIT); the waker
// changes the state before it reads the announcement. Both are sequentially consistent, so one sees
// the other. The caller announces itself in the state, which the last worker to leave changes.
#include "thread_pool.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

namespace quire {

static constexpr uint64_t kCame = 1;
static constexpr uint64_t kLeft = uint64_t{1} << 15;
static constexpr uint64_t kCallerSleeps = uint64_t{1} << 30;
static constexpr uint64_t kClosed = uint64_t{1} << 31;
static constexpr uint64_t kCounts = kLeft - 1;
static_assert(ThreadPool::kMaxThreads <= static_cast<int64_t>(kCounts));

static constexpr int64_t kSpinNanos = 50'000;
// A read of the clock costs as much as a few pauses.
static constexpr int kPausesPerClockRead = 64;

static int64_t now_nanos() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

static uint32_t generation_of(uint64_t state) { return static_cast<uint32_t>(state >> 32); }

static bool all_left(uint64_t state) { return (state & kCounts) == (state / kLeft & kCounts); }

// The kernel compares 32 bits: workers wait for the high half of the state to change (little
// endian: the second), the caller for the low one.
static void futex(std::atomic<uint64_t>& state, int half, int operation, uint32_t value) {
  static_assert(sizeof(state) == sizeof(uint64_t));
  uint32_t* word = reinterpret_cast<uint32_t*>(&state) + half;
  syscall(SYS_futex, word, operation | FUTEX_PRIVATE_FLAG, value, nullptr, nullptr, 0);
}
static constexpr int kHigh = 1;
static constexpr int kLow = 0;

// The state once done(state), or what it is after kSpinNanos.
template <typename Done>
static uint64_t spin_until(const std::atomic<uint64_t>& state, const Done& done) {
  const int64_t until = now_nanos() + kSpinNanos;
  for (;;) {
    for (int i = 0; i < kPausesPerClockRead; ++i) {
      const uint64_t now = state.load(std::memory_order_acquire);
      if (done(now)) return now;
      __builtin_ia32_pause();
    }
    if (now_nanos() >= until) return state.load(std::memory_order_acquire);
  }
}

ThreadPool::ThreadPool(int32_t threads, bool spin, std::vector<LogicalProcessor> allowed,
                       std::vector<int32_t> node_of_worker)
    : threads_(threads),
      spin_(spin),
      allowed_(std::move(allowed)),
      node_of_worker_(std::move(node_of_worker)) {
  size_t processors = 0;
  for (const LogicalProcessor& one : allowed_) {
    processors = std::max(processors, static_cast<size_t>(one.id) + 1);
  }
  mask_.resize(processors / CPU_SETSIZE + 1);
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
  state_.fetch_add(uint64_t{1} << 32);
  futex(state_, kHigh, FUTEX_WAKE, kMaxThreads);
  for (std::thread& worker : workers_) worker.join();
  workers_.clear();
}

void ThreadPool::run(Call call, const void* data) {
  if (threads_ == 1) {
    call(data, 0);
    return;
  }
  if (!allowed_.empty()) keep_off_caller();
  // Nobody is inside: the last generation is closed and all who came have left.
  call_ = call;
  data_ = data;
  // Unsigned: after 2^32 jobs, a day or two of steps, the number wraps around.
  const uint32_t generation = generation_of(state_.load(std::memory_order_relaxed)) + 1;
  state_.store(uint64_t{generation} << 32);
  // Those who wake up wake the others.
  if (sleepers_.load() > 0) futex(state_, kHigh, FUTEX_WAKE, 1);
  call(data, 0);
  const uint64_t state = state_.fetch_or(kClosed, std::memory_order_acq_rel) | kClosed;
  if (!all_left(state)) await_leaving(state);
}

void ThreadPool::keep_off_caller() {
  const int32_t processor = sched_getcpu();
  if (processor == caller_processor_) return;
  caller_processor_ = processor;
  move_workers();
}

// To all other cores; where there are none, to the other processors of this one.
void ThreadPool::move_workers() {
  int32_t core = -1;
  for (const LogicalProcessor& one : allowed_) {
    if (one.id == caller_processor_) core = one.core;
  }
  for (int32_t worker = 1; worker < threads_; ++worker) {
    if (!set_mask(worker, core, true) && !set_mask(worker, core, false)) continue;
    // Where Linux refuses (a cpuset has become smaller since), the worker stays where it may be.
    pthread_setaffinity_np(workers_[static_cast<size_t>(worker - 1)].native_handle(),
                           mask_.size() * sizeof(cpu_set_t), mask_.data());
  }
}

bool ThreadPool::set_mask(int32_t worker, int32_t caller_core, bool other_core) {
  const size_t bytes = mask_.size() * sizeof(cpu_set_t);
  CPU_ZERO_S(bytes, mask_.data());
  for (const LogicalProcessor& one : allowed_) {
    const bool own_node =
        node_of_worker_.empty() || one.node == node_of_worker_[static_cast<size_t>(worker)];
    const bool free = other_core ? one.core != caller_core : one.id != caller_processor_;
    if (own_node && free) CPU_SET_S(static_cast<size_t>(one.id), bytes, mask_.data());
  }
  return CPU_COUNT_S(bytes, mask_.data()) > 0;
}

void ThreadPool::await_leaving(uint64_t state) {
  if (spin_) state = spin_until(state_, all_left);
  while (!all_left(state)) {
    if ((state & kCallerSleeps) == 0) state = state_.fetch_or(kCallerSleeps) | kCallerSleeps;
    if (!all_left(state)) futex(state_, kLow, FUTEX_WAIT, static_cast<uint32_t>(state));
    state = state_.load(std::memory_order_acquire);
  }
}

uint64_t ThreadPool::await_job(uint32_t seen) {
  const auto is_new = [seen](uint64_t state) { return generation_of(state) != seen; };
  if (spin_) {
    const uint64_t state = spin_until(state_, is_new);
    if (is_new(state)) return state;
  }
  sleepers_.fetch_add(1);
  uint64_t state;
  while (!is_new(state = state_.load())) futex(state_, kHigh, FUTEX_WAIT, seen);
  // Two by each: of many sleepers, the caller would be busy waking for longer than a job takes.
  if (sleepers_.fetch_sub(1) > 1) futex(state_, kHigh, FUTEX_WAKE, 2);
  return state;
}

void ThreadPool::work(int32_t worker) {
  for (uint32_t seen = 0;;) {
    uint64_t state = await_job(seen);
    seen = generation_of(state);
    if (stop_.load(std::memory_order_relaxed)) return;
    // Enters, unless the caller has closed the job or gone on to another.
    bool entered = false;
    while (generation_of(state) == seen && (state & kClosed) == 0 && !entered) {
      entered = state_.compare_exchange_weak(state, state + kCame, std::memory_order_acq_rel,
                                             std::memory_order_acquire);
    }
    if (!entered) continue;
    call_(data_, worker);
    if (state_.fetch_add(kLeft, std::memory_order_acq_rel) & kCallerSleeps) {
      futex(state_, kLow, FUTEX_WAKE, 1);
    }
  }
}

}  // namespace quire

// Worker threads for the loops of one context. The thread that calls run() is worker 0.
//
// run(job) calls job(worker) once on the caller and once on each worker that comes while the caller
// is still at it; it returns when all who came have left. Jobs draw their items from a counter, so
// a worker that sleeps or whose core is taken delays nobody: without one, a job is merely slower.
// After a job, workers spin for at most 50 us, which spans the gaps between a step's jobs and most
// of those between steps, and then sleep on a futex. With more workers than processors nobody
// spins: a spinning thread would only keep another from running.
//
// Workers are not bound to cores, which other processes may need more, but kept off the caller's:
// where no core is idle, Linux wakes a thread on its waker's, and there it waits until the caller
// sleeps.
#ifndef QUIRE_CPU_THREAD_POOL_H
#define QUIRE_CPU_THREAD_POOL_H

#include <sched.h>
#include <stdint.h>

#include <atomic>
#include <thread>
#include <vector>

#include "cores.h"

namespace quire {

class ThreadPool {
 public:
  // At most kMaxThreads, each on the processors of its node (empty: of all) among those allowed
  // (empty: wherever Linux likes).
  ThreadPool(int32_t threads, bool spin, std::vector<LogicalProcessor> allowed = {},
             std::vector<int32_t> node_of_worker = {});
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  static constexpr int32_t kMaxThreads = 512;

  int32_t threads() const { return threads_; }

  template <typename Job>
  void run(const Job& job) {
    run([](const void* data, int32_t worker) { (*static_cast<const Job*>(data))(worker); }, &job);
  }

 private:
  using Call = void (*)(const void*, int32_t);
  void run(Call call, const void* data);
  void work(int32_t worker);
  // Returns the state once it has another generation than `seen`.
  uint64_t await_job(uint32_t seen);
  // Returns once as many workers have left as came.
  void await_leaving(uint64_t state);
  void keep_off_caller();
  void move_workers();
  // Fills the mask with where this worker may run; false where that is nowhere.
  bool set_mask(int32_t worker, int32_t caller_core, bool other_core);
  void join_all();

  const int32_t threads_;
  const bool spin_;
  const std::vector<LogicalProcessor> allowed_;
  const std::vector<int32_t> node_of_worker_;
  std::vector<cpu_set_t> mask_;  // scratch, one bit for each processor of the machine
  int32_t caller_processor_ = -1;
  std::vector<std::thread> workers_;
  std::atomic<bool> stop_{false};
  // All that a worker needs to join a job, on one line: what the caller wrote reaches a worker in
  // one transfer. From the highest bits: generation of the job (32), kClosed, kCallerSleeps,
  // workers that left (15), workers that came (15).
  alignas(64) std::atomic<uint64_t> state_{0};
  Call call_ = nullptr;
  const void* data_ = nullptr;
  alignas(64) std::atomic<int32_t> sleepers_{0};
};

}  // namespace quire

#endif  // QUIRE_CPU_THREAD_POOL_H

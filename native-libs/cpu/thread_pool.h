// Worker threads for the loops of one context. The thread that calls run() is worker 0.
//
// run(job) calls job(worker) once on the caller and once on each worker that comes while the caller
// is still at it; it returns when all who came have left. Jobs draw their items from a counter, so
// a worker that sleeps or whose core is taken delays nobody: without one, a job is merely slower.
// Between the jobs of a step, workers spin for at most 50 us and then sleep on a futex; outside a
// step they sleep at once. With more workers than cores nobody spins: a spinning thread would only
// keep another from running.
#ifndef QUIRE_CPU_THREAD_POOL_H
#define QUIRE_CPU_THREAD_POOL_H

#include <stdint.h>

#include <atomic>
#include <thread>
#include <vector>

namespace quire {

class ThreadPool {
 public:
  ThreadPool(int32_t threads, bool spin);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int32_t threads() const { return threads_; }
  // While true, idle workers spin before they sleep.
  void set_in_step(bool in_step) { in_step_.store(in_step, std::memory_order_relaxed); }

  template <typename Job>
  void run(const Job& job) {
    run([](const void* data, int32_t worker) { (*static_cast<const Job*>(data))(worker); }, &job);
  }

 private:
  using Call = void (*)(const void*, int32_t);
  void run(Call call, const void* data);
  void work(int32_t worker);
  // Whether this worker may take part in `generation`: not once the caller closed it.
  bool enter(int32_t generation);
  void join_all();
  // Returns once `word` differs from `value`.
  void await_change(std::atomic<int32_t>& word, int32_t value, std::atomic<int32_t>& sleepers,
                    bool spin);

  const int32_t threads_;
  const bool spin_;
  Call call_ = nullptr;
  const void* data_ = nullptr;
  std::vector<std::thread> workers_;
  // On lines of their own: all of them are written while others watch.
  alignas(64) std::atomic<int32_t> generation_{0};  // of jobs; workers wait for the next
  alignas(64) std::atomic<int32_t> sleepers_{0};
  // Generation in the high half; in the low one kClosed and how many workers came.
  alignas(64) std::atomic<uint64_t> entry_{0};
  alignas(64) std::atomic<int32_t> left_{0};  // workers done with this generation
  std::atomic<int32_t> caller_sleeps_{0};
  alignas(64) std::atomic<bool> in_step_{false};
  std::atomic<bool> stop_{false};
};

}  // namespace quire

#endif  // QUIRE_CPU_THREAD_POOL_H

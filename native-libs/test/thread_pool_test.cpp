// The pool: every item of every job is done exactly once before run() returns, with more threads
// than cores, whether workers spin or sleep.
#include "../cpu/thread_pool.h"

#include <chrono>

#include "check.h"

TEST(threadPool_manyJobs_doEveryItemOnce) {
  for (int32_t threads : {1, 2, 3, 8}) {
    for (bool spin : {false, true}) {
      quire::ThreadPool pool(threads, spin, quire::usable_cores().allowed);
      std::atomic<int64_t> next{0};
      std::atomic<int64_t> sum{0};
      const int64_t jobs = 3000;
      for (int64_t job = 0; job < jobs; ++job) {
        next.store(0);
        const int64_t before = sum.load();
        pool.run([&](int32_t worker) {
          CHECK(worker >= 0 && worker < threads, "worker=%d", worker);
          for (int64_t item; (item = next.fetch_add(1)) < 20;) sum.fetch_add(item + job);
        });
        CHECK(sum.load() - before == 190 + 20 * job, "threads=%d, spin=%d, job=%ld", threads, spin,
              static_cast<long>(job));
      }
    }
  }
}

TEST(threadPool_openedAndClosed_joinsItsThreads) {
  for (int i = 0; i < 200; ++i) {
    quire::ThreadPool pool(3, true);
    if (i % 2 == 0) pool.run([](int32_t) {});
  }
}

// Workers of many jobs see all that the caller wrote before each, and it sees all that they wrote:
// plain memory, so that ThreadSanitizer (make test-tsan) shows what is not ordered.
TEST(threadPool_plainMemory_isOrderedByJobs) {
  for (bool spin : {false, true}) {
    quire::ThreadPool pool(3, spin);
    std::atomic<int32_t> next{0};
    std::vector<int64_t> in(64);
    std::vector<int64_t> out(64);
    for (int64_t job = 0; job < 2000; ++job) {
      for (size_t i = 0; i < in.size(); ++i) in[i] = job + static_cast<int64_t>(i);
      next.store(0, std::memory_order_relaxed);
      pool.run([&](int32_t) {
        for (size_t i;
             (i = static_cast<size_t>(next.fetch_add(1, std::memory_order_relaxed))) < 64;) {
          out[i] = 2 * in[i];
        }
      });
      for (size_t i = 0; i < in.size(); ++i) {
        CHECK(out[i] == 2 * (job + static_cast<int64_t>(i)), "job=%ld, i=%zu", job, i);
      }
    }
  }
}

// Nobody but a worker ends the job, so one that is never woken shows.
TEST(threadPool_sleepingWorker_isWokenForAJob) {
  quire::ThreadPool pool(2, false);
  for (int job = 0; job < 2000; ++job) {
    std::atomic<bool> came{false};
    pool.run([&](int32_t worker) {
      if (worker == 1) came.store(true);
      const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
      while (!came.load() && std::chrono::steady_clock::now() < until) std::this_thread::yield();
    });
    CHECK(came.load(), "job=%d", job);
    if (!came.load()) return;
  }
}

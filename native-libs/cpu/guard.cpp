// Memory that is a mapped file: what happens when the file becomes shorter.
//
// The operating system answers a read behind the file's new end with SIGBUS, whose default is the
// process's sudden end. For guarded memory the handler puts zeros in the place of what is lost,
// from the page of the fault to the guard's end, and notes the loss: the kernels run on and the
// caller asks quire_guard_lost() after them. A fault anywhere else goes to the handler that was
// there before (the JVM has one).
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <mutex>

#include "status.h"

namespace quire {

constexpr int32_t kMaxGuards = 256;

struct Guard {
  std::atomic<uintptr_t> begin{0};  // 0 = free
  std::atomic<uintptr_t> end{0};
  std::atomic<int32_t> lost{0};
};

static Guard guards[kMaxGuards];
static std::mutex guards_changing;
static struct sigaction previous;
static uintptr_t page_mask;  // Set before the handler is.

// Calls only what a signal handler may: atomics and mmap, which is a system call here.
static void on_bus_error(int signal, siginfo_t* info, void* machine) {
  const uintptr_t address = reinterpret_cast<uintptr_t>(info->si_addr);
  for (Guard& guard : guards) {
    const uintptr_t begin = guard.begin.load(std::memory_order_acquire);
    const uintptr_t end = guard.end.load(std::memory_order_acquire);
    if (begin == 0 || address < begin || address >= end) continue;
    const uintptr_t page = address & page_mask;
    guard.lost.store(1, std::memory_order_release);
    if (mmap(reinterpret_cast<void*>(page), end - page, PROT_READ,
             MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) != MAP_FAILED) {
      return;
    }
  }
  if ((previous.sa_flags & SA_SIGINFO) != 0) {
    previous.sa_sigaction(signal, info, machine);
  } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
    previous.sa_handler(signal);
  } else {
    sigaction(signal, &previous, nullptr);  // The instruction faults again, unhandled.
  }
}

// Once: chains the handler in front of the one that is there.
static bool install() {
  static bool installed = false;
  if (installed) return true;
  page_mask = ~(static_cast<uintptr_t>(sysconf(_SC_PAGESIZE)) - 1);
  struct sigaction action = {};
  action.sa_sigaction = on_bus_error;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  sigfillset(&action.sa_mask);
  if (sigaction(SIGBUS, nullptr, &previous) != 0) return false;
  installed = sigaction(SIGBUS, &action, nullptr) == 0;
  return installed;
}

static bool known(int32_t guard) {
  return guard >= 0 && guard < kMaxGuards && guards[guard].begin.load() != 0;
}

}  // namespace quire

using namespace quire;

QUIRE_EXPORT int32_t quire_guard(const void* memory, int64_t bytes) {
  const uintptr_t begin = reinterpret_cast<uintptr_t>(memory);
  if (memory == nullptr || bytes <= 0 || begin + static_cast<uintptr_t>(bytes) < begin) {
    return fail(QUIRE_INVALID_ARG, "guarded memory must be a range: bytes=%lld",
                static_cast<long long>(bytes));
  }
  const std::lock_guard<std::mutex> lock(guards_changing);
  if (!install()) return fail(QUIRE_DEVICE_FAULT, "a handler of SIGBUS must be allowed");
  for (int32_t i = 0; i < kMaxGuards; ++i) {
    if (guards[i].begin.load() != 0) continue;
    guards[i].lost.store(0);
    guards[i].end.store(begin + static_cast<uintptr_t>(bytes));
    guards[i].begin.store(begin, std::memory_order_release);
    return i;
  }
  return fail(QUIRE_BUSY, "guards must be given back: guards=%d", kMaxGuards);
}

QUIRE_EXPORT int32_t quire_guard_lost(int32_t guard) {
  return known(guard) ? guards[guard].lost.load(std::memory_order_acquire)
                      : fail(QUIRE_INVALID_ARG, "guard must be set: guard=%d", guard);
}

QUIRE_EXPORT int32_t quire_unguard(int32_t guard) {
  if (!known(guard)) return fail(QUIRE_INVALID_ARG, "guard must be set: guard=%d", guard);
  const std::lock_guard<std::mutex> lock(guards_changing);
  guards[guard].begin.store(0);
  return QUIRE_OK;
}

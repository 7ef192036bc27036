// What this process may run on: logical processors, the cores and NUMA nodes that they belong to,
// and the time that its control groups allow.
#ifndef QUIRE_CPU_CORES_H
#define QUIRE_CPU_CORES_H

#include <stdint.h>

#include <vector>

namespace quire {

struct LogicalProcessor {
  int32_t id;    // Linux' number
  int32_t core;  // the lowest id among its siblings that the process may use
  int32_t node;  // Linux' number
};

struct Cores {
  std::vector<LogicalProcessor> allowed;  // by node, then by id; at least one
  int32_t quota;  // processors' worth of time, rounded up; INT32_MAX where nothing limits it

  // Logical processors that threads can keep busy at once.
  int32_t processors() const;
  // The same in physical cores: a sibling adds little to kernels that keep a core busy.
  int32_t cores() const;
  // Threads where the user has not said: all cores, but from four on one is left to the server.
  int32_t threads() const;
  // The node of each of that many threads: as many to a node as it has cores.
  std::vector<int32_t> nodes_of(int32_t threads) const;
};

// The processors in this thread's affinity mask, which a cpuset narrows.
std::vector<int32_t> allowed_processors();

// Reads /proc and /sys below `root`, which is "" but in tests.
Cores read_cores(const char* root, const std::vector<int32_t>& allowed);

// Of this process.
Cores usable_cores();

}  // namespace quire

#endif  // QUIRE_CPU_CORES_H

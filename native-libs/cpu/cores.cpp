// Affinity mask, topology and the CPU quotas of control groups (kernel documentation:
// admin-guide/cgroup-v2 "cpu.max"; v1 "cpu.cfs_quota_us"; ABI/stable/sysfs-devices-system-cpu
// "thread_siblings_list"; sysfs-devices-node "cpulist").
#include "cores.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

#include <algorithm>
#include <string>

#include "status.h"

namespace quire {

std::vector<int32_t> allowed_processors() {
  // A mask of 1024 processors may be too small for the machine: grow until the kernel accepts it.
  for (int32_t processors = 1024; processors <= 65536; processors *= 2) {
    cpu_set_t* mask = CPU_ALLOC(processors);
    if (mask == nullptr) break;
    const size_t bytes = CPU_ALLOC_SIZE(processors);
    const bool known = sched_getaffinity(0, bytes, mask) == 0;
    std::vector<int32_t> out;
    for (int32_t i = 0; known && i < processors; ++i) {
      if (CPU_ISSET_S(i, bytes, mask)) out.push_back(i);
    }
    CPU_FREE(mask);
    if (known) return out;
  }
  return {};
}

// The first line of a file without its end, or "".
static std::string first_line(const std::string& path) {
  FILE* file = fopen(path.c_str(), "re");
  if (file == nullptr) return "";
  std::string line;
  for (int c; (c = fgetc(file)) != EOF && c != '\n';) line.push_back(static_cast<char>(c));
  fclose(file);
  return line;
}

// "0-3,8,10-11"; what cannot be read ends the list.
static std::vector<int32_t> parse_list(const std::string& text) {
  std::vector<int32_t> out;
  const char* at = text.c_str();
  int32_t first;
  for (int used; sscanf(at, "%d%n", &first, &used) == 1;) {
    at += used;
    int32_t last = first;
    if (sscanf(at, "-%d%n", &last, &used) == 1) at += used;
    for (int32_t i = first; i >= 0 && i <= last && i - first < 65536; ++i) out.push_back(i);
    if (*at != ',') break;
    ++at;
  }
  return out;
}

static int32_t core_of(const std::string& root, int32_t processor,
                       const std::vector<int32_t>& allowed) {
  const std::string path = root + "/sys/devices/system/cpu/cpu" + std::to_string(processor) +
                           "/topology/thread_siblings_list";
  int32_t core = processor;
  for (const int32_t sibling : parse_list(first_line(path))) {
    if (sibling < core && std::find(allowed.begin(), allowed.end(), sibling) != allowed.end()) {
      core = sibling;
    }
  }
  return core;
}

static void read_nodes(const std::string& root, std::vector<LogicalProcessor>& processors) {
  const std::string folder = root + "/sys/devices/system/node/";
  for (const int32_t node : parse_list(first_line(folder + "online"))) {
    for (const int32_t id :
         parse_list(first_line(folder + "node" + std::to_string(node) + "/cpulist"))) {
      for (LogicalProcessor& processor : processors) {
        if (processor.id == id) processor.node = node;
      }
    }
  }
}

static int32_t rounded_up(long long quota, long long period, int32_t limit) {
  if (quota <= 0 || period <= 0) return limit;
  const long long allowed = (quota - 1) / period + 1;
  return allowed < limit ? static_cast<int32_t>(allowed) : limit;
}

static int32_t group_quota(const std::string& folder, int32_t limit) {
  long long quota = 0;
  long long period = 0;
  const std::string both = first_line(folder + "/cpu.max");
  if (!both.empty()) {
    // "max 100000" has no quota.
    return sscanf(both.c_str(), "%lld %lld", &quota, &period) == 2
               ? rounded_up(quota, period, limit)
               : limit;
  }
  if (sscanf(first_line(folder + "/cpu.cfs_quota_us").c_str(), "%lld", &quota) != 1 ||
      sscanf(first_line(folder + "/cpu.cfs_period_us").c_str(), "%lld", &period) != 1) {
    return limit;
  }
  return rounded_up(quota, period, limit);
}

// The group and all its parents, each of which may have a quota.
static int32_t path_quota(const std::string& mount, std::string group, int32_t limit) {
  for (;;) {
    limit = group_quota(mount + group, limit);
    const size_t slash = group.rfind('/');
    if (slash == std::string::npos) return limit;
    group.resize(slash);
  }
}

static bool has_cpu_controller(const std::string& controllers) {
  return ("," + controllers + ",").find(",cpu,") != std::string::npos;
}

// Lines are "number:controllers:group"; version 2 has no controllers.
static int32_t read_quota(const std::string& root) {
  int32_t limit = INT32_MAX;
  FILE* file = fopen((root + "/proc/self/cgroup").c_str(), "re");
  if (file == nullptr) return limit;
  char buffer[5000];
  while (fgets(buffer, sizeof(buffer), file) != nullptr) {
    buffer[strcspn(buffer, "\n")] = 0;
    const std::string line = buffer;
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string group = line.substr(second + 1);
    if (controllers.empty()) {
      limit = path_quota(root + "/sys/fs/cgroup", group, limit);
    } else if (has_cpu_controller(controllers)) {
      limit = path_quota(root + "/sys/fs/cgroup/cpu", group, limit);
    }
  }
  fclose(file);
  return limit;
}

Cores read_cores(const char* root, const std::vector<int32_t>& allowed) {
  Cores out;
  for (const int32_t id : allowed) out.allowed.push_back({id, core_of(root, id, allowed), 0});
  if (out.allowed.empty()) out.allowed.push_back({0, 0, 0});
  read_nodes(root, out.allowed);
  std::sort(out.allowed.begin(), out.allowed.end(),
            [](const LogicalProcessor& a, const LogicalProcessor& b) {
              return a.node != b.node ? a.node < b.node : a.id < b.id;
            });
  out.quota = read_quota(root);
  return out;
}

Cores usable_cores() { return read_cores("", allowed_processors()); }

int32_t Cores::processors() const { return std::min(static_cast<int32_t>(allowed.size()), quota); }

int32_t Cores::cores() const {
  int32_t count = 0;
  for (const LogicalProcessor& processor : allowed) count += processor.core == processor.id;
  return std::min(count, quota);
}

int32_t Cores::threads() const { return cores() >= 4 ? cores() - 1 : cores(); }

std::vector<int32_t> Cores::nodes_of(int32_t threads) const {
  std::vector<int32_t> of_cores;
  for (const LogicalProcessor& processor : allowed) {
    if (processor.core == processor.id) of_cores.push_back(processor.node);
  }
  std::vector<int32_t> out;
  for (size_t i = 0; i < static_cast<size_t>(threads); ++i) {
    out.push_back(of_cores[i * of_cores.size() / static_cast<size_t>(threads)]);
  }
  return out;
}

}  // namespace quire

QUIRE_EXPORT int32_t quire_cores(void) {
  try {
    return quire::usable_cores().cores();
  } catch (...) {
    return 1;  // out of memory: the next allocation says so
  }
}

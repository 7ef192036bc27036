// How many cores this process may use: the smaller of its affinity mask and of the CPU quotas of
// its control groups (kernel documentation: admin-guide/cgroup-v2 "cpu.max"; v1
// "cpu.cfs_quota_us").
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "status.h"

namespace quire {

static int32_t affinity_cores() {
  // A mask of 1024 processors may be too small for the machine: grow until the kernel accepts it.
  for (int32_t processors = 1024; processors <= 65536; processors *= 2) {
    cpu_set_t* mask = CPU_ALLOC(processors);
    if (mask == nullptr) return 1;
    const size_t bytes = CPU_ALLOC_SIZE(processors);
    const bool known = sched_getaffinity(0, bytes, mask) == 0;
    const int32_t count = known ? CPU_COUNT_S(bytes, mask) : 0;
    CPU_FREE(mask);
    if (known) return count > 0 ? count : 1;
  }
  return 1;
}

static int32_t rounded_up(long long quota, long long period, int32_t cores) {
  if (quota <= 0 || period <= 0) return cores;
  const long long allowed = (quota + period - 1) / period;
  return allowed < cores ? static_cast<int32_t>(allowed) : cores;
}

static bool read_number(const char* folder, const char* name, long long* value) {
  char path[1200];
  snprintf(path, sizeof(path), "%s/%s", folder, name);
  FILE* file = fopen(path, "re");
  if (file == nullptr) return false;
  const bool read = fscanf(file, "%lld", value) == 1;
  fclose(file);
  return read;
}

static int32_t group_cores(const char* folder, int32_t cores) {
  char path[1200];
  snprintf(path, sizeof(path), "%s/cpu.max", folder);
  long long quota = 0;
  long long period = 0;
  FILE* file = fopen(path, "re");
  if (file != nullptr) {
    // "max 100000" has no quota.
    if (fscanf(file, "%lld %lld", &quota, &period) != 2) quota = 0;
    fclose(file);
  } else if (!read_number(folder, "cpu.cfs_quota_us", &quota) ||
             !read_number(folder, "cpu.cfs_period_us", &period)) {
    quota = 0;
  }
  return rounded_up(quota, period, cores);
}

// The group and all its parents, each of which may have a quota.
static int32_t path_cores(const char* mount, const char* group, int32_t cores) {
  char folder[1100];
  snprintf(folder, sizeof(folder), "%s%s", mount, group);
  const size_t root = strlen(mount);
  for (;;) {
    cores = group_cores(folder, cores);
    char* slash = strrchr(folder, '/');
    if (slash == nullptr || static_cast<size_t>(slash - folder) < root) return cores;
    *slash = 0;
  }
}

static bool has_cpu_controller(const char* controllers) {
  const char* at = strstr(controllers, "cpu");
  while (at != nullptr) {
    const bool starts = at == controllers || at[-1] == ',';
    if (starts && (at[3] == 0 || at[3] == ',')) return true;
    at = strstr(at + 3, "cpu");
  }
  return false;
}

static int32_t quota_cores(int32_t cores) {
  FILE* file = fopen("/proc/self/cgroup", "re");
  if (file == nullptr) return cores;
  char line[1200];
  while (fgets(line, sizeof(line), file) != nullptr) {
    line[strcspn(line, "\n")] = 0;
    char* controllers = strchr(line, ':');
    char* group = controllers == nullptr ? nullptr : strchr(controllers + 1, ':');
    if (group == nullptr || strlen(group) > 900) continue;
    *group++ = 0;
    ++controllers;
    if (*controllers == 0) {
      cores = path_cores("/sys/fs/cgroup", group, cores);
    } else if (has_cpu_controller(controllers)) {
      cores = path_cores("/sys/fs/cgroup/cpu", group, cores);
    }
  }
  fclose(file);
  return cores;
}

}  // namespace quire

QUIRE_EXPORT int32_t quire_cores(void) { return quire::quota_cores(quire::affinity_cores()); }

// Cores, quotas and nodes of machines that are folders of a few files.
#include "../cpu/cores.h"

#include <errno.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>

#include "check.h"
#include "fixture.h"

using quire::Cores;

// A root folder with these files; removed at the end.
struct Machine {
  using Files = std::vector<std::pair<std::string, std::string>>;

  explicit Machine(const Files& files) {
    char name[] = "/tmp/quire-cores-XXXXXX";
    CHECK(mkdtemp(name) != nullptr, "mkdtemp: errno=%d", errno);
    root = name;
    for (const auto& [path, text] : files) {
      for (size_t at = 1; (at = path.find('/', at)) != std::string::npos; ++at) {
        add(mkdir, path.substr(0, at));
      }
      FILE* file = fopen((root + path).c_str(), "w");
      CHECK(file != nullptr, "fopen: %s", path.c_str());
      fputs(text.c_str(), file);
      fclose(file);
      made.push_back(root + path);
    }
  }
  ~Machine() {
    for (size_t i = made.size(); i-- > 0;) remove(made[i].c_str());
    rmdir(root.c_str());
  }
  void add(int (*make)(const char*, mode_t), const std::string& folder) {
    if (make((root + folder).c_str(), 0700) == 0) made.push_back(root + folder);
  }
  Cores read(const std::vector<int32_t>& allowed) const {
    return quire::read_cores(root.c_str(), allowed);
  }

  std::string root;
  std::vector<std::string> made;
};

static std::vector<int32_t> first(int32_t processors) {
  std::vector<int32_t> out;
  for (int32_t i = 0; i < processors; ++i) out.push_back(i);
  return out;
}

static std::string siblings_of(int32_t processor) {
  return "/sys/devices/system/cpu/cpu" + std::to_string(processor) +
         "/topology/thread_siblings_list";
}

static void check_cores(const Cores& cores, int32_t processors, int32_t physical, int32_t threads,
                        const char* what) {
  CHECK(cores.processors() == processors && cores.cores() == physical && cores.threads() == threads,
        "%s: processors=%d, cores=%d, threads=%d", what, cores.processors(), cores.cores(),
        cores.threads());
}

TEST(cores_noFiles_areTheProcessorsThatAreAllowed) {
  const Machine machine({});
  check_cores(machine.read(first(1)), 1, 1, 1, "one");
  check_cores(machine.read(first(3)), 3, 3, 3, "three");
  check_cores(machine.read(first(4)), 4, 4, 3, "one is left to the server");
  check_cores(machine.read({5, 900}), 2, 2, 2, "any ids");
  check_cores(machine.read({}), 1, 1, 1, "unknown");
}

TEST(cores_siblings_countOnceAmongThoseAllowed) {
  const Machine adjacent({{siblings_of(0), "0-1\n"},
                          {siblings_of(1), "0-1\n"},
                          {siblings_of(2), "2-3\n"},
                          {siblings_of(3), "2-3\n"}});
  check_cores(adjacent.read(first(4)), 4, 2, 2, "two cores");
  check_cores(adjacent.read({1, 2, 3}), 3, 2, 2, "one sibling of a core");
  check_cores(adjacent.read({1, 3}), 2, 2, 2, "second siblings only");
  check_cores(adjacent.read({2, 3}), 2, 1, 1, "both of one core");
  Machine::Files files;
  for (int32_t i = 0; i < 16; ++i) {
    files.push_back({siblings_of(i), std::to_string(i % 8) + "," + std::to_string(i % 8 + 8)});
  }
  const Machine apart(files);
  check_cores(apart.read(first(16)), 16, 8, 7, "eight cores");
  check_cores(apart.read({8, 9, 1}), 3, 2, 2, "9 and 1 are siblings");
  CHECK(apart.read(first(16)).allowed[9].core == 1, "core=%d",
        apart.read(first(16)).allowed[9].core);
}

TEST(cores_quotaOfVersion2_limitsAllLevels) {
  const std::string group = "/sys/fs/cgroup/a/b";
  const auto with = [&](const char* outer, const char* inner) {
    const Machine machine({{"/proc/self/cgroup", "0::/a/b\n"},
                           {"/sys/fs/cgroup/a/cpu.max", outer},
                           {group + "/cpu.max", inner}});
    return machine.read(first(8));
  };
  check_cores(with("max 100000\n", "max 100000\n"), 8, 8, 7, "no quota");
  check_cores(with("max 100000\n", "200000 100000\n"), 2, 2, 2, "its own");
  check_cores(with("300000 100000\n", "max 100000\n"), 3, 3, 3, "its parent's");
  check_cores(with("300000 100000\n", "150000 100000\n"), 2, 2, 2, "the smaller, rounded up");
  check_cores(with("max 100000\n", "1000 100000\n"), 1, 1, 1, "a small part of one");
  check_cores(with("max 100000\n", "9900000 100000\n"), 8, 8, 7, "more than there is");
  check_cores(with("max 100000\n", "no number\n"), 8, 8, 7, "unreadable");
  check_cores(with("9223372036854775807 1\n", "max 1\n"), 8, 8, 7, "as large as numbers go");
}

// In a container, /proc may show the host's path of the group while the mount begins at the group.
TEST(cores_quotaAtTheMount_isFoundFromAPathThatIsNotThere) {
  const Machine machine({{"/proc/self/cgroup", "0::/kubepods/pod1/c2\n"},
                         {"/sys/fs/cgroup/cpu.max", "200000 100000"}});
  check_cores(machine.read(first(8)), 2, 2, 2, "at the mount");
}

TEST(cores_quotaOfVersion1_limits) {
  const auto with = [&](const char* controllers, const char* quota) {
    const Machine machine({{"/proc/self/cgroup", std::string("9:name=systemd:/x\n4:") +
                                                     controllers + ":/docker/1\n3:cpuset:/\n"},
                           {"/sys/fs/cgroup/cpu/docker/1/cpu.cfs_quota_us", quota},
                           {"/sys/fs/cgroup/cpu/docker/1/cpu.cfs_period_us", "50000\n"}});
    return machine.read(first(8)).processors();
  };
  CHECK(with("cpu", "150000\n") == 3, "%d", with("cpu", "150000\n"));
  CHECK(with("cpu,cpuacct", "150000\n") == 3, "%d", with("cpu,cpuacct", "150000\n"));
  CHECK(with("cpuacct,cpu", "150001\n") == 4, "%d", with("cpuacct,cpu", "150001\n"));
  CHECK(with("cpu", "-1\n") == 8, "%d", with("cpu", "-1\n"));
  CHECK(with("cpuacct", "50000\n") == 8, "%d", with("cpuacct", "50000\n"));
}

// A quota is time, whichever processors it is spent on.
TEST(cores_siblingsAndQuota_takeTheSmaller) {
  Machine::Files files = {{"/proc/self/cgroup", "0::/\n"},
                          {"/sys/fs/cgroup/cpu.max", "600000 100000"}};
  for (int32_t i = 0; i < 16; ++i) {
    files.push_back({siblings_of(i), std::to_string(i % 8) + "," + std::to_string(i % 8 + 8)});
  }
  const Machine machine(files);
  check_cores(machine.read(first(16)), 6, 6, 5, "quota");
  check_cores(machine.read({0, 1, 2, 8, 9, 10}), 6, 3, 3, "cores");
}

TEST(cores_nodes_orderTheProcessors) {
  const Machine machine({{"/sys/devices/system/node/online", "0-1,4\n"},
                         {"/sys/devices/system/node/node0/cpulist", "0-1,4-5\n"},
                         {"/sys/devices/system/node/node1/cpulist", "\n"},
                         {"/sys/devices/system/node/node4/cpulist", "2-3\n"}});
  const Cores cores = machine.read({0, 2, 3, 4});
  const std::vector<std::pair<int32_t, int32_t>> expected = {{0, 0}, {4, 0}, {2, 4}, {3, 4}};
  CHECK(cores.allowed.size() == 4, "%zu", cores.allowed.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    CHECK(cores.allowed[i].id == expected[i].first && cores.allowed[i].node == expected[i].second,
          "i=%zu, id=%d, node=%d", i, cores.allowed[i].id, cores.allowed[i].node);
  }
}

TEST(cores_threads_areSpreadOverNodesByTheirCores) {
  Machine::Files files = {{"/sys/devices/system/node/online", "0-1"},
                          {"/sys/devices/system/node/node0/cpulist", "0-3"},
                          {"/sys/devices/system/node/node1/cpulist", "4-5"}};
  const Machine machine(files);
  const Cores cores = machine.read(first(6));
  using Nodes = std::vector<int32_t>;
  CHECK(cores.nodes_of(6) == Nodes({0, 0, 0, 0, 1, 1}), "six");
  CHECK(cores.nodes_of(3) == Nodes({0, 0, 1}), "three");
  CHECK(cores.nodes_of(1) == Nodes({0}), "one");
  CHECK(cores.nodes_of(12) == Nodes({0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1}), "more than cores");
}

TEST(cores_ofThisProcess_followItsAffinityMask) {
  const std::vector<int32_t> before = quire::allowed_processors();
  CHECK(!before.empty() && quire_cores() >= 1, "processors=%zu", before.size());
  cpu_set_t all;
  cpu_set_t one;
  CHECK(sched_getaffinity(0, sizeof(all), &all) == 0, "errno=%d", errno);
  CPU_ZERO(&one);
  CPU_SET(static_cast<size_t>(before.back()), &one);
  CHECK(sched_setaffinity(0, sizeof(one), &one) == 0, "errno=%d", errno);
  CHECK(quire::allowed_processors() == std::vector<int32_t>{before.back()}, "one processor");
  CHECK(quire_cores() == 1, "cores=%d", quire_cores());
  CHECK(sched_setaffinity(0, sizeof(all), &all) == 0, "errno=%d", errno);
  CHECK(quire::allowed_processors() == before, "restored");
}

// How work is dealt out to the threads of a job.
//
// A range is cut into parts that threads draw from a counter: at first one to each thread that is
// half of the range together, then half of what is left, and so on (factoring: Hummel, Schonberg
// and Flynn, 1992). Few draws then serve most of the work, and a thread that came late, or whose
// core is slow or shared, takes fewer of the small ones at the end.
//
// On a machine of several NUMA nodes each has a share of the range, the same for every job of that
// size: its threads draw from there first, and so the pages of weights that they are the first to
// read lie in their own memory; they help the others when their share is done.
#ifndef QUIRE_CPU_PARTS_H
#define QUIRE_CPU_PARTS_H

#include <stdint.h>

#include <atomic>
#include <memory>
#include <vector>

namespace quire {

struct Range {
  int64_t begin, end;
};

// The parts of one range for `threads` threads: whole runs of `least`, but for the last.
class Parts {
 public:
  Parts(Range range, int64_t least, int64_t threads);

  int64_t count() const { return count_; }
  Range part(int64_t i) const { return {start(i), start(i + 1)}; }

 private:
  int64_t start(int64_t part) const;

  Range range_;
  int64_t least_, threads_, runs_, count_;
  int64_t halvings_;
};

// The counters of one job at a time.
class PartQueue {
 public:
  // The node of each worker, by any numbers.
  explicit PartQueue(const std::vector<int32_t>& node_of_worker);

  int32_t nodes() const { return static_cast<int32_t>(node_.size()); }
  // The number of node `i`, and its share of 0 ... count - 1.
  int32_t number(int32_t i) const { return node_[static_cast<size_t>(i)].number; }
  Range share(int32_t i, int64_t count, int64_t least) const;

  // Before a job, by the caller.
  void reset() {
    for (Node& node : node_) node.next.store(0, std::memory_order_relaxed);
  }

  // Whether parts are left, or were a moment ago.
  bool any_left(int64_t count, int64_t least) const;

  // Calls work(range) for parts of 0 ... count - 1 until there are none left; every worker of a job
  // does so, with the same numbers.
  template <typename Work>
  void draw(int32_t worker, int64_t count, int64_t least, const Work& work) {
    const int32_t home = home_[static_cast<size_t>(worker)];
    for (int32_t i = 0; i < nodes(); ++i) {
      Node& node = node_[static_cast<size_t>((home + i) % nodes())];
      const Parts parts = parts_of(node, count, least);
      for (int64_t part;
           (part = node.next.fetch_add(1, std::memory_order_relaxed)) < parts.count();) {
        work(parts.part(part));
      }
    }
  }

 private:
  struct alignas(64) Node {
    std::atomic<int64_t> next{0};  // part to be drawn
    int32_t number = 0;
    int32_t workers = 0, before = 0;  // its own, and those of nodes before it
  };

  Parts parts_of(const Node& node, int64_t count, int64_t least) const;
  Range share_of(const Node& node, int64_t count, int64_t least) const;

  int32_t workers_;
  std::vector<Node> node_;
  std::vector<int32_t> home_;  // of each worker: an index into node_
};

}  // namespace quire

#endif  // QUIRE_CPU_PARTS_H

// Parts cover a range once, and are dealt out evenly; shares of nodes do not depend on who draws.
#include "../cpu/parts.h"

#include <algorithm>

#include "check.h"
#include "fixture.h"

using namespace fixture;
using quire::PartQueue;
using quire::Parts;
using quire::Range;

TEST(parts_anyRange_areCoveredOnceInWholeRuns) {
  for (int64_t threads : {1, 2, 3, 5, 16, 64}) {
    for (int64_t least : {1, 2, 4}) {
      for (int64_t count : {0, 1, 2, 3, 7, 12, 36, 96, 100, 3072, 100003}) {
        const Range range = {least * 10, least * 10 + count};
        const Parts parts(range, least, threads);
        int64_t at = range.begin;
        for (int64_t i = 0; i < parts.count(); ++i) {
          const Range part = parts.part(i);
          CHECK(part.begin == at && part.end > part.begin && part.end <= range.end,
                "threads=%ld, least=%ld, count=%ld, i=%ld, begin=%ld, end=%ld, at=%ld", threads,
                least, count, i, part.begin, part.end, at);
          CHECK(part.end == range.end || (part.end - range.begin) % least == 0,
                "whole runs: threads=%ld, least=%ld, count=%ld, i=%ld", threads, least, count, i);
          at = part.end;
        }
        CHECK(at == range.end, "threads=%ld, least=%ld, count=%ld", threads, least, count);
        CHECK(parts.count() <= 5 * threads, "threads=%ld, parts=%ld", threads, parts.count());
      }
    }
  }
}

// Drawn by equally quick threads, no thread gets much more than another.
TEST(parts_equalThreads_endTogether) {
  for (int64_t threads : {2, 3, 8}) {
    for (int64_t runs = threads; runs < 300; ++runs) {
      const Parts parts({0, runs}, 1, threads);
      std::vector<int64_t> busy(static_cast<size_t>(threads));
      for (int64_t i = 0; i < parts.count(); ++i) {
        const Range part = parts.part(i);
        *std::min_element(busy.begin(), busy.end()) += part.end - part.begin;
      }
      const int64_t most = *std::max_element(busy.begin(), busy.end());
      const int64_t even = (runs + threads - 1) / threads;
      const Range last = parts.part(parts.count() - 1);
      CHECK(most <= even + last.end - last.begin, "threads=%ld, runs=%ld, most=%ld", threads, runs,
            most);
      CHECK(runs != 2 * threads || most == 2, "threads=%ld, most=%ld", threads, most);
    }
  }
}

static std::vector<int32_t> drawn(PartQueue& queue, const std::vector<int32_t>& workers,
                                  int64_t count, int64_t least) {
  std::vector<int32_t> times(static_cast<size_t>(count));
  queue.reset();
  CHECK(count == 0 || queue.any_left(count, least), "count=%ld", count);
  for (const int32_t worker : workers) {
    queue.draw(worker, count, least, [&](Range part) {
      for (int64_t i = part.begin; i < part.end; ++i) ++times[static_cast<size_t>(i)];
    });
  }
  CHECK(!queue.any_left(count, least), "count=%ld", count);
  return times;
}

TEST(partQueue_anyNodesAndWhoeverComes_everyItemOnce) {
  for (const std::vector<int32_t>& nodes : std::vector<std::vector<int32_t>>{
           {0}, {0, 0, 0}, {0, 1}, {0, 0, 1}, {3, 3, 1, 7, 7, 7}, {0, 1, 2, 3}}) {
    PartQueue queue(nodes);
    std::vector<int32_t> all;
    for (int32_t worker = 0; worker < static_cast<int32_t>(nodes.size()); ++worker) {
      all.push_back(worker);
    }
    for (int64_t count : {0, 1, 3, 12, 37, 1000}) {
      for (int64_t least : {1, 4}) {
        const std::vector<int32_t> once(static_cast<size_t>(count), 1);
        CHECK(drawn(queue, all, count, least) == once, "count=%ld", count);
        for (const int32_t worker : all) {
          CHECK(drawn(queue, {worker}, count, least) == once, "alone: worker=%d, count=%ld", worker,
                count);
        }
      }
    }
  }
}

TEST(partQueue_twoNodes_drawFromTheirOwnShareFirst) {
  PartQueue queue({5, 5, 2});
  CHECK(queue.nodes() == 2 && queue.number(0) == 2 && queue.number(1) == 5, "nodes=%d",
        queue.nodes());
  const Range shares[] = {queue.share(0, 90, 1), queue.share(1, 90, 1)};
  CHECK(shares[0].begin == 0 && shares[0].end == 30 && shares[1].begin == 30 && shares[1].end == 90,
        "by their workers: end=%ld", shares[0].end);
  CHECK(queue.share(0, 90, 4).end == 28, "whole runs: end=%ld", queue.share(0, 90, 4).end);
  for (const int32_t worker : {0, 1, 2}) {
    queue.reset();
    std::vector<int64_t> order;
    queue.draw(worker, 90, 1, [&](Range part) { order.push_back(part.begin); });
    CHECK(order.front() == (worker == 2 ? 0 : 30), "worker=%d, first=%ld", worker, order.front());
    CHECK((order.back() < 30) == (worker != 2), "worker=%d, last=%ld", worker, order.back());
  }
}

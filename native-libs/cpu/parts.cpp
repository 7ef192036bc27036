// Where parts and shares begin.
#include "parts.h"

#include <algorithm>

namespace quire {

// More would make the first parts no smaller and the last ones too small to be worth a draw.
static constexpr int64_t kMaxHalvings = 4;

Parts::Parts(Range range, int64_t least, int64_t threads)
    : range_(range),
      least_(least),
      threads_(threads),
      runs_((range.end - range.begin + least - 1) / least),
      halvings_(0) {
  while (halvings_ < kMaxHalvings && threads > 1 && runs_ >> (halvings_ + 1) >= threads) {
    ++halvings_;
  }
  threads_ = std::min(threads, std::max<int64_t>(runs_, 1));
  count_ = runs_ == 0 ? 0 : (halvings_ + 1) * threads_;
}

// Before round r, a 2^-r of all is left; a round deals out half of that, the last round all.
int64_t Parts::start(int64_t part) const {
  const int64_t round = std::min(part / threads_, halvings_);
  const int64_t turn = part - round * threads_;
  const int64_t half = round < halvings_ ? 2 : 1;
  const int64_t dealt = half * threads_ * ((int64_t{1} << round) - 1) + turn;
  const int64_t run = runs_ * dealt / (half * threads_ << round);
  return std::min(range_.begin + run * least_, range_.end);
}

PartQueue::PartQueue(const std::vector<int32_t>& node_of_worker)
    : workers_(static_cast<int32_t>(node_of_worker.size())) {
  std::vector<int32_t> numbers = node_of_worker;
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  node_ = std::vector<Node>(numbers.size());
  for (size_t i = 0; i < numbers.size(); ++i) {
    node_[i].number = numbers[i];
    for (const int32_t node : node_of_worker) {
      node_[i].workers += node == numbers[i];
      node_[i].before += node < numbers[i];
    }
  }
  for (const int32_t node : node_of_worker) {
    home_.push_back(static_cast<int32_t>(std::lower_bound(numbers.begin(), numbers.end(), node) -
                                         numbers.begin()));
  }
}

Range PartQueue::share(int32_t i, int64_t count, int64_t least) const {
  return share_of(node_[static_cast<size_t>(i)], count, least);
}

Range PartQueue::share_of(const Node& node, int64_t count, int64_t least) const {
  const int64_t runs = (count + least - 1) / least;
  const int64_t begin = runs * node.before / workers_ * least;
  const int64_t end = runs * (node.before + node.workers) / workers_ * least;
  return {std::min(begin, count), std::min(end, count)};
}

Parts PartQueue::parts_of(const Node& node, int64_t count, int64_t least) const {
  return Parts(share_of(node, count, least), least, node.workers);
}

bool PartQueue::any_left(int64_t count, int64_t least) const {
  for (const Node& node : node_) {
    if (node.next.load(std::memory_order_relaxed) < parts_of(node, count, least).count()) {
      return true;
    }
  }
  return false;
}

}  // namespace quire

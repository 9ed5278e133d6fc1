// The connections of a loop, in the order they came into the list.
#pragma once

#include <cstddef>

namespace corelab {

/// A list through `previous` and `next` of its members, which are each in one at most. The loop's thread.
template <class Member>
class ConnectionList {
 public:
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  Member* newest() const { return newest_; }
  Member* oldest() const { return oldest_; }

  void add(Member& member) {
    member.previous = nullptr;
    member.next = newest_;
    (newest_ != nullptr ? newest_->previous : oldest_) = &member;
    newest_ = &member;
    ++size_;
  }

  void remove(Member& member) {
    (member.previous != nullptr ? member.previous->next : newest_) = member.next;
    (member.next != nullptr ? member.next->previous : oldest_) = member.previous;
    --size_;
  }

  /// `each` may remove the member it is given, and no other.
  template <class Each>
  void for_each(const Each& each) {
    for (Member *member = newest_, *after = nullptr; member != nullptr; member = after) {
      after = member->next;
      each(*member);
    }
  }

 private:
  Member* newest_ = nullptr;
  Member* oldest_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace corelab

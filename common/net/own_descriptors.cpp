#include "common/net/own_descriptors.hpp"

#include <unistd.h>

#include <atomic>

namespace corelab::own_descriptors {

namespace {

std::vector<std::atomic<int>> all;  // -1: closed

}  // namespace

void add(const std::vector<int>& descriptors) {
  all = std::vector<std::atomic<int>>(descriptors.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = descriptors[i];
}

void remove(int descriptor) {
  for (std::atomic<int>& one : all) {
    int expected = descriptor;
    one.compare_exchange_strong(expected, -1);
  }
}

void close_all() {
  for (std::atomic<int>& one : all) {
    if (int descriptor = one.load(); descriptor >= 0) close(descriptor);
  }
}

}  // namespace corelab::own_descriptors

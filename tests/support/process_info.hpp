#pragma once
// What the kernel says about a running process, from /proc.

#include <sys/types.h>

#include <cstddef>
#include <vector>

#include "tests/support/patience.hpp"

namespace corelab::test {

// Its living children (zombies do not count), in ascending order.
std::vector<pid_t> children_of(pid_t pid);
// False once it is gone or a zombie.
bool is_alive(pid_t pid);

/// By SIGSTOP, with all its threads.
bool is_stopped(pid_t pid);
// CPU time used so far by it and its living descendants.
Millis cpu_time(pid_t pid);
// Its threads.
size_t thread_count(pid_t pid);
std::vector<pid_t> threads_of(pid_t pid);

// Its descriptors; and those of files that have no name any more.
size_t open_files(pid_t pid);
size_t deleted_files(pid_t pid);

}  // namespace corelab::test

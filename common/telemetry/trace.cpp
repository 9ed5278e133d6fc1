#include "common/telemetry/trace.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include "common/telemetry/log.hpp"

namespace corelab {

namespace {

thread_local std::string gathered;
constexpr std::size_t flushed_at = 32 * 1024;

std::string emptied(const std::string& path) {
  Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK, 0644));
  if (!fd) throw std::system_error(errno, std::generic_category(), "cannot write the trace to " + path);
  return path;
}

double microseconds(Clock::duration d) { return std::chrono::duration<double, std::micro>(d).count(); }

}  // namespace

Trace::Trace(const std::string& path, std::uint64_t limit) : file_(emptied(path)), limit_(limit) { file_.write("[\n"); }

void Trace::slice(const char* name, Clock::time_point start, Clock::time_point end, std::uint64_t connection) {
  if (events_.fetch_add(1, std::memory_order_relaxed) >= limit_) return;
  std::array<char, 256> event;
  int length = std::snprintf(event.data(), event.size(),
                             R"({"name":"%s","cat":"request","ph":"X","ts":%.3f,"dur":%.3f,"pid":%d,"tid":%d,)"
                             R"("args":{"connection":%llu}},)"
                             "\n",
                             name, microseconds(start.time_since_epoch()), microseconds(end - start), getpid(), gettid(),
                             static_cast<unsigned long long>(connection));
  append({event.data(), static_cast<std::size_t>(length)});
}

void Trace::name_thread(const std::string& name) {
  append(R"({"name":"thread_name","ph":"M","pid":)" + std::to_string(getpid()) + R"(,"tid":)" +
         std::to_string(gettid()) + R"(,"args":{"name":")" + name + "\"}},\n");
}

void Trace::append(std::string event) {
  gathered += event;
  if (gathered.size() >= flushed_at) flush_thread();
}

void Trace::flush_thread() {
  if (!gathered.empty()) file_.write(gathered);
  gathered.clear();
}

void Trace::end_process() {
  flush_thread();
  if (std::uint64_t events = events_.load(); events > limit_) {
    log::warning("the trace is full: " + std::to_string(events - limit_) + " events were dropped (--trace-limit)");
  }
}

void Trace::finish() {
  end_process();
  // The list's last element, without a comma: the file is strict JSON from here on.
  file_.write(R"({"name":"end of trace","ph":"i","s":"g","ts":)" +
              std::to_string(microseconds(Clock::now().time_since_epoch())) + R"(,"pid":)" + std::to_string(getpid()) +
              ",\"tid\":0}\n]\n");
}

}  // namespace corelab

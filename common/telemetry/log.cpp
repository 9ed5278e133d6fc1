#include "common/telemetry/log.hpp"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <memory>

#include "common/telemetry/append_file.hpp"

namespace corelab::log {

namespace {

// Whatever it quotes: nobody is to write a line of his own into the log.
std::string one_line(std::string_view text) {
  std::string line;
  for (char c : text.substr(0, text.size() - 1)) {
    if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) {
      line += c;
    } else {
      constexpr std::string_view digits = "0123456789abcdef";
      line += {'\\', 'x', digits[static_cast<unsigned char>(c) >> 4], digits[c & 0xf]};
    }
  }
  return line + '\n';
}

// spdlog's own file sink cannot be told to open its file again, or another one.
class ReopeningSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit ReopeningSink(const std::string& path) : path_(path), file_(path, STDERR_FILENO) {}
  void open(const std::string& path) {
    file_.reopen(path);
    path_ = path;
  }
  void reopen() { file_.reopen(path_); }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    std::uint64_t lost = file_.write(one_line({line.data(), line.size()}));
    if (lost > 0) file_.write("(" + std::to_string(lost) + " lines were lost before this one: the disk was full, or the reader stalled)\n");
  }
  void flush_() override {}

 private:
  std::string path_;
  AppendFile file_;
};

std::shared_ptr<ReopeningSink> sink;  // made before threads start

spdlog::logger& logger() { return *spdlog::default_logger_raw(); }

spdlog::level::level_enum spdlog_level(Level level) {
  switch (level) {
    case Level::debug: return spdlog::level::debug;
    case Level::info: return spdlog::level::info;
    case Level::warning: return spdlog::level::warn;
    case Level::error: return spdlog::level::err;
  }
  return spdlog::level::info;
}

}  // namespace

void open(const std::string& path, Level level) {
  if (sink) {
    sink->open(path);
  } else {
    sink = std::make_shared<ReopeningSink>(path);
    auto fresh = std::make_shared<spdlog::logger>("corelab", sink);
    fresh->set_pattern("%Y-%m-%dT%H:%M:%S.%e %P %l: %v");
    spdlog::set_default_logger(fresh);
  }
  logger().set_level(spdlog_level(level));
}

void reopen() {
  if (sink) sink->reopen();
}

bool Throttle::is_due() {
  std::int64_t now = std::chrono::steady_clock::now().time_since_epoch() / std::chrono::milliseconds(1);
  std::int64_t next = next_ms_.load();
  return now >= next && next_ms_.compare_exchange_strong(next, now + 1000);
}

void debug(std::string_view line) { logger().debug("{}", line); }
void info(std::string_view line) { logger().info("{}", line); }
void warning(std::string_view line) { logger().warn("{}", line); }
void error(std::string_view line) { logger().error("{}", line); }

}  // namespace corelab::log

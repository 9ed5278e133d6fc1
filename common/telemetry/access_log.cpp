#include "common/telemetry/access_log.hpp"

#include <array>
#include <cstdint>
#include <cstdio>

#include "common/telemetry/log.hpp"

namespace corelab {

namespace {
// A target holds visible ASCII only; a quote in it must not end the field.
void append_quoted(std::string& line, std::string_view text) {
  for (char c : text) {
    if (c == '"' || c == '\\') line += '\\';
    line += c;
  }
}
}  // namespace

void AccessLog::open(const std::string& path) {
  if (!path.empty() && file_) {
    file_->reopen(path);
  } else if (!path.empty()) {
    file_.emplace(path);
  }
  is_on_.store(!path.empty(), std::memory_order_release);
}

void AccessLog::write(const Request& request, int status, std::optional<std::size_t> body, std::time_t now) const {
  std::string asked(request.method_name);
  asked += ' ';
  append_quoted(asked, request.target);
  asked += " HTTP/1.";
  asked += static_cast<char>('0' + request.version_minor);
  write_line(request.peer, asked, status, body, now);
}

void AccessLog::write_refusal(const Peer& peer, int status, std::time_t now) const {
  write_line(peer, "-", status, std::nullopt, now);
}

void AccessLog::write_line(const Peer& peer, std::string_view asked, int status, std::optional<std::size_t> body,
                           std::time_t now) const {
  std::tm utc{};
  gmtime_r(&now, &utc);
  // Not strftime: its month names follow the locale, which an application may set.
  static constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::array<char, 96> date;
  int date_length = std::snprintf(date.data(), date.size(), "[%02d/%s/%04d:%02d:%02d:%02d +0000]", utc.tm_mday,
                                  months[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);

  std::string line = peer.address();
  line += " - - ";
  line.append(date.data(), static_cast<std::size_t>(date_length));
  line += " \"";
  line += asked;
  line += "\" ";
  line += std::to_string(status);
  line += ' ';
  line += body ? std::to_string(*body) : "-";
  line += '\n';
  if (std::uint64_t lost = file_->write(line); lost > 0) {
    log::warning("the access log has lost " + std::to_string(lost) + " lines: its disk was full, or its reader stalled");
  }
}

}  // namespace corelab

#pragma once
// The table of raw requests that every core must treat alike: which bytes come in, which statuses go out, and
// whether the connection lives on. No sockets here: the same table is fed to a session and to running
// servers.
//
// It is written for `--app lab` without `--upstream`.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace corelab::test {

// One response that a case expects.
struct Answer {
  std::vector<int> statuses;        // any of these; kNoAnswer among them: the connection may also just close
  bool to_head = false;             // answers a HEAD request: no body follows, whatever Content-Length says
  std::optional<std::string> body;  // exactly this, where the case is about it
  std::string header;               // this header (lower case) must be there
};
constexpr int kNoAnswer = 0;

// The connection behind the last answer. `either`: RFC 9110 and 9112 allow both, and so does the design; the
// cores must still agree.
enum class After { open, closed, either };

struct Case {
  std::string name;
  std::string bytes;
  std::vector<Answer> answers;
  After after = After::open;
  std::string later;        // sent once the first answer (an interim 100) has arrived
  bool half_close = false;  // the client sends FIN behind its bytes
  bool only_whole = false;  // the outcome depends on how the bytes are cut; not to be sent bytewise
};

// For a server with its default limits.
const std::vector<Case>& cases();

// The limits for limit_cases(), small enough to try both sides of each.
struct SmallLimits {
  static constexpr int request_line = 200;
  static constexpr int fields = 10;
  static constexpr int head = 1000;
  static constexpr int body = 100;
};
const std::vector<Case>& limit_cases();

// What is wrong with `output` (everything sent for the case) and `closed` (whether the connection ended
// behind it); empty when nothing is.
std::string problem_with(const Case& the_case, std::string_view output, bool closed);

}  // namespace corelab::test

// Every case of the table against every core over a socket, and the answers of all cores against each other.

#include <gtest/gtest.h>

#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "tests/conformance/cases.hpp"
#include "tests/support/client.hpp"
#include "tests/support/cores.hpp"

namespace corelab::test {
namespace {

enum class Cut { whole, bytewise };

struct Transcript {
  std::string output;  // everything that was sent for the case
  bool closed = false;
  std::string trouble;  // what kept the case from being run to its end
};

// Finds out whether the connection lives without waiting for a time-out: a living one answers one request
// more.
void probe(Client& client, Transcript& transcript) {
  client.send(get_request("/plaintext", "Connection: close\r\n"));
  const Reply reply = client.read_response();
  if (reply.ended == Ended::answered && reply.status() == 200 && reply.body() == "Hello, World!" &&
      reply.response.says_close())
    return;
  // A request sent on a connection that is being closed may be answered by a reset.
  transcript.closed = reply.ended == Ended::closed || reply.ended == Ended::reset;
  if (!transcript.closed)
    transcript.trouble =
        "a request more was not answered: " +
        (reply.ended == Ended::answered ? "got " + reply.response.raw.substr(0, 400) : reply.detail);
}

Transcript run(const std::string& address, const Case& the_case, Cut cut) {
  Client client(address);
  Transcript transcript;
  const auto send = [&](const std::string& bytes) {
    if (cut == Cut::whole) {
      client.send(bytes);
    } else {
      client.send_bytewise(bytes);
    }
  };
  send(the_case.bytes);
  if (the_case.half_close) client.half_close();
  for (size_t i = 0; i < the_case.answers.size() && !transcript.closed; ++i) {
    const Reply reply = client.read_response(the_case.answers[i].to_head);
    if (reply.ended == Ended::closed) {
      transcript.closed = true;
    } else if (reply.ended != Ended::answered) {
      transcript.trouble = "answer " + std::to_string(i + 1) + ": " + reply.detail;
      return transcript;
    }
    transcript.output += reply.response.raw;
    if (i == 0 && !the_case.later.empty()) send(the_case.later);
  }
  if (transcript.closed) return transcript;
  if (the_case.after != After::closed) {
    probe(client, transcript);
    return transcript;
  }
  const Rest rest = client.read_rest();
  transcript.output += rest.bytes;
  transcript.closed = rest.ended == Ended::closed;
  if (!transcript.closed) transcript.trouble = std::string("expected a close, but: ") + name_of(rest.ended);
  return transcript;
}

std::string problem_with(const Case& the_case, const Transcript& transcript) {
  if (!transcript.trouble.empty()) return transcript.trouble;
  return problem_with(the_case, transcript.output, transcript.closed);
}

// What each core sent for each case, kept for the comparison between cores at the end.
std::map<std::string, std::map<std::string, std::string>>& transcripts() {
  static std::map<std::string, std::map<std::string, std::string>> of_case;
  return of_case;
}

void run_table(const Core& core, const std::string& address, const std::vector<Case>& table) {
  for (const Case& the_case : table) {
    SCOPED_TRACE(core.name + ": " + the_case.name);
    const Transcript transcript = run(address, the_case, Cut::whole);
    EXPECT_EQ(problem_with(the_case, transcript), "");
    transcripts()[the_case.name][core.name] =
        without_date(transcript.output) + (transcript.closed ? "[closed]" : "[open]") + transcript.trouble;
  }
}

using Conformance = CoreTest;

TEST_P(Conformance, every_case_has_its_statuses_and_its_connection_state) {
  const auto server = serve(holding(core()));
  run_table(core(), server.address(), cases());
}

TEST_P(Conformance, limits_hold_on_both_sides) {
  Arguments arguments = holding(core());
  arguments.insert(arguments.end(), {"--limit-request-line", std::to_string(SmallLimits::request_line),
                                     "--limit-request-fields", std::to_string(SmallLimits::fields),
                                     "--limit-request-head", std::to_string(SmallLimits::head),
                                     "--limit-request-body", std::to_string(SmallLimits::body)});
  const auto server = serve(arguments);
  run_table(core(), server.address(), limit_cases());
}

TEST_P(Conformance, one_byte_at_a_time_changes_nothing) {
  const auto server = serve(holding(core()));
  size_t count = 0;
  for (size_t i = 0; i < cases().size(); ++i) {
    const Case& the_case = cases()[i];
    // Every third, and of those what is short: the session takes all of them bytewise, without sockets.
    if (i % 3 != 0 || the_case.only_whole || the_case.bytes.size() > 400) continue;
    ++count;
    SCOPED_TRACE(core().name + ": " + the_case.name);
    const Transcript bytewise = run(server.address(), the_case, Cut::bytewise);
    EXPECT_EQ(problem_with(the_case, bytewise), "");
    const Transcript whole = run(server.address(), the_case, Cut::whole);
    EXPECT_EQ(without_date(bytewise.output), without_date(whole.output));
    EXPECT_EQ(bytewise.closed, whole.closed);
  }
  EXPECT_GE(count, 50u);
}

INSTANTIATE_TEST_SUITE_P(EveryCore, Conformance, ::testing::ValuesIn(cores()), core_test_name);

TEST(ConformanceTable, names_are_unique) {
  std::map<std::string, int> count;
  for (const auto& the_case : cases()) ++count[the_case.name];
  for (const auto& the_case : limit_cases()) ++count[the_case.name];
  for (const auto& [name, times] : count) EXPECT_EQ(times, 1) << name;
  EXPECT_GE(count.size(), 90u);
}

// Runs behind all tests: it compares what they collected.
class CoresAgree : public ::testing::Environment {
 public:
  void TearDown() override {
    for (const auto& [name, of_core] : transcripts()) {
      const auto& [first_core, expected] = *of_core.begin();
      for (const auto& [core, transcript] : of_core)
        EXPECT_EQ(transcript, expected) << name << ": " << core << " answers otherwise than " << first_core;
    }
    if (!transcripts().empty())
      std::cout << transcripts().size() << " cases compared between " << transcripts().begin()->second.size()
                << " cores\n";
  }
};
const auto* const kCoresAgree = ::testing::AddGlobalTestEnvironment(new CoresAgree);

}  // namespace
}  // namespace corelab::test

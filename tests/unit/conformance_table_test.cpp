// The conformance table through a session and the lab app, without sockets: whole, and one byte at a time.

#include <gtest/gtest.h>

#include "apps/lab/lab.hpp"
#include "common/telemetry/counters.hpp"
#include "servers/program/control_app.hpp"
#include "tests/conformance/cases.hpp"
#include "tests/support/http_response.hpp"
#include "tests/unit/immediate_waiter.hpp"
#include "tests/unit/in_memory_connection.hpp"

namespace corelab::test {
namespace {

class ConformanceTable : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    board_ = new CounterBoard(1);
    app_ = new App(make_lab_app({}));
    add_control_routes(*app_, *board_, nullptr, "none", 1, false);
  }
  static void TearDownTestSuite() {
    delete app_;
    delete board_;
  }

  static Response answer(const Request& request) {
    const Handler& handler = app_->find(request);
    if (handler.plain) return handler.plain(request);
    ImmediateWaiter waiter;
    Task<Response> task = handler.coroutine(request, waiter);
    task.start();
    return task.result();
  }

  static void run(const std::vector<Case>& table, const Limits& limits) {
    for (const Case& the_case : table) {
      SCOPED_TRACE(the_case.name);
      InMemoryConnection uncut(answer, limits);
      play(the_case, uncut, whole);
      EXPECT_EQ(problem_with(the_case, uncut.output(), uncut.closed()), "");
      if (the_case.only_whole) continue;
      InMemoryConnection cut(answer, limits);
      play(the_case, cut, bytewise);
      EXPECT_EQ(without_date(cut.output()), without_date(uncut.output()));
      EXPECT_EQ(cut.closed(), uncut.closed());
    }
  }

  static void play(const Case& the_case, InMemoryConnection& connection, Cut cut) {
    connection.send(the_case.bytes, cut);
    connection.send(the_case.later, cut);
    if (the_case.half_close) connection.half_close();
  }

  static inline CounterBoard* board_ = nullptr;
  static inline App* app_ = nullptr;
};

TEST_F(ConformanceTable, holds_however_the_bytes_are_cut) {
  ASSERT_GE(cases().size(), 90u);
  run(cases(), {});
}

TEST_F(ConformanceTable, limits_hold_however_the_bytes_are_cut) {
  Limits limits;
  limits.request_line = SmallLimits::request_line;
  limits.fields = SmallLimits::fields;
  limits.head = SmallLimits::head;
  limits.body = SmallLimits::body;
  run(limit_cases(), limits);
}

}  // namespace
}  // namespace corelab::test

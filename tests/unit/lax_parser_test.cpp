// What start-up does when the program is linked with an llhttp that was built without its strict mode: this test is.

#include <gtest/gtest.h>
#include <llhttp.h>

#include <algorithm>

#include "common/http/parser.hpp"
#include "common/http/self_test.hpp"
#include "servers/program/program.hpp"

namespace corelab {
namespace {

#if LLHTTP_VERSION_MAJOR < 9  // later ones are always strict

TEST(LaxParser, takes_what_the_start_up_test_is_there_for) {
  Parser parser;
  std::vector<Field> fields;
  ASSERT_FALSE(parser.parse_head("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", true, fields, 10).violation);
  std::string body;
  EXPECT_EQ(parser.decode_chunks("1\rX", body, 10).at, Parser::Chunks::At::chunk) << "it is a strict one";
}

TEST(LaxParser, is_refused_with_a_sentence) { EXPECT_THROW(check_parser(), std::runtime_error); }

TEST(LaxParser, serves_nobody) {
  testing::internal::CaptureStderr();
  const int code = run_program({}, {"serve", "-b", "127.0.0.1:0"}, [](const Settings&) -> App {
    ADD_FAILURE() << "it goes on to make its app";
    return {};
  });
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_EQ(code, 1);
  EXPECT_NE(said.find("llhttp"), std::string::npos) << said;
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
}

#endif

}  // namespace
}  // namespace corelab

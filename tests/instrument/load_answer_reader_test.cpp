// Where an answer ends: whole, and cut at every byte.

#include <gtest/gtest.h>

#include <string>

#include "benchmarks/load/answer_reader.hpp"

namespace corelab::load {
namespace {

using State = AnswerReader::State;

struct Read {
  State state;
  int status;
  bool closes;
  bool operator==(const Read&) const = default;
};

Read read_cut(const std::string& bytes, std::size_t at) {
  AnswerReader reader;
  reader.start();
  State state = reader.take(std::string_view(bytes).substr(0, at));
  if (state == State::incomplete) state = reader.take(std::string_view(bytes).substr(at));
  return {state, reader.status(), reader.closes()};
}

void expect_everywhere(const std::string& bytes, const Read& expected) {
  for (std::size_t at = 0; at < bytes.size(); ++at) EXPECT_EQ(read_cut(bytes, at), expected) << "cut at " << at;
  AnswerReader reader;
  reader.start();
  for (std::size_t i = 0; i + 1 < bytes.size(); ++i) ASSERT_EQ(reader.take({&bytes[i], 1}), State::incomplete) << i;
  EXPECT_EQ(reader.take({&bytes.back(), 1}), expected.state);
}

TEST(AnswerReader, content_length) {
  expect_everywhere("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", {State::complete, 200, false});
  expect_everywhere("HTTP/1.1 404 Not Found\r\ncontent-length:  0\r\n\r\n", {State::complete, 404, false});
}

TEST(AnswerReader, chunked) {
  expect_everywhere("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA;x=y\r\n0123456789\r\n0\r\nT: v\r\n\r\n",
                    {State::complete, 200, false});
}

TEST(AnswerReader, bodiless) {
  expect_everywhere("HTTP/1.1 204 No Content\r\n\r\n", {State::complete, 204, false});
  expect_everywhere("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", {State::complete, 304, false});
}

TEST(AnswerReader, interim_answers_are_passed_over) {
  expect_everywhere("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
                    {State::complete, 200, false});
}

TEST(AnswerReader, connection_says_whether_it_lives_on) {
  expect_everywhere("HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n", {State::complete, 200, true});
  expect_everywhere("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", {State::complete, 200, true});
  expect_everywhere("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
                    {State::complete, 200, false});
}

TEST(AnswerReader, close_counts_wherever_it_stands_among_the_connection_options) {
  for (const char* fields : {"Connection: keep-alive, close\r\n", "Connection: close, TE\r\n",
                             "Connection: TE ,\tClose\r\n", "Connection: close\r\nConnection: keep-alive\r\n"}) {
    expect_everywhere("HTTP/1.1 200 OK\r\n" + std::string(fields) + "Content-Length: 0\r\n\r\n",
                      {State::complete, 200, true});
  }
  expect_everywhere("HTTP/1.1 200 OK\r\nConnection: not-close, TE\r\nContent-Length: 0\r\n\r\n",
                    {State::complete, 200, false});
  expect_everywhere("HTTP/1.0 200 OK\r\nConnection: TE, Keep-Alive\r\nContent-Length: 0\r\n\r\n",
                    {State::complete, 200, false});
}

TEST(AnswerReader, a_body_that_only_the_close_can_end) {
  AnswerReader reader;
  reader.start();
  EXPECT_EQ(reader.take("HTTP/1.1 200 OK\r\n\r\nsome"), State::incomplete);
  EXPECT_EQ(reader.take(" more"), State::incomplete);
  EXPECT_EQ(reader.end_of_input(), State::complete);
  EXPECT_TRUE(reader.closes());
}

TEST(AnswerReader, a_close_in_the_middle_completes_nothing) {
  AnswerReader reader;
  reader.start();
  EXPECT_EQ(reader.take("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel"), State::incomplete);
  EXPECT_EQ(reader.end_of_input(), State::incomplete);
}

TEST(AnswerReader, refuses_what_is_no_answer) {
  for (const char* bytes : {"hello\r\n\r\n", "HTTP/2 200\r\n\r\n", "HTTP/1.1 OK now\r\n\r\n",
                            "HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
                            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\ntwo",
                            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"}) {
    AnswerReader reader;
    reader.start();
    EXPECT_EQ(reader.take(bytes), State::malformed) << bytes;
  }
}

}  // namespace
}  // namespace corelab::load

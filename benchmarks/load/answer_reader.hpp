// Where an HTTP/1.1 answer ends, and nothing more of it: status, framing, and whether the connection lives on. Written
// apart from the server's parser, so that one mistake cannot hide in both.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace corelab::load {

/// Reads one answer after another; they come one at a time, since requests are not pipelined. One thread.
class AnswerReader {
 public:
  enum class State {
    incomplete,
    complete,
    malformed,  ///< what came is no HTTP answer
  };

  /// Takes what has come. Bytes behind the answer's end make it malformed: nothing was asked for.
  State take(std::string_view bytes);
  /// The peer has closed: completes an answer that only the close can end.
  State end_of_input();
  /// For the next answer.
  void start();

  bool has_begun() const { return taken_ > 0; }
  std::size_t taken() const { return taken_; }  ///< bytes, since start()
  int status() const { return status_; }
  bool closes() const { return closes_; }

 private:
  enum class Part { head, sized_body, chunk_size, chunk_data, trailers, until_close, done };
  bool read_head();
  bool take_line(std::string_view& bytes);

  Part part_ = Part::head;
  std::string kept_;  // of the head, or of the line being read
  std::size_t left_ = 0;
  std::size_t taken_ = 0;
  int status_ = 0;
  bool closes_ = false;
};

}  // namespace corelab::load

// What a WSGI application returns: an iterable of bytes, to be closed in the end.
#pragma once

#include "apps/wsgi/python.hpp"

#include <span>
#include <string>

#include "common/http/message.hpp"

namespace corelab::wsgi {

class Interpreters;

/// The iterable. All of it needs the GIL. It is closed once: at its end, after an exception, or with its
/// object.
class Blocks {
 public:
  explicit Blocks(Ref result);
  Blocks(Blocks&&) noexcept = default;
  ~Blocks() { close(); }

  /// Is all of it in one block, so that nothing is gained by sending that before asking for more?
  bool has_one_block() const;
  /// The next block that is not empty; nothing at the end. Throws PythonError.
  Ref next();
  /// PEP 3333: `close()` is called, if there is one, whatever happened. Its own exception is printed.
  void close();

 private:
  bool is_sequence() const;

  Ref result_, iterator_;
};

/// A body that is pulled while the client takes it: each block is on its way before the next one is asked
/// for.
class StreamedBody final : public BodySource {
 public:
  /// `first`: blocks that were asked for already.
  StreamedBody(Interpreters& interpreters, Blocks blocks, std::string first,
               std::optional<std::size_t> length)
      : interpreters_(interpreters),
        blocks_(std::move(blocks)),
        ready_(std::move(first)),
        got_(ready_.size()),
        length_(length) {}
  ~StreamedBody() override;

  std::size_t pull(std::span<char> into) override;
  bool blocks() const override { return true; }
  std::optional<std::size_t> length() const override { return length_; }

 private:
  Interpreters& interpreters_;
  std::optional<Blocks> blocks_;  // until its end
  std::string ready_;             // what a pull had no room for
  std::size_t given_ = 0;         // of it
  std::size_t got_;               // of the whole body, from the application
  std::optional<std::size_t> length_;
};

}  // namespace corelab::wsgi

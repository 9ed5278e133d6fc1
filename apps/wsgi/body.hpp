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
  /// The next block, which may be empty; null at the end. Throws PythonError.
  Ref next();
  /// PEP 3333: `close()` is called, if there is one, whatever happened. Its own exception is printed.
  void close();

 private:
  bool is_sequence() const;

  Ref result_, iterator_;
};

/// A body that is pulled while the client takes it: each block is on its way before the next one is asked
/// for. All of it runs in one context.
class StreamedBody final : public BodySource {
 public:
  /// `first`: a block that was asked for already, or null.
  StreamedBody(Interpreters& interpreters, Ref context, Blocks blocks, Ref first, std::optional<std::size_t> length)
      : interpreters_(interpreters),
        context_(std::move(context)),
        blocks_(std::move(blocks)),
        block_(std::move(first)),
        got_(size()),
        length_(length) {}
  ~StreamedBody() override;

  std::size_t pull(std::span<char> into) override;
  bool blocks() const override { return true; }
  std::optional<std::size_t> length() const override { return length_; }

 private:
  std::size_t size() const { return block_ ? static_cast<std::size_t>(PyBytes_GET_SIZE(block_.get())) : 0; }
  void take_next();
  void end();

  Interpreters& interpreters_;
  Ref context_;
  std::optional<Blocks> blocks_;  // until its end
  Ref block_;                     // the last one; its bytes may be read without the GIL
  std::size_t given_ = 0;         // of it
  std::size_t got_;               // of the whole body, from the application
  std::optional<std::size_t> length_;
};

}  // namespace corelab::wsgi

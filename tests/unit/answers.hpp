// The handlers that the session's tests answer with.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/http/message.hpp"

namespace corelab::test {

/// Gives `pieces` one a pull, then ends, or throws.
class PiecesSource final : public BodySource {
 public:
  explicit PiecesSource(std::vector<std::string> pieces, std::optional<std::size_t> length = {},
                        bool throws = false)
      : pieces_(std::move(pieces)), length_(length), throws_(throws) {}
  std::size_t pull(std::span<char> into) override;
  std::optional<std::size_t> length() const override { return length_; }

 private:
  std::vector<std::string> pieces_;
  std::size_t next_ = 0;
  std::optional<std::size_t> length_;
  bool throws_;
};

/// By path: /plain, /echo, /show (what the session made of the request), /none (204), /unchanged (304),
/// /large, /large-view, /chunked, /chunked-empty, /sized, /throws, /short, /close, /headers; 404 for others.
Response answer(const Request& request);

/// What /large and /large-view give: too much to be copied into the output buffer.
const std::string& large_body();

}  // namespace corelab::test

// What a proxy says of the client that it asks for: X-Forwarded-For, -Proto, -Host and -Port, or Forwarded (RFC 7239). It
// counts only where the proxy is trusted; anybody can send these fields.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/http/message.hpp"

namespace corelab {

/// Whose word is taken. A value; reading it is any thread's.
class TrustedPeers {
 public:
  /// "127.0.0.1,::1", networks such as "10.0.0.0/8" too; "*" is everybody; nothing is nobody. Whoever comes by a UNIX domain
  /// socket is trusted unless nobody is: writing to it takes permission. Throws std::invalid_argument with a sentence.
  explicit TrustedPeers(std::string_view list);

  bool contains(const Peer& peer) const;
  const std::string& text() const { return text_; }

 private:
  struct Network {
    Peer address;
    unsigned bits;
  };
  std::string text_;
  std::vector<Network> networks_;
  bool is_everybody_ = false;
};

/// Takes over into `request`, which has come from a trusted peer, what that says: peer, scheme and authority; the latter is
/// kept in `storage` where it is put together. Of several proxies, each of which adds itself, the last that is not
/// trusted is who asks; of several values of another field the one that belongs to it, or the last. What is malformed
/// changes nothing.
void apply_forwarded(Request& request, const TrustedPeers& trusted, std::string& storage);

}  // namespace corelab

// Where a request's body goes that is too large for memory. The session only fills it; what it is, drivers say.
#pragma once

#include <memory>
#include <string_view>

namespace corelab {

/// One body. Not thread-safe.
class BodyStore {
 public:
  virtual ~BodyStore() = default;
  /// False: there is no room.
  virtual bool append(std::string_view bytes) = 0;
  /// All of it; what is paged in may be paged out again. Nothing if the system does not let us.
  virtual std::string_view view() = 0;
  /// Its file, at its beginning; stays the store's.
  virtual int file() const = 0;
};

/// Makes an empty one; null if it cannot.
using MakeBodyStore = std::unique_ptr<BodyStore> (*)();

}  // namespace corelab

# What every target of this project is compiled with: one set of flags for all cores, so that none has an edge.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
# In the cache, because a run's manifest reads there what was measured.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -DNDEBUG" CACHE STRING "flags of what is measured" FORCE)
set(CMAKE_C_FLAGS_RELEASE "-O2 -g1 -DNDEBUG" CACHE STRING "flags of what is measured" FORCE)

add_library(corelab_warnings INTERFACE)
target_compile_options(corelab_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wno-missing-field-initializers)

set(CORELAB_SANITIZE "" CACHE STRING "sanitizers to build with: address,undefined or thread")
option(CORELAB_FUZZ "build the libFuzzer target (needs clang)" OFF)

if(CORELAB_SANITIZE)
  add_compile_options(-fsanitize=${CORELAB_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${CORELAB_SANITIZE})
  # Its run-time probes memory with a pipe, and cries wolf where the tests use up all descriptors.
  add_compile_options(-fno-sanitize=vptr)
  # -O1 keeps the sanitizer builds short; coroutines at -O0 would also use deep stacks.
  set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O1 -g1")
  set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O1 -g1")
endif()

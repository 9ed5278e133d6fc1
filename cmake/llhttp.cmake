# llhttp, compiled from C sources with its strict checks on: without LLHTTP_STRICT_MODE, CVE-2023-30589 and bare-CR
# chunk tricks get through in 8.x. Debian ships the sources in node-llhttp, newer distributions a library in
# libllhttp-dev; elsewhere the upstream release is fetched.
#
# Defines the object library `llhttp`.

find_path(LLHTTP_SOURCE_DIR llhttp.c PATHS /usr/share/llhttp NO_DEFAULT_PATH)
find_path(LLHTTP_INCLUDE_DIR llhttp.h PATHS /usr/share/include/llhttp /usr/include)

if(LLHTTP_SOURCE_DIR AND LLHTTP_INCLUDE_DIR)
  message(STATUS "llhttp: sources of the distribution in ${LLHTTP_SOURCE_DIR}")
else()
  include(FetchContent)
  message(STATUS "llhttp: fetching the upstream release (no distribution package found)")
  FetchContent_Declare(llhttp_release
    URL https://github.com/nodejs/llhttp/archive/refs/tags/release/v8.1.2.tar.gz)
  FetchContent_MakeAvailable(llhttp_release)
  set(LLHTTP_SOURCE_DIR ${llhttp_release_SOURCE_DIR}/src)
  set(LLHTTP_INCLUDE_DIR ${llhttp_release_SOURCE_DIR}/include)
endif()

add_library(llhttp_objects OBJECT
  ${LLHTTP_SOURCE_DIR}/api.c ${LLHTTP_SOURCE_DIR}/http.c ${LLHTTP_SOURCE_DIR}/llhttp.c)
target_include_directories(llhttp_objects PUBLIC ${LLHTTP_INCLUDE_DIR})
target_compile_definitions(llhttp_objects PRIVATE LLHTTP_STRICT_MODE=1)

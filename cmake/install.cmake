# `cmake --install` gives the program, the library and its headers; find_package(corelab) finds them again.

include(CMakePackageConfigHelpers)

install(TARGETS corelab EXPORT corelabTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS corelab-program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES corelab.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/corelab)
install(DIRECTORY common servers DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/corelab FILES_MATCHING PATTERN "*.hpp")
install(EXPORT corelabTargets NAMESPACE corelab:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/corelab)

configure_package_config_file(cmake/corelabConfig.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/corelabConfig.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/corelab)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/corelabConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/corelabConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/corelabConfigVersion.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/corelab)

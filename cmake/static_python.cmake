# Python's static library, where there is one that links: distributions optimise it with a profile (it is what their
# python3 is made of) and build libpython.so without, for want of time or of position-independent code. A Flask answer
# takes a tenth less CPU time with it. The program may lose its position independence by it, as Debian's python3 has.
#
# Sets CORELAB_PYTHON_LINK to what to link with, to nothing where the shared library is to be used.

option(CORELAB_STATIC_PYTHON "link Python's static library where there is one (a tenth faster; the program may not be PIE)" ON)

set(CORELAB_PYTHON_LINK "")
# The sanitizers' runtimes want what they watch to be shared and position-independent.
if(NOT CORELAB_STATIC_PYTHON OR CORELAB_SANITIZE)
  return()
endif()

execute_process(COMMAND ${Python3_EXECUTABLE} -c [[
import os, sysconfig
of = lambda name: sysconfig.get_config_var(name) or ""
libraries = " ".join(map(of, ("MODLIBS", "LIBS", "SYSLIBS"))).split()
print(os.path.join(of("LIBPL"), of("LIBRARY")), *dict.fromkeys(libraries), sep=";", end="")
]] OUTPUT_VARIABLE static RESULT_VARIABLE failed ERROR_QUIET)
list(POP_FRONT static archive)
if(failed OR NOT EXISTS "${archive}")
  return()
endif()

# Whole and exported, because modules written in C look for Python in the program that loads them.
set(static -Wl,--whole-archive ${archive} -Wl,--no-whole-archive ${static}
  "-Wl,--export-dynamic-symbol=Py*" "-Wl,--export-dynamic-symbol=_Py*")
include(CheckCXXSourceCompiles)
foreach(position -pie -no-pie)
  set(CMAKE_REQUIRED_INCLUDES ${Python3_INCLUDE_DIRS})
  set(CMAKE_REQUIRED_LIBRARIES ${static} ${position})
  string(MAKE_C_IDENTIFIER "CORELAB_PYTHON_LINKS${position}" links)
  check_cxx_source_compiles("#include <Python.h>\nint main() { Py_Initialize(); }" ${links})
  if(${links})
    set(CORELAB_PYTHON_LINK ${static} ${position})
    break()
  endif()
endforeach()
unset(CMAKE_REQUIRED_INCLUDES)
unset(CMAKE_REQUIRED_LIBRARIES)

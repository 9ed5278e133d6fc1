#include "apps/wsgi/interpreters.hpp"

#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include "apps/wsgi/failure.hpp"
#include "apps/wsgi/gil.hpp"

namespace corelab::wsgi {

namespace {

thread_local ThreadInterpreter this_thread;

void check(const PyStatus& status) {
  if (PyStatus_Exception(status) == 0) return;
  throw std::runtime_error("Python does not start: " +
                           std::string(status.err_msg != nullptr ? status.err_msg : "?"));
}

// The program that Python is to believe it is: where it finds its libraries. In a virtual environment that is
// the environment's, else the one that this program was built with, whatever is first on PATH.
std::string python_program(std::string environment) {
  std::string source = "--virtualenv: ";
  if (environment.empty()) {
    const char* active = std::getenv("VIRTUAL_ENV");
    if (active == nullptr || *active == '\0') return CORELAB_PYTHON;
    environment = active;
    source = "the variable VIRTUAL_ENV (--virtualenv overrides it): ";
  }
  std::filesystem::path root(environment);
  if (!std::filesystem::exists(root / "pyvenv.cfg")) {
    throw std::runtime_error(source + environment + " is no virtual environment: it has no pyvenv.cfg");
  }
  std::string version = std::to_string(PY_MAJOR_VERSION) + "." + std::to_string(PY_MINOR_VERSION);
  if (!std::filesystem::exists(root / "lib" / ("python" + version))) {
    throw std::runtime_error(source + environment + " is not of Python " + version +
                             ", which this program was built with");
  }
  return root / "bin" / "python";
}

void flush_streams() {
  for (const char* name : {"stdout", "stderr"}) {
    PyObject* stream = PySys_GetObject(name);
    if (stream != nullptr && stream != Py_None) Ref ignored(PyObject_CallMethod(stream, "flush", nullptr));
  }
  PyErr_Clear();
}

// A module that the application has imported, or null.
Ref imported(const char* name) {
  Ref key = latin1(name);
  return Ref(PyImport_GetModule(key.get()));
}

// Of the interpreter at its end, in Py_FinalizeEx's order. That itself would also wait for daemon threads to stop at
// their next use of the GIL, and frees what extension modules may still use.
void run_exit_functions(bool waits_for_threads = true) {
  if (Ref module = imported("threading"); module && waits_for_threads) {
    Ref ignored(PyObject_CallMethod(module.get(), "_shutdown", nullptr));
  }
  print_exception();
  if (Ref module{PyImport_ImportModule("atexit")}) {
    Ref ignored(PyObject_CallMethod(module.get(), "_run_exitfuncs", nullptr));
  }
  print_exception();
  flush_streams();
}

// Has the application started no thread that lives?
bool is_alone_in(PyThreadState* state) {
  return PyInterpreterState_ThreadHead(state->interp) == state && PyThreadState_Next(state) == nullptr;
}

}  // namespace

Interpreters::Interpreters(const Settings& settings, Callable callable, Surroundings around)
    : settings_(settings), callable_(std::move(callable)), around_(std::move(around)) {
  std::error_code error;
  directory_ = std::filesystem::canonical(settings_.app_dir, error);
  if (error) throw std::runtime_error("--app-dir: there is no directory " + settings_.app_dir);
  start_python();
  try {
    prepare_interpreter();
    if (!are_shared()) {
      {  // what cannot be imported is to be found now, and not with the first request
        ThreadInterpreter trial;
        trial.is_trial = true;
        begin_own(trial);
      }
      PyEval_RestoreThread(main_);
    }
    // With --gil own the main thread has the interpreter that is there anyway, whose lock nobody else takes.
    if (are_shared() || around_.on_main_thread) application_.emplace(callable_, directory_, around_);
  } catch (const PythonError&) {
    throw std::runtime_error("Python is not complete: " + describe_exception());
  }
  this_thread.owner = this;
  this_thread.state = main_;
  this_thread.is_introduced = true;
  if (application_) this_thread.application = &*application_;
  PyEval_SaveThread();
}

void Interpreters::start_python() {
  std::string program = python_program(settings_.virtualenv);
  PyConfig config;
  PyConfig_InitPythonConfig(&config);
  config.install_signal_handlers = 0;  // signals are the server's
  config.parse_argv = 0;
  PyStatus status = PyConfig_SetBytesString(&config, &config.program_name, program.c_str());
  if (PyStatus_Exception(status) == 0)
    status = PyConfig_SetBytesString(&config, &config.executable, program.c_str());
  if (PyStatus_Exception(status) == 0) status = Py_InitializeFromConfig(&config);
  PyConfig_Clear(&config);
  check(status);
  main_ = PyThreadState_Get();
}

// Of each interpreter: where the application is, and how long a thread waits before it asks for the GIL.
void Interpreters::prepare_interpreter() {
  Ref directory = checked(PyUnicode_DecodeFSDefault(directory_.c_str()));
  PyObject* path = PySys_GetObject("path");
  if (path == nullptr || PyList_Insert(path, 0, directory.get()) != 0) throw PythonError();
  Ref sys = checked(PyImport_ImportModule("sys"));
  checked(PyObject_CallMethod(sys.get(), "setswitchinterval", "d",
                              std::chrono::duration<double>(settings_.switch_interval).count()));
}

ThreadInterpreter& Interpreters::of_this_thread() {
  if (this_thread.state != nullptr) return this_thread;
  this_thread.owner = this;
  if (are_shared()) {
    this_thread.state = PyThreadState_New(main_->interp);
    this_thread.application = &*application_;
    if (this_thread.state == nullptr) throw std::runtime_error("Python has no memory for another thread");
  } else {
    PyThreadState* visitor = PyThreadState_New(main_->interp);
    PyEval_RestoreThread(visitor);
    auto end_visit = [visitor] {
      PyEval_RestoreThread(visitor);
      PyThreadState_Clear(visitor);
      PyThreadState_DeleteCurrent();
    };
    try {
      begin_own(this_thread);
    } catch (...) {
      end_visit();
      throw;
    }
    end_visit();
  }
  return this_thread;
}

ThreadInterpreter& Interpreters::current() { return this_thread; }

void Interpreters::introduce(ThreadInterpreter& mine) {
  Ref module = imported("threading");
  if (!module) return;
  mine.is_introduced = true;
  Ref thread(PyObject_CallMethod(module.get(), "current_thread", nullptr));
  if (thread) PyObject_SetAttrString(thread.get(), "_daemonic", Py_False);
  PyErr_Clear();
}

// Makes an interpreter with a GIL of its own, and the application in it. The calling thread has some interpreter's thread
// state when it calls, and none when this returns or throws.
void Interpreters::begin_own([[maybe_unused]] ThreadInterpreter& mine) {
#if PY_VERSION_HEX >= 0x030C0000
  PyInterpreterConfig config{};
  config.use_main_obmalloc = 0;
  config.allow_threads = config.allow_daemon_threads = 1;
  config.check_multi_interp_extensions = 1;
  config.gil = PyInterpreterConfig_OWN_GIL;
  PyStatus status = Py_NewInterpreterFromConfig(&mine.state, &config);
  if (PyStatus_Exception(status) != 0) PyEval_SaveThread();
  check(status);
  mine.owner = this;
  try {
    prepare_interpreter();
    mine.own.emplace(callable_, directory_, around_);
    mine.application = &*mine.own;
    PyInterpreterState* interpreter = mine.state->interp;
    std::lock_guard lock(own_mutex_);
    own_[pthread_self()] = interpreter;
  } catch (const std::exception& error) {
    std::string reason = PyErr_Occurred() != nullptr ? describe_exception() : error.what();
    if (reason.find("subinterpreter") != std::string::npos)
      reason += "; --gil own needs extension modules made for it: use --gil shared, and --core prefork for "
                "parallel work";
    Py_EndInterpreter(std::exchange(mine.state, nullptr));
    throw std::runtime_error(reason);
  }
  PyEval_SaveThread();
#endif
}

ThreadInterpreter::~ThreadInterpreter() {
  if (state == nullptr || state == owner->main_) return;
  if (own) {
    std::lock_guard lock(owner->own_mutex_);
    owner->own_.erase(pthread_self());
  }
  PyEval_RestoreThread(state);
  if (own) {
    own.reset();
    run_exit_functions(!is_trial);
    if (is_alone_in(state)) {
      Py_EndInterpreter(state);
      return;
    }
  }
  PyThreadState_Clear(state);
  PyThreadState_DeleteCurrent();
}

void Interpreters::end() {
  let_go();
  PyEval_RestoreThread(main_);
  if (PyErr_CheckSignals() != 0) print_exception();  // and not in the middle of what follows
  remember_children();
  run_exit_functions();
  PyEval_SaveThread();
}

void Interpreters::remember_children() {
  Ref module = imported("multiprocessing.process");
  Ref list(module ? PyObject_CallMethod(module.get(), "active_children", nullptr) : nullptr);
  Ref children(list ? PySequence_Fast(list.get(), "") : nullptr);
  for (Py_ssize_t i = 0; children && i < PySequence_Fast_GET_SIZE(children.get()); ++i) {
    Ref pid(PyObject_GetAttrString(PySequence_Fast_GET_ITEM(children.get(), i), "pid"));
    if (pid && PyLong_Check(pid.get())) children_.push_back(static_cast<pid_t>(PyLong_AsLong(pid.get())));
  }
  PyErr_Clear();
  has_children_ = true;
}

void Interpreters::cut() const {
  if (!has_children_) return;
  for (pid_t pid : children_) kill(pid, SIGKILL);
}

std::string Interpreters::stack_of(pthread_t thread) {
  if (are_shared()) {
    Gil gil(*this);
    return describe_stack(thread);
  }
  std::lock_guard lock(own_mutex_);  // it does not end meanwhile
  auto found = own_.find(thread);
  if (found == own_.end()) return {};
  PyThreadState* visitor = PyThreadState_New(found->second);
  PyEval_RestoreThread(visitor);
  std::string stack = describe_stack(thread);
  PyThreadState_Clear(visitor);
  PyThreadState_DeleteCurrent();
  return stack;
}

// The switches are documented for whoever finds that vfork(2) harms: docs.python.org, subprocess, "Disabling use of vfork() or
// posix_spawn()".
void Interpreters::fork_for_subprocesses() {
  {
    Gil gil(*this);
    if (Ref module{PyImport_ImportModule("subprocess")}) {
      for (const char* name : {"_USE_VFORK", "_USE_POSIX_SPAWN"}) PyObject_SetAttrString(module.get(), name, Py_False);
    }
    PyErr_Clear();
  }
  let_go();
}

void Interpreters::let_go() {
  if (std::exchange(of_this_thread().is_kept, false)) PyEval_SaveThread();
}

void Interpreters::attend() {
  {
    Gil gil(*this);
    if (PyErr_CheckSignals() != 0) print_exception();
  }
  let_go();  // the thread is in the middle of a wait
}

void Interpreters::before_fork() {
  PyEval_RestoreThread(main_);
  flush_streams();  // or each child would print what is in their buffers
  fflush(nullptr);
  PyOS_BeforeFork();
}

void Interpreters::after_fork_in_parent() {
  PyOS_AfterFork_Parent();
  PyEval_SaveThread();
}

void Interpreters::after_fork_in_child() {
  PyOS_AfterFork_Child();
  // Processes that the application has started are the supervisor's children, and not for this one to wait for. As
  // multiprocessing itself begins in a child.
  if (Ref module = imported("multiprocessing.process")) {
    Ref children(PyObject_GetAttrString(module.get(), "_children"));
    Ref ignored(children ? PyObject_CallMethod(children.get(), "clear", nullptr) : nullptr);
    PyErr_Clear();
  }
  PyEval_SaveThread();
}

}  // namespace corelab::wsgi

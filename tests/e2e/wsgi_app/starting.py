"""What happens at the import, as the environment asks: it may take long, print, change the directory, take signals."""

import asyncio
import atexit
import concurrent.futures
import faulthandler
import os
import signal
import sys
import threading
import time

here = threading.current_thread() is threading.main_thread()
executor = concurrent.futures.ThreadPoolExecutor(1)
came = []

print("imported")
if "IMPORT_SECONDS" in os.environ:
    time.sleep(float(os.environ["IMPORT_SECONDS"]))
if "IMPORT_CHDIR" in os.environ:
    os.chdir(os.environ["IMPORT_CHDIR"])
for name in os.environ.get("IMPORT_HANDLES", "").split():
    if name in ("faulthandler", "chaining-faulthandler"):
        faulthandler.register(signal.SIGUSR1, chain=name != "faulthandler")
    elif name.startswith("raising"):
        def interrupt(number, frame):
            raise InterruptedError(number)
        signal.signal(getattr(signal, name.removeprefix("raising")), interrupt)
    else:
        signal.signal(getattr(signal, name), lambda number, frame: came.append(signal.Signals(number).name))
if "IMPORT_SECONDS_THEN" in os.environ:
    time.sleep(float(os.environ["IMPORT_SECONDS_THEN"]))
if "EXIT_SECONDS" in os.environ:
    atexit.register(time.sleep, float(os.environ["EXIT_SECONDS"]))
if "IMPORT_EXITS" in os.environ:
    os._exit(int(os.environ["IMPORT_EXITS"]))


def take_all_statuses():
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            time.sleep(0.01)


if "IMPORT_WAITS" in os.environ:
    threading.Thread(target=take_all_statuses, daemon=True).start()


def alarm():
    """An alarm in the middle of a handler of its own."""
    def interrupt(number, frame):
        raise TimeoutError
    signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        time.sleep(5)
        return "slept"
    except TimeoutError:
        return "interrupted"


def at_exit():
    """A signal that is pending when the exit functions run, or comes while they do."""
    def exits():
        sys.stderr.write("the exit function begins\n")
        time.sleep(0.1)
        sys.stderr.write("the exit function ends\n")

    atexit.register(exits)
    return "registered"


def work():
    def write():
        time.sleep(float(os.environ["WORK_SECONDS"]))
        sys.stderr.write("the work is done\n")
    def write_later():
        time.sleep(0.3)
        write()
    executor.submit(write)
    threading.Thread(target=write_later).start()
    return "begun"


def threads():
    return f"{here} {threading.current_thread() is threading.main_thread()}"


def loop():
    """As libraries did before asyncio.run()."""
    asyncio.set_event_loop(asyncio.new_event_loop())
    return str(asyncio.get_event_loop().run_until_complete(asyncio.sleep(0, "ran")))


def signals():
    return " ".join(came)


def app(environ, start_response):
    answer = globals()[environ["PATH_INFO"][1:]]()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [answer.encode()]

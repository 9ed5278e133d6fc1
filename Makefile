# The front door: every target brings up what it needs first, set-up included.
#
#   make                  build everything into build/bin
#   make test             run the tests
#   make bench            measure the cores and write REPORT.md   (PROFILE=smoke|default|full)
#   make bench MINUTES=30   the same in less time, with fewer blocks
#   make bench ONLY=stall measure some scenarios of the profile; the report goes into results/ alone
#   make bench RESUME=results/NAME   go on with a run that was interrupted
#   make report           write REPORT.md again from the newest run in results/   (RUN=results/NAME)
#   make bench-compare    what changed between two runs   (A=results/NAME B=results/NAME)
#   make advise           which core for your load?   (ARGS='--wait-ms 20 --connections 200', or it asks)
#   make setup-peers      install the outside servers that PROFILE=full compares with
#   make micro            the micro benchmarks
#   make test-asan test-tsan fuzz   what CI runs besides

PROFILE ?= default
FUZZ_SECONDS ?= 30
# The python3 first on PATH may lack the packages that apt installed: take the first that can import them.
PYTHON = $(shell for p in python3 /usr/bin/python3; do \
  $$p -c 'import matplotlib, numpy, pandas, scipy, jinja2, markdown' 2>/dev/null && echo $$p && break; done)

.PHONY: all setup setup-peers test test-asan test-tsan build-asan build-tsan build-fuzz fuzz bench bench-compare report micro advise format clean

all: build/release/build.ninja
	@cmake --build --preset release

setup:
	@scripts/setup.sh

# The outside servers that the scenarios name and apt has; absent ones are skipped, with the reason in the report.
setup-peers: setup
	@scripts/setup_peers.sh

build/%/build.ninja: CMakeLists.txt | setup
	@cmake --preset $* >/dev/null

test: all
	@ctest --preset release

# The sanitized program, driven by the release build's test programs.
test-asan test-tsan: test-%: build-% all
	@ctest --preset $*

build-asan build-tsan: build-%: build/%/build.ninja
	@cmake --build --preset $*

build-fuzz: build/fuzz/build.ninja
	@cmake --build --preset fuzz --target session_fuzzer

fuzz: build-fuzz
	@tests/fuzz/run.sh build/fuzz/bin/session_fuzzer $(FUZZ_SECONDS)

bench: all
	@PYTHONPATH=scripts $(PYTHON) -m corelab_bench run --profile $(PROFILE) $(if $(MINUTES),--minutes $(MINUTES)) \
	  $(foreach scenario,$(ONLY),--only $(scenario)) $(if $(RESUME),--resume $(RESUME)) $(if $(ONLY),,--report REPORT.md)

report: setup
	@PYTHONPATH=scripts $(PYTHON) -m corelab_bench report $(if $(RUN),--run $(RUN)) --report REPORT.md

micro: all
	@build/bin/corelab-micro

bench-compare: setup
	@if [ -z "$(A)" ] || [ -z "$(B)" ]; then echo "make bench-compare: name two runs, A=results/… B=results/…" >&2; exit 2; fi
	@PYTHONPATH=scripts $(PYTHON) -m corelab_bench compare $(A) $(B)

# ARGS='--wait-ms 20 --blocks yes': what is not said is asked, or takes its default where nobody can be asked.
advise: all
	@PYTHONPATH=scripts $(PYTHON) -m corelab_bench advise $(ARGS)

format:
	@git ls-files '*.cpp' '*.hpp' | xargs clang-format -i

clean:
	@rm -rf build

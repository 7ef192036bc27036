# Quire's commands. `make help` lists them; each finds JDK 25 itself (build/find-jdk).

SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

export JAVA_HOME := $(shell build/find-jdk)
MVN := mvn -B --no-transfer-progress -Dstyle.color=never
# Maven's own libraries make JDK 25 warn; nobody here can change that.
export MAVEN_OPTS += --sun-misc-unsafe-memory-access=allow --enable-native-access=ALL-UNNAMED
NATIVE_OUT := $(CURDIR)/target/native
JAR := target/quarkus-app/quarkus-run.jar
# Folders are listed too: a deleted file changes its folder's time.
SOURCES := pom.xml $(shell find src/main native-libs -path native-libs/test -prune -o -print)

# JavaCPP compiles its stub and copies the library in every run, unless it is told that nothing has changed.
STUB := target/classes/dev/quire/kernel/cpu/linux-x86_64/libjniQuireCpu.so
STUB_SOURCES := $(NATIVE_OUT)/libquire_cpu.so native-libs/include/quire_kernels.h \
  src/main/java/dev/quire/kernel/cpu/QuireCpu.java pom.xml
stub-flag = $$(for source in $(STUB_SOURCES); do [[ $(STUB) -nt $$source ]] || exit 0; done; echo -Djavacpp.skip=true)

# One line and no more when a tool is missing: $(error) stops make before any recipe runs.
check-tools = $(if $(TOOLS_MISSING),$(error $(TOOLS_MISSING)))
TOOLS_MISSING = $(shell build/missing-tools)

# CI asks for 200,000 damaged model files, a build for fewer.
fuzz-flags = $(if $(MUTANTS),-Dfuzz.mutants=$(MUTANTS)) $(if $(SEED),-Dfuzz.seed=$(SEED))
simulation-flags = $(if $(WORKLOADS),-Dsimulation.workloads=$(WORKLOADS)) $(if $(SEED),-Dsimulation.seed=$(SEED))

.PHONY: help run test test-fuzz test-simulation hostile-files build native format bench paging-price share sharing layouts jmh prefix-cost \
  compare accuracy check-tokenizers vocabularies benchmarks clean

## run: build what is needed, fetch the default model the first time, serve on port 8080 (ARGS="--port 9090" adds flags)
run: $(JAR)
	@./quire serve $(ARGS)

## test: build, and run every test: the native ones, then Maven's
test:
	$(check-tools)
	@build/fetch-llama-source
	@$(MAKE) --no-print-directory -j$(shell nproc) -C native-libs all test OUT=$(NATIVE_OUT)
	@$(MVN) $(stub-flag) $(fuzz-flags) $(simulation-flags) verify
	@$(MVN) -q -Dexec.skip -Djavacpp.skip=true -Pbench test-compile
	@touch $(JAR)

## test-fuzz: damage model files and open each (MUTANTS=number of them, SEED=number for other ones)
test-fuzz:
	$(check-tools)
	@$(MVN) -Dexec.skip -Djavacpp.skip=true $(fuzz-flags) -Dtest='*FuzzTest' test

## test-simulation: random workloads through scheduler and cache (WORKLOADS=number of them, SEED=number of the first)
test-simulation:
	$(check-tools)
	@$(MVN) -Dexec.skip -Djavacpp.skip=true $(simulation-flags) -Dtest=SimulationTest test

## hostile-files: write the bad model files of the tests into a folder (OUT=folder), to be tried by hand
hostile-files:
	$(check-tools)
	$(if $(OUT),,$(error OUT must name a folder: make hostile-files OUT=/tmp/hostile))
	@$(MVN) -q -Dexec.skip -Djavacpp.skip=true test-compile
	@$(JAVA_HOME)/bin/java -cp target/classes:target/test-classes dev.quire.format.HostileGguf $(OUT)

## build: the server, in target/quarkus-app
build: $(JAR)

$(JAR): $(SOURCES)
	$(check-tools)
	@echo "building Quire: the first time takes a few minutes, mostly for Maven's downloads" >&2
	@# not $$(MAKE): `make -q`, which asks whether to build, would run that
	@make --no-print-directory -s -j$(shell nproc) -C native-libs OUT=$(NATIVE_OUT)
	@$(MVN) -q $(stub-flag) -Dmaven.test.skip=true package
	@touch $@

## native: the CPU kernels alone, in target/native
native:
	$(check-tools)
	@$(MAKE) --no-print-directory -j$(shell nproc) -C native-libs OUT=$(NATIVE_OUT)

## format: bring Java and C++ sources into shape
format:
	$(check-tools)
	@$(MVN) -q spotless:apply
	@if command -v clang-format >/dev/null; then \
	  find native-libs \( -name '*.cpp' -o -name '*.h' \) -exec clang-format -i {} +; \
	else echo "clang-format is not installed: C++ sources are left as they are" >&2; fi

## bench: start the server alone, load it over HTTP and print its rates (ARGS="--concurrency 8"; bench/README.md)
bench: $(JAR)
	@bench/quire.sh $(ARGS)

## paging-price: what block tables cost attention, in instructions and time (ARGS="--pairs 101"; bench/README.md)
paging-price:
	$(check-tools)
	@$(MAKE) --no-print-directory -s -j$(shell nproc) -C native-libs paging OUT=$(NATIVE_OUT)
	@python3 bench/paging_price.py $(ARGS)

## share: say what a step costs beside the kernels, at 32 streams (bench/README.md)
share: $(JAR)
	@python3 bench/step_share.py $(ARGS)

## sharing: how much sooner n answers to one prompt begin than n requests that share nothing (bench/README.md)
sharing: $(JAR)
	@python3 bench/sharing.py $(ARGS)

## layouts: what paged, contiguous and no cache make of the same memory, over HTTP (ARGS="--blocks 48"; bench/README.md)
layouts: $(JAR)
	@python3 bench/layouts.py $(ARGS)

## jmh: microbenchmarks (ARGS="PoolBenchmark -prof gc -i 3"; bench/README.md)
jmh: benchmarks
	@$(BENCH_JAVA) org.openjdk.jmh.Main $(or $(ARGS),-prof gc)

## prefix-cost: what prefix caching costs the step loop when nothing is shared (ARGS="--kernel-mib 32"; bench/README.md)
prefix-cost: benchmarks
	@$(BENCH_JAVA) -XX:+UseSerialGC dev.quire.engine.PrefixCost $(ARGS)

BENCH_JAVA = $(JAVA_HOME)/bin/java --sun-misc-unsafe-memory-access=allow --enable-native-access=ALL-UNNAMED \
  -Djava.util.logging.manager=org.jboss.logmanager.LogManager \
  -cp target/bench-classes:target/classes:$$(cat target/bench-class-path)

# Compiled by `make test` too, so that they keep up with what they measure.
benchmarks:
	$(check-tools)
	@$(MAKE) --no-print-directory -j$(shell nproc) -C native-libs OUT=$(NATIVE_OUT)
	@$(MVN) -q $(stub-flag) -Dexec.skip -Pbench test-compile

## compare: Quire, llama.cpp and others in turn, into docs/results/cpu.md (ARGS="--quick" for a trial; bench/README.md)
compare: $(JAR)
	@python3 bench/compare.py $(ARGS)

## accuracy: log-probabilities of the kernels, and of llama.cpp, against the float32 reference (ARGS="--q4-0")
accuracy: $(JAR)
	@$(MVN) $(stub-flag) -Dtest=SmolLm2AccuracyIT -Dsurefire.failIfNoSpecifiedTests=true test
	@python3 bench/accuracy_llama.py $(ARGS)

## check-tokenizers: compare real vocabularies with Hugging Face and sentencepiece (needs pip's packages that its scripts name)
VOCABULARIES ?= $(shell ls target/llama-cpp-source/models/ggml-vocab-*.gguf | grep -vE 'spm|phi-3|baichuan|bert|gemma')
PIECE_VOCABULARIES ?= $(shell ls target/llama-cpp-source/models/ggml-vocab-*.gguf | grep -E 'spm|phi-3|baichuan')
check-tokenizers: $(JAR) vocabularies
	@python3 src/test/scripts/tokenizer_check.py $(VOCABULARIES)
	@python3 src/test/scripts/piece_vectors.py --check $(PIECE_VOCABULARIES)

# A target of its own: the two lists are read when all that comes before is done.
vocabularies:
	@build/fetch-llama-source

## clean: remove everything that was built (models in the cache folder stay)
clean:
	@rm -rf target

## help: this list
help:
	@sed -n 's/^## \([a-z-]*\): /  make \1\t/p' Makefile | expand -t 22

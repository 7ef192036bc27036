#!/usr/bin/env bash
# Starts Quire alone on a free port, loads it with `./quire bench ARGUMENTS`, and stops it again. What the server is to be
# is said in the environment: QUIRE_MODEL, QUIRE_THREADS and the other settings of docs/settings.md.
set -euo pipefail

root="$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)"
log="$root/target/bench-server.log"
mkdir -p "$root/target"

server=""
stop_server() {
  [[ -z "$server" ]] || { kill "$server" 2>/dev/null && wait "$server" 2>/dev/null; } || true
}
trap stop_server EXIT

"$root/quire" serve --host 127.0.0.1 --port 0 >"$log" 2>&1 &
server=$!
# The model is fetched the first time, so only the server's own end ends the waiting.
until grep -q ' ready in ' "$log"; do
  kill -0 "$server" 2>/dev/null || { echo "bench: the server has ended, see $log" >&2; exit 1; }
  sleep 0.2
done
url="$(grep -o 'http://127\.0\.0\.1:[0-9]*' "$log" | head -n 1)"
"$root/quire" bench --url "$url" --label quire "$@"

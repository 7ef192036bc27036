#!/usr/bin/env python3
"""The part of OpenAI's completions API that a load generator needs, around OpenVINO GenAI, which has no server.

  openvino_server.py --model FILE.gguf --port 8000 --threads 2

It answers GET /health, GET /v1/models and POST /v1/completions: a prompt as text or token ids, max_tokens, temperature,
ignore_eos, streaming or not. One thread runs the pipeline and writes each token to its connection right after the step
that made it, so that no other thread has to wake up for a token. Needs the package openvino-genai.
"""

import argparse
import json
import os
import queue
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy
import openvino
import openvino_genai


class Answer:
    """One request: the engine's thread sends its tokens, the connection's thread waits for the end."""

    def __init__(self, handler, prompt, config, streams):
        self.handler, self.prompt, self.config, self.streams = handler, prompt, config, streams
        self.handle = None
        self.ids = []
        self.reason = self.error = None
        self.done = threading.Event()

    def send(self, event):
        data = f"data: {json.dumps(event)}\n\n".encode()
        self.handler.connection.sendall(b"%x\r\n%s\r\n" % (len(data), data))


class Engine:
    """Owns the pipeline; `run` is the only place that calls it."""

    def __init__(self, model, threads, cache_gib):
        scheduler = openvino_genai.SchedulerConfig()
        scheduler.cache_size = cache_gib
        scheduler.dynamic_split_fuse = True
        scheduler.enable_prefix_caching = True
        properties = {"INFERENCE_NUM_THREADS": threads}
        self.pipeline = openvino_genai.ContinuousBatchingPipeline(model, scheduler, "CPU", properties)
        self.tokenizer = self.pipeline.get_tokenizer()
        self.model = os.path.basename(model)
        self.incoming = queue.SimpleQueue()
        self.active = []

    def run(self):
        requests = 0
        while True:
            while not self.active or not self.incoming.empty():
                answer = self.incoming.get()
                try:
                    answer.handle = self.pipeline.add_request(requests, answer.prompt, answer.config)
                    self.active.append(answer)
                except RuntimeError as e:
                    self.end(answer, str(e))
                requests += 1
            self.pipeline.step()
            for answer in list(self.active):
                try:
                    self.forward(answer)
                except OSError as e:
                    answer.handle.cancel()
                    self.end(answer, str(e))

    def forward(self, answer):
        """Sends what the last step has made for one request."""
        new = []
        while answer.handle.can_read():
            for output in answer.handle.read().values():
                new += output.generated_ids
                stops = output.finish_reason == openvino_genai.GenerationFinishReason.STOP
                answer.reason = "stop" if stops else "length"
        answer.ids += new
        over = answer.handle.get_status() != openvino_genai.GenerationStatus.RUNNING
        if answer.streams and (new or over):
            text = self.tokenizer.decode(new) if new else ""
            answer.send({"object": "text_completion", "model": self.model,
                         "choices": [{"index": 0, "text": text, "finish_reason": answer.reason if over else None}]})
        if over:
            self.end(answer, None)

    def end(self, answer, error):
        answer.error = error
        if answer in self.active:
            self.active.remove(answer)
        answer.done.set()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    engine = None  # set once by main

    def setup(self):
        super().setup()
        # A token must not wait for the one before it to be acknowledged.
        self.connection.setsockopt(6, 1, 1)  # IPPROTO_TCP, TCP_NODELAY

    def log_message(self, *_):
        pass

    def answer_json(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        if self.path == "/v1/models":
            self.answer_json(200, {"object": "list", "data": [{"id": self.engine.model, "object": "model"}]})
        elif self.path == "/health":
            self.answer_json(200, {})
        else:
            self.answer_json(404, {"error": {"message": f"path must be known: path={self.path}"}})

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path != "/v1/completions":
            self.answer_json(404, {"error": {"message": f"path must be known: path={self.path}"}})
            return
        try:
            answer = self.answer_of(json.loads(body))
        except (ValueError, KeyError, TypeError) as e:
            self.answer_json(400, {"error": {"message": f"request must be a completion: error={e}"}})
            return
        if answer.streams:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
        self.engine.incoming.put(answer)
        answer.done.wait()
        usage = {"prompt_tokens": answer.prompt.shape[1], "completion_tokens": len(answer.ids),
                 "total_tokens": answer.prompt.shape[1] + len(answer.ids)}
        if answer.streams:
            self.finish_stream(answer, usage)
        elif answer.error:
            self.answer_json(500, {"error": {"message": answer.error}})
        else:
            text = self.engine.tokenizer.decode(answer.ids)
            self.answer_json(200, {"object": "text_completion", "model": self.engine.model, "usage": usage,
                                   "choices": [{"index": 0, "text": text, "finish_reason": answer.reason}]})

    def finish_stream(self, answer, usage):
        try:
            if answer.error:
                answer.send({"error": {"message": answer.error}})
            else:
                answer.send({"object": "text_completion", "model": self.engine.model, "usage": usage, "choices": []})
            self.wfile.write(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")
        except OSError:
            self.close_connection = True

    def answer_of(self, body):
        config = openvino_genai.GenerationConfig()
        config.max_new_tokens = int(body.get("max_tokens", 16))
        config.ignore_eos = bool(body.get("ignore_eos", False))
        temperature = float(body.get("temperature", 1))
        config.do_sample = temperature > 0
        if config.do_sample:
            config.temperature = temperature
        prompt = body["prompt"]
        if isinstance(prompt, str):
            ids = self.engine.tokenizer.encode(prompt, add_special_tokens=False).input_ids
        else:
            ids = openvino.Tensor(numpy.array([prompt], dtype=numpy.int64))
        return Answer(self, ids, config, bool(body.get("stream", False)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="a GGUF file, or a folder as optimum-intel exports it")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cache-gib", type=int, default=2)
    options = parser.parse_args()
    Handler.engine = Engine(options.model, options.threads, options.cache_gib)
    # A pipeline that fails ends the process: nobody would answer any more.
    def engine_thread():
        try:
            Handler.engine.run()
        except BaseException as e:
            print(f"openvino_server: {e}", file=sys.stderr, flush=True)
            os._exit(1)

    threading.Thread(target=engine_thread, daemon=True).start()
    server = ThreadingHTTPServer((options.host, options.port), Handler)
    server.daemon_threads = True
    print(f"openvino_server: listening on http://{options.host}:{options.port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()

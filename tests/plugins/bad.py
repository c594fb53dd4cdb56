"""A plugin of type `KIND` that does `FAULT` when `CALL` is called; the three are put before this text.

It is named `bad-CALL-FAULT`, and its one metric `/bad/CALL/FAULT`, in lower case. The fault is done below the library, by an interceptor: any call can be broken.
"""
import os
import signal
import sys
import threading
import time

import grpc
import snap_plugin.v1 as snap

FLOOD = 256  # MiB
METRIC = ("bad", CALL.lower(), FAULT)


def hang(*_):
    time.sleep(3600)


def crash(*_):
    os.kill(os.getpid(), signal.SIGKILL)


REPLIES = {
    "rubbish": b"\xff" * 64,  # no field begins so
    "wrong-type": b"\x08\x01\x10\x01",  # fields 1 and 2 as numbers, which they never are
    "huge": b"\x0a\x80\x80\x80\x20" + b"x" * (64 << 20),
}


def flood():
    """Blocks while nobody reads it."""
    block = b"x" * 1023 + b"\n"
    for _ in range(FLOOD):
        for out in (sys.stdout.buffer, sys.stderr.buffer):
            out.write(block * 512)
            out.flush()


class Faulty(grpc.ServerInterceptor):
    def __init__(self):
        # It is pinged once when it starts, or it would not come to run.
        self.healthy_calls = 1 if CALL == "Ping" else 0

    def intercept_service(self, proceed, call):
        if call.method.rpartition("/")[2] != CALL:
            return proceed(call)
        self.healthy_calls -= 1
        if self.healthy_calls >= 0:
            return proceed(call)
        if FAULT == "flood":
            flood()
            return proceed(call)
        if FAULT == "flood-beside":
            threading.Thread(target=flood, daemon=True).start()
            return proceed(call)
        return broken(streams=CALL == "StreamMetrics")


def broken(streams):
    def answer(request, context):
        {"hang": hang, "crash": crash}.get(FAULT, bool)()
        return REPLIES[FAULT]

    def answers(requests, context):
        yield answer(requests, context)

    return grpc.stream_stream_rpc_method_handler(answers) if streams else grpc.unary_unary_rpc_method_handler(answer)


class Policy:
    def get_config_policy(self):
        return snap.ConfigPolicy()


class Source(Policy):
    def update_catalog(self, config):
        return [snap.Metric(namespace=METRIC)]


class BadCollector(Source, snap.Collector):
    def collect(self, metrics):
        return [snap.Metric(namespace=METRIC, timestamp=time.time(), data=1)]


class BadStreamer(Source, snap.StreamCollector):
    def stream(self, metrics):
        time.sleep(0.2)
        return [snap.Metric(namespace=METRIC, timestamp=time.time(), data=1)]


class BadProcessor(Policy, snap.Processor):
    def process(self, metrics, config):
        return metrics


class BadPublisher(Policy, snap.Publisher):
    def publish(self, metrics, config):
        pass


if __name__ == "__main__":
    make_server = grpc.server
    grpc.server = lambda pool: make_server(pool, interceptors=[Faulty()])
    kinds = {"collector": BadCollector, "processor": BadProcessor, "publisher": BadPublisher, "streaming-collector": BadStreamer}
    kinds[KIND]("-".join(METRIC), 1).start_plugin()

"""The twin of Snap's streaming example: random values of three types, five times a second."""
import random
import time

import snap_plugin.v1 as snap

VALUES = {"integer": lambda: random.randint(0, 1000), "float": random.random, "string": lambda: random.choice("abcdef")}


class RandStreamer(snap.StreamCollector):
    def stream(self, metrics):
        time.sleep(0.2)
        return [
            snap.Metric(namespace=("random", name), timestamp=time.time(), data=VALUES[name]())
            for name in (metric.namespace[1].value for metric in metrics)
        ]

    def update_catalog(self, config):
        return [snap.Metric(namespace=("random", name)) for name in VALUES]

    def get_config_policy(self):
        integer = [("testint", snap.IntegerRule(minimum=0, maximum=1000))]
        number = [("testfloat", snap.FloatRule(minimum=0.0, maximum=1000.0))]
        return snap.ConfigPolicy(
            [("random",), [("testbool", snap.BoolRule())]],
            [("random", "integer"), integer],
            [("random", "float"), number],
            [("random", "string"), [("teststring", snap.StringRule())]],
        )


if __name__ == "__main__":
    RandStreamer("test-rand-streamer", 1).start_plugin()

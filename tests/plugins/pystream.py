"""A streaming collector that counts, five times a second."""
import itertools
import time

import snap_plugin.v1 as snap


class PyStream(snap.StreamCollector):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.numbers = itertools.count()

    def stream(self, metrics):
        time.sleep(0.2)
        return [snap.Metric(namespace=("py", "stream", "n"), timestamp=time.time(), data=next(self.numbers))]

    def update_catalog(self, config):
        return [snap.Metric(namespace=("py", "stream", "n"), description="counter")]

    def get_config_policy(self):
        return snap.ConfigPolicy()


if __name__ == "__main__":
    PyStream("PyStream", 1).start_plugin()

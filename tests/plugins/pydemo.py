"""A collector with one metric of each type, a dynamic one, and one that wants a password.

Settings beyond its policy: `boom` makes collecting fail, `nap` makes it take so many seconds.
"""
import time

import snap_plugin.v1 as snap

SENSORS = ("s0", "s1", "s2")
# last element -> unit, description
METRICS = {
    "int": ("count", "demo int"),
    "float": ("ratio", "demo float"),
    "str": ("", "demo str"),
    "flag": ("", "demo flag"),
    "secret": ("", "needs password"),
}


class PyDemo(snap.Collector):
    def collect(self, metrics):
        config = metrics[0].config
        if config.get("nap"):
            time.sleep(config["nap"])
        if config.get("boom"):
            raise RuntimeError("asked to fail in collect")
        return [collected for wanted in metrics for collected in read(wanted)]

    def update_catalog(self, config):
        static = [
            snap.Metric(namespace=("py", "demo", name), unit=unit, description=description)
            for name, (unit, description) in METRICS.items()
        ]
        sensor = snap.NamespaceElement.dynamic_namespace_element("sensor", "sensor id")
        return static + [snap.Metric(namespace=("py", "demo", sensor, "temp"), unit="C", description="temperature")]

    def get_config_policy(self):
        general = [("scale", snap.IntegerRule(default=2, minimum=1, maximum=100)), ("name", snap.StringRule(default="bob"))]
        secret = [("password", snap.StringRule(required=True))]
        return snap.ConfigPolicy([("py", "demo"), general], [("py", "demo", "secret"), secret])


def read(wanted):
    """One metric, or one for each sensor when all are wanted."""
    sensor = wanted.namespace[2].value
    if len(wanted.namespace) < 4:
        return [made(wanted, value_of(sensor, wanted.config))]
    return [made(wanted, 21.5, name) for name in (SENSORS if sensor == "*" else (sensor,))]


def value_of(name, config):
    scale = config.get("scale", 2)
    return {
        "int": 21 * scale,
        "float": 0.5 * scale,
        "str": "hello " + config.get("name", "bob"),
        "flag": True,
        "secret": "the password has %d letters" % len(config.get("password", "")),
    }[name]


def made(wanted, value, sensor=None):
    elements = [
        snap.NamespaceElement(value=element.value, name=element.name, description=element.description)
        for element in (wanted.namespace[i] for i in range(len(wanted.namespace)))
    ]
    if sensor is not None:
        elements[2].value = sensor
    return snap.Metric(
        namespace=elements,
        version=wanted.version,
        tags=dict(wanted.tags),
        timestamp=time.time(),
        unit=wanted.unit,
        description=wanted.description,
        data=value,
    )


if __name__ == "__main__":
    PyDemo("PyDemo", 3, concurrency_count=2, cache_ttl=100_000_000).start_plugin()

"""The twin of Snap's mock collector for gRPC, whose names need other separators than `/`."""
import random
import time

import snap_plugin.v1 as snap

HOST = snap.NamespaceElement.dynamic_namespace_element("host", "name of the host")
NAMESPACES = (
    ("intel", "mock", "/foo=㊽"),
    ("intel", "mock", "/bar⽔"),
    ("intel", "mock", HOST, "/baz⽔"),
    ("intel", "mock", HOST, "baz㊽", "/bar⽔"),
    ("intel", "mock", HOST, "baz㊽", "|barᵹÄ☍"),
)


class Mock(snap.Collector):
    def collect(self, metrics):
        return [collected for wanted in metrics for collected in read(wanted)]

    def update_catalog(self, config):
        return [snap.Metric(namespace=ns, unit="mock unit", description="mock description") for ns in NAMESPACES]

    def get_config_policy(self):
        return snap.ConfigPolicy([NAMESPACES[0], [("password", snap.StringRule(required=True))]])


def read(wanted):
    """One metric, or one for each of ten hosts when all are wanted."""
    values = [wanted.namespace[i].value for i in range(len(wanted.namespace))]
    if len(values) == 3:
        return [made(values, wanted, "The mock collected data!")]
    hosts = ["host%d" % i for i in range(10)] if values[2] == "*" else [values[2]]
    return [made(values[:2] + [snap.NamespaceElement(name="host", value=host)] + values[3:], wanted, random.randint(65, 89)) for host in hosts]


def made(namespace, wanted, value):
    return snap.Metric(namespace=namespace, version=wanted.version, timestamp=time.time(), unit="mock unit", data=value)


if __name__ == "__main__":
    Mock("mock-grpc", 1).start_plugin()

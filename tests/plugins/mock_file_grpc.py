"""The twin of Snap's file publisher for gRPC: appends time, namespace, value and tags of each metric to `file`."""
import snap_plugin.v1 as snap


class MockFile(snap.Publisher):
    def publish(self, metrics, config):
        with open(config["file"], "a") as f:
            for metric in metrics:
                tags = "; ".join("%s:%s" % tag for tag in metric.tags.items())
                f.write("%s|%s|%s|tags[%s]\n" % (metric.timestamp, metric.namespace, metric.data, tags))

    def get_config_policy(self):
        return snap.ConfigPolicy([None, [("file", snap.StringRule(required=True))]])


if __name__ == "__main__":
    MockFile("mock-file-grpc", 1).start_plugin()

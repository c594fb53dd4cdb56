"""A publisher that appends a line for each metric to `file`: namespace, value, tags in order."""
import json

import snap_plugin.v1 as snap


class PyFile(snap.Publisher):
    def publish(self, metrics, config):
        with open(config["file"], "a") as f:
            for metric in metrics:
                f.write("%s %s %s\n" % (metric.namespace, json.dumps(metric.data), json.dumps(dict(metric.tags), sort_keys=True)))

    def get_config_policy(self):
        return snap.ConfigPolicy([None, [("file", snap.StringRule(required=True))]])


if __name__ == "__main__":
    PyFile("PyFile", 1).start_plugin()

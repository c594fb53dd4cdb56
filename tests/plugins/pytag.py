"""A processor that doubles numbers and tags everything with what `label` says; `strict` makes it refuse texts."""
import snap_plugin.v1 as snap


class PyTag(snap.Processor):
    def process(self, metrics, config):
        for metric in metrics:
            if isinstance(metric.data, (int, float)) and not isinstance(metric.data, bool):
                metric.data = metric.data * 2
            elif config.get("strict"):
                raise ValueError("not a number: %s" % metric.namespace)
            metric.tags["seen"] = config["label"]
        return metrics

    def get_config_policy(self):
        return snap.ConfigPolicy([None, [("label", snap.StringRule(default="x")), ("strict", snap.BoolRule())]])


if __name__ == "__main__":
    PyTag("PyTag", 1).start_plugin()

"""The twin of Snap's pass-through processor for gRPC: gives back what it gets."""
import snap_plugin.v1 as snap


class Passthru(snap.Processor):
    def process(self, metrics, config):
        return metrics

    def get_config_policy(self):
        return snap.ConfigPolicy([None, [("debug", snap.BoolRule())]])


if __name__ == "__main__":
    Passthru("passthru-grpc", 1).start_plugin()

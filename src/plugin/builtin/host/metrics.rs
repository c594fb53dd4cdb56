//! PURE. Which metrics there are, what they mean, and their values in a snapshot: one table a group.

use std::sync::Arc;

use crate::{
    base::TimestampNs,
    workflow::{Data, Element, Metric, Namespace, Tags},
};

use super::groups::{Cpu, Disk, Interface, Load, Memory, Processes, Snapshot, Swap, System};

const BYTES: &str = "B";
const PERCENT: &str = "%";
const SECONDS: &str = "s";
const COUNT: &str = "";

/// Metrics of one kind of thing.
struct Group<T: 'static> {
    /// The element after `/host`.
    name: &'static str,
    /// The name and meaning of the element that tells things of the kind apart, if there can be several.
    dynamic: Option<(&'static str, &'static str)>,
    metrics: &'static [Definition<T>],
}

/// A metric: last element, unit, meaning, value.
struct Definition<T>(&'static str, &'static str, &'static str, fn(&T) -> Data);

const CPU: Group<Cpu> = Group {
    name: "cpu",
    dynamic: Some(("core", "number of the core, or total")),
    metrics: &[Definition(
        "usage",
        PERCENT,
        "time in use since the last sample",
        |cpu| Data::Float64(cpu.usage),
    )],
};

const MEMORY: Group<Memory> = Group {
    name: "memory",
    dynamic: None,
    metrics: &[
        Definition("total", BYTES, "memory of the machine", |memory| {
            Data::Uint64(memory.total)
        }),
        Definition("used", BYTES, "memory in use", |memory| Data::Uint64(memory.used)),
        Definition("free", BYTES, "memory used for nothing, not even caches", |memory| {
            Data::Uint64(memory.free)
        }),
        Definition("available", BYTES, "memory that programs can still get", |memory| {
            Data::Uint64(memory.available)
        }),
        Definition("used_percent", PERCENT, "share of the memory in use", |memory| {
            Data::Float64(percent(memory.used, memory.total))
        }),
    ],
};

const SWAP: Group<Swap> = Group {
    name: "swap",
    dynamic: None,
    metrics: &[
        Definition("total", BYTES, "swap space of the machine", |swap| {
            Data::Uint64(swap.total)
        }),
        Definition("used", BYTES, "swap space in use", |swap| Data::Uint64(swap.used)),
        Definition("free", BYTES, "swap space not in use", |swap| Data::Uint64(swap.free)),
    ],
};

const DISK: Group<Disk> = Group {
    name: "disk",
    dynamic: Some(("mount", "where the file system is mounted")),
    metrics: &[
        Definition("total", BYTES, "size of the file system", |disk| {
            Data::Uint64(disk.total)
        }),
        Definition("used", BYTES, "space in use or reserved", |disk| {
            Data::Uint64(disk.used())
        }),
        Definition("available", BYTES, "space that users can still fill", |disk| {
            Data::Uint64(disk.available)
        }),
        Definition("used_percent", PERCENT, "share of the space in use", |disk| {
            Data::Float64(percent(disk.used(), disk.total))
        }),
        Definition("read_bytes", BYTES, "read from the device since it came up", |disk| {
            Data::Uint64(disk.read)
        }),
        Definition(
            "written_bytes",
            BYTES,
            "written to the device since it came up",
            |disk| Data::Uint64(disk.written),
        ),
    ],
};

const NETWORK: Group<Interface> = Group {
    name: "network",
    dynamic: Some(("interface", "name of the network interface")),
    metrics: &[
        Definition("received_bytes", BYTES, "received since it came up", |it| {
            Data::Uint64(it.received.bytes)
        }),
        Definition("received_packets", COUNT, "packets received since it came up", |it| {
            Data::Uint64(it.received.packets)
        }),
        Definition(
            "receive_errors",
            COUNT,
            "packets lost on the way in since it came up",
            |it| Data::Uint64(it.received.errors),
        ),
        Definition("transmitted_bytes", BYTES, "transmitted since it came up", |it| {
            Data::Uint64(it.transmitted.bytes)
        }),
        Definition(
            "transmitted_packets",
            COUNT,
            "packets transmitted since it came up",
            |it| Data::Uint64(it.transmitted.packets),
        ),
        Definition(
            "transmit_errors",
            COUNT,
            "packets lost on the way out since it came up",
            |it| Data::Uint64(it.transmitted.errors),
        ),
    ],
};

const LOAD: Group<Load> = Group {
    name: "load",
    dynamic: None,
    metrics: &[
        Definition(
            "load1",
            COUNT,
            "processes that ran or wanted to, mean of 1 minute",
            |load| Data::Float64(load.one),
        ),
        Definition(
            "load5",
            COUNT,
            "processes that ran or wanted to, mean of 5 minutes",
            |load| Data::Float64(load.five),
        ),
        Definition(
            "load15",
            COUNT,
            "processes that ran or wanted to, mean of 15 minutes",
            |load| Data::Float64(load.fifteen),
        ),
    ],
};

const PROCESSES: Group<Processes> = Group {
    name: "processes",
    dynamic: None,
    metrics: &[
        Definition("total", COUNT, "processes", |processes| Data::Uint64(processes.total)),
        Definition("running", COUNT, "processes that run or could", |processes| {
            Data::Uint64(processes.running)
        }),
        Definition("sleeping", COUNT, "processes that wait", |processes| {
            Data::Uint64(processes.sleeping)
        }),
        Definition(
            "blocked",
            COUNT,
            "processes that wait and cannot be interrupted",
            |processes| Data::Uint64(processes.blocked),
        ),
        Definition("idle", COUNT, "idle threads of the kernel", |processes| {
            Data::Uint64(processes.idle)
        }),
        Definition(
            "stopped",
            COUNT,
            "processes stopped by a signal or a debugger",
            |processes| Data::Uint64(processes.stopped),
        ),
        Definition(
            "zombies",
            COUNT,
            "processes that ended and were not waited for",
            |processes| Data::Uint64(processes.zombies),
        ),
    ],
};

const SYSTEM: Group<System> = Group {
    name: "system",
    dynamic: None,
    metrics: &[
        Definition("uptime", SECONDS, "time since the machine started", |system| {
            Data::Uint64(system.uptime)
        }),
        Definition("cores", COUNT, "cores that programs can run on", |system| {
            Data::Uint64(system.cores)
        }),
    ],
};

/// Every metric, as it is advertised.
pub(super) fn catalogue() -> Vec<Metric> {
    let mut metrics = Vec::new();
    CPU.advertise(&mut metrics);
    MEMORY.advertise(&mut metrics);
    SWAP.advertise(&mut metrics);
    DISK.advertise(&mut metrics);
    NETWORK.advertise(&mut metrics);
    LOAD.advertise(&mut metrics);
    PROCESSES.advertise(&mut metrics);
    SYSTEM.advertise(&mut metrics);
    metrics
}

/// Every metric of everything that was seen at `now`.
pub(super) fn of(snapshot: &Snapshot, now: TimestampNs) -> Vec<Metric> {
    let mut metrics = Vec::new();
    for cpu in &snapshot.cpus {
        CPU.read(cpu, &cpu.core, Tags::new(), now, &mut metrics);
    }
    MEMORY.read(&snapshot.memory, "", Tags::new(), now, &mut metrics);
    SWAP.read(&snapshot.swap, "", Tags::new(), now, &mut metrics);
    for disk in &snapshot.disks {
        DISK.read(disk, &disk.mount, disk.tags(), now, &mut metrics);
    }
    for interface in &snapshot.interfaces {
        NETWORK.read(interface, &interface.name, Tags::new(), now, &mut metrics);
    }
    LOAD.read(&snapshot.load, "", Tags::new(), now, &mut metrics);
    PROCESSES.read(&snapshot.processes, "", Tags::new(), now, &mut metrics);
    SYSTEM.read(&snapshot.system, "", Tags::new(), now, &mut metrics);
    metrics
}

impl<T> Group<T> {
    fn advertise(&self, metrics: &mut Vec<Metric>) {
        metrics.extend(self.metrics.iter().map(|definition| self.metric(definition, "*")));
    }

    /// Reads all metrics of one thing; `which` is the value of its dynamic element.
    fn read(&self, thing: &T, which: &str, tags: Tags, now: TimestampNs, metrics: &mut Vec<Metric>) {
        let tags = Arc::new(tags);
        metrics.extend(self.metrics.iter().map(|definition| Metric {
            data: (definition.3)(thing),
            tags: Arc::clone(&tags),
            timestamp: Some(now),
            ..self.metric(definition, which)
        }));
    }

    fn metric(&self, definition: &Definition<T>, which: &str) -> Metric {
        let dynamic = self.dynamic.map(|(name, meaning)| Element {
            value: which.to_owned(),
            ..Element::dynamic(name, meaning)
        });
        let first = ["host", self.name].map(Element::new).into_iter();
        let namespace: Namespace = first.chain(dynamic).chain([Element::new(definition.0)]).collect();
        Metric {
            unit: definition.1.into(),
            description: definition.2.into(),
            ..Metric::new(namespace, super::V1.version)
        }
    }
}

impl Disk {
    fn used(&self) -> u64 {
        self.total.saturating_sub(self.available)
    }

    fn tags(&self) -> Tags {
        let tags = [("device", &self.device), ("fstype", &self.file_system)];
        tags.map(|(key, value)| (key.to_owned(), value.clone()))
            .into_iter()
            .collect()
    }
}

#[expect(clippy::cast_precision_loss, reason = "a percentage needs few digits")]
fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 * 100.0 / whole as f64
    }
}

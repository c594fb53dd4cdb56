//! PURE. A machine at one moment, as numbers; bytes, percents and seconds unless said otherwise.

/// What was seen of the machine.
#[derive(Debug, Clone, Default)]
pub(super) struct Snapshot {
    pub(super) cpus: Vec<Cpu>,
    pub(super) memory: Memory,
    pub(super) swap: Swap,
    pub(super) disks: Vec<Disk>,
    pub(super) interfaces: Vec<Interface>,
    pub(super) load: Load,
    pub(super) processes: Processes,
    pub(super) system: System,
}

/// A core, or all together.
#[derive(Debug, Clone)]
pub(super) struct Cpu {
    /// Its number, or `total`.
    pub(super) core: String,
    pub(super) usage: f64,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Memory {
    pub(super) total: u64,
    pub(super) used: u64,
    pub(super) free: u64,
    pub(super) available: u64,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Swap {
    pub(super) total: u64,
    pub(super) used: u64,
    pub(super) free: u64,
}

/// A mounted file system.
#[derive(Debug, Clone)]
pub(super) struct Disk {
    pub(super) mount: String,
    pub(super) device: String,
    pub(super) file_system: String,
    pub(super) total: u64,
    pub(super) available: u64,
    pub(super) read: u64,
    pub(super) written: u64,
}

/// A network interface; counts since it came up.
#[derive(Debug, Clone)]
pub(super) struct Interface {
    pub(super) name: String,
    pub(super) received: Traffic,
    pub(super) transmitted: Traffic,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Traffic {
    pub(super) bytes: u64,
    pub(super) packets: u64,
    pub(super) errors: u64,
}

/// Average numbers of processes that ran or wanted to.
#[derive(Debug, Clone, Default)]
pub(super) struct Load {
    pub(super) one: f64,
    pub(super) five: f64,
    pub(super) fifteen: f64,
}

/// Numbers of processes by what they do.
#[derive(Debug, Clone, Default)]
pub(super) struct Processes {
    pub(super) total: u64,
    pub(super) running: u64,
    pub(super) sleeping: u64,
    pub(super) blocked: u64,
    pub(super) idle: u64,
    pub(super) stopped: u64,
    pub(super) zombies: u64,
}

#[derive(Debug, Clone, Default)]
pub(super) struct System {
    pub(super) uptime: u64,
    /// How many.
    pub(super) cores: u64,
}

//! Reads the machine through sysinfo. Blocks.

use std::ffi::OsString;

use sysinfo::{Disks, Networks, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate};

use super::groups::{Cpu, Disk, Interface, Load, Memory, Processes, Snapshot, Swap, System, Traffic};

/// What is kept from sample to sample: usage is a difference of two.
pub(super) struct Probe {
    system: sysinfo::System,
    disks: Disks,
    networks: Networks,
}

impl Probe {
    /// Takes the first look at the processors; a sample makes sense [`sysinfo::MINIMUM_CPU_UPDATE_INTERVAL`] later.
    pub(super) fn new() -> Result<Self, String> {
        let unable = |error: sysinfo::Error| error.to_string();
        let mut system = sysinfo::System::new().map_err(unable)?;
        system.refresh_cpu_usage();
        Ok(Self {
            system,
            disks: Disks::new().map_err(unable)?,
            networks: Networks::new().map_err(unable)?,
        })
    }

    /// Looks at everything.
    pub(super) fn look(&mut self) -> Snapshot {
        self.system.refresh_cpu_usage();
        self.system.refresh_memory();
        let processes = ProcessRefreshKind::nothing().without_tasks();
        self.system
            .refresh_processes_specifics(ProcessesToUpdate::All, true, processes);
        self.disks.refresh(true);
        self.networks.refresh(true);
        Snapshot {
            cpus: self.cpus(),
            memory: Memory {
                total: self.system.total_memory(),
                used: self.system.used_memory(),
                free: self.system.free_memory(),
                available: self.system.available_memory(),
            },
            swap: Swap {
                total: self.system.total_swap(),
                used: self.system.used_swap(),
                free: self.system.free_swap(),
            },
            disks: self.disks(),
            interfaces: self.interfaces(),
            load: load(),
            processes: self.processes(),
            system: System {
                uptime: sysinfo::System::uptime().unwrap_or_default(),
                cores: self.system.cpus().len() as u64,
            },
        }
    }

    fn cpus(&self) -> Vec<Cpu> {
        let cores = self.system.cpus().iter().enumerate();
        let cores = cores.map(|(at, cpu)| (at.to_string(), cpu.usage()));
        let all = cores.chain([("total".to_owned(), self.system.global_cpu_usage())]);
        all.map(|(core, usage)| Cpu {
            core,
            usage: usage.into(),
        })
        .collect()
    }

    /// A file system that is mounted several times in one place is the one on top.
    fn disks(&self) -> Vec<Disk> {
        let mut disks: Vec<Disk> = Vec::new();
        for disk in &self.disks {
            let usage = disk.usage();
            let mount = disk.mount_point().to_string_lossy().into_owned();
            disks.retain(|below| below.mount != mount);
            disks.push(Disk {
                mount,
                device: disk.name().to_string_lossy().into_owned(),
                file_system: disk.file_system().to_string_lossy().into_owned(),
                total: disk.total_space(),
                available: disk.available_space(),
                read: usage.total_read_bytes,
                written: usage.total_written_bytes,
            });
        }
        disks
    }

    fn interfaces(&self) -> Vec<Interface> {
        let interface = |(name, seen): (&OsString, &sysinfo::NetworkData)| Interface {
            name: name.to_string_lossy().into_owned(),
            received: Traffic {
                bytes: seen.total_received(),
                packets: seen.total_packets_received(),
                errors: seen.total_errors_on_received(),
            },
            transmitted: Traffic {
                bytes: seen.total_transmitted(),
                packets: seen.total_packets_transmitted(),
                errors: seen.total_errors_on_transmitted(),
            },
        };
        self.networks.iter().map(interface).collect()
    }

    fn processes(&self) -> Processes {
        let mut counted = Processes::default();
        for process in self.system.processes().values() {
            counted.total += 1;
            let state = match process.status() {
                ProcessStatus::Run => &mut counted.running,
                ProcessStatus::Sleep => &mut counted.sleeping,
                ProcessStatus::UninterruptibleDiskSleep => &mut counted.blocked,
                ProcessStatus::Idle => &mut counted.idle,
                ProcessStatus::Stop | ProcessStatus::Tracing => &mut counted.stopped,
                ProcessStatus::Zombie => &mut counted.zombies,
                // Rare, short-lived, or unknown to most systems.
                _ => continue,
            };
            *state += 1;
        }
        counted
    }
}

fn load() -> Load {
    let average = sysinfo::System::load_average();
    average.map_or_else(
        |_| Load::default(),
        |average| Load {
            one: average.one,
            five: average.five,
            fifteen: average.fifteen,
        },
    )
}

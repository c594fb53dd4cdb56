//! Child processes that cannot outlive their test: killed with their whole group on drop, and by the kernel when the
//! test process itself dies. Their output goes to a file, whose end is printed when the test fails.

use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{LazyLock, mpsc},
    thread,
    time::Duration,
};

use super::wait;

/// Lines of the log that a failed test prints.
const TAIL_LINES: usize = 40;

/// Ticks per second in `/proc/PID/stat`: fixed by the Linux ABI on every common architecture.
const TICKS_PER_SECOND: f64 = 100.0;

/// What can be sent to a process and its group.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Signal {
    /// Dies at once.
    Kill,
    /// Stands still; its sockets stay open.
    Stop,
    /// Goes on after [`Signal::Stop`].
    Continue,
    /// Is asked to end.
    Terminate,
}

/// A running child, or one that has ended and not been started again.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Child,
    log: PathBuf,
    killed: bool,
}

impl Process {
    /// Starts `command` as leader of a new process group; stdout and stderr are appended to `log`.
    ///
    /// # Panics
    /// When it cannot be started.
    pub(crate) fn start(name: &str, command: &Command, log: &Path) -> Self {
        let output = File::options()
            .create(true)
            .append(true)
            .open(log)
            .expect("the log file is writable");
        let errors = output.try_clone().expect("a file handle can be duplicated");
        let mut guarded = bound_to_parent(command);
        guarded
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors);
        let child = spawn_on_lasting_thread(guarded).unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
        Self {
            name: name.to_owned(),
            child,
            log: log.to_owned(),
            killed: false,
        }
    }

    /// The process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal to the whole group.
    ///
    /// # Panics
    /// When no process of the group is left.
    #[track_caller]
    pub(crate) fn signal(&self, signal: Signal) {
        assert!(self.send(signal), "cannot send {signal:?} to {}", self.name);
    }

    /// `kill -9` for the whole group, and waits until the process is gone. Does nothing if it is.
    pub(crate) fn kill9(&mut self) {
        if self.killed {
            return; // its number may belong to somebody else by now
        }
        self.killed = true;
        let sent = self.send(Signal::Kill);
        assert!(sent || self.exit_status().is_some(), "cannot kill {}", self.name);
        self.child
            .wait()
            .expect("the child has not been waited for by anyone else");
    }

    /// SIGTERM, and waits for the end.
    ///
    /// # Panics
    /// When the process still runs after `within`.
    #[track_caller]
    pub(crate) fn terminate(&mut self, within: Duration) -> ExitStatus {
        self.signal(Signal::Terminate);
        let what = format!("{} ends after SIGTERM", self.name);
        wait::until(&what, within, || self.exit_status())
    }

    /// How the process ended; `None` while it runs.
    pub(crate) fn exit_status(&mut self) -> Option<ExitStatus> {
        self.child
            .try_wait()
            .expect("the child has not been waited for by anyone else")
    }

    /// Everything that it and its predecessors with the same log have printed.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// The whole lines printed since `offset` bytes, at which the next ones begin afterwards.
    pub(crate) fn log_since(&self, offset: &mut u64) -> String {
        let mut bytes = Vec::new();
        let mut file = File::open(&self.log).expect("the log is there since the start");
        let read = file
            .seek(SeekFrom::Start(*offset))
            .and_then(|_| file.read_to_end(&mut bytes));
        read.expect("the log is readable");
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        *offset += whole as u64;
        String::from_utf8_lossy(&bytes[..whole]).into_owned()
    }

    /// User and system time used since it started, in seconds.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.id())).unwrap_or_default();
        // utime and stime are fields 14 and 15; the name in field 2 may hold spaces, so count after its parenthesis.
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        let ticks = after_name
            .split_whitespace()
            .skip(11)
            .take(2)
            .filter_map(|field| field.parse::<f64>().ok());
        ticks.sum::<f64>() / TICKS_PER_SECOND
    }

    /// Resident memory now, in bytes.
    pub(crate) fn resident_bytes(&self) -> u64 {
        self.status_bytes("VmRSS:")
    }

    /// The most memory that was ever resident, in bytes.
    pub(crate) fn peak_bytes(&self) -> u64 {
        self.status_bytes("VmHWM:")
    }

    /// Whether the group still had a process to send it to.
    fn send(&self, signal: Signal) -> bool {
        let name = match signal {
            Signal::Kill => "KILL",
            Signal::Stop => "STOP",
            Signal::Continue => "CONT",
            Signal::Terminate => "TERM",
        };
        let script = format!("kill -s {name} -- -{}", self.id());
        let shell = Command::new("sh").args(["-c", &script]).stderr(Stdio::null()).status();
        shell.expect("a POSIX shell is installed").success()
    }

    fn status_bytes(&self, key: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap_or_default();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(key))
            .unwrap_or_default();
        line.split_whitespace()
            .next()
            .and_then(|kib| kib.parse::<u64>().ok())
            .map_or(0, |kib| kib * 1024)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill9();
        let log = self.log();
        if thread::panicking() && !log.is_empty() {
            let lines: Vec<&str> = log.lines().collect();
            let tail = lines
                .iter()
                .skip(lines.len().saturating_sub(TAIL_LINES))
                .copied()
                .collect::<Vec<_>>()
                .join("\n");
            eprintln!("--- end of the log of {} ---\n{tail}", self.name);
        }
    }
}

/// The same command under `setpriv`, which has the kernel kill it when the thread that started it ends.
fn bound_to_parent(command: &Command) -> Command {
    let mut guarded = Command::new("setpriv");
    guarded
        .args(["--pdeathsig", "KILL", "--"])
        .arg(command.get_program())
        .args(command.get_args());
    for (key, value) in command.get_envs() {
        match value {
            Some(value) => guarded.env(key, value),
            None => guarded.env_remove(key),
        };
    }
    if let Some(dir) = command.get_current_dir() {
        guarded.current_dir(dir);
    }
    guarded
}

type Order = (Command, mpsc::Sender<std::io::Result<Child>>);

/// The parent-death signal comes with the end of the starting *thread*, and test threads end before the process.
static SPAWNER: LazyLock<mpsc::Sender<Order>> = LazyLock::new(|| {
    let (orders, inbox) = mpsc::channel::<Order>();
    thread::spawn(move || {
        for (mut command, answer) in inbox {
            answer
                .send(command.spawn())
                .expect("the one who ordered waits for the answer");
        }
    });
    orders
});

fn spawn_on_lasting_thread(command: Command) -> std::io::Result<Child> {
    let (answer, child) = mpsc::channel();
    SPAWNER
        .send((command, answer))
        .expect("the spawner lives as long as the process");
    child.recv().expect("the spawner answers every order")
}

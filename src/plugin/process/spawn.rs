//! Spawning, from one thread that lives as long as Gyre: on Linux a child is killed when the *thread* that spawned it
//! ends, and threads of pools come and go.

use std::{
    io,
    sync::{LazyLock, mpsc},
    time::Duration,
};

use tokio::{
    process::{Child, Command},
    runtime::Handle,
    sync::oneshot,
};

/// While a file was being written, another thread may have forked: the file is busy until that child has become its
/// program. Together about a second.
const BUSY_RETRIES: u32 = 50;
const BUSY_WAIT: Duration = Duration::from_millis(20);

struct Job {
    command: Command,
    /// Where the child is waited for.
    runtime: Handle,
    reply: oneshot::Sender<(Command, io::Result<Child>)>,
}

static SPAWNER: LazyLock<io::Result<mpsc::Sender<Job>>> = LazyLock::new(|| {
    let (sender, jobs) = mpsc::channel::<Job>();
    let run = move || {
        for job in jobs {
            spawn_one(job);
        }
    };
    std::thread::Builder::new()
        .name("plugin-spawner".to_owned())
        .spawn(run)?;
    Ok(sender)
});

/// Spawns a child, which the current runtime waits for.
///
/// # Errors
/// When it cannot be spawned, or its file not be executed.
pub(super) async fn spawn(mut command: Command) -> io::Result<Child> {
    let mut retries = 0..BUSY_RETRIES;
    loop {
        let (used, result) = ask_spawner(command).await?;
        let is_busy = matches!(&result, Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy);
        if !is_busy || retries.next().is_none() {
            return result;
        }
        command = used;
        tokio::time::sleep(BUSY_WAIT).await;
    }
}

async fn ask_spawner(command: Command) -> io::Result<(Command, io::Result<Child>)> {
    let spawner = SPAWNER.as_ref().map_err(|error| io::Error::from(error.kind()))?;
    let (reply, spawned) = oneshot::channel();
    let job = Job {
        command,
        runtime: Handle::current(),
        reply,
    };
    let gone = || io::Error::other("the thread that spawns plugins is gone");
    spawner.send(job).map_err(|_| gone())?;
    spawned.await.map_err(|_| gone())
}

fn spawn_one(mut job: Job) {
    let _in_its_runtime = job.runtime.enter();
    let child = job.command.kill_on_drop(true).spawn();
    // Whoever asked may have given up; the child is then killed by being dropped.
    let _heard = job.reply.send((job.command, child));
}

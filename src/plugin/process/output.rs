//! What a plugin prints: its first line is the handshake, all else goes to the log.
//!
//! It is read for ever, because a plugin whose pipe is full stands still. It is read in pieces of a fixed size, no
//! faster than [`BYTES_PER_SECOND`] and logged no faster than [`LINES_PER_SECOND`]: a flood holds no memory, costs next
//! to no time, and slows only the plugin that makes it.

mod lines;

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt},
    sync::oneshot,
    time::{Instant, sleep_until},
};

use lines::{Lines, Wanted};

/// The longest first line; as much as Go's line scanner takes.
const FIRST_LINE_MAX: usize = 64 << 10;
const PIECE: usize = 16 << 10;
const WINDOW: Duration = Duration::from_secs(1);
const BYTES_PER_SECOND: usize = 1 << 20;
const LINES_PER_SECOND: u32 = 100;

/// The first line of a plugin, without its end; or it is longer than is read.
pub(super) type FirstLine = Result<Vec<u8>, TooLong>;

/// The first line is longer than 64 KiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooLong;

/// Whose output it is.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// The plugin's file.
    pub(super) plugin: Arc<str>,
    /// Its process.
    pub(super) pid: u32,
    /// `stdout` or `stderr`.
    pub(super) stream: &'static str,
}

/// The last line that a plugin printed to its standard error: often why it ended. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct LastWords(Arc<Mutex<String>>);

impl LastWords {
    pub(super) fn get(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, line: &str) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        line.clone_into(&mut last);
    }
}

/// Reads a plugin's standard output to its end. Nothing is sent when it ends before there is a first line.
pub(super) async fn read_stdout(
    mut pipe: impl AsyncRead + Unpin,
    source: Source,
    first: oneshot::Sender<FirstLine>,
) -> io::Result<()> {
    let mut start = Vec::with_capacity(PIECE);
    let end = loop {
        if let Some(end) = memchr::memchr(b'\n', &start) {
            break Some(end);
        }
        if start.len() >= FIRST_LINE_MAX {
            // Whoever asked may have given up.
            let _heard = first.send(Err(TooLong));
            return log(pipe, source, &[], |_| {}).await;
        }
        let room = FIRST_LINE_MAX - start.len();
        if (&mut pipe).take(room.min(PIECE) as u64).read_buf(&mut start).await? == 0 {
            break None;
        }
    };
    let line = start.get(..end.unwrap_or(start.len())).unwrap_or_default();
    if end.is_some() || !line.is_empty() {
        let line = line.strip_suffix(b"\r").unwrap_or(line).to_vec();
        let _heard = first.send(Ok(line));
    }
    let rest = end.and_then(|end| start.get(end + 1..)).unwrap_or_default().to_vec();
    drop(start);
    log(pipe, source, &rest, |_| {}).await
}

/// Reads a plugin's standard error to its end.
pub(super) async fn read_stderr(pipe: impl AsyncRead + Unpin, source: Source, last: LastWords) -> io::Result<()> {
    log(pipe, source, &[], |line| last.set(line)).await
}

async fn log(
    mut pipe: impl AsyncRead + Unpin,
    source: Source,
    already: &[u8],
    mut each: impl FnMut(&str),
) -> io::Result<()> {
    let mut lines = Lines::default();
    let mut piece = vec![0; PIECE];
    let mut window = Window::open();
    let mut take = |bytes: &[u8], window: &mut Window| {
        if window.lines == 0 {
            window.left_out += bytes.len();
            return lines.skip(bytes);
        }
        window.left_out += lines.push(bytes, |line| {
            each(line);
            let Source { plugin, pid, stream } = &source;
            tracing::debug!(%plugin, pid, stream, line, "plugin");
            window.lines -= 1;
            if window.lines > 0 { Wanted::Yes } else { Wanted::No }
        });
    };
    take(already, &mut window);
    loop {
        let read = pipe.read(&mut piece).await?;
        window.renew(&source);
        take(piece.get(..read).unwrap_or_default(), &mut window);
        if read == 0 {
            // What the last line lacks is its end.
            take(b"\n", &mut window);
            return Ok(());
        }
        window.spend(read).await;
    }
}

/// What may be read and logged until a second is over.
struct Window {
    end: Instant,
    bytes: usize,
    lines: u32,
    left_out: usize,
}

impl Window {
    fn open() -> Self {
        Self {
            end: Instant::now() + WINDOW,
            bytes: BYTES_PER_SECOND,
            lines: LINES_PER_SECOND,
            left_out: 0,
        }
    }

    /// Opens the next one if this one is over.
    fn renew(&mut self, source: &Source) {
        if Instant::now() < self.end {
            return;
        }
        if self.left_out > 0 {
            let Source { plugin, pid, stream } = source;
            tracing::debug!(%plugin, pid, stream, bytes = self.left_out, "plugin prints too much: left out");
        }
        *self = Self::open();
    }

    /// Waits for the next window when all was read that may be in this one.
    async fn spend(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_sub(bytes);
        if self.bytes == 0 {
            sleep_until(self.end).await;
        }
    }
}

#[cfg(test)]
mod tests;

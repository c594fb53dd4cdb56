//! From a thread that writes to a client that takes what it can.

use std::{
    io::{self, Write},
    time::Duration,
};

use bytes::Bytes;
use tokio::{runtime::Handle, sync::mpsc};

/// Sent at once.
const PIECE_BYTES: usize = 256 << 10;
/// Pieces under way: enough that disk and network work at the same time.
const PIECES: usize = 4;
/// A client that takes nothing for so long has left: files are pinned for it.
const PATIENCE: Duration = Duration::from_secs(60);

/// The writing end; for a thread that may block.
#[derive(Debug)]
pub(super) struct Pipe {
    pieces: mpsc::Sender<io::Result<Bytes>>,
    buffer: Vec<u8>,
    runtime: Handle,
}

impl Pipe {
    /// A pipe; `runtime` measures the client's time.
    pub(super) fn new(runtime: Handle) -> (Self, mpsc::Receiver<io::Result<Bytes>>) {
        let (pieces, receiver) = mpsc::channel(PIECES);
        let pipe = Self {
            pieces,
            buffer: Vec::new(),
            runtime,
        };
        (pipe, receiver)
    }

    /// Ends what was written with an error, if somebody is still there.
    pub(super) fn fail(&mut self, error: io::Error) {
        // What cannot be told is seen: the archive has no end.
        let _told = self.send(Err(error));
    }

    fn send(&self, piece: io::Result<Bytes>) -> io::Result<()> {
        let sent = self.runtime.block_on(self.pieces.send_timeout(piece, PATIENCE));
        sent.map_err(|_| io::Error::new(io::ErrorKind::BrokenPipe, "the client has left"))
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= PIECE_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let piece = std::mem::take(&mut self.buffer);
        self.send(Ok(piece.into()))
    }
}

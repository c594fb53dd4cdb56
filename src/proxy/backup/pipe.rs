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

#[cfg(test)]
mod tests {
    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap()
    }

    #[test]
    fn everything_arrives_in_order() {
        let runtime = runtime();
        let (mut pipe, mut pieces) = Pipe::new(runtime.handle().clone());
        let sent: Vec<u8> = (0..3 * PIECE_BYTES + 1)
            .map(|at| u8::try_from(at % 251).unwrap())
            .collect();
        let expect = sent.clone();
        let sender = std::thread::spawn(move || {
            sent.chunks(1000).for_each(|some| pipe.write_all(some).unwrap());
            pipe.flush().unwrap();
            pipe.fail(io::Error::other("no more"));
        });
        let mut received = Vec::new();
        let end = runtime.block_on(async {
            loop {
                match pieces.recv().await {
                    Some(Ok(piece)) => received.extend_from_slice(&piece),
                    end => return end,
                }
            }
        });
        sender.join().unwrap();
        assert!(received == expect && matches!(end, Some(Err(error)) if error.to_string() == "no more"));
    }

    #[test]
    fn a_client_that_leaves_ends_it() {
        let runtime = runtime();
        let (mut pipe, pieces) = Pipe::new(runtime.handle().clone());
        drop(pieces);
        let error = pipe.write_all(&vec![0; PIECE_BYTES]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }
}

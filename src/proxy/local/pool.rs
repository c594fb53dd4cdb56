//! The threads that queries run on.
//!
//! A query works while it holds one of a few slots. It gives the slot back while its reader is behind: a reader that
//! stalls costs a parked thread and the few pieces in its channel, and no other query waits for it. How many queries there
//! are at all is the caller's to bound.

use std::{
    io,
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{
    runtime::{Builder, Handle, Runtime},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
};

use crate::influx::result::StatementResult;

use super::failed;

/// Pieces that wait for the reader: one to be taken while the next is made.
const PIECES_AHEAD: usize = 1;

/// Runs queries. Shared by the embedded backends of a process.
#[derive(Debug)]
pub struct Pool {
    slots: Arc<Semaphore>,
    /// Lends its threads; nothing else runs on it. `None` only while it is dropped.
    threads: Option<Runtime>,
}

impl Pool {
    /// A pool on which `at_once` queries work at a time, and `parked` more may wait for their readers.
    ///
    /// # Errors
    /// When the system refuses what a runtime needs.
    pub fn new(at_once: NonZeroUsize, parked: NonZeroUsize) -> io::Result<Self> {
        let threads = Builder::new_current_thread()
            .thread_name("query")
            .max_blocking_threads(at_once.get().saturating_add(parked.get()))
            .build()?;
        Ok(Self {
            slots: Arc::new(Semaphore::new(at_once.get())),
            threads: Some(threads),
        })
    }

    /// Waits for a slot and starts `work`, which sends its pieces to the output.
    pub(super) async fn run(&self, work: impl FnOnce(&mut Output) + Send + 'static) -> Reading {
        let (sender, pieces) = mpsc::channel(PIECES_AHEAD);
        let reading = Reading {
            pieces,
            cancel: Arc::default(),
            is_over: false,
        };
        let mut output = Output {
            pieces: sender,
            slot: Arc::clone(&self.slots).acquire_owned().await.ok(),
            slots: Arc::clone(&self.slots),
            cancel: Arc::clone(&reading.cancel),
        };
        if let Some(threads) = &self.threads {
            threads.spawn_blocking(move || work(&mut output));
        }
        reading
    }
}

impl Drop for Pool {
    /// The last one who knows the pool may be an async task, which must not wait for threads.
    fn drop(&mut self) {
        if let Some(threads) = self.threads.take() {
            threads.shutdown_background();
        }
    }
}

/// Takes the pieces of a query's answer on its thread.
#[derive(Debug)]
pub(super) struct Output {
    pieces: mpsc::Sender<StatementResult>,
    slots: Arc<Semaphore>,
    slot: Option<OwnedSemaphorePermit>,
    cancel: Arc<AtomicBool>,
}

impl Output {
    /// Set when nobody wants the answer any more.
    pub(super) fn cancel(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.cancel)
    }

    /// Sends a piece; waits without a slot while the reader is behind. `false`: nobody wants more.
    pub(super) fn send(&mut self, piece: StatementResult) -> bool {
        match self.pieces.try_send(piece) {
            Ok(()) => true,
            Err(mpsc::error::TrySendError::Closed(_)) => false,
            Err(mpsc::error::TrySendError::Full(piece)) => {
                self.slot = None;
                let is_sent = self.pieces.blocking_send(piece).is_ok();
                self.slot = Handle::current().block_on(Arc::clone(&self.slots).acquire_owned()).ok();
                is_sent
            }
        }
    }
}

/// An answer that is being made. Dropping it ends the query.
#[derive(Debug)]
pub struct Reading {
    pieces: mpsc::Receiver<StatementResult>,
    cancel: Arc<AtomicBool>,
    is_over: bool,
}

impl Reading {
    /// The next piece; all but the last are marked as partial. An error is the last.
    pub async fn next(&mut self) -> Option<StatementResult> {
        if self.is_over {
            return None;
        }
        let piece = self.pieces.recv().await.unwrap_or_else(|| failed("query died"));
        self.is_over = !piece.partial;
        Some(piece)
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.cancel.store(true, Ordering::Relaxed);
    }
}

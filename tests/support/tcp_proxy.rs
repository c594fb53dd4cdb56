//! A network between two processes that can be broken at run time.
//!
//! Two threads per connection pump bytes and obey the current [`Link`]; every change wakes them. The client is whoever
//! connects, the server is the target.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use super::{ports, wait::Instant};

/// What the network does to connections, old and new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    /// Nothing.
    Pass,
    /// Cuts connections and closes new ones as soon as they are accepted.
    Refuse,
    /// Accepts, and holds all bytes back until the link changes, as a partition does.
    BlackHole,
    /// Holds the start of each response back for so long.
    Delay(Duration),
    /// Lets so many bytes per second through, per connection and direction.
    Limit(u32),
}

/// A running proxy; ends when dropped.
#[derive(Debug)]
pub(crate) struct TcpProxy {
    addr: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    target: SocketAddr,
    state: Mutex<State>,
    changed: Condvar,
    accepted: AtomicUsize,
}

#[derive(Debug)]
struct State {
    link: Link,
    closed: bool,
    streams: Vec<TcpStream>,
}

impl TcpProxy {
    /// A proxy that passes everything on to `target`.
    pub(crate) fn start(target: SocketAddr) -> Self {
        let listener = ports::listener();
        let addr = listener.local_addr().expect("a bound socket has an address");
        let state = Mutex::new(State {
            link: Link::Pass,
            closed: false,
            streams: Vec::new(),
        });
        let shared = Arc::new(Shared {
            target,
            state,
            changed: Condvar::new(),
            accepted: AtomicUsize::new(0),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || accepting.accept(&listener));
        Self { addr, shared }
    }

    /// Where it listens.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The URL for a circle's configuration.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Changes the network, from the next byte on.
    pub(crate) fn set(&self, link: Link) {
        self.shared.lock().link = link;
        self.shared.changed.notify_all();
        if link == Link::Refuse {
            self.cut();
        }
    }

    /// Ends all connections now; new ones are treated as before.
    pub(crate) fn cut(&self) {
        for stream in self.shared.lock().streams.drain(..) {
            close(&stream);
        }
    }

    /// How many connections were accepted so far.
    pub(crate) fn connections(&self) -> usize {
        self.shared.accepted.load(Ordering::SeqCst)
    }
}

impl Drop for TcpProxy {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
        self.cut();
        // The accepting thread sees `closed` at its next connection; without one it waits until the process ends.
        drop(TcpStream::connect(self.addr));
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn accept(self: Arc<Self>, listener: &TcpListener) {
        for client in listener.incoming().flatten() {
            let link = {
                let state = self.lock();
                if state.closed {
                    return;
                }
                state.link
            };
            self.accepted.fetch_add(1, Ordering::SeqCst);
            if link != Link::Refuse {
                // A target that cannot be reached closes the client's connection, as it would without a proxy.
                self.join(client).unwrap_or_default();
            }
        }
    }

    /// Connects to the target and starts both pumps.
    fn join(self: &Arc<Self>, client: TcpStream) -> io::Result<()> {
        let server = TcpStream::connect(self.target)?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        self.lock().streams.extend([client.try_clone()?, server.try_clone()?]);
        let asked = Arc::new(AtomicBool::new(false));
        let (requests, answers) = ((client.try_clone()?, server.try_clone()?), (server, client));
        let (there, back) = (Arc::clone(self), Arc::clone(self));
        let asking = Arc::clone(&asked);
        thread::spawn(move || there.pump(requests, |_| asking.store(true, Ordering::SeqCst)));
        thread::spawn(move || {
            back.pump(answers, |shared| {
                if asked.swap(false, Ordering::SeqCst) {
                    shared.hold_answer();
                }
            });
        });
        Ok(())
    }

    /// Moves bytes until either side ends; `before` sees each piece before it is sent.
    fn pump(&self, (mut from, mut to): (TcpStream, TcpStream), before: impl Fn(&Self)) {
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(size) = from.read(&mut buffer) {
            before(self);
            self.throttle(size);
            let passed = buffer.get(..size).is_some_and(|bytes| to.write_all(bytes).is_ok());
            if size == 0 || !passed {
                break;
            }
        }
        close(&from);
        close(&to);
    }

    /// Waits while the link holds bytes back, and as long as `size` bytes take.
    fn throttle(&self, size: usize) {
        self.wait_while(|link, waited| match link {
            Link::BlackHole => true,
            Link::Limit(per_second) => waited < Duration::from_secs_f64(size as f64 / f64::from(per_second.max(1))),
            Link::Pass | Link::Refuse | Link::Delay(_) => false,
        });
    }

    fn hold_answer(&self) {
        self.wait_while(|link, waited| matches!(link, Link::Delay(time) if waited < time));
    }

    fn wait_while(&self, held: impl Fn(Link, Duration) -> bool) {
        /// How exact delays and limits are; a change of the link is noticed at once.
        const STEP: Duration = Duration::from_millis(5);
        let start = Instant::now();
        let mut state = self.lock();
        while !state.closed && held(state.link, start.elapsed()) {
            state = self
                .changed
                .wait_timeout(state, STEP)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}

/// The other side may have closed it already.
fn close(stream: &TcpStream) {
    stream.shutdown(Shutdown::Both).unwrap_or_default();
}

//! The members of an etcd cluster, and the way of a request through them.
//!
//! One member serves at a time; any failure moves everybody on to the next one. A request tries member after member
//! until it is answered, its time is up, or it may have been done and must not be done twice. While the cluster is known
//! to be lost, one round through the members is all that a request tries: callers learn it at once.
//!
//! Connections live on a thread of their own, so that no caller's runtime can take them with it when it ends.

use std::{
    fmt, io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use etcd_client::{Certificate, Client, ConnectOptions, KvClient, LeaseClient, TlsOptions, WatchClient};
use tokio::{
    runtime::{Builder, Handle},
    sync::{Mutex, oneshot},
    time::{Instant, sleep, timeout_at},
};

use super::{
    super::Error,
    EtcdOptions,
    failure::{Cause, Failure, classify, timed_out},
};

/// First wait after no member has answered, and the longest: elections take about a second.
const WAITS: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(500)];

/// Whether a request may be sent again when its outcome is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// Twice is as good as once.
    Yes,
    /// Once at most.
    No,
}

/// The clients of one member. Clones share a connection.
#[derive(Clone)]
pub(super) struct Connection {
    /// Which member it is.
    pub(super) member: usize,
    pub(super) kv: KvClient,
    pub(super) lease: LeaseClient,
    pub(super) watch: WatchClient,
}

/// All members; see the module's page.
pub(super) struct Members {
    options: EtcdOptions,
    connections: Vec<Mutex<Option<Connection>>>,
    current: AtomicUsize,
    lost: AtomicBool,
    background: Background,
}

impl Members {
    /// Remembers where the members are; connects when something is asked.
    ///
    /// # Errors
    /// [`Error::Storage`] when no thread can be started.
    pub(super) fn new(options: EtcdOptions) -> Result<Self, Error> {
        Ok(Self {
            connections: options.endpoints.iter().map(|_| Mutex::new(None)).collect(),
            current: AtomicUsize::new(0),
            lost: AtomicBool::new(false),
            background: Background::start().map_err(|error| Error::Storage(Arc::new(error)))?,
            options,
        })
    }

    /// Longest time of a request.
    pub(super) fn timeout(&self) -> Duration {
        self.options.timeout
    }

    /// Where tasks of the store itself run.
    pub(super) fn background(&self) -> &Handle {
        &self.background.handle
    }

    /// Moves on from a member that failed, unless somebody else has done so.
    pub(super) fn leave(&self, member: usize) {
        let next = (member + 1) % self.connections.len();
        // When it fails, another member is the current one already.
        self.current
            .compare_exchange(member, next, Ordering::Relaxed, Ordering::Relaxed)
            .ok();
    }

    /// Has a request answered by some member, within the timeout.
    ///
    /// # Errors
    /// What `call` answers; [`Error::Unavailable`] when nothing was done, [`Error::Unanswered`] when that is not known.
    pub(super) async fn request<T, F, A>(&self, repeat: Repeat, call: F) -> Result<T, Error>
    where
        F: Fn(Connection) -> A,
        A: Future<Output = Result<Result<T, Error>, etcd_client::Error>>,
    {
        let deadline = Instant::now() + self.options.timeout;
        let mut round = WAITS[0];
        loop {
            let mut cause = None;
            for _ in &self.connections {
                let failure = match self.attempt(repeat, deadline, &call).await {
                    Ok(answer) => return answer,
                    Err(failure) => failure,
                };
                cause = Some(match (failure, repeat) {
                    (Failure::Answered(error), _) => return Err(error),
                    (Failure::Unknown(cause), Repeat::No) => return Err(Error::Unanswered(cause)),
                    (Failure::Unknown(cause), Repeat::Yes) | (Failure::NotDone(cause), _) => cause,
                });
            }
            let cause = cause.unwrap_or_else(no_endpoints);
            if self.lost.load(Ordering::Relaxed) || Instant::now() + round >= deadline {
                self.mark_lost(&cause);
                return Err(Error::Unavailable(cause));
            }
            sleep(round).await;
            round = (round * 2).min(WAITS[1]);
        }
    }

    /// Asks the current member, and moves on to the next one when it fails.
    async fn attempt<T, F, A>(&self, repeat: Repeat, deadline: Instant, call: &F) -> Result<Result<T, Error>, Failure>
    where
        F: Fn(Connection) -> A,
        A: Future<Output = Result<Result<T, Error>, etcd_client::Error>>,
    {
        let member = self.current.load(Ordering::Relaxed);
        let patience = match repeat {
            Repeat::Yes => deadline.min(Instant::now() + self.share()),
            Repeat::No => deadline,
        };
        let connected = timeout_at(patience, self.connection(member)).await;
        let failure = match connected.unwrap_or_else(|_| Err(timed_out())) {
            Err(cause) => Failure::NotDone(cause),
            Ok(connection) => match timeout_at(patience, call(connection)).await {
                Ok(Ok(answer)) => {
                    self.mark_found();
                    return Ok(answer);
                }
                Ok(Err(error)) => classify(error),
                Err(_) => Failure::Unknown(timed_out()),
            },
        };
        if matches!(failure, Failure::Answered(_)) {
            self.mark_found();
        } else {
            self.leave(member);
        }
        Err(failure)
    }

    /// The connection to a member; made if need be, in which case a user logs in.
    async fn connection(&self, member: usize) -> Result<Connection, Cause> {
        let slot = self.connections.get(member).ok_or_else(no_endpoints)?;
        let mut slot = slot.lock().await;
        if let Some(connection) = &*slot {
            return Ok(connection.clone());
        }
        let connecting = connect(member, self.options.clone(), self.share());
        let connected = self.background.handle.spawn(connecting).await;
        let connection = connected.map_err(|error| Arc::new(error) as Cause)??;
        Ok(slot.insert(connection).clone())
    }

    /// The part of a request's time that one of the members may use up.
    fn share(&self) -> Duration {
        let members = u32::try_from(self.connections.len()).unwrap_or(u32::MAX).max(2);
        self.options.timeout / members
    }

    fn mark_lost(&self, cause: &Cause) {
        if !self.lost.swap(true, Ordering::Relaxed) {
            tracing::error!(endpoints = ?self.options.endpoints, %cause, "etcd is unavailable");
        }
    }

    fn mark_found(&self) {
        if self.lost.swap(false, Ordering::Relaxed) {
            tracing::info!(endpoints = ?self.options.endpoints, "etcd is available again");
        }
    }
}

async fn connect(member: usize, options: EtcdOptions, within: Duration) -> Result<Connection, Cause> {
    let EtcdOptions {
        endpoints,
        prefix: _,
        user,
        ca,
        timeout: _,
    } = options;
    let endpoint = endpoints.get(member).ok_or_else(no_endpoints)?;
    // With a leader required, a member that is cut off from the others says so instead of being silent.
    let mut connect = ConnectOptions::new()
        .with_require_leader(true)
        .with_connect_timeout(within);
    if let Some((name, password)) = user {
        connect = connect.with_user(name, password).with_auto_token_refresh(true);
    }
    if endpoint.starts_with("https:") {
        let tls = TlsOptions::new();
        connect = connect.with_tls(match ca {
            Some(pem) => tls.ca_certificate(Certificate::from_pem(pem)),
            None => tls.with_native_roots(),
        });
    }
    let client = timeout_at(Instant::now() + within, Client::connect([endpoint], Some(connect))).await;
    let client = client.map_err(|_| timed_out())?;
    let client = client.map_err(|error| Arc::new(error) as Cause)?;
    Ok(Connection {
        member,
        // A page of large values exceeds the library's 4 MiB; etcd itself bounds what it holds.
        kv: client.kv_client().max_decoding_message_size(usize::MAX),
        lease: client.lease_client(),
        watch: client.watch_client().max_decoding_message_size(usize::MAX),
    })
}

fn no_endpoints() -> Cause {
    Arc::new(io::Error::other("no endpoints"))
}

impl fmt::Debug for Members {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Members")
            .field("options", &self.options)
            .field("current", &self.current)
            .finish_non_exhaustive()
    }
}

/// A runtime on a thread of its own, which ends when this is dropped.
struct Background {
    handle: Handle,
    _ends_when_dropped: oneshot::Sender<()>,
}

impl Background {
    fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (sender, ended) = oneshot::channel();
        thread::Builder::new().name("meta-etcd".to_owned()).spawn(move || {
            // The sender is only ever dropped.
            runtime.block_on(ended).ok();
        })?;
        Ok(Self {
            handle,
            _ends_when_dropped: sender,
        })
    }
}

//! The metadata store in an etcd cluster, shared by all who use the same endpoints and prefix.
//!
//! ```text
//! Etcd -> members: one request, some member that answers it, within the timeout
//!      -> keep_alive: one stream for all leases
//!      -> watch: one stream for each watch, resumed at the revision that comes next
//!         convert: keys, transactions and answers in etcd's terms; failure: what a failed request has done
//! ```
//!
//! * Revisions are etcd's, and so are raised by whatever else is stored there. Leases are etcd's; their time to live is
//!   rounded up to whole seconds, and raised by etcd to its least one.
//! * Reads are linearizable: they ask for a quorum. What a failed request has done is said as exactly as etcd allows:
//!   [`Error::Unavailable`] when nothing was, [`Error::Unanswered`] when that is not known.
//! * The store's keys are the prefix followed by the key: stores whose prefixes differ share nothing as long as keys
//!   begin with `/` and prefixes do not end with it.
//! * Nothing is deleted from etcd's history from here: compaction is configured in etcd.

use std::{fmt, sync::Arc, time::Duration};

use etcd_client::GetOptions;

use super::{
    Answer, Error, KeyValue, LeaseId, MAX_PAGE, MetaStore, Op, Page, Revision, Txn, TxnResult, Watch, check_ttl,
    txn::check_key,
};

mod convert;
mod failure;
mod keep_alive;
mod members;
mod watch;

use convert::{Space, header_revision, lease_number, signed, unsigned};
use failure::is_lease_not_found;
use keep_alive::KeepAlive;
use members::{Connection, Members, Repeat};

/// Where an etcd cluster is and how to talk to it.
#[derive(Clone)]
pub struct EtcdOptions {
    /// URLs of the members; `https://` for TLS.
    pub endpoints: Vec<String>,
    /// What all keys begin with, such as `/gyre`; a `/` at its end is ignored.
    pub prefix: String,
    /// Name and password, when etcd asks for them.
    pub user: Option<(String, String)>,
    /// PEM certificates of the authorities that are trusted; the system's when there are none.
    pub ca: Option<Vec<u8>>,
    /// Longest time of one request.
    pub timeout: Duration,
}

/// The store in etcd. Dropping it ends its connections and watches.
#[derive(Debug)]
pub struct Etcd {
    space: Space,
    members: Arc<Members>,
    keep_alive: KeepAlive,
}

impl Etcd {
    /// The store in the cluster that `options` name. Does not block and does not ask whether the cluster is there: it is
    /// connected to when something is asked, over and over.
    ///
    /// # Errors
    /// [`Error::Storage`] when no thread can be started.
    pub fn new(options: EtcdOptions) -> Result<Self, Error> {
        let space = Space::new(options.prefix.trim_end_matches('/'));
        let members = Arc::new(Members::new(options)?);
        let keep_alive = KeepAlive::start(&members);
        Ok(Self {
            space,
            members,
            keep_alive,
        })
    }

    async fn range(&self, first: Vec<u8>, options: GetOptions) -> Result<etcd_client::GetResponse, Error> {
        let get = |connection: Connection| {
            let (first, options) = (first.clone(), options.clone());
            async move {
                let mut kv = connection.kv;
                kv.get(first, Some(options)).await.map(Ok)
            }
        };
        self.members.request(Repeat::Yes, get).await
    }

    async fn page(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Page, Error> {
        let limit = limit.min(MAX_PAGE);
        let (first, end) = self.space.range_after(prefix, after);
        // To etcd a limit of 0 is none.
        let asked = signed(u64::try_from(limit.max(1)).unwrap_or(1));
        let found = self
            .range(first, GetOptions::new().with_range(end).with_limit(asked))
            .await?;
        let entries = found.kvs().iter().take(limit).map(|kv| self.space.key_value(kv));
        Ok(Page {
            revision: header_revision(found.header())?,
            entries: entries.collect::<Result<_, _>>()?,
            more: found.more() || found.kvs().len() > limit,
        })
    }
}

impl MetaStore for Etcd {
    fn get<'a>(&'a self, key: &'a str) -> Answer<'a, Option<KeyValue>> {
        Box::pin(async move {
            check_key(key)?;
            let found = self.range(self.space.key(key), GetOptions::new()).await?;
            found.kvs().first().map(|kv| self.space.key_value(kv)).transpose()
        })
    }

    fn list<'a>(&'a self, prefix: &'a str, after: Option<&'a str>, limit: usize) -> Answer<'a, Page> {
        Box::pin(self.page(prefix, after, limit))
    }

    fn txn(&self, txn: Txn) -> Answer<'_, TxnResult> {
        Box::pin(async move {
            txn.check()?;
            let request = self.space.txn(&txn)?;
            let lease = txn.then.iter().chain(&txn.otherwise).find_map(lease_of);
            let done = self.members.request(Repeat::No, |connection: Connection| {
                let request = request.clone();
                async move {
                    let mut kv = connection.kv;
                    match (kv.txn(request).await, lease) {
                        (Err(error), Some(lease)) if is_lease_not_found(&error) => Ok(Err(Error::LeaseNotFound(lease))),
                        (done, _) => done.map(Ok),
                    }
                }
            });
            self.space.txn_result(&done.await?)
        })
    }

    fn watch(&self, prefix: &str, from: Revision) -> Watch {
        watch::watch(&self.members, &self.space, prefix, from)
    }

    fn lease_grant(&self, ttl: Duration) -> Answer<'_, LeaseId> {
        Box::pin(async move {
            check_ttl(ttl)?;
            let seconds = ttl.as_secs() + u64::from(ttl.subsec_nanos() > 0);
            let grant = |connection: Connection| async move {
                let mut client = connection.lease;
                client.grant(signed(seconds), None).await.map(Ok)
            };
            // One that was granted without our knowing ends by itself.
            let granted = self.members.request(Repeat::Yes, grant).await?;
            Ok(LeaseId(unsigned(granted.id())))
        })
    }

    fn lease_keep_alive(&self, lease: LeaseId) -> Answer<'_, ()> {
        Box::pin(self.keep_alive.keep_alive(lease))
    }

    fn lease_revoke(&self, lease: LeaseId) -> Answer<'_, ()> {
        Box::pin(async move {
            let number = lease_number(lease)?;
            let revoke = |connection: Connection| async move {
                let mut client = connection.lease;
                match client.revoke(number).await {
                    Err(error) if is_lease_not_found(&error) => Ok(Err(Error::LeaseNotFound(lease))),
                    revoked => revoked.map(|_| Ok(())),
                }
            };
            self.members.request(Repeat::No, revoke).await
        })
    }
}

/// The lease that an operation needs.
fn lease_of(op: &Op) -> Option<LeaseId> {
    match op {
        Op::Put { lease, .. } => *lease,
        Op::Persist(_) | Op::Delete(_) | Op::DeletePrefix(_) | Op::Get(_) => None,
    }
}

impl fmt::Debug for EtcdOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EtcdOptions")
            .field("endpoints", &self.endpoints)
            .field("prefix", &self.prefix)
            .field("user", &self.user.as_ref().map(|(name, _)| name))
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

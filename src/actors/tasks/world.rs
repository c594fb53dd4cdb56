//! What all tasks of this process share.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use jiff::tz::TimeZone;
use prometheus_client::metrics::counter::Counter;

use crate::{
    base::Clock,
    meta::MetaStore,
    workflow::{Tags, manifest::Manifest, tags::TagRules},
};

use super::{
    calls::Plugins,
    directory::Directory,
    handle::TasksParts,
    host::{Allowed, TaskHost},
    recorder::Recorder,
};

/// What all tasks share.
#[derive(Debug)]
pub(super) struct World {
    pub(super) plugins: Arc<dyn Plugins>,
    pub(super) store: Arc<dyn MetaStore>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) zone: TimeZone,
    pub(super) hostname: String,
    pub(super) tags: BTreeMap<String, Tags>,
    pub(super) host: Option<TaskHost>,
    pub(super) max_tasks: usize,
    pub(super) watch_backlog: usize,
    pub(super) directory: Arc<Directory>,
    pub(super) recorder: Recorder,
    pub(super) may_resume: AtomicBool,
}

impl World {
    /// What tasks made of these share; starts the recorder on the current arbiter.
    pub(super) fn new(plugins: Arc<dyn Plugins>, parts: TasksParts, restarts: &Counter) -> Self {
        let directory = Arc::<Directory>::default();
        let (shared, store) = (Arc::clone(&directory), Arc::clone(&parts.store));
        Self {
            recorder: Recorder::start(shared, store, parts.max_tasks.max(1), restarts.clone()),
            directory,
            plugins,
            store: parts.store,
            clock: parts.clock,
            zone: parts.zone,
            host: parts.nodes.map(|nodes| TaskHost {
                nodes,
                hostname: parts.hostname.clone(),
            }),
            hostname: parts.hostname,
            tags: parts.tags,
            max_tasks: parts.max_tasks,
            watch_backlog: parts.watch_backlog,
            may_resume: AtomicBool::new(false),
        }
    }

    /// The tags that a task's metrics get.
    pub(super) fn tag_rules(&self, manifest: &Manifest) -> TagRules {
        TagRules::new(&self.hostname, &self.tags, &manifest.workflow.tags)
    }

    /// What an operator lets tasks do on this machine.
    pub(super) fn allowed(&self) -> Allowed {
        self.host.as_ref().map_or(Allowed::Everything, TaskHost::allowed)
    }

    /// Whether the plugins are there again, so that tasks that were running may go on.
    pub(super) fn may_resume(&self) -> bool {
        self.may_resume.load(Ordering::Acquire)
    }

    /// From now on tasks that were running may go on.
    pub(super) fn let_resume(&self) {
        self.may_resume.store(true, Ordering::Release);
    }
}

//! What a pool knows: who has subscribed, which instances run and what they do, which calls wait. Decisions only; who
//! calls it holds the lock, starts and stops.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use tokio::sync::oneshot;

use crate::{
    base::TimestampNs,
    workflow::{
        PluginMeta, Routing,
        manifest::Manifest,
        pool::{self, Call, Candidate, NoInstance, Selector},
    },
};

use super::Runner;

/// Calls that may wait for one plugin.
pub(super) const MAX_WAITING: usize = 1024;

/// Rules of a pool that never change.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub(super) meta: PluginMeta,
    /// The most instances.
    pub(super) max_running: usize,
    /// Calls that one instance does at once.
    pub(super) max_calls: usize,
    /// Its one instance stays, whoever subscribes: somebody else has started it.
    pub(super) pinned: bool,
}

#[derive(Debug)]
pub(super) struct State {
    rules: Rules,
    members: Vec<Member>,
    /// Members that get no more calls and are stopped when they have done what they do.
    leaving: Vec<Leaving>,
    starting: usize,
    subscribers: BTreeMap<Arc<str>, Subscriber>,
    selector: Selector,
    waiting: VecDeque<Waiting>,
    calls: u64,
    retired: bool,
}

/// An instance of the plugin.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) id: u64,
    pub(super) runner: Runner,
    pub(super) hits: u64,
    pub(super) last_hit: TimestampNs,
    running: usize,
    last_used: u64,
}

#[derive(Debug)]
struct Leaving {
    id: u64,
    running: usize,
    /// Dropped when nothing runs any more.
    _drained: oneshot::Sender<()>,
}

#[derive(Debug)]
struct Subscriber {
    holds: usize,
    manifest: Arc<Manifest>,
}

/// A call that waits for its turn.
#[derive(Debug)]
struct Waiting {
    task: Arc<str>,
    config: u64,
    wake: Wake,
}

/// Where a call that waits is answered.
pub(super) type Wake = oneshot::Sender<Result<Picked, NoInstance>>;

/// An instance that was chosen for a call, which counts as running there.
#[derive(Debug)]
pub(super) struct Picked {
    pub(super) id: u64,
    pub(super) runner: Runner,
}

/// An instance that is no longer wanted.
#[derive(Debug)]
pub(super) struct Doomed {
    pub(super) runner: Runner,
    /// Ends when it does nothing any more; `None`: it does nothing.
    pub(super) drained: Option<oneshot::Receiver<()>>,
}

/// Whether a call can begin.
#[derive(Debug)]
pub(super) enum Begin {
    Now(Picked),
    /// Those who may do it are busy.
    Later,
    Never(NoInstance),
}

/// What a subscriber has to do next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Start an instance, which is counted already.
    Start,
    /// Wait until the pool changes: others start one.
    Wait,
    /// Nothing: the pool serves it.
    Served,
}

impl Member {
    pub(super) fn new(id: u64, runner: Runner, now: TimestampNs) -> Self {
        Self {
            id,
            runner,
            hits: 0,
            last_hit: now,
            running: 0,
            last_used: 0,
        }
    }
}

impl State {
    pub(super) fn new(rules: Rules) -> Self {
        Self {
            selector: Selector::new(rules.meta.routing),
            rules,
            members: vec![],
            leaving: vec![],
            starting: 0,
            subscribers: BTreeMap::new(),
            waiting: VecDeque::new(),
            calls: 0,
            retired: false,
        }
    }

    /// Counts a task among the subscribers; `false` when the plugin is unloaded.
    pub(super) fn enter(&mut self, task: &Arc<str>, manifest: &Arc<Manifest>) -> bool {
        if self.retired {
            return false;
        }
        let subscriber = self.subscribers.entry(Arc::clone(task)).or_insert_with(|| Subscriber {
            holds: 0,
            manifest: Arc::clone(manifest),
        });
        subscriber.holds += 1;
        subscriber.manifest = Arc::clone(manifest);
        true
    }

    /// Takes back one [`Self::enter`]; with the task's last one it is no subscriber any more.
    pub(super) fn leave(&mut self, task: &str) {
        if let Some(subscriber) = self.subscribers.get_mut(task) {
            subscriber.holds -= 1;
            if subscriber.holds == 0 {
                self.subscribers.remove(task);
                self.selector.release(task);
            }
        }
    }

    /// The tasks that have subscribed, with what they say.
    pub(super) fn subscribers(&self) -> Vec<(Arc<str>, Arc<Manifest>)> {
        let both = |(task, subscriber): (&Arc<str>, &Subscriber)| (Arc::clone(task), Arc::clone(&subscriber.manifest));
        self.subscribers.iter().map(both).collect()
    }

    /// Lets nobody, or everybody again, subscribe.
    pub(super) fn retire(&mut self, retired: bool) {
        self.retired = retired;
    }

    /// What is to be done until the pool serves its subscribers.
    pub(super) fn next(&mut self) -> Next {
        let instances = self.members.len() + self.starting;
        if !self.rules.pinned
            && pool::wants_instance(
                &self.rules.meta,
                self.subscribers.len(),
                instances,
                self.rules.max_running,
            )
        {
            self.starting += 1;
            return Next::Start;
        }
        if self.members.is_empty() && self.starting > 0 {
            Next::Wait
        } else {
            Next::Served
        }
    }

    /// An instance was started, or not: it no longer counts as starting.
    pub(super) fn started(&mut self, member: Option<Member>) {
        self.starting -= 1;
        self.members.extend(member);
    }

    /// Adds an instance that nobody asked for.
    pub(super) fn add(&mut self, member: Member) {
        self.members.push(member);
    }

    pub(super) fn members(&self) -> &[Member] {
        &self.members
    }

    /// Takes out the instances that will never run again, so that others are started in their place.
    pub(super) fn take_dead(&mut self) -> Vec<Doomed> {
        self.take(|member| member.runner.is_dead())
    }

    /// Takes out the instances that are too many for the subscribers: first those that no task keeps, of these the idle
    /// ones, the newest first.
    pub(super) fn take_surplus(&mut self) -> Vec<Doomed> {
        if self.rules.pinned {
            return vec![];
        }
        let surplus = pool::surplus(self.subscribers.len(), self.members.len());
        let mut order: Vec<_> = self
            .members
            .iter()
            .map(|member| (self.selector.keeps(member.id), member))
            .collect();
        order.sort_by_key(|(kept, member)| (*kept, member.running, std::cmp::Reverse(member.id)));
        let ids: Vec<_> = order.iter().take(surplus).map(|(_, member)| member.id).collect();
        self.take(|member| ids.contains(&member.id))
    }

    /// The one instance that stays, if it is of that kind.
    pub(super) fn pinned(&self) -> Option<Runner> {
        let member = self.members.first().filter(|_| self.rules.pinned);
        member.map(|member| member.runner.clone())
    }

    /// Takes out the one instance that stays, if it is of that kind.
    pub(super) fn take_pinned(&mut self) -> Vec<Doomed> {
        let is_pinned = self.rules.pinned;
        self.take(|_| is_pinned)
    }

    /// Takes out all instances.
    pub(super) fn take_all(&mut self) -> Vec<Doomed> {
        self.take(|_| true)
    }

    /// Begins a call, if one of those who may do it is free.
    pub(super) fn begin(&mut self, call: Call<'_>) -> Begin {
        let at = match self.choose(call, self.is_spread()) {
            Ok(Some(at)) => at,
            Ok(None) => return Begin::Later,
            Err(error) => return Begin::Never(error),
        };
        let member = &mut self.members[at];
        if member.running >= self.rules.max_calls {
            return Begin::Later;
        }
        member.running += 1;
        Begin::Now(self.picked(at))
    }

    /// Chooses an instance for something that is no call and may last: it does not count as running there.
    pub(super) fn attach(&mut self, call: Call<'_>, now: TimestampNs) -> Result<Picked, NoInstance> {
        let at = self.choose(call, false)?.ok_or(NoInstance)?;
        self.members[at].hits += 1;
        self.members[at].last_hit = now;
        Ok(self.picked(at))
    }

    /// Lets a call wait; `false` when too many do.
    pub(super) fn wait(&mut self, call: Call<'_>, wake: Wake) -> bool {
        self.waiting.retain(|waiting| !waiting.wake.is_closed());
        if self.waiting.len() >= MAX_WAITING {
            return false;
        }
        self.waiting.push_back(Waiting {
            task: Arc::clone(call.task),
            config: call.config,
            wake,
        });
        true
    }

    /// A call ended; `hit` is when it reached the plugin, if it did.
    pub(super) fn ended(&mut self, id: u64, hit: Option<TimestampNs>) {
        if let Some(member) = self.members.iter_mut().find(|member| member.id == id) {
            member.running -= 1;
            if let Some(time) = hit {
                member.hits += 1;
                member.last_hit = time;
            }
        } else if let Some(at) = self.leaving.iter().position(|leaving| leaving.id == id) {
            self.leaving[at].running -= 1;
            if self.leaving[at].running == 0 {
                self.leaving.swap_remove(at);
            }
        }
    }

    /// Begins the waiting calls that can begin now, in the order in which they came; the caller answers them.
    pub(super) fn serve(&mut self) -> Vec<(Wake, Result<Picked, NoInstance>)> {
        let mut served = vec![];
        let mut at = 0;
        while let Some(waiting) = self.waiting.get(at) {
            let (task, config) = (Arc::clone(&waiting.task), waiting.config);
            let is_gone = waiting.wake.is_closed();
            let begun = match is_gone {
                true => None,
                false => Some(self.begin(Call { task: &task, config })),
            };
            let answer = match begun {
                None => None,
                Some(Begin::Now(picked)) => Some(Ok(picked)),
                Some(Begin::Never(error)) => Some(Err(error)),
                // What any instance may do waits for any: nor can those behind it begin.
                Some(Begin::Later) if self.is_spread() => break,
                Some(Begin::Later) => {
                    at += 1;
                    continue;
                }
            };
            let waited = self.waiting.remove(at);
            served.extend(waited.zip(answer).map(|(waiting, answer)| (waiting.wake, answer)));
        }
        served
    }

    /// Whether any instance may do any call.
    fn is_spread(&self) -> bool {
        self.rules.meta.routing == Routing::LeastRecentlyUsed
    }

    /// The place of the instance for a call: one that runs, if any does; `None` when none is free, if only such a one will
    /// do, or the first one is being started.
    fn choose(&mut self, call: Call<'_>, free: bool) -> Result<Option<usize>, NoInstance> {
        let any_runs = self.members.iter().any(|member| member.runner.is_running());
        let usable = |member: &&Member| !any_runs || member.runner.is_running();
        let is_free = |member: &&Member| !free || member.running < self.rules.max_calls;
        let candidates: Vec<_> = self
            .members
            .iter()
            .filter(usable)
            .filter(is_free)
            .map(Member::candidate)
            .collect();
        // One that takes the place of a dead one is as good as busy: it serves those who wait when it has started.
        if candidates.is_empty() && (!self.members.is_empty() || self.starting > 0) {
            return Ok(None);
        }
        let id = self.selector.select(&candidates, call)?;
        Ok(self.members.iter().position(|member| member.id == id))
    }

    fn picked(&mut self, at: usize) -> Picked {
        self.calls += 1;
        let member = &mut self.members[at];
        member.last_used = self.calls;
        Picked {
            id: member.id,
            runner: member.runner.clone(),
        }
    }

    fn take(&mut self, which: impl Fn(&Member) -> bool) -> Vec<Doomed> {
        let taken: Vec<_> = self.members.extract_if(.., |member| which(member)).collect();
        let mut doomed = vec![];
        for member in taken {
            self.selector.forget(member.id);
            let drained = (member.running > 0).then(|| {
                let (sender, drained) = oneshot::channel();
                self.leaving.push(Leaving {
                    id: member.id,
                    running: member.running,
                    _drained: sender,
                });
                drained
            });
            doomed.push(Doomed {
                runner: member.runner,
                drained,
            });
        }
        doomed
    }
}

impl Member {
    fn candidate(&self) -> Candidate {
        Candidate {
            id: self.id,
            last_used: self.last_used,
        }
    }
}

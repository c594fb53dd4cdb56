//! All tasks by id and in order. Each is shared by its actor, which alone changes it, and everybody who looks.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::{
    base::TimestampNs,
    workflow::task::{Task, TaskView},
};

use super::{super::guard::Guarded, actor::TaskActor, watcher::Channel};

/// One task.
#[derive(Debug)]
pub(super) struct Entry {
    /// Its id.
    pub(super) id: Arc<str>,
    /// Its watchers.
    pub(super) channel: Channel,
    task: Mutex<Task>,
    is_unsaved: AtomicBool,
    is_to_go_on: AtomicBool,
}

/// A task and the way to its actor.
#[derive(Clone)]
pub(super) struct Listed {
    pub(super) entry: Arc<Entry>,
    pub(super) actor: Guarded<TaskActor>,
}

/// All tasks.
#[derive(Debug, Default)]
pub(super) struct Directory {
    tasks: RwLock<Tasks>,
}

#[derive(Debug, Default)]
struct Tasks {
    by_id: HashMap<Arc<str>, Listed>,
    /// By time of creation, then as they were added.
    in_order: BTreeMap<(TimestampNs, u64), Listed>,
    added: u64,
}

impl Entry {
    /// That task; its watchers may be `backlog` events behind.
    pub(super) fn new(task: Task, backlog: usize) -> Self {
        Self {
            id: Arc::from(task.id()),
            channel: Channel::new(backlog),
            task: Mutex::new(task),
            is_unsaved: AtomicBool::new(false),
            is_to_go_on: AtomicBool::new(false),
        }
    }

    /// Looks at the task.
    pub(super) fn look<T>(&self, look: impl FnOnce(&Task) -> T) -> T {
        look(&self.lock())
    }

    /// Changes the task.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Task) -> T) -> T {
        let changed = change(&mut self.lock());
        self.set_unsaved(true);
        changed
    }

    /// Changes the task, or leaves it as it is.
    pub(super) fn try_change<T, E>(&self, change: impl FnOnce(&mut Task) -> Result<T, E>) -> Result<T, E> {
        let changed = change(&mut self.lock())?;
        self.set_unsaved(true);
        Ok(changed)
    }

    /// The task as listings show it.
    pub(super) fn view(&self) -> Arc<TaskView> {
        Arc::new(self.look(Task::view))
    }

    /// Whether the store has an older state of the task.
    pub(super) fn is_unsaved(&self) -> bool {
        self.is_unsaved.load(Ordering::Acquire)
    }

    /// Says whether the store has an older state of the task; that it has not, before the state to be stored is read.
    pub(super) fn set_unsaved(&self, is_unsaved: bool) {
        self.is_unsaved.store(is_unsaved, Ordering::Release);
    }

    /// It was running when the process ended: it goes on when the plugins are there, unless it is stopped before.
    pub(super) fn set_to_go_on(&self) {
        self.is_to_go_on.store(true, Ordering::Release);
    }

    /// Whether it was to go on; it is not any more.
    pub(super) fn take_to_go_on(&self) -> bool {
        self.is_to_go_on.swap(false, Ordering::AcqRel)
    }

    fn lock(&self) -> MutexGuard<'_, Task> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Directory {
    /// Adds a task, whose id must be new.
    pub(super) fn insert(&self, listed: Listed) {
        let created = listed.entry.look(Task::created);
        let mut tasks = self.write();
        tasks.added += 1;
        let place = (created, tasks.added);
        tasks.by_id.insert(Arc::clone(&listed.entry.id), listed.clone());
        tasks.in_order.insert(place, listed);
    }

    /// Takes a task away.
    pub(super) fn remove(&self, id: &str) -> Option<Listed> {
        let mut tasks = self.write();
        tasks.in_order.retain(|_, listed| &*listed.entry.id != id);
        tasks.by_id.remove(id)
    }

    /// The task of that id.
    pub(super) fn get(&self, id: &str) -> Option<Listed> {
        self.read().by_id.get(id).cloned()
    }

    /// All tasks, by time of creation.
    pub(super) fn all(&self) -> Vec<Listed> {
        self.read().in_order.values().cloned().collect()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.read().by_id.len()
    }

    fn read(&self) -> RwLockReadGuard<'_, Tasks> {
        self.tasks.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Tasks> {
        self.tasks.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.entry.fmt(f)
    }
}

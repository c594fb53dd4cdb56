//! Statements that create, change and drop databases and retention policies. Each takes its number in the journal.

use super::{
    Error, PolicyChange, PolicySpec,
    engine::Engine,
    index::Index,
    policy::{AUTOGEN, Properties},
    state::{Database, Policy, State},
};

impl Engine {
    /// Creates a database with a default policy; `autogen`, which keeps points for ever, unless `with` says otherwise.
    /// An existing database is left as it is.
    ///
    /// # Errors
    /// `InvalidArgument` for a policy that may not be; `Conflict` when the database exists and `with` asks for another
    /// default policy than it has.
    pub fn create_database(&self, seq: u64, name: &str, with: Option<&PolicySpec>) -> Result<(), Error> {
        self.change(seq, |state| state.create_database(name, with))
    }

    /// Drops a database with all its points, if there is one.
    pub fn drop_database(&self, seq: u64, name: &str) {
        self.change(seq, |state| {
            state.databases.retain(|database| database.name != name);
            state.count_bytes();
        });
    }

    /// Creates a retention policy. An existing one with the same properties is left as it is.
    ///
    /// # Errors
    /// `NotFound`: no such database; `InvalidArgument`; `AlreadyExists`: with other properties; `Conflict`: it exists,
    /// but is not the default.
    pub fn create_policy(&self, seq: u64, db: &str, spec: &PolicySpec) -> Result<(), Error> {
        self.change(seq, |state| state.create_policy(db, spec))
    }

    /// Changes a retention policy. Points that its new duration does not allow go when retention is enforced next.
    ///
    /// # Errors
    /// `NotFound`: no such database or policy; `InvalidArgument`.
    pub fn alter_policy(&self, seq: u64, db: &str, name: &str, change: &PolicyChange) -> Result<(), Error> {
        self.change(seq, |state| state.alter_policy(db, name, change))
    }

    /// Drops a retention policy with all its points, if there is one. When it was the default, the database has none
    /// until another one becomes it.
    pub fn drop_policy(&self, seq: u64, db: &str, name: &str) {
        self.change(seq, |state| {
            let stamp = state.stamp;
            let Some(database) = state.database_mut(db) else { return };
            database.drop_policy(name, stamp);
            state.count_bytes();
        });
    }
}

impl State {
    fn create_database(&mut self, name: &str, with: Option<&PolicySpec>) -> Result<(), Error> {
        if name.is_empty() {
            return Err(Error::DatabaseNameRequired);
        }
        let spec = with.cloned().unwrap_or_default();
        let policy_name = if spec.name.is_empty() { AUTOGEN } else { &spec.name };
        let properties = Properties::create(&spec)?;
        if let Some(database) = self.database(name) {
            let is_same =
                |policy: &Policy| database.default_policy == policy_name && Properties::of(policy).matches(&spec);
            return match with {
                Some(_) if !database.policy(policy_name).is_some_and(is_same) => Err(Error::PolicyConflict),
                _ => Ok(()),
            };
        }
        let mut database = Database {
            id: self.next_database,
            name: name.to_owned(),
            default_policy: policy_name.to_owned(),
            policies: Vec::new(),
            next_policy: 0,
            next_series: 0,
            index: Index::default(),
            fresh: Vec::new(),
            nameless: roaring::RoaringBitmap::new(),
        };
        database.add_policy(policy_name, properties);
        self.next_database += 1;
        self.databases.push(database);
        Ok(())
    }

    fn create_policy(&mut self, db: &str, spec: &PolicySpec) -> Result<(), Error> {
        if spec.name.is_empty() {
            return Err(Error::PolicyNameRequired);
        }
        let properties = Properties::create(spec)?;
        let database = self
            .database_mut(db)
            .ok_or_else(|| Error::DatabaseNotFound(db.to_owned()))?;
        match database.policy(&spec.name) {
            Some(existing) if Properties::of(existing) != properties => return Err(Error::PolicyExists),
            Some(_) if spec.make_default && database.default_policy != spec.name => return Err(Error::PolicyConflict),
            Some(_) => return Ok(()),
            None => database.add_policy(&spec.name, properties),
        }
        if spec.make_default {
            database.default_policy.clone_from(&spec.name);
        }
        Ok(())
    }

    fn alter_policy(&mut self, db: &str, name: &str, change: &PolicyChange) -> Result<(), Error> {
        let database = self
            .database_mut(db)
            .ok_or_else(|| Error::DatabaseNotFound(db.to_owned()))?;
        let policy = database
            .policy_mut(name)
            .ok_or_else(|| Error::PolicyNotFound(name.to_owned()))?;
        let properties = Properties::of(policy).alter(change)?;
        policy.duration_ns = properties.duration_ns;
        policy.shard_duration_ns = properties.shard_duration_ns;
        policy.replication = properties.replication;
        if change.make_default {
            name.clone_into(&mut database.default_policy);
        }
        Ok(())
    }
}

impl Database {
    fn add_policy(&mut self, name: &str, properties: Properties) {
        self.policies.push(Policy {
            id: self.next_policy,
            name: name.to_owned(),
            duration_ns: properties.duration_ns,
            shard_duration_ns: properties.shard_duration_ns,
            replication: properties.replication,
            groups: std::collections::BTreeMap::new(),
        });
        self.next_policy += 1;
    }

    fn drop_policy(&mut self, name: &str, stamp: u64) {
        let Some(at) = self.policies.iter().position(|policy| policy.name == name) else {
            return;
        };
        let policy = self.policies.remove(at);
        let series = policy
            .groups
            .values()
            .fold(roaring::RoaringBitmap::new(), |all, group| all | group.series());
        self.prune(&series, stamp);
    }
}

//! Asking all owners of a circle, and making one answer of theirs.

use std::sync::Arc;

use futures_util::future::join_all;
use tokio::time::Instant;

use crate::{
    base::Reserved,
    influx::{
        influxql::ast::Statement,
        result::{merge, page},
    },
    ring,
};

use super::{
    super::{
        client::Client,
        fleet::Backend,
        plan::{Merge, Scope},
    },
    Asked, Options, QueryError, Reader,
};

/// How often other owners are looked for when some fail while they are asked.
const ATTEMPTS: usize = 3;

impl Reader {
    /// Asks every owner and joins their answers.
    pub(super) async fn merge(
        &self,
        client: &Client,
        plan: &Merge,
        options: &Options,
        reserved: &mut Reserved,
    ) -> Asked {
        let mut failed = Vec::new();
        let mut last = None;
        for _ in 0..ATTEMPTS {
            let owners = self.owners(plan.scope, &failed).await?;
            let (answers, errors) = self.ask_all(client, &owners, &plan.statement, options, reserved).await;
            if errors.is_empty() {
                let mut merged = merge(plan.rule, answers, is_absence);
                page(&mut merged, as_usize(plan.page.limit), as_usize(plan.page.offset));
                return Ok(merged);
            }
            for (backend, error) in errors {
                if !error.kind().is_retryable() {
                    return Err(error);
                }
                failed.push(backend);
                last = Some(error);
            }
        }
        Err(last.unwrap_or_else(|| QueryError::Unavailable("none of them answers".to_owned())))
    }

    async fn ask_all(
        &self,
        client: &Client,
        owners: &[Arc<Backend>],
        statement: &Statement,
        options: &Options,
        reserved: &mut Reserved,
    ) -> (
        Vec<crate::influx::result::StatementResult>,
        Vec<(Arc<Backend>, QueryError)>,
    ) {
        // Each answer has a reservation of its own while it arrives, so that they can arrive together.
        let asked = owners.iter().map(|backend| async move {
            let mut own = self.budget.try_reserve(0).ok_or(QueryError::Busy)?;
            self.ask_one(client, backend, statement, options, &mut own)
                .await
                .map(|answer| (answer, own.bytes()))
        });
        let (mut answers, mut errors) = (Vec::new(), Vec::new());
        for (backend, asked) in owners.iter().zip(join_all(asked).await) {
            match asked {
                Ok((answer, bytes)) if reserved.try_grow(bytes) => answers.push(answer),
                Ok(_) => errors.push((Arc::clone(backend), QueryError::Busy)),
                Err(error) => errors.push((Arc::clone(backend), error)),
            }
        }
        (answers, errors)
    }

    /// The backends to ask.
    async fn owners(&self, scope: Scope, failed: &[Arc<Backend>]) -> Result<Vec<Arc<Backend>>, QueryError> {
        let usable = |backend: &Arc<Backend>| {
            backend.condition.is_usable() && !failed.iter().any(|other| other.id == backend.id)
        };
        let everyone: Vec<_> = self
            .fleet
            .backends
            .iter()
            .filter(|backend| usable(backend))
            .cloned()
            .collect();
        if scope == Scope::Everyone && !everyone.is_empty() {
            return Ok(everyone);
        }
        if let Some(circle) = self.whole_circle(usable).await {
            return Ok(circle);
        }
        let rings: Vec<_> = self.fleet.circles.iter().map(|circle| &circle.ring).collect();
        let answers = |circle: usize, member: usize| usable(&self.fleet.circles[circle].members[member]);
        if scope == Scope::Covering && ring::covered(&rings, answers) {
            return Ok(everyone);
        }
        let missing = self.fleet.backends.iter().filter(|backend| !usable(backend));
        let names: Vec<_> = missing.map(|backend| backend.config.name.as_str()).collect();
        Err(QueryError::Unavailable(format!(
            "{} cannot be asked, and no circle is whole without them",
            names.join(", ")
        )))
    }

    /// The members of a circle that are all usable; waits a while for one that has everything.
    async fn whole_circle(&self, usable: impl Fn(&Arc<Backend>) -> bool) -> Option<Vec<Arc<Backend>>> {
        let marks: Vec<u64> = self
            .fleet
            .backends
            .iter()
            .map(|backend| backend.condition.last_owned())
            .collect();
        let deadline = Instant::now() + self.patience;
        loop {
            let mut whole: Vec<(bool, u64, usize)> = Vec::new();
            let mut first = 0;
            for (at, circle) in self.fleet.circles.iter().enumerate() {
                let marks = marks.iter().skip(first);
                first += circle.members.len();
                if circle.members.iter().all(&usable) {
                    let lags = circle
                        .members
                        .iter()
                        .zip(marks)
                        .any(|(member, mark)| !member.condition.has_reached(*mark));
                    let slowest = circle.members.iter().map(|member| member.condition.latency_us()).max();
                    whole.push((lags, slowest.unwrap_or(0), at));
                }
            }
            let (lags, _, best) = whole.into_iter().min()?;
            if !lags || Instant::now() >= deadline {
                return Some(self.fleet.circles[best].members.clone());
            }
            tokio::time::sleep(super::ask::POLL).await;
        }
    }
}

/// What an owner says that merely has none of the data, while others may have them.
fn is_absence(error: &str) -> bool {
    error.starts_with("database not found")
}

fn as_usize(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

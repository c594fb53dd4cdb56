//! Finds out which points of a refused batch a backend refuses.
//!
//! The batch is halved by requests, and a request's lines are halved when nobody waits to be told, until each is
//! known good or bad. Points are sent again in order, so that the outcome is the one of sending them once.

use std::ops::Range;

use bytes::Bytes;

use crate::influx::line;

use super::{
    ack::Refusal,
    courier::{Courier, Failure, Part, Target, concatenate},
    verdict::Verdict,
};

impl Courier {
    /// Settles a batch that was refused.
    pub(super) async fn refuse_batch(&self, target: &Target, batch: &[Part], refusal: Refusal) -> Result<(), Failure> {
        if !refusal.concerns_target() {
            return self.resolve(target, batch, Some(refusal)).await;
        }
        for part in batch {
            self.settle_part(target, part, Some(refusal.clone())).await?;
        }
        Ok(())
    }

    /// Settles a batch that was refused with `refusal`, or that was too large when there is none.
    pub(super) async fn resolve(
        &self,
        target: &Target,
        batch: &[Part],
        refusal: Option<Refusal>,
    ) -> Result<(), Failure> {
        if let [part] = batch {
            return self.settle_part(target, part, refusal).await;
        }
        let middle = batch.len() / 2;
        let mut waiting = vec![middle..batch.len(), 0..middle];
        while let Some(range) = waiting.pop() {
            let Some(parts) = batch.get(range.clone()) else {
                continue;
            };
            match Reply::of(self.send(target, concatenate(parts)).await?)? {
                Reply::Applied => parts
                    .iter()
                    .filter_map(|part| part.note.as_ref())
                    .for_each(|note| note.applied(self.backend.id, None)),
                Reply::No(refusal) => match parts {
                    [part] => self.settle_part(target, part, refusal).await?,
                    _ => waiting.extend(halves(range)),
                },
            }
        }
        Ok(())
    }

    /// Settles one request's points: tells its client, or finds the bad lines and buries them.
    async fn settle_part(&self, target: &Target, part: &Part, refusal: Option<Refusal>) -> Result<(), Failure> {
        if refusal.as_ref().is_some_and(|refusal| is_told(part, refusal)) {
            return Ok(());
        }
        let lines: Vec<Bytes> = line::split(&part.lines)
            .map(|line| part.lines.slice_ref(line))
            .collect();
        let mut known = refusal;
        let mut waiting: Vec<Range<usize>> = Vec::new();
        waiting.push(0..lines.len());
        while let Some(range) = waiting.pop() {
            let Some(some) = lines.get(range.clone()) else { continue };
            let reply = match known.take() {
                Some(refusal) => Reply::No(Some(refusal)),
                None => Reply::of(self.send(target, join(some)).await?)?,
            };
            let Reply::No(refusal) = reply else { continue };
            if refusal.as_ref().is_some_and(|refusal| is_told(part, refusal)) {
                continue;
            }
            if range.len() <= 1 || refuses_all(refusal.as_ref(), range.len()) {
                let reason =
                    refusal.map_or_else(|| "line too large for the backend".to_owned(), |refusal| refusal.text);
                self.bury(target, &reason, &join(some), range.len() as u64).await?;
            } else {
                waiting.extend(halves(range));
            }
        }
        if let Some(note) = &part.note {
            note.applied(self.backend.id, None);
        }
        Ok(())
    }
}

/// Whether the client of these points hears or has heard of the refusal: the backend keeps the good ones among them.
fn is_told(part: &Part, refusal: &Refusal) -> bool {
    part.note.as_ref().is_some_and(|note| note.refused(refusal))
}

/// What matters of a verdict here.
enum Reply {
    Applied,
    /// Refused, or too large when there is no refusal.
    No(Option<Refusal>),
}

impl Reply {
    fn of(verdict: Verdict) -> Result<Self, Failure> {
        match verdict {
            Verdict::Applied => Ok(Self::Applied),
            Verdict::TooLarge => Ok(Self::No(None)),
            Verdict::Refused { status, text }
            | Verdict::MissingDatabase { status, text }
            | Verdict::MissingPolicy { status, text } => Ok(Self::No(Some(Refusal { status, text }))),
            Verdict::Retry { text } => Err(Failure::Refused(text)),
        }
    }
}

/// The two halves of a range, the first on top of the stack.
fn halves(range: Range<usize>) -> [Range<usize>; 2] {
    let middle = range.start + range.len() / 2;
    [middle..range.end, range.start..middle]
}

fn join(lines: &[Bytes]) -> Bytes {
    lines.concat().into()
}

/// InfluxDB says how many points it dropped: when all of them, there is nothing left to find out.
fn refuses_all(refusal: Option<&Refusal>, points: usize) -> bool {
    refusal.is_some_and(|refusal| refusal.concerns_target() || dropped(&refusal.text) == Some(points))
}

/// The number after `dropped=` at the end of a partial write's text.
#[must_use]
pub fn dropped(text: &str) -> Option<usize> {
    text.rsplit_once("dropped=")?.1.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_dropped_count() {
        assert_eq!(dropped("partial write: field type conflict dropped=12"), Some(12));
        assert_eq!(dropped("unable to parse 'dropped=x'"), None);
    }

    #[test]
    fn halves_cover_the_range_in_order() {
        let [second, first] = halves(3..8);
        assert_eq!((first, second), (3..5, 5..8));
    }
}

//! Which words begin a statement.

use super::super::ast::{Counted, Show, Statement};
use super::super::error::ParseError;
use super::super::token::{Keyword as K, Token};
use super::{Parsed, Parser};

/// Parses what follows the first words.
type Rest = for<'a> fn(&mut Parser<'a>) -> Parsed<Statement>;

/// First words and what parses the rest. The order is that of InfluxDB's lists of expected words.
const STATEMENTS: &[(&[K], Rest)] = &[
    (&[K::Select], |p| p.select_statement()),
    (&[K::Delete], |p| p.delete()),
    (&[K::Show, K::Continuous, K::Queries], |_| show(Show::ContinuousQueries)),
    (&[K::Show, K::Databases], |_| show(Show::Databases)),
    (&[K::Show, K::Diagnostics], |p| show(Show::Diagnostics(p.module()?))),
    (&[K::Show, K::Field, K::Key], |p| {
        p.show_key_cardinality(Counted::FieldKeys)
    }),
    (&[K::Show, K::Field, K::Keys], |p| p.show_field_keys()),
    (&[K::Show, K::Grants, K::For], |p| show(Show::GrantsFor(p.ident()?))),
    (&[K::Show, K::Measurement, K::Exact], |p| {
        p.show_exact_measurement_cardinality()
    }),
    (&[K::Show, K::Measurement, K::Cardinality], |p| {
        p.show_cardinality(Counted::Measurements, false)
    }),
    (&[K::Show, K::Measurements], |p| p.show_measurements()),
    (&[K::Show, K::Queries], |_| show(Show::Queries)),
    (&[K::Show, K::Retention, K::Policies], |p| {
        show(Show::RetentionPolicies(p.on_database()?))
    }),
    (&[K::Show, K::Series], |p| p.show_series()),
    (&[K::Show, K::Shard, K::Groups], |_| show(Show::ShardGroups)),
    (&[K::Show, K::Shards], |_| show(Show::Shards)),
    (&[K::Show, K::Stats], |p| show(Show::Stats(p.module()?))),
    (&[K::Show, K::Subscriptions], |_| show(Show::Subscriptions)),
    (&[K::Show, K::Tag, K::Key], |p| p.show_key_cardinality(Counted::TagKeys)),
    (&[K::Show, K::Tag, K::Keys], |p| p.show_tag_keys()),
    (&[K::Show, K::Tag, K::Values], |p| p.show_tag_values()),
    (&[K::Show, K::Users], |_| show(Show::Users)),
    (&[K::Create, K::Continuous, K::Query], |p| p.create_continuous_query()),
    (&[K::Create, K::Database], |p| p.create_database()),
    (&[K::Create, K::User], |p| p.create_user()),
    (&[K::Create, K::Retention, K::Policy], |p| p.create_retention_policy()),
    (&[K::Create, K::Subscription], |p| p.create_subscription()),
    (&[K::Drop, K::Continuous, K::Query], |p| p.drop_continuous_query()),
    (&[K::Drop, K::Database], |p| Ok(Statement::DropDatabase(p.ident()?))),
    (&[K::Drop, K::Measurement], |p| {
        Ok(Statement::DropMeasurement(p.ident()?))
    }),
    (&[K::Drop, K::Retention, K::Policy], |p| p.drop_retention_policy()),
    (&[K::Drop, K::Series], |p| p.drop_series()),
    (&[K::Drop, K::Shard], |p| Ok(Statement::DropShard(p.unsigned()?))),
    (&[K::Drop, K::Subscription], |p| p.drop_subscription()),
    (&[K::Drop, K::User], |p| Ok(Statement::DropUser(p.ident()?))),
    (&[K::Explain], |p| p.explain()),
    (&[K::Grant], |p| p.grant()),
    (&[K::Revoke], |p| p.revoke()),
    (&[K::Alter, K::Retention, K::Policy], |p| p.alter_retention_policy()),
    (&[K::Set, K::Password, K::For], |p| p.set_password()),
    (&[K::Kill, K::Query], |p| p.kill_query()),
];

fn show(show: Show) -> Parsed<Statement> {
    Ok(Statement::Show(show))
}

impl Parser<'_> {
    pub(super) fn statement(&mut self) -> Parsed<Statement> {
        let mut candidates: Vec<_> = STATEMENTS.iter().collect();
        for place in 0.. {
            let next = self.next();
            let expected: Vec<K> = candidates
                .iter()
                .filter_map(|(words, _)| words.get(place).copied())
                .collect();
            candidates.retain(|(words, _)| words.get(place).is_some_and(|word| next.token == Token::Key(*word)));
            match candidates.as_slice() {
                [] => return Err(ParseError::unexpected(&next, &distinct(&expected))),
                [(words, rest)] if words.len() == place + 1 => return rest(self),
                _ => {}
            }
        }
        Err(ParseError::new("a statement without end"))
    }
}

/// The words in their order, each once.
fn distinct(words: &[K]) -> Vec<&'static str> {
    let mut texts: Vec<&'static str> = Vec::new();
    for word in words {
        if !texts.contains(&word.text()) {
            texts.push(word.text());
        }
    }
    texts
}

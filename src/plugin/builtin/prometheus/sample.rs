//! PURE. A metric as a sample of Prometheus.

use std::{collections::BTreeMap, sync::Arc};

use crate::workflow::{Data, Metric};

use super::last_values::Sample;

/// The sample; none when the value is no number.
pub(super) fn of(metric: &Metric) -> Option<Sample> {
    let number = number(&metric.data)?;
    let elements = metric.namespace.0.iter().filter(|element| !element.is_dynamic());
    let name: Vec<_> = elements.map(|element| element.value.as_str()).collect();
    let own = metric.tags.iter();
    let dynamic = metric.namespace.0.iter().filter(|element| element.is_dynamic());
    let dynamic = dynamic.map(|element| (&element.name, &element.value));
    // Sorted, and one of those whose names become the same.
    let labels: BTreeMap<_, _> = own
        .chain(dynamic)
        .map(|(key, value)| (sanitised(key, false), value.clone()))
        .collect();
    Some(Sample {
        name: sanitised(&name.join("_"), true),
        help: Arc::clone(&metric.description),
        labels: labels.into_iter().collect(),
        number,
    })
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus knows only floats")]
fn number(data: &Data) -> Option<f64> {
    match data {
        Data::Float32(float) => Some((*float).into()),
        Data::Float64(float) => Some(*float),
        Data::Int32(integer) => Some((*integer).into()),
        Data::Int64(integer) => Some(*integer as f64),
        Data::Uint32(integer) => Some((*integer).into()),
        Data::Uint64(integer) => Some(*integer as f64),
        Data::Bool(bool) => Some(u8::from(*bool).into()),
        Data::None | Data::String(_) | Data::Bytes(_) => None,
    }
}

/// A name that Prometheus allows: `[a-zA-Z_][a-zA-Z0-9_]*`, and `:` in names of metrics; others become `_`.
fn sanitised(name: &str, is_metric: bool) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || (is_metric && c == ':');
    let mut clean: String = name.chars().map(|c| if allowed(c) { c } else { '_' }).collect();
    if clean.chars().next().is_none_or(|first| first.is_ascii_digit()) {
        clean.insert(0, '_');
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_allowed_ones() {
        for (name, metric, label) in [
            ("cpu", "cpu", "cpu"),
            ("a:b.c-ä", "a:b_c__", "a_b_c__"),
            ("5m", "_5m", "_5m"),
            ("", "_", "_"),
        ] {
            assert_eq!(sanitised(name, true), metric);
            assert_eq!(sanitised(name, false), label);
        }
    }
}

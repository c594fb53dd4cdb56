//! Statistics of the values of one field in one chunk.

use crate::query::source::Summary;

use super::column::Dense;

/// Integers up to this distance from 0 are exact as floats.
const MAX_EXACT: i64 = 1 << 53;

type Extreme = Option<(f64, i64)>;

/// Sums up values, of which there is one for each time; `None` when that would mislead: see
/// [`super::ChunkField::summary`].
pub(super) fn summarise(times: &[i64], values: &Dense<'_>) -> Option<Summary> {
    let (mut sum, mut integer_sum) = (None, None);
    let (min, max) = match values {
        Dense::Float(values) => {
            // An infinity or NaN among the values shows in the sum.
            sum = Some(values.iter().sum::<f64>())
                .filter(|sum| sum.is_finite())
                .map(Some)?;
            extremes(times, values, |value| value)
        }
        Dense::Integer(values) => {
            integer_sum = values.iter().try_fold(0, |sum, value| add(sum, *value)).map(Some)?;
            extremes(times, values, |value| value as f64)
        }
        Dense::Unsigned(values) => {
            let mut signed = values.iter().map(|value| i64::try_from(*value).ok());
            integer_sum = signed.try_fold(0, |sum, value| add(sum, value?)).map(Some)?;
            extremes(times, values, |value| value as f64)
        }
        Dense::String(_) | Dense::Boolean(_) => (None, None),
    };
    Some(Summary {
        count: times.len() as u64,
        first_time: *times.first()?,
        last_time: *times.last()?,
        sum: sum.or(integer_sum.map(|sum| sum as f64)),
        integer_sum,
        min,
        max,
    })
}

/// `None`: the value is not exact as a float, or the sum overflows.
fn add(sum: i64, value: i64) -> Option<i64> {
    (-MAX_EXACT..=MAX_EXACT)
        .contains(&value)
        .then(|| sum.checked_add(value))?
}

/// The least and the greatest value, each with the first time it occurs.
fn extremes<T: Copy + PartialOrd>(times: &[i64], values: &[T], float: impl Fn(T) -> f64) -> (Extreme, Extreme) {
    let Some(&first) = values.first() else {
        return (None, None);
    };
    let (mut min, mut max) = ((first, 0), (first, 0));
    for (row, &value) in values.iter().enumerate() {
        if value < min.0 {
            min = (value, row);
        }
        if value > max.0 {
            max = (value, row);
        }
    }
    let timed = |(value, row): (T, usize)| times.get(row).map(|time| (float(value), *time));
    (timed(min), timed(max))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(values: &Dense<'_>) -> Option<(Option<f64>, Option<i64>, Extreme, Extreme)> {
        let summary = summarise(&[10, 20, 30, 40], values)?;
        assert_eq!((summary.count, summary.first_time, summary.last_time), (4, 10, 40));
        Some((summary.sum, summary.integer_sum, summary.min, summary.max))
    }

    #[test]
    fn numbers_are_summed_up() {
        let floats = Dense::Float(vec![2.5, -1.0, 4.0, -1.0].into());
        assert_eq!(
            numbers(&floats),
            Some((Some(4.5), None, Some((-1.0, 20)), Some((4.0, 30))))
        );
        let integers = Dense::Integer(vec![5, 5, -3, 1].into());
        assert_eq!(
            numbers(&integers),
            Some((Some(8.0), Some(8), Some((-3.0, 30)), Some((5.0, 10))))
        );
        let unsigned = Dense::Unsigned(vec![1, 0, 7, 7].into());
        assert_eq!(
            numbers(&unsigned),
            Some((Some(15.0), Some(15), Some((0.0, 20)), Some((7.0, 30))))
        );
        assert_eq!(
            numbers(&Dense::Boolean(vec![true; 4].into())),
            Some((None, None, None, None))
        );
    }

    #[test]
    fn what_would_mislead_is_left_out() {
        for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX] {
            assert_eq!(numbers(&Dense::Float(vec![1.0, odd, odd, 1.0].into())), None, "{odd}");
        }
        for odd in [MAX_EXACT + 1, i64::MIN, i64::MAX] {
            assert_eq!(numbers(&Dense::Integer(vec![1, odd, 1, 1].into())), None, "{odd}");
        }
        assert!(numbers(&Dense::Integer(vec![MAX_EXACT; 4].into())).is_some());
        assert_eq!(numbers(&Dense::Unsigned(vec![0, u64::MAX, 0, 0].into())), None);
    }
}

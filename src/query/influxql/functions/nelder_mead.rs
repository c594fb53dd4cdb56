//! The minimum of a function by the simplex method of Nelder and Mead, in the variant that `holt_winters` of InfluxDB
//! uses: <http://www.mikehutt.com/neldermead.html>.
//!
//! The order of every operation matters: the result of a search is compared with InfluxDB's to the last digits.

/// Steps at most.
const MAX_STEPS: usize = 1000;
const CONTRACTION: f64 = 0.5;
const EXPANSION: f64 = 2.0;

/// A corner of the simplex and the function's value there.
struct Corner {
    at: Vec<f64>,
    value: f64,
}

/// The least value found and where, beginning at `start` with a simplex of side 1. The search ends when the values at
/// the corners differ by less than `epsilon` (standard deviation), or after 1,000 steps.
///
/// `function` may change the place that it is asked for; the search goes on with what it leaves there.
pub(super) fn minimize(mut function: impl FnMut(&mut [f64]) -> f64, start: &[f64], epsilon: f64) -> (f64, Vec<f64>) {
    let mut corners: Vec<Corner> = simplex(start)
        .into_iter()
        .map(|at| evaluated(at, &mut function))
        .collect();
    for _ in 0..MAX_STEPS {
        step(&mut corners, &mut function);
        if deviation(&corners) < epsilon {
            break;
        }
    }
    let at = place(&corners, least(&corners));
    (function(&mut at.clone()), at)
}

/// `start`, and for each dimension a corner that is farther along it than along the others.
fn simplex(start: &[f64]) -> Vec<Vec<f64>> {
    let n = as_float(start.len());
    let far = ((n + 1.0).sqrt() - 1.0 + n) / (n * 2.0_f64.sqrt());
    let near = ((n + 1.0).sqrt() - 1.0) / (n * 2.0_f64.sqrt());
    let corner = |along: usize| {
        let moved = |(i, x): (usize, &f64)| if i == along { far + x } else { near + x };
        start.iter().enumerate().map(moved).collect()
    };
    std::iter::once(start.to_vec())
        .chain((0..start.len()).map(corner))
        .collect()
}

/// Moves the worst corner: reflects it at the centre of the others, goes twice as far if that was the best place so far,
/// half as far if it was bad; when nothing helps the simplex shrinks.
fn step(corners: &mut [Corner], function: &mut impl FnMut(&mut [f64]) -> f64) {
    let (worst, best) = (greatest(corners), least(corners));
    let second = second_greatest(corners, worst, best);
    let centre = centre(corners, worst);
    let reflected = evaluated(between(&centre, &place(corners, worst), |c, w| c + (c - w)), function);
    let reflected_value = reflected.value;
    let reflected_at = reflected.at.clone();
    if reflected_value < value(corners, best) {
        let expanded = evaluated(
            between(&centre, &reflected.at, |c, r| c + EXPANSION * (r - c)),
            function,
        );
        let is_better = expanded.value < reflected_value;
        replace(corners, worst, if is_better { expanded } else { reflected });
    } else if reflected_value < value(corners, second) {
        replace(corners, worst, reflected);
    }
    // The values are looked up anew: when all corners are equally good, the one just replaced is also the second.
    if reflected_value >= value(corners, second) {
        let contracted = if reflected_value < value(corners, worst) {
            between(&centre, &reflected_at, |c, r| c + CONTRACTION * (r - c))
        } else {
            between(&centre, &place(corners, worst), |c, w| c - CONTRACTION * (c - w))
        };
        let contracted = evaluated(contracted, function);
        if contracted.value < value(corners, worst) {
            replace(corners, worst, contracted);
        } else {
            shrink(corners, best);
            evaluate(corners, worst, function);
            evaluate(corners, second, function);
        }
    }
}

fn evaluated(mut at: Vec<f64>, function: &mut impl FnMut(&mut [f64]) -> f64) -> Corner {
    let value = function(&mut at);
    Corner { at, value }
}

fn replace(corners: &mut [Corner], i: usize, corner: Corner) {
    if let Some(held) = corners.get_mut(i) {
        *held = corner;
    }
}

fn value(corners: &[Corner], i: usize) -> f64 {
    corners.get(i).map_or(f64::NAN, |corner| corner.value)
}

fn place(corners: &[Corner], i: usize) -> Vec<f64> {
    corners.get(i).map(|corner| corner.at.clone()).unwrap_or_default()
}

/// Halves the distance of every corner from the best. Only two values are computed anew afterwards: the original is
/// content with that.
fn shrink(corners: &mut [Corner], best: usize) {
    let towards = place(corners, best);
    for (i, corner) in corners.iter_mut().enumerate() {
        if i != best {
            corner.at = between(&towards, &corner.at, |b, x| b + (x - b) / 2.0);
        }
    }
}

fn evaluate(corners: &mut [Corner], i: usize, function: &mut impl FnMut(&mut [f64]) -> f64) {
    if let Some(corner) = corners.get_mut(i) {
        corner.value = function(&mut corner.at);
    }
}

fn between(a: &[f64], b: &[f64], place: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| place(*a, *b)).collect()
}

/// The mean of all corners but one.
fn centre(corners: &[Corner], without: usize) -> Vec<f64> {
    let dimensions = corners.len().saturating_sub(1);
    let mut sum = vec![0.0; dimensions];
    for (_, corner) in corners.iter().enumerate().filter(|(i, _)| *i != without) {
        for (sum, x) in sum.iter_mut().zip(&corner.at) {
            *sum += x;
        }
    }
    sum.into_iter().map(|sum| sum / as_float(dimensions)).collect()
}

/// The corner with the greatest value; of equal ones the first. NaN is never greater.
fn greatest(corners: &[Corner]) -> usize {
    extreme(corners, |value, held| value > held)
}

/// The corner with the least value; of equal ones the first. NaN is never less.
fn least(corners: &[Corner]) -> usize {
    extreme(corners, |value, held| value < held)
}

fn extreme(corners: &[Corner], replaces: impl Fn(f64, f64) -> bool) -> usize {
    let mut held = (0, corners.first().map_or(f64::NAN, |corner| corner.value));
    for (i, corner) in corners.iter().enumerate() {
        if replaces(corner.value, held.1) {
            held = (i, corner.value);
        }
    }
    held.0
}

/// The corner with the greatest value below the worst one's; the best one when there is none.
fn second_greatest(corners: &[Corner], worst: usize, best: usize) -> usize {
    let (limit, mut held) = (value(corners, worst), (best, value(corners, best)));
    for (i, corner) in corners.iter().enumerate() {
        if corner.value > held.1 && corner.value < limit {
            held = (i, corner.value);
        }
    }
    held.0
}

/// The standard deviation of the values at the corners (divided by n - 1).
fn deviation(corners: &[Corner]) -> f64 {
    let count = as_float(corners.len());
    let mean = corners.iter().fold(0.0, |sum, corner| sum + corner.value) / count;
    let variance = corners.iter().fold(0.0, |sum, corner| {
        let distance = corner.value - mean;
        sum + distance * distance / (count - 1.0)
    });
    variance.sqrt()
}

#[expect(clippy::cast_precision_loss, reason = "a simplex has few corners")]
fn as_float(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_minimum_of_rosenbrocks_function() {
        let rosenbrock = |x: &mut [f64]| match x {
            [x, y] => 100.0 * (*y - *x * *x).powi(2) + (1.0 - *x).powi(2),
            _ => f64::NAN,
        };
        let (value, at) = minimize(rosenbrock, &[-1.2, 1.0], 1e-8);
        assert!(value < 1e-7, "{value}");
        assert!(at.iter().all(|x| (x - 1.0).abs() < 1e-3), "{at:?}");
    }

    #[test]
    fn ends_where_there_is_no_minimum() {
        let (value, at) = minimize(|_| f64::NAN, &[0.5, 0.5], 1e-4);
        assert!(value.is_nan());
        assert_eq!(at, [0.5, 0.5]);
    }
}

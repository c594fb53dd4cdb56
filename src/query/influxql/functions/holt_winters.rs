//! `holt_winters`: a forecast by damped triple exponential smoothing.
//!
//! The parameters (alpha, beta, gamma, phi, the first level and trend, the seasons) are those with the least sum of
//! squared errors, searched from a grid of 16 guesses. Formulas: Hyndman, Athanasopoulos, "Forecasting: principles and
//! practice", section on damped trend with multiplicative seasons. Searching is chaotic in the last digits, hence the
//! order of operations is InfluxDB's.

use super::nelder_mead::minimize;
use super::{Point, Scalar};

/// The guesses for each of alpha, beta, gamma and phi: from 0.3 in steps of 0.4 up to 1.
const GUESSES: [f64; 2] = [0.3, 0.3 + 0.4];
/// How near the sums of squares at the end of a search must be.
const EPSILON: f64 = 1e-4;
/// How much the first value counts for the first level, and the first step for the first trend.
const WEIGHT: f64 = 0.5;
/// Where the seasons begin among the parameters.
const SEASONS: usize = 6;
/// Values that are fitted and predicted at most (128 MiB); InfluxDB has no limit but its memory.
const MAX_VALUES: usize = 1 << 24;

/// `n` predicted values after the points, preceded by the fitted ones if `with_fit`.
///
/// Points are in ascending order, one per interval; of several in one the first counts. Nothing is predicted from fewer
/// than two intervals or fewer than one season.
pub(super) fn forecast(points: &[Point], n: usize, season: usize, with_fit: bool, interval_ns: i64) -> Vec<Point> {
    let season = if season < 2 { 0 } else { season };
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return Vec::new();
    };
    if points.len() < season || n == 0 || interval_ns <= 0 {
        return Vec::new();
    }
    let Some(values) = by_interval(points, interval_ns, n) else {
        return Vec::new();
    };
    let fitted = values.len();
    let model = Model { values, season };
    let results = model.run(n, &mut model.best_parameters());
    let (start, skipped) = if with_fit { (first, 0) } else { (last, fitted) };
    let place = |i: usize| i64::try_from(if with_fit { i } else { i + 1 }).unwrap_or(i64::MAX);
    let results = results.into_iter().skip(skipped).enumerate();
    let stamped = |(i, value): (usize, f64)| Point {
        time: start.time.saturating_add(interval_ns.saturating_mul(place(i))),
        value: Scalar::Float(value),
        row: last.row,
    };
    results.filter(|(_, value)| !value.is_nan()).map(stamped).collect()
}

/// One value per interval, NaN where there is none; `None` when all points are in one interval or there would be too
/// many.
fn by_interval(points: &[Point], interval_ns: i64, n: usize) -> Option<Vec<f64>> {
    let rounded = |point: &Point| {
        let remainder = point.time % interval_ns;
        let whole = point.time - remainder;
        // Towards the nearest interval; before 1970 always up.
        if remainder > interval_ns / 2 {
            whole.saturating_add(interval_ns)
        } else {
            whole
        }
    };
    let (first, rest) = points.split_first()?;
    let intervals = rounded(points.last()?).checked_sub(rounded(first))? / interval_ns;
    let intervals = usize::try_from(intervals).ok().filter(|count| *count > 0)?;
    if intervals.checked_add(n)? >= MAX_VALUES {
        return None;
    }
    let mut values = vec![first.value.as_f64()?];
    let mut time = rounded(first);
    for point in rest {
        let at = rounded(point);
        if at <= time {
            continue;
        }
        time += interval_ns;
        while time != at {
            values.push(f64::NAN);
            time += interval_ns;
        }
        values.push(point.value.as_f64()?);
    }
    Some(values)
}

/// What is fitted: a value per interval, and the length of a season or 0.
struct Model {
    values: Vec<f64>,
    season: usize,
}

impl Model {
    /// The parameters with the least error of the searches from all guesses.
    fn best_parameters(&self) -> Vec<f64> {
        let mut parameters = self.first_parameters();
        let mut best: Option<(f64, Vec<f64>)> = None;
        for guess in 0..GUESSES.len().pow(4) {
            // The bits of `guess` choose alpha, beta, gamma and phi, phi changing fastest.
            for (bit, parameter) in parameters.iter_mut().take(4).enumerate() {
                let [low, high] = GUESSES;
                *parameter = if guess >> (3 - bit) & 1 == 0 { low } else { high };
            }
            let (error, found) = minimize(|at| self.error(at), &parameters, EPSILON);
            if best.as_ref().is_none_or(|(least, _)| error < *least) {
                best = Some((error, found));
            }
        }
        best.map(|(_, found)| found).unwrap_or_default()
    }

    /// Level, trend and seasons guessed from the first values; the guesses of the grid are still zero.
    fn first_parameters(&self) -> Vec<f64> {
        let value = |i: usize| self.values.get(i).copied().filter(|value| !value.is_nan());
        let season = as_float(self.season);
        let (mut level, mut trend) = (0.0, 0.0);
        if self.season == 0 {
            level += WEIGHT * value(0).unwrap_or(f64::NAN);
            if let (Some(first), Some(second)) = (value(0), value(1)) {
                trend = WEIGHT * (second - first);
            }
        }
        for i in 0..self.season {
            if let Some(value) = value(i) {
                level += 1.0 / season * value;
            }
        }
        for i in 0..self.season {
            if let (Some(before), Some(after)) = (value(i), value(self.season + i)) {
                trend += 1.0 / (season * season) * (after - before);
            }
        }
        let seasons = (0..self.season).map(|i| value(i).map_or(0.0, |value| value / level));
        [0.0, 0.0, 0.0, 0.0, level, trend].into_iter().chain(seasons).collect()
    }

    /// The sum of squared errors; infinite when a value cannot be predicted.
    fn error(&self, parameters: &mut [f64]) -> f64 {
        let fitted = self.run(0, parameters);
        let mut sum = 0.0;
        for (value, fitted) in self.values.iter().zip(fitted) {
            if value.is_nan() {
                continue;
            }
            if fitted.is_nan() {
                return f64::INFINITY;
            }
            let difference = fitted - value;
            sum += difference * difference;
        }
        sum
    }

    /// The fitted values and `n` predicted ones.
    ///
    /// As in InfluxDB the parameters are changed: the first four are brought into 0 to 1, and the seasons are those of
    /// the end.
    fn run(&self, n: usize, parameters: &mut [f64]) -> Vec<f64> {
        let Some(([alpha, beta, gamma, phi, level, trend], seasons)) = parameters.split_first_chunk_mut::<SEASONS>()
        else {
            return Vec::new();
        };
        for weight in [&mut *alpha, &mut *beta, &mut *gamma, &mut *phi] {
            *weight = weight.clamp(0.0, 1.0);
        }
        let (alpha, beta, gamma, phi) = (*alpha, *beta, *gamma, *phi);
        let (mut level, mut trend) = (*level, *trend);
        let mut value = self.values.first().copied().unwrap_or(f64::NAN);
        let mut damping = phi;
        let mut results = vec![value];
        for t in 1..self.values.len() + n {
            let (now, ahead, next) = Self::season_places(t, seasons.len());
            let season = seasons.get(now).copied().unwrap_or(1.0);
            let season_ahead = seasons.get(ahead).copied().unwrap_or(1.0);
            let before = level;
            level = alpha * (value / season) + (1.0 - alpha) * (before + phi * trend);
            let next_trend = beta * (level - before) + (1.0 - beta) * phi * trend;
            let next_season = gamma * (value / (before + phi * trend)) + (1.0 - gamma) * season;
            trend = next_trend;
            value = (level + damping * trend) * season_ahead;
            damping += power(phi, t);
            if let Some(season) = seasons.get_mut(next) {
                *season = next_season;
            }
            results.push(value);
        }
        results
    }

    /// In the ring of seasons: that of step `t`, that of the predicted value, and where the new one goes.
    fn season_places(t: usize, season: usize) -> (usize, usize, usize) {
        if season == 0 {
            return (0, 0, 0);
        }
        // At step t the ring has been advanced by m - 1 + (t - 1).
        let advanced = season - 1 + (t - 1);
        let now = t + advanced - season;
        (now % season, (now + t % season) % season, (t + advanced) % season)
    }
}

/// `base` to a whole power by repeated squaring, with the rounding of Go's `math.Pow`.
fn power(base: f64, mut exponent: usize) -> f64 {
    let (mut result, mut square) = (1.0, base);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result *= square;
        }
        square *= square;
        exponent >>= 1;
    }
    result
}

#[expect(clippy::cast_precision_loss, reason = "a season is short")]
fn as_float(count: usize) -> f64 {
    count as f64
}

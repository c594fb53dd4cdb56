//! Technical indicators, as InfluxDB computes them.
//!
//! Each takes one value after the other and yields a result for each. The first results are held back: as many as the
//! query says, else as many as the indicator needs to be warm.
//!
//! Sources: <https://docs.influxdata.com/influxdb/v1/query_language/functions/#technical-analysis> and the pages at
//! <https://chartschool.stockcharts.com> on EMA, DEMA, TEMA, TRIX, RSI, KAMA; for CMO, ta-lib's smoothed form.

use super::{Smoothing, Transform, Warmup};

/// The results of an indicator, one for each value; `None` where there is none.
pub(super) fn apply(indicator: Transform, values: &[f64]) -> Vec<Option<f64>> {
    match indicator {
        Transform::ExponentialMovingAverage(options) => {
            let mut ema = Ema::new(options);
            shown(options, options.period - 1, values, |value| ema.add(value))
        }
        Transform::DoubleExponentialMovingAverage(options) => {
            chained(options, warm_after(options, 2), values, |[once, twice, _]| {
                2.0 * once - twice
            })
        }
        Transform::TripleExponentialMovingAverage(options) => {
            let add = |[once, twice, thrice]: [f64; 3]| 3.0 * once - 3.0 * twice + thrice;
            chained(options, warm_after(options, 3), values, add)
        }
        Transform::TripleExponentialDerivative(options) => {
            let mut last = 0.0;
            let add = |[_, _, thrice]: [f64; 3]| {
                let rate = (thrice / last - 1.0) * 100.0;
                last = thrice;
                rate
            };
            let warm = warm_after(options, 3).saturating_add(1);
            finite(chained(options, warm, values, add))
        }
        Transform::RelativeStrengthIndex(options) => {
            moved(options, values, |up, down| 100.0 - 100.0 / (1.0 + up / down))
        }
        Transform::KaufmansEfficiencyRatio(options) => finite(held_back(
            options,
            options.period,
            efficiency_ratios(values, options.period),
        )),
        Transform::KaufmansAdaptiveMovingAverage(options) => finite(held_back(
            options,
            options.period,
            adaptive_averages(values, options.period),
        )),
        Transform::ChandeMomentumOscillator(options) if options.warmup == Warmup::None => {
            held_back(options, options.period - 1, oscillator(values, options.period - 1))
        }
        Transform::ChandeMomentumOscillator(options) => {
            moved(options, values, |up, down| 100.0 * ((up - down) / (up + down)))
        }
        _ => Vec::new(),
    }
}

/// The results of what is made of each value's chain of averages.
fn chained(
    options: Smoothing,
    warm: usize,
    values: &[f64],
    mut result: impl FnMut([f64; 3]) -> f64,
) -> Vec<Option<f64>> {
    let mut chain = Chain::new(options);
    shown(options, warm, values, |value| result(chain.add(value)))
}

/// The results of what is made of the averages of moves up to each value.
fn moved(options: Smoothing, values: &[f64], result: impl Fn(f64, f64) -> f64) -> Vec<Option<f64>> {
    let mut moves = Moves::new(options);
    let add = |value| {
        let (up, down) = moves.add(value);
        result(up, down)
    };
    shown(options, options.period, values, add)
}

/// The results of adding one value after the other, without the first ones.
fn shown(options: Smoothing, warm: usize, values: &[f64], add: impl FnMut(f64) -> f64) -> Vec<Option<f64>> {
    held_back(options, warm, values.iter().copied().map(add).collect())
}

fn held_back(options: Smoothing, warm: usize, results: Vec<f64>) -> Vec<Option<f64>> {
    let hold = options.hold.unwrap_or(warm);
    let number = results.into_iter().enumerate();
    number.map(|(i, result)| (i >= hold).then_some(result)).collect()
}

fn finite(results: Vec<Option<f64>>) -> Vec<Option<f64>> {
    let keep = |result: Option<f64>| result.filter(|result| !result.is_infinite());
    results.into_iter().map(keep).collect()
}

/// Values before `averages` averages of averages are warm.
fn warm_after(options: Smoothing, averages: usize) -> usize {
    match options.warmup {
        Warmup::Exponential | Warmup::None => options.period - 1,
        Warmup::Simple => (options.period - 1).saturating_mul(averages),
    }
}

/// An exponential moving average.
///
/// While it is not warm a new value weighs `2 / (seen + 2)`, or, with the simple warm-up, as much as each before it.
struct Ema {
    period: usize,
    alpha: f64,
    warmup: Warmup,
    seen: usize,
    last: f64,
}

impl Ema {
    fn new(options: Smoothing) -> Self {
        Self {
            period: options.period,
            alpha: 2.0 / as_float(options.period.saturating_add(1)),
            warmup: options.warmup,
            seen: 0,
            last: 0.0,
        }
    }

    fn is_warm(&self) -> bool {
        self.seen == self.period
    }

    fn add(&mut self, value: f64) -> f64 {
        let towards = |alpha: f64| (value - self.last) * alpha + self.last;
        self.last = match self.warmup {
            _ if self.seen == 0 => value,
            _ if self.is_warm() => towards(self.alpha),
            Warmup::Simple => (self.last * as_float(self.seen) + value) / as_float(self.seen + 1),
            Warmup::Exponential | Warmup::None => towards(2.0 / as_float(self.seen + 2)),
        };
        self.seen = self.period.min(self.seen + 1);
        self.last
    }
}

/// The average, the average of the average, and the average of that.
///
/// With the simple warm-up an average that is not warm is not averaged further: the next one repeats it.
struct Chain([Ema; 3]);

impl Chain {
    fn new(options: Smoothing) -> Self {
        Self([Ema::new(options), Ema::new(options), Ema::new(options)])
    }

    fn add(&mut self, value: f64) -> [f64; 3] {
        let [first, second, third] = &mut self.0;
        let passes = |average: &Ema| average.is_warm() || average.warmup != Warmup::Simple;
        let once = first.add(value);
        let twice = if passes(first) { second.add(once) } else { once };
        let thrice = if passes(first) && passes(second) {
            third.add(twice)
        } else {
            twice
        };
        [once, twice, thrice]
    }
}

/// The averages of upward and of downward moves; the first value is a move from zero.
struct Moves {
    up: Ema,
    down: Ema,
    last: f64,
}

impl Moves {
    fn new(options: Smoothing) -> Self {
        let average = || Ema {
            period: options.period.saturating_add(1),
            alpha: 1.0 / as_float(options.period),
            ..Ema::new(options)
        };
        Self {
            up: average(),
            down: average(),
            last: 0.0,
        }
    }

    fn add(&mut self, value: f64) -> (f64, f64) {
        let step = value - self.last;
        self.last = value;
        let up = if step > 0.0 { step } else { 0.0 };
        let down = if step < 0.0 { -step } else { 0.0 };
        (self.up.add(up), self.down.add(down))
    }
}

/// How far the last `period` values led, by the way they took; before the first value is zero.
fn efficiency_ratios(values: &[f64], period: usize) -> Vec<f64> {
    let value = |at: Option<usize>| at.and_then(|at| values.get(at)).copied().unwrap_or(0.0);
    let step = |at: Option<usize>| match at {
        Some(at) => (value(Some(at)) - value(at.checked_sub(1))).abs(),
        None => 0.0,
    };
    let mut noise = 0.0;
    let mut ratio = |i: usize| {
        let signal = (value(Some(i)) - value(i.checked_sub(period))).abs();
        noise -= step(i.checked_sub(period));
        noise += step(Some(i));
        if signal == 0.0 || noise == 0.0 {
            0.0
        } else {
            signal / noise
        }
    };
    (0..values.len()).map(&mut ratio).collect()
}

/// Moving averages whose speed, between those of 30 and of 2 values, follows the efficiency ratio.
fn adaptive_averages(values: &[f64], period: usize) -> Vec<f64> {
    let slow = 2.0 / 31.0;
    // Exactly 2/3 - 2/31.
    let range = 56.0 / 93.0;
    let mut average = 0.0;
    let mut before = 0.0;
    let mut results = Vec::with_capacity(values.len());
    for (i, (value, ratio)) in values.iter().zip(efficiency_ratios(values, period)).enumerate() {
        if i <= period {
            average = before;
        }
        let speed = ratio * range + slow;
        average += speed * speed * (value - average);
        before = *value;
        results.push(average);
    }
    results
}

/// The balance of upward and downward steps among the last ones, -100 to 100.
///
/// The newest step counts before the oldest of `steps` is forgotten. Without steps there is no result; InfluxDB
/// fails then.
fn oscillator(values: &[f64], steps: usize) -> Vec<f64> {
    if steps == 0 {
        return Vec::new();
    }
    let step = |at: usize| match values.get(at.wrapping_sub(1)..=at) {
        Some([before, value]) => value - before,
        _ => 0.0,
    };
    let (mut up, mut down) = (0.0, 0.0);
    let mut balance = |i: usize| {
        let newest = step(i);
        if newest > 0.0 {
            up += newest;
        } else if newest < 0.0 {
            down -= newest;
        }
        let result = if up != 0.0 || down != 0.0 {
            100.0 * ((up - down) / (up + down))
        } else {
            0.0
        };
        let oldest = i.checked_sub(steps).map_or(0.0, step);
        if oldest > 0.0 {
            up -= oldest;
        } else if oldest < 0.0 {
            down += oldest;
        }
        result
    };
    (0..values.len()).map(&mut balance).collect()
}

#[expect(clippy::cast_precision_loss, reason = "nobody counts 2^53 values")]
fn as_float(count: usize) -> f64 {
    count as f64
}

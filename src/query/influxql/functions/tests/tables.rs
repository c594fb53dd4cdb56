use super::*;
use crate::query::influxql::functions::{Smoothing, Warmup, Windows, integral};
use crate::query::source::FieldType;
use Scalar::{Boolean, Float, Integer, Unsigned};

/// The values, times and rows that a window of 0 to 100 yields.
fn check(function: &str, series: &[(i64, Scalar)], expected: &[(i64, Scalar, u32)]) {
    let found = window(function).apply(&points(series), 0, 100);
    let found: Vec<_> = found.into_iter().map(|p| (p.time, p.value, p.row)).collect();
    assert_eq!(found, expected, "{function}");
}

/// The times and values that a whole series yields.
fn check_series(function: &str, series: &[(i64, Scalar)], expected: &[(i64, Scalar)]) {
    let found = transform(function).apply(&points(series));
    let found: Vec<_> = found.into_iter().map(|p| (p.time, p.value)).collect();
    assert_eq!(found, expected, "{function}");
}

#[test]
fn aggregates_keep_or_change_the_type() {
    let unsigned = [(1, Unsigned(7)), (2, Unsigned(u64::MAX)), (3, Unsigned(4))];
    check("count(x)", &unsigned, &[(0, Integer(3), 0)]);
    check("sum(x)", &unsigned, &[(0, Unsigned(10), 0)]);
    check("mean(x)", &unsigned, &[(0, Float(10.0 / 3.0), 0)]);
    check("median(x)", &unsigned, &[(0, Float(7.0), 0)]);
    check("spread(x)", &unsigned, &[(0, Unsigned(u64::MAX - 4), 0)]);
    let whole = [
        (1, Integer(i64::MAX)),
        (2, Integer(2)),
        (3, Integer(-4)),
        (4, Integer(3)),
    ];
    check("sum(x)", &whole, &[(0, Integer(i64::MIN), 0)]);
    check("median(x)", &whole, &[(0, Float(2.5), 0)]);
    check(
        "stddev(x)",
        &[(1, Integer(2)), (2, Integer(4))],
        &[(0, Float(2.0_f64.sqrt()), 0)],
    );
}

#[test]
fn ties_are_decided_as_influxdb_does() {
    let even = [(5, Float(2.0)), (6, Float(1.0)), (7, Float(2.0)), (8, Float(1.0))];
    check("max(x)", &even, &[(5, Float(2.0), 0)]);
    check("min(x)", &even, &[(6, Float(1.0), 1)]);
    check("top(x, 1)", &even, &[(5, Float(2.0), 0)]);
    check(
        "bottom(x, 3)",
        &even,
        &[(5, Float(2.0), 0), (6, Float(1.0), 1), (8, Float(1.0), 3)],
    );
    check("percentile(x, 75)", &even, &[(5, Float(2.0), 0)]);
    check("mode(x)", &even, &[(0, Float(2.0), 0)]);
    check("distinct(x)", &even, &[(0, Float(2.0), 0), (0, Float(1.0), 0)]);
    let joined = [(5, Integer(1)), (5, Integer(3)), (5, Integer(2))];
    check("first(x)", &joined, &[(5, Integer(3), 1)]);
    check("last(x)", &joined, &[(5, Integer(3), 1)]);
    check(
        "distinct(x)",
        &joined,
        &[(0, Integer(1), 0), (0, Integer(2), 0), (0, Integer(3), 0)],
    );
    let flags = [(5, Boolean(true)), (5, Boolean(false))];
    check("first(x)", &flags, &[(5, Boolean(false), 1)]);
    check("last(x)", &flags, &[(5, Boolean(true), 0)]);
    check("mode(x)", &flags, &[(0, Boolean(true), 0)]);
    check("mode(x)", &[(1, text("b")), (2, text("a"))], &[(0, text("a"), 0)]);
}

#[test]
fn ranks_are_the_nearest() {
    let series: Vec<(i64, Scalar)> = (1..=4).map(|i| (i, Integer(i * 10))).collect();
    check("percentile(x, 12)", &series, &[]);
    check("percentile(x, 12.5)", &series, &[(1, Integer(10), 0)]);
    check("percentile(x, 50)", &series, &[(2, Integer(20), 1)]);
    check("percentile(x, 100)", &series, &[(4, Integer(40), 3)]);
    check("percentile(x, 113)", &series, &[]);
}

#[test]
fn samples_are_spread() {
    let series: Vec<(i64, Scalar)> = (0..10).map(|i| (i, Integer(i))).collect();
    check("sample(x, 2)", &series, &[(0, Integer(0), 0), (5, Integer(5), 5)]);
    check("sample(x, 3)", &series[..2], &[(0, Integer(0), 0), (1, Integer(1), 1)]);
}

#[test]
fn what_is_not_defined_yields_nothing() {
    let words = [(1, text("a")), (2, text("b"))];
    for function in [
        "sum(x)",
        "mean(x)",
        "max(x)",
        "percentile(x, 50)",
        "top(x, 1)",
        "integral(x)",
        "spread(x)",
    ] {
        check(function, &words, &[]);
        assert_eq!(window(function).output_type(FieldType::String), None, "{function}");
    }
    check_series("cumulative_sum(x)", &words, &[]);
    assert_eq!(
        transform("holt_winters(mean(x), 1, 0)").output_type(FieldType::Unsigned),
        None
    );
    check("count(x)", &[], &[]);
}

#[test]
fn differences_take_the_first_point_of_each_time() {
    let series = [
        (0, Unsigned(5)),
        (10, Unsigned(3)),
        (10, Unsigned(9)),
        (20, Unsigned(4)),
    ];
    check_series(
        "difference(x)",
        &series,
        &[(10, Unsigned(u64::MAX - 1)), (20, Unsigned(1))],
    );
    check_series("non_negative_difference(x)", &series, &[(20, Unsigned(1))]);
    check_series("derivative(x)", &series, &[(10, Float(-2.0)), (20, Float(1.0))]);
    check_series("derivative(x, 5ns)", &series, &[(10, Float(-1.0)), (20, Float(0.5))]);
    check_series("non_negative_derivative(x)", &series, &[(20, Float(1.0))]);
    let reversed = [(20, Float(4.0)), (10, Float(1.0))];
    check_series("derivative(x)", &reversed, &[(10, Float(-3.0))]);
    check_series("elapsed(x, 3ns)", &reversed, &[(10, Integer(-3))]);
    check_series("elapsed(x)", &[(0, text("a")), (4, text("b"))], &[(4, Integer(4))]);
}

#[test]
fn running_sums_wrap_around() {
    let series = [(0, Integer(i64::MAX)), (1, Integer(1)), (2, Integer(5))];
    let sums = [Integer(i64::MAX), Integer(i64::MIN), Integer(i64::MIN + 5)];
    let sums: Vec<(i64, Scalar)> = (0..).zip(sums).collect();
    check_series("cumulative_sum(x)", &series, &sums);
    check_series(
        "moving_average(x, 2)",
        &series,
        &[(1, Float(-(2.0_f64.powi(62)))), (2, Float(3.0))],
    );
    check_series("moving_average(x, 4)", &series, &[]);
}

#[test]
fn options_and_defaults_are_read() {
    assert_eq!(window("integral(x)"), Window::Integral { unit_ns: 1_000_000_000 });
    assert_eq!(window("top(x, host, 3)"), Window::Top(3));
    assert_eq!(window("percentile(x, 5)"), Window::Percentile(5.0));
    assert_eq!(Window::from_call(&call("derivative(x)")), None);
    assert_eq!(Window::from_call(&call("sample(x, y)")), None);
    let derivative = |unit_ns| {
        Some(Transform::Derivative {
            unit_ns,
            non_negative: false,
        })
    };
    assert_eq!(
        Transform::from_call(&call("derivative(x)"), None),
        derivative(1_000_000_000)
    );
    assert_eq!(
        Transform::from_call(&call("derivative(mean(x))"), Some(60)),
        derivative(60)
    );
    assert_eq!(
        Transform::from_call(&call("derivative(x, 1u)"), Some(60)),
        derivative(1_000)
    );
    assert_eq!(Transform::from_call(&call("holt_winters(mean(x), 3, 0)"), None), None);
    let simple = Smoothing {
        period: 4,
        hold: Some(2),
        warmup: Warmup::Simple,
    };
    let ema = transform("exponential_moving_average(x, 4, 2, 'simple')");
    assert_eq!(ema, Transform::ExponentialMovingAverage(simple));
    let plain = Smoothing {
        hold: None,
        warmup: Warmup::None,
        ..simple
    };
    let oscillator = transform("chande_momentum_oscillator(x, 4, -1)");
    assert_eq!(oscillator, Transform::ChandeMomentumOscillator(plain));
}

#[test]
fn areas_are_cut_at_the_edges_of_windows() {
    let check = |series: &[(i64, Scalar)], grouped, descending, expected: &[(i64, f64)]| {
        let windows = Windows {
            of: &|time| {
                let start = time.div_euclid(10) * 10;
                if grouped { (start, start + 10) } else { (-5, 1000) }
            },
            grouped,
            descending,
        };
        let found = integral(&points(series), 1, windows);
        let found: Vec<_> = found.into_iter().map(|p| (p.time, p.value.as_f64().unwrap())).collect();
        assert_eq!(found, expected, "{series:?}");
    };
    let floats = [(4, Float(0.0)), (12, Float(8.0)), (20, Float(8.0))];
    check(&floats, true, false, &[(0, 18.0), (10, 78.0)]);
    check(&floats, false, false, &[(0, 96.0)]);
    let whole = [(4, Integer(0)), (12, Integer(8)), (20, Integer(8))];
    // In the second window 0 and 6 bound the first trapezium instead of 6 and 8: InfluxDB's slip.
    check(&whole, true, false, &[(0, 18.0), (10, 70.0)]);
    check(&whole, false, false, &[(-5, 96.0)]);
    let reversed: Vec<_> = floats.iter().rev().cloned().collect();
    check(&reversed, true, true, &[(30, 0.0), (20, -78.0), (10, -18.0)]);
    check(&[(10, Float(1.0))], true, false, &[]);
    check(&[(11, Float(1.0))], true, false, &[(10, 0.0)]);
}

#[test]
fn forecasts_stay_within_bounds() {
    let series: Vec<(i64, Scalar)> = (0..6).map(|i| (i * 10, Float(5.0))).collect();
    let found = transform("holt_winters(mean(x), 2, 0)").apply(&points(&series));
    let times: Vec<i64> = found.iter().map(|point| point.time).collect();
    assert_eq!(times, [60, 70]);
    check_series("holt_winters(mean(x), 9223372036854775807, 0)", &series, &[]);
    check_series("holt_winters(mean(x), 2, 7)", &series, &[]);
    check_series("holt_winters(mean(x), 2, 0)", &series[..1], &[]);
    let far = [(i64::MIN, Float(1.0)), (i64::MAX, Float(1.0))];
    check_series("holt_winters(mean(x), 2, 0)", &far, &[]);
    check_series("chande_momentum_oscillator(x, 1)", &series, &[]);
    check_series("kaufmans_efficiency_ratio(x, 9223372036854775807)", &series, &[]);
}

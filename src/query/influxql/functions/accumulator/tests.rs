use proptest::prelude::*;

use super::*;

const FUNCTIONS: [Window; 7] = [
    Window::Count,
    Window::Sum,
    Window::Mean,
    Window::Min,
    Window::Max,
    Window::First,
    Window::Last,
];

/// One series' part of a window: rows in ascending order, some without a value.
type Part = Vec<(i64, Option<Scalar>)>;

fn parts(value: BoxedStrategy<Scalar>) -> impl Strategy<Value = Vec<Part>> {
    let part = prop::collection::btree_map(0..20_i64, prop::option::of(value), 0..12);
    let part = part.prop_map(|rows| rows.into_iter().collect::<Part>());
    prop::collection::vec(part, 0..4)
}

fn scalars() -> impl Strategy<Value = (FieldType, Vec<Part>)> {
    let few = prop_oneof![Just(-1.5), Just(0.0), Just(2.0), -1e9..1e9_f64];
    prop_oneof![
        parts(few.prop_map(Scalar::Float).boxed()).prop_map(|parts| (FieldType::Float, parts)),
        parts(prop_oneof![-2..3_i64, any::<i64>()].prop_map(Scalar::Integer).boxed())
            .prop_map(|parts| (FieldType::Integer, parts)),
        parts(prop_oneof![0..3_u64, any::<u64>()].prop_map(Scalar::Unsigned).boxed())
            .prop_map(|parts| (FieldType::Unsigned, parts)),
        parts("[abé]{0,2}".prop_map(|text| Scalar::String(text.into())).boxed())
            .prop_map(|parts| (FieldType::String, parts)),
        parts(any::<bool>().prop_map(Scalar::Boolean).boxed()).prop_map(|parts| (FieldType::Boolean, parts)),
    ]
}

fn add(accumulator: &mut Accumulator, part: &Part) {
    let times: Vec<i64> = part.iter().map(|(time, _)| *time).collect();
    let valid: Vec<bool> = part.iter().map(|(_, value)| value.is_some()).collect();
    let valid = (!valid.iter().all(|valid| *valid)).then_some(valid);
    let valid = valid.as_deref();
    macro_rules! column {
        ($variant:path, $default:expr) => {
            part.iter()
                .map(|(_, value)| match value {
                    Some($variant(value)) => value.clone(),
                    _ => $default,
                })
                .collect::<Vec<_>>()
        };
    }
    match accumulator.input {
        FieldType::Float => accumulator.add_f64(&times, &column!(Scalar::Float, 7.0), valid),
        FieldType::Integer => accumulator.add_i64(&times, &column!(Scalar::Integer, 7), valid),
        FieldType::Unsigned => accumulator.add_u64(&times, &column!(Scalar::Unsigned, 7), valid),
        FieldType::Boolean => accumulator.add_bool(&times, &column!(Scalar::Boolean, true), valid),
        FieldType::String => accumulator.add_str(&times, &column!(Scalar::String, Arc::from("z")), valid),
    }
}

/// What a source would say of the part, of its numbers.
fn summary(part: &Part) -> Summary {
    let rows: Vec<(i64, &Scalar)> = part
        .iter()
        .filter_map(|(time, value)| Some((*time, value.as_ref()?)))
        .collect();
    let extreme = |replaces: fn(f64, f64) -> bool| {
        let numbers = rows.iter().filter_map(|(time, value)| Some((value.as_f64()?, *time)));
        numbers.reduce(|held, other| if replaces(other.0, held.0) { other } else { held })
    };
    let integer_sum = rows.iter().try_fold(0_i64, |sum, (_, value)| match value {
        Scalar::Integer(value) => Some(sum.wrapping_add(*value)),
        Scalar::Unsigned(value) => Some(sum.wrapping_add(value.cast_signed())),
        _ => None,
    });
    let sum = rows.iter().try_fold(0.0, |sum, (_, value)| Some(sum + value.as_f64()?));
    Summary {
        count: rows.len() as u64,
        first_time: rows.first().map_or(0, |(time, _)| *time),
        last_time: rows.last().map_or(0, |(time, _)| *time),
        sum,
        integer_sum,
        min: extreme(|a, b| a < b),
        max: extreme(|a, b| a > b),
    }
}

/// The result over points; their rows are of no interest here.
fn expected(function: Window, parts: &[Part]) -> Option<Point> {
    let point = |(time, value): &(i64, Option<Scalar>)| {
        Some(Point {
            time: *time,
            value: value.clone()?,
            row: 0,
        })
    };
    let points: Vec<Point> = parts.iter().flatten().filter_map(point).collect();
    function.apply(&points, -5, 100).pop()
}

fn is_near(a: &Option<Point>, b: &Option<Point>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => match (&a.value, &b.value) {
            (Scalar::Float(x), Scalar::Float(y)) => a.time == b.time && (x - y).abs() <= 1e-6,
            _ => a == b,
        },
        _ => a == b,
    }
}

proptest! {
    #[test]
    fn columns_give_the_result_of_points((input, parts) in scalars()) {
        for function in FUNCTIONS {
            let Some(mut accumulator) = Accumulator::new(function, input) else {
                prop_assert_eq!(function.output_type(input), None);
                continue;
            };
            parts.iter().for_each(|part| add(&mut accumulator, part));
            prop_assert_eq!(accumulator.finish(-5), expected(function, &parts), "{:?}", function);
        }
    }

    #[test]
    fn merged_parts_and_summaries_give_it_too((input, parts) in scalars()) {
        for function in FUNCTIONS {
            let Some(empty) = Accumulator::new(function, input) else { continue };
            let (mut merged, mut summed) = (empty.clone(), empty.clone());
            for part in &parts {
                let mut other = empty.clone();
                add(&mut other, part);
                merged.merge(&other);
                if !summed.add_summary(&summary(part)) {
                    add(&mut summed, part);
                }
            }
            let expected = expected(function, &parts);
            prop_assert!(is_near(&merged.finish(-5), &expected), "{:?} {:?}", function, merged);
            prop_assert!(is_near(&summed.finish(-5), &expected), "{:?} {:?}", function, summed);
        }
    }
}

#[test]
fn only_one_pass_functions_accumulate() {
    for function in [Window::Median, Window::Distinct, Window::Top(1), Window::Stddev] {
        assert_eq!(Accumulator::new(function, FieldType::Float), None, "{function:?}");
    }
    assert_eq!(Accumulator::new(Window::Sum, FieldType::String), None);
}

#[test]
fn columns_of_another_type_are_ignored() {
    let mut accumulator = Accumulator::new(Window::Sum, FieldType::Float).unwrap();
    accumulator.add_i64(&[1], &[5], None);
    assert_eq!(accumulator.finish(0), None);
}

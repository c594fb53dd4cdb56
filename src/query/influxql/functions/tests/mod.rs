//! Tables for what the text of InfluxDB's rules says, and answers recorded from a live server.

mod live;
mod tables;

use std::sync::Arc;

use super::{Point, Scalar, Transform, Window};
use crate::influx::influxql::ast::{Call, Expr};
use crate::influx::influxql::parse_expr;

fn call(text: &str) -> Call {
    match parse_expr(text).unwrap() {
        Expr::Call(call) => call,
        other => panic!("{other} is no call"),
    }
}

fn window(text: &str) -> Window {
    Window::from_call(&call(text)).unwrap()
}

fn transform(text: &str) -> Transform {
    Transform::from_call(&call(text), Some(10)).unwrap()
}

fn text(value: &str) -> Scalar {
    Scalar::String(Arc::from(value))
}

/// Points whose rows are counted from 0.
fn points(series: &[(i64, Scalar)]) -> Vec<Point> {
    let point = |(row, (time, value)): (usize, &(i64, Scalar))| Point {
        time: *time,
        value: value.clone(),
        row: u32::try_from(row).unwrap(),
    };
    series.iter().enumerate().map(point).collect()
}

//! The functions of a query.

use super::super::error::QueryError;
use super::super::expr::Program;
use super::super::functions::{Transform, Window};
use super::super::math::MathFunction;
use super::super::window::Windows;
use super::super::{cast::field_type, types};
use super::Need;
use crate::base::TimestampNs;
use crate::influx::influxql::ast::{Call, DataType, Expr, Select, VarRef};
use crate::query::source::{FieldType, Times};

/// A call: a function of a field or of another call's results.
#[derive(Debug, Clone)]
pub(in super::super) struct Step {
    /// The name as it is written.
    pub(in super::super) name: String,
    /// What is computed.
    pub(in super::super) function: Function,
    /// Of what.
    pub(in super::super) input: Operand,
    /// The type of the results.
    pub(in super::super) output: FieldType,
}

/// What a call computes.
#[derive(Debug, Clone)]
pub(in super::super) enum Function {
    /// Of each window.
    Window(Window),
    /// `top` and `bottom` of the best points of each combination of these tags, which are needs.
    BestOf(Window, Vec<usize>),
    /// Of the whole series.
    Transform(Transform),
}

/// What a function is computed of.
#[derive(Debug, Clone)]
pub(in super::super) enum Operand {
    /// The need at that position, of that type; without one there is nothing.
    Need(usize, Option<FieldType>),
    /// The results of another call.
    Step(Box<Step>),
}

impl Step {
    /// Whether the results are points of the source, with their own time and other fields.
    pub(super) fn picks_points(&self) -> bool {
        match &self.function {
            Function::Window(window) => window.is_selector(),
            Function::BestOf(..) => true,
            Function::Transform(_) => false,
        }
    }
}

impl Step {
    /// The windows of the points that the function is computed of. Where it needs the point before the first window,
    /// they begin one earlier; InfluxDB's computation overflows when there is no first window, here all are looked at.
    pub(in super::super) fn input_windows(&self, windows: &Windows, ascending: bool) -> Windows {
        let mut windows = windows.clone();
        let needs_previous = match &self.function {
            Function::Transform(Transform::CumulativeSum | Transform::HoltWinters { .. }) => false,
            Function::Transform(_) => true,
            Function::Window(_) | Function::BestOf(..) => false,
        };
        if let Some(interval) = windows.interval.filter(|_| needs_previous) {
            if ascending {
                windows.start = windows.start.saturating_sub(interval).max(TimestampNs::MIN.0);
            } else {
                windows.end = windows.end.saturating_add(interval).min(TimestampNs::MAX.0);
            }
        }
        windows
    }

    /// The times of the points that the function looks at.
    pub(super) fn reach(&self, windows: &Windows, ascending: bool) -> Times {
        let windows = self.input_windows(windows, ascending);
        match &self.input {
            Operand::Need(..) => Times {
                min: windows.start,
                max: windows.end,
            },
            Operand::Step(inner) => inner.reach(&windows, ascending),
        }
    }
}

/// The parts of which the columns of a query are made.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) refs: Vec<VarRef>,
    calls: Vec<Call>,
    pub(super) needs: Vec<Need>,
    pub(super) steps: Vec<Option<Step>>,
    pub(super) kinds: Vec<Option<FieldType>>,
    /// Whether a function of a tag has points, as those of a subquery's columns do.
    tags_drive: bool,
}

/// Finds references and calls, each once.
///
/// # Errors
/// When a function does not take the type of its argument.
pub(super) fn collect(select: &Select, interval: Option<i64>, has_nested: bool) -> Result<Parts, QueryError> {
    let mut parts = Parts {
        tags_drive: has_nested,
        ..Parts::default()
    };
    for field in &select.fields {
        parts.add(&field.expr);
        if let Expr::Call(call) = &field.expr
            && select.target.is_none()
        {
            best_of_tags(call).for_each(|tag| parts.add_ref(tag));
        }
    }
    let need = |reference: &VarRef| Need {
        reference: reference.clone(),
        drives: false,
    };
    parts.needs = parts.refs.iter().map(need).collect();
    parts.kinds = parts
        .refs
        .iter()
        .map(|reference| reference.cast.and_then(field_type))
        .collect();
    for call in std::mem::take(&mut parts.calls) {
        let kind = types::of(&Expr::Call(call.clone()))?.and_then(field_type);
        parts.kinds.push(kind);
        let step = match kind {
            Some(_) => Some(parts.step(&call, interval)?),
            None => None,
        };
        parts.steps.push(step);
        parts.calls.push(call);
    }
    Ok(parts)
}

/// What computes each column; `top` and `bottom` have one more for each tag they name.
pub(super) fn programs(select: &Select, parts: &Parts) -> Result<Vec<Program>, QueryError> {
    let mut slot = |expr: &Expr| parts.slot(expr);
    let mut programs = Vec::new();
    for field in &select.fields {
        programs.push(Program::compile(&field.expr, &mut slot)?);
        if let Expr::Call(call) = &field.expr
            && select.target.is_none()
        {
            for tag in best_of_tags(call) {
                programs.push(Program::compile(&Expr::Ref(tag.clone()), &mut slot)?);
            }
        }
    }
    Ok(programs)
}

/// The tags between the field and the limit of `top` and `bottom`.
pub(super) fn best_of_tags(call: &Call) -> impl Iterator<Item = &VarRef> {
    let is_best = matches!(call.name.as_str(), "top" | "bottom");
    call.args.iter().skip(1).filter_map(move |arg| match arg {
        Expr::Ref(tag) if is_best => Some(tag),
        _ => None,
    })
}

impl Parts {
    fn add(&mut self, expr: &Expr) {
        match expr {
            Expr::Ref(reference) => self.add_ref(reference),
            Expr::Call(call) if MathFunction::from_name(&call.name).is_some() => {
                call.args.iter().for_each(|arg| self.add(arg));
            }
            Expr::Call(call) if !self.calls.contains(call) => self.calls.push(call.clone()),
            Expr::Binary(chain) => chain.operands().for_each(|operand| self.add(operand)),
            Expr::Paren(inner) => self.add(inner),
            _ => {}
        }
    }

    fn add_ref(&mut self, reference: &VarRef) {
        if !self.refs.contains(reference) {
            self.refs.push(reference.clone());
        }
    }

    /// The position of a reference or call in a row.
    fn slot(&self, expr: &Expr) -> Option<usize> {
        match expr {
            Expr::Ref(reference) => self.refs.iter().position(|known| known == reference),
            Expr::Call(call) => {
                let at = self.calls.iter().position(|known| known == call)?;
                Some(self.refs.len() + at)
            }
            _ => None,
        }
    }

    fn step(&mut self, call: &Call, interval: Option<i64>) -> Result<Step, QueryError> {
        let input = match call.args.first() {
            Some(Expr::Call(inner)) => Operand::Step(Box::new(self.step(inner, interval)?)),
            Some(Expr::Ref(reference)) => self.driver(reference),
            _ => Operand::Need(usize::MAX, None),
        };
        let kind = match &input {
            Operand::Need(_, kind) => *kind,
            Operand::Step(step) => Some(step.output),
        };
        let function = self.function(call, interval)?;
        let output = kind.map(|kind| match &function {
            Function::Window(window) | Function::BestOf(window, _) => window.output_type(kind),
            Function::Transform(transform) => transform.output_type(kind),
        });
        let output = match (output, kind) {
            (Some(None), Some(kind)) => return Err(unsupported(&call.name, kind)),
            (output, _) => output.flatten().unwrap_or(FieldType::Float),
        };
        let name = call.name.clone();
        Ok(Step {
            name,
            function,
            input,
            output,
        })
    }

    fn function(&mut self, call: &Call, interval: Option<i64>) -> Result<Function, QueryError> {
        if let Some(transform) = Transform::from_call(call, interval) {
            return Ok(Function::Transform(transform));
        }
        let window = Window::from_call(call).ok_or_else(|| QueryError::UndefinedFunction(call.name.clone()))?;
        let tags: Vec<usize> = best_of_tags(call).map(|tag| self.need(tag, false)).collect();
        Ok(match tags.is_empty() {
            true => Function::Window(window),
            false => Function::BestOf(window, tags),
        })
    }

    fn driver(&mut self, reference: &VarRef) -> Operand {
        let is_nothing = |kind: &DataType| *kind == DataType::Tag && !self.tags_drive;
        let kind = reference.cast.filter(|kind| !is_nothing(kind)).and_then(field_type);
        Operand::Need(self.need(reference, true), kind)
    }

    fn need(&mut self, reference: &VarRef, drives: bool) -> usize {
        let need = Need {
            reference: reference.clone(),
            drives: drives && reference.cast == Some(DataType::Tag),
        };
        self.needs.iter().position(|known| *known == need).unwrap_or_else(|| {
            self.needs.push(need);
            self.needs.len() - 1
        })
    }
}

fn unsupported(function: &str, kind: FieldType) -> QueryError {
    let function = function
        .strip_prefix("non_negative_")
        .unwrap_or(function)
        .replace('_', " ");
    let kind = match kind {
        FieldType::Float => "float",
        FieldType::Integer => "integer",
        FieldType::Unsigned => "unsigned",
        FieldType::String => "string",
        FieldType::Boolean => "boolean",
    };
    QueryError::Unsupported { function, kind }
}

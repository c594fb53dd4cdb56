//! The fields of one measurement under one retention policy, and the layouts in which its lines come.
//!
//! A layout is a list of fields as lines name them, in their order. Lines of a series nearly always have the layout of
//! the line before, so the write path compares names with it instead of looking each one up.

use std::{collections::HashMap, sync::Arc};

use crate::query::source::FieldType;

use super::block::FieldId;

/// Layouts remembered per measurement; beyond, all are forgotten and made anew as lines come.
const MAX_LAYOUTS: usize = 1024;

/// A field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) id: FieldId,
    pub(super) of: FieldType,
}

/// A field in a layout.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct LayoutField {
    /// Its name as lines write it, escaped.
    pub(super) written: Box<[u8]>,
    pub(super) field: Field,
}

/// The fields of a line in order; no field twice.
pub(super) type Layout = Arc<[LayoutField]>;

/// The fields of one measurement under one policy.
#[derive(Debug, Default)]
pub(super) struct FieldSet {
    by_name: HashMap<Arc<str>, Field>,
    layouts: HashMap<Box<[FieldId]>, Layout>,
    recent: Option<Layout>,
}

impl FieldSet {
    /// The field of a name.
    pub(super) fn get(&self, name: &str) -> Option<Field> {
        self.by_name.get(name).copied()
    }

    /// Adds a field that is not there yet.
    pub(super) fn insert(&mut self, name: Arc<str>, field: Field) {
        self.by_name.insert(name, field);
    }

    /// All fields, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Arc<str>, Field)> {
        self.by_name.iter().map(|(name, field)| (name, *field))
    }

    /// The layout of the last line that came with another one than the line of its series before.
    pub(super) fn recent(&self) -> Option<&Layout> {
        self.recent.as_ref()
    }

    /// The layout of these fields, the same one each time.
    pub(super) fn layout(&mut self, fields: Vec<LayoutField>) -> Layout {
        let layout = self.find_layout(fields);
        self.recent = Some(Arc::clone(&layout));
        layout
    }

    fn find_layout(&mut self, fields: Vec<LayoutField>) -> Layout {
        let ids: Box<[FieldId]> = fields.iter().map(|field| field.field.id).collect();
        if let Some(layout) = self.layouts.get(&ids).filter(|layout| layout[..] == fields[..]) {
            return Arc::clone(layout);
        }
        if self.layouts.len() >= MAX_LAYOUTS {
            self.layouts.clear();
        }
        let layout: Layout = fields.into();
        self.layouts.insert(ids, Arc::clone(&layout));
        layout
    }
}

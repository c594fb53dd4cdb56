use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::{
    query::source::{FieldType, Values},
    tsdb::{
        columns::has_value,
        fields::{Field, FieldSet, LayoutField},
    },
};

const ALL: Times = Times {
    min: i64::MIN,
    max: i64::MAX,
};

fn layout(set: &mut FieldSet, ids: &[u16]) -> Layout {
    let field = |id: &u16| LayoutField {
        written: id.to_string().into_bytes().into(),
        field: Field {
            id: *id,
            of: FieldType::Integer,
        },
    };
    set.layout(ids.iter().map(field).collect())
}

#[test]
fn the_last_write_of_each_field_wins() {
    let (mut table, mut set) = (Memtable::default(), FieldSet::default());
    let (both, one) = (layout(&mut set, &[0, 1]), layout(&mut set, &[1]));
    table.push(7, 20, &both, &[1, 2]);
    table.push(7, 10, &both, &[3, 4]);
    table.push(7, 20, &one, &[5]);
    let rows = table.read(7, &[0, 1, 9], ALL);
    assert_eq!(rows.times, [10, 20]);
    assert_eq!(rows.columns[0].values, Values::Integer(vec![3, 1]));
    assert_eq!(rows.columns[1].values, Values::Integer(vec![4, 5]));
    assert_eq!(rows.columns[2].values, Values::Absent(2));
    assert_eq!(table.read(8, &[0], ALL).times, [0; 0]);
}

#[test]
fn equal_layouts_are_one() {
    let mut set = FieldSet::default();
    let first = layout(&mut set, &[0, 1]);
    assert!(Arc::ptr_eq(&first, &layout(&mut set, &[0, 1])));
    assert!(!Arc::ptr_eq(&first, &layout(&mut set, &[1, 0])));
}

#[test]
fn memory_is_given_back() {
    let (mut table, mut set) = (Memtable::default(), FieldSet::default());
    let one = layout(&mut set, &[0]);
    (0..100).for_each(|time| table.push(1, time, &one, &[0]));
    assert!(table.bytes() >= 1600);
    table.remove_times(1, Times { min: 0, max: 98 });
    assert!(table.contains(1));
    table.remove_times(1, Times { min: 99, max: 99 });
    assert!(table.is_empty());
    assert_eq!(table.bytes(), 0);
}

#[derive(Debug, Clone)]
enum Action {
    Write(i64, u8, u64),
    Delete(i64, i64),
}

fn any_action() -> impl Strategy<Value = Action> {
    prop_oneof![
        8 => (0_i64..30, 1_u8..8, 0_u64..100).prop_map(|(time, fields, value)| Action::Write(time, fields, value)),
        1 => (0_i64..30, 0_i64..10).prop_map(|(min, length)| Action::Delete(min, min + length)),
    ]
}

proptest! {
    #[test]
    fn reads_what_a_map_holds(actions in prop::collection::vec(any_action(), 0..60)) {
        let (mut table, mut set) = (Memtable::default(), FieldSet::default());
        let mut model: BTreeMap<i64, BTreeMap<u16, u64>> = BTreeMap::new();
        for action in actions {
            match action {
                Action::Write(time, mask, value) => {
                    let ids: Vec<u16> = (0..3).filter(|id| mask & (1 << id) != 0).collect();
                    let layout = layout(&mut set, &ids);
                    let words: Vec<u64> = ids.iter().map(|id| value + u64::from(*id)).collect();
                    table.push(1, time, &layout, &words);
                    model.entry(time).or_default().extend(ids.into_iter().zip(words));
                }
                Action::Delete(min, max) => {
                    table.remove_times(1, Times { min, max });
                    model.retain(|time, _| !(min..=max).contains(time));
                }
            }
        }
        let rows = table.read(1, &[0, 1, 2], ALL);
        prop_assert_eq!(&rows.times, &model.keys().copied().collect::<Vec<_>>());
        for (row, fields) in model.values().enumerate() {
            for (id, column) in (0_u16..).zip(&rows.columns) {
                let found = match &column.values {
                    Values::Integer(values) if has_value(column, row) => Some(values[row].cast_unsigned()),
                    _ => None,
                };
                prop_assert_eq!(found, fields.get(&id).copied());
            }
        }
    }
}

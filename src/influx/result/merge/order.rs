//! The order of rows in listings.

use super::Value;

/// Sorts rows by their values and drops repeated ones.
pub(super) fn by_value(rows: &mut Vec<Vec<Value>>) {
    rows.sort();
    rows.dedup();
}

/// Sorts rows whose first value is a series key as influxd sorts series, and drops repeated ones.
pub(super) fn by_series_key(rows: &mut Vec<Vec<Value>>) {
    by_value(rows);
    rows.sort_by_cached_key(|row| row.first().and_then(Value::as_str).map(comparable));
}

/// Bytes that compare as (measurement, tag key, tag value, tag key …) does: the parts without their escapes, each ended by a
/// zero byte, so that a key sorts before those that go on.
fn comparable(series_key: &str) -> Vec<u8> {
    let mut parts = Vec::with_capacity(series_key.len() + 1);
    let mut bytes = series_key.bytes().peekable();
    let mut in_measurement = true;
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => parts.push(bytes.next_if(|next| matches!(next, b',' | b'=' | b' ')).unwrap_or(byte)),
            b',' => {
                parts.push(0);
                in_measurement = false;
            }
            b'=' if !in_measurement => parts.push(0),
            _ => parts.push(byte),
        }
    }
    parts.push(0);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_keys_sort_by_measurement_then_tags() {
        let ascending = [
            "Cpu,Zone=1",
            "cpu",
            "cpu,a=1",
            "cpu,a=1,b=2",
            "cpu,a=1,c=1",
            "cpu,a\\ b=1",
            "cpu,a\\=b=1",
            "cpu,host=a",
            "cpu,host=a,region=x",
            "cpu,host=a!b",
            "cpu,host=a-b",
            "cpu\\ x,a=1",
            "cpu!",
            "cpu!,host=a",
            "cpu\\,x,a=1",
            "cpu-x",
            "cpu=x",
            "\u{e9},\u{fc}=1",
        ];
        let expect: Vec<Vec<Value>> = ascending.iter().map(|key| vec![Value::from(*key)]).collect();
        let mut rows: Vec<_> = expect.iter().rev().chain(&expect).cloned().collect();
        by_series_key(&mut rows);
        assert_eq!(rows, expect);
    }

    #[test]
    fn rows_of_any_kind_sort() {
        let mut rows = vec![
            vec![],
            vec![Value::from("a")],
            vec![Value::Null],
            vec![Value::Integer(1)],
            vec![],
        ];
        by_series_key(&mut rows);
        assert_eq!(
            rows,
            [
                vec![],
                vec![Value::Null],
                vec![Value::Integer(1)],
                vec![Value::from("a")]
            ]
        );
    }
}

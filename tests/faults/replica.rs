//! Reads everything that servers hold, from the servers themselves.

use serde_json::Value;

use super::ledger::{Key, Replica};
use crate::support::http::{Client, query_target};

/// All points with the field `v` on the servers that together hold one copy of a database; an error if one of them
/// does not answer.
pub(crate) fn read(servers: &[Client], db: &str) -> Result<Replica, String> {
    read_from(servers, db, "/.*/")
}

/// The same, of the measurements that `source` says in InfluxQL.
pub(crate) fn read_from(servers: &[Client], db: &str, source: &str) -> Result<Replica, String> {
    let mut replica = Replica::new();
    for server in servers {
        let statement = format!(r#"SELECT "v" FROM {source} GROUP BY "writer""#);
        let answer = server
            .request("POST", &query_target(db, &statement), &[], b"")
            .map_err(|error| error.to_string())?;
        let result = answer.json()["results"][0].take();
        if answer.status != 200 || !result["error"].is_null() {
            return Err(format!("{} {}", answer.status, answer.text()));
        }
        for series in result["series"].as_array().into_iter().flatten() {
            collect(series, &mut replica)?;
        }
    }
    Ok(replica)
}

fn collect(series: &Value, replica: &mut Replica) -> Result<(), String> {
    let unexpected = || format!("not a series of points: {series}");
    let measurement = series["name"].as_str().ok_or_else(unexpected)?;
    let writer = series["tags"]["writer"].as_str().ok_or_else(unexpected)?;
    for row in series["values"].as_array().ok_or_else(unexpected)? {
        let (time, value) = row[0].as_i64().zip(row[1].as_i64()).ok_or_else(unexpected)?;
        let key = Key {
            measurement: measurement.to_owned(),
            writer: writer.to_owned(),
            time,
        };
        replica.entry(key).or_default().push(value);
    }
    Ok(())
}

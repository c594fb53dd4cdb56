//! `gyre task watch`: the metrics of a task as they come, in place when the output is a terminal.

use std::{
    io::{IsTerminal as _, Write as _, stdout},
    mem,
};

use serde_json::Value;

use super::{
    super::{
        out,
        signals::told_to_stop,
        snap::{Snap, plain},
        table,
    },
    path_of,
};

/// Shows events until the task ends, the stream does, or the user interrupts.
pub(super) async fn run(snap: &Snap<'_>, id: &str, verbose: bool, json: bool) -> anyhow::Result<()> {
    let mut stream = snap.open(&format!("{}/watch", path_of(id))).await?;
    if !json {
        out::line(format_args!("Watching Task ({id}):"))?;
    }
    let mut lines = Lines::default();
    let mut screen = Screen::new(verbose);
    let mut stop = std::pin::pin!(told_to_stop());
    loop {
        let chunk = tokio::select! {
            chunk = stream.chunk() => chunk?,
            () = &mut stop => {
                out::line("Stopping task watch")?;
                return Ok(());
            }
        };
        let Some(chunk) = chunk else {
            anyhow::bail!("the stream was closed: the task could not be followed, or Gyre stopped");
        };
        for line in lines.push(&chunk) {
            let Some(event) = event_of(&line) else { continue };
            if json {
                out::line(&event)?;
            } else {
                screen.show(&event)?;
            }
            if is_last(&event) {
                return Ok(());
            }
        }
    }
}

/// The event in a line of the stream, if it holds one.
fn event_of(line: &[u8]) -> Option<Value> {
    serde_json::from_slice(line.strip_prefix(b"data:")?).ok()
}

fn is_last(event: &Value) -> bool {
    let last = ["task-stopped", "task-ended", "task-disabled"];
    event["type"].as_str().is_some_and(|kind| last.contains(&kind))
}

/// Cuts chunks into lines.
#[derive(Debug, Default)]
struct Lines {
    begun: Vec<u8>,
}

impl Lines {
    /// The lines that this chunk completes.
    fn push(&mut self, chunk: &[u8]) -> Vec<Vec<u8>> {
        let mut whole = Vec::new();
        for piece in chunk.split_inclusive(|byte| *byte == b'\n') {
            self.begun.extend_from_slice(piece);
            if self.begun.ends_with(b"\n") {
                let mut line = mem::take(&mut self.begun);
                line.truncate(line.len() - 1);
                whole.push(line);
            }
        }
        whole
    }
}

/// What the user sees.
#[derive(Debug)]
struct Screen {
    verbose: bool,
    in_place: bool,
    /// Lines of the table on the terminal now.
    drawn: usize,
}

impl Screen {
    fn new(verbose: bool) -> Self {
        Self {
            verbose,
            in_place: stdout().is_terminal(),
            drawn: 0,
        }
    }

    fn show(&mut self, event: &Value) -> anyhow::Result<()> {
        let mut out = out::StandardOutput;
        if event["type"] != "metric-event" {
            let (kind, message) = (plain(&event["type"]), plain(&event["message"]));
            if event["type"] != "stream-open" {
                self.drawn = 0;
                writeln!(out, "{}", format!("{kind} {message}").trim_end())?;
            }
            return Ok(());
        }
        let lines = table_of(event, self.verbose);
        if self.in_place && self.drawn > 0 {
            write!(out, "\x1b[{}A\x1b[J", self.drawn)?;
        }
        for line in &lines {
            writeln!(out, "{line}")?;
        }
        self.drawn = lines.len();
        out.flush()?;
        Ok(())
    }
}

fn table_of(event: &Value, verbose: bool) -> Vec<String> {
    let metrics = event["event"].as_array().into_iter().flatten();
    let rows = metrics.map(|metric| ["namespace", "data", "timestamp"].map(|key| plain(&metric[key])));
    if !verbose {
        return table::lines(["NAMESPACE", "DATA", "TIMESTAMP"], &rows.collect::<Vec<_>>());
    }
    let tags = event["event"].as_array().into_iter().flatten().map(|metric| {
        let tags = metric["tags"].as_object().into_iter().flatten();
        let tags: Vec<_> = tags.map(|(key, value)| format!("{key}={}", plain(value))).collect();
        tags.join(",")
    });
    let rows = rows.zip(tags);
    let rows: Vec<_> = rows
        .map(|([namespace, data, timestamp], tags)| [namespace, data, timestamp, tags])
        .collect();
    table::lines(["NAMESPACE", "DATA", "TIMESTAMP", "TAGS"], &rows)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lines_come_whole_however_they_are_cut() {
        let text = b"data: {\"type\":\"a\"}\n\ndata: {\"type\":\"b\"}\n{ rest";
        for size in 1..text.len() {
            let mut lines = Lines::default();
            let events: Vec<_> = text.chunks(size).flat_map(|chunk| lines.push(chunk)).collect();
            let events: Vec<_> = events.iter().filter_map(|line| event_of(line)).collect();
            assert_eq!(events, [json!({"type": "a"}), json!({"type": "b"})], "{size}");
        }
    }

    #[test]
    fn metrics_become_a_table() {
        let event = json!({"type": "metric-event", "event": [
            {"namespace": "/a", "data": 1.5, "timestamp": "t", "tags": {"k": "v", "l": "w"}},
            {"namespace": "/b/c", "data": "x", "timestamp": "t", "tags": null},
        ]});
        assert_eq!(
            table_of(&event, false),
            ["NAMESPACE  DATA  TIMESTAMP", "/a         1.5   t", "/b/c       x     t"]
        );
        assert_eq!(table_of(&event, true)[1], "/a         1.5   t          k=v,l=w");
        assert!(!is_last(&event));
        assert!(is_last(&json!({"type": "task-ended"})));
    }
}

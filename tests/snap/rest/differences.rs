//! What is answered otherwise than the original answered it, on purpose.

use crate::support::http::Response;

/// A recording that is not answered alike.
#[derive(Debug)]
pub(super) struct Difference {
    pub(super) section: &'static str,
    pub(super) name: &'static str,
    /// What is answered instead.
    pub(super) status: u16,
    /// Stands in the body that is answered instead.
    text: &'static str,
    /// Why that is better.
    reason: &'static str,
}

pub(super) const DIFFERENCES: &[Difference] = &[
    Difference {
        section: "plugins_and_metrics",
        name: "load json bad",
        status: 500,
        text: "invalid character 'b' looking for beginning of object key string",
        reason: "the original writes two envelopes, one after the other, which is no JSON",
    },
    Difference {
        section: "plugins_and_metrics",
        name: "load no parts",
        status: 400,
        text: "no plugin in the parts of the request",
        reason: "the original crashes in the handler",
    },
    Difference {
        section: "task_creation_errors",
        name: "config roots differ",
        status: 201,
        text: "Scheduled task created",
        reason: "the original crashes when configuration is given below two roots",
    },
    Difference {
        section: "api_v2",
        name: "no action",
        status: 400,
        text: "error 0: wrong action requested ",
        reason: "the original crashes in the handler",
    },
];

impl Difference {
    /// Whether the answer is the one that is listed.
    pub(super) fn check(&self, answer: &Response) -> Result<(), String> {
        let text = answer.text();
        if answer.status == self.status && text.contains(self.text) {
            return Ok(());
        }
        let Self {
            status: wanted,
            text: words,
            reason,
            ..
        } = self;
        Err(format!(
            "{wanted} and {words:?} are wanted, since {reason}, but answered is {}: {text}",
            answer.status
        ))
    }
}

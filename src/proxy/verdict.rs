//! What a backend's answer to a delivery means.

/// What to do after an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Everything is applied.
    Applied,
    /// Some points are refused for good; the rest of the batch may have been applied.
    Refused {
        /// The status answered.
        status: u16,
        /// The backend's error text.
        text: String,
    },
    /// The batch is too large for the backend: halve it.
    TooLarge,
    /// The backend does not know the database.
    MissingDatabase {
        /// The status answered.
        status: u16,
        /// The backend's error text.
        text: String,
    },
    /// The backend does not know the retention policy.
    MissingPolicy {
        /// The status answered.
        status: u16,
        /// The backend's error text.
        text: String,
    },
    /// The backend cannot take it now; the same batch may pass later.
    Retry {
        /// Why, for the log.
        text: String,
    },
}

/// Judges a backend's answer to `POST /write`.
///
/// InfluxDB answers 204, 400 for points it refuses (the valid ones of the batch are stored), 404 for an unknown
/// database, 413 for a body over its limit, 500 with `retention policy not found` for an unknown policy; 401 and 403
/// are the operator's to mend, so the points wait.
#[must_use]
pub fn of_write(status: u16, body: &[u8]) -> Verdict {
    if (200..300).contains(&status) {
        return Verdict::Applied;
    }
    let text = error_text(body);
    if text.contains("retention policy not found") {
        return Verdict::MissingPolicy { status, text };
    }
    if text.starts_with("database not found") {
        return Verdict::MissingDatabase { status, text };
    }
    match status {
        413 => Verdict::TooLarge,
        401 | 403 | 404 | 408 | 425 | 429 => Verdict::Retry {
            text: format!("{status} {text}"),
        },
        400..500 => Verdict::Refused { status, text },
        _ => Verdict::Retry {
            text: format!("{status} {text}"),
        },
    }
}

/// Judges a backend's answer to a schema statement sent to `/query`. A statement's own error arrives within a 200
/// and is an answer like any other; 400 means that the backend cannot read the statement.
#[must_use]
pub fn of_statement(status: u16, body: &[u8]) -> Verdict {
    match status {
        200..300 => Verdict::Applied,
        400 | 422 => Verdict::Refused {
            status,
            text: error_text(body),
        },
        _ => Verdict::Retry {
            text: format!("{status} {}", error_text(body)),
        },
    }
}

/// The `error` member of an InfluxDB error body, or the body itself, cut to a length that a log can bear.
#[must_use]
pub fn error_text(body: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct ErrorBody {
        error: String,
    }
    match serde_json::from_slice::<ErrorBody>(body) {
        Ok(body) => body.error,
        Err(_) => String::from_utf8_lossy(body).trim().chars().take(500).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges_what_influxdb_answers() {
        let error = |text: &str| format!("{{\"error\":{}}}\n", serde_json::Value::from(text)).into_bytes();
        let refused = |status, text: &str| Verdict::Refused {
            status,
            text: text.to_owned(),
        };
        assert_eq!(of_write(204, b""), Verdict::Applied);
        assert_eq!(of_write(200, b""), Verdict::Applied);
        let conflict = "partial write: field type conflict: input field \"v\" on measurement \"m\" is type float, already exists as type integer dropped=1";
        assert_eq!(of_write(400, &error(conflict)), refused(400, conflict));
        let missing = "database not found: \"x\"";
        assert_eq!(
            of_write(404, &error(missing)),
            Verdict::MissingDatabase {
                status: 404,
                text: missing.to_owned()
            }
        );
        let policy = "retention policy not found: p";
        assert_eq!(
            of_write(500, &error(policy)),
            Verdict::MissingPolicy {
                status: 500,
                text: policy.to_owned()
            }
        );
        assert_eq!(of_write(413, b"too large"), Verdict::TooLarge);
        for status in [401, 403, 404, 429, 500, 502, 503] {
            assert!(matches!(of_write(status, b"no"), Verdict::Retry { .. }), "{status}");
        }
    }

    #[test]
    fn a_statement_with_an_error_of_its_own_is_answered() {
        assert_eq!(
            of_statement(200, b"{\"results\":[{\"error\":\"invalid name\"}]}"),
            Verdict::Applied
        );
        assert!(matches!(of_statement(400, b"{}"), Verdict::Refused { .. }));
        assert!(matches!(of_statement(503, b""), Verdict::Retry { .. }));
    }
}

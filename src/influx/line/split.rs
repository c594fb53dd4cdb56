//! Where a line ends: InfluxDB's rule, which knows newlines in quoted field values but is coarser than the parser.
//!
//! A backslash hides the byte after it. From the first space on, a double quote opens or closes a string whenever more `=` than `,`
//! have been seen outside strings. A newline outside strings ends the line. As this is not what the parser calls a string, some lines
//! swallow the next one; [`stands_alone`] tells which can be sent among others.

/// What the rule remembers from byte to byte.
#[derive(Default)]
struct Quoting {
    in_fields: bool,
    quoted: bool,
    equals: usize,
    commas: usize,
}

impl Quoting {
    /// Takes a byte that no backslash hides; whether it ends the line.
    fn ends_at(&mut self, byte: u8) -> bool {
        match byte {
            b'\n' => return !self.quoted,
            b' ' => self.in_fields = true,
            b'"' if self.in_fields && self.equals > self.commas => self.quoted = !self.quoted,
            b'=' if self.in_fields && !self.quoted => self.equals += 1,
            b',' if self.in_fields && !self.quoted => self.commas += 1,
            _ => {}
        }
        false
    }
}

/// The lines of a body, each with its newline.
pub fn split(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = body;
    std::iter::from_fn(move || {
        let end = (first_line(rest) + 1).min(rest.len());
        let (line, after) = rest.split_at(end);
        rest = after;
        (!line.is_empty()).then_some(line)
    })
}

/// The length of the first line of `bytes`, without its newline.
pub(super) fn first_line(bytes: &[u8]) -> usize {
    let plain_end = memchr::memchr3(b'\n', b'"', b'\\', bytes).unwrap_or(bytes.len());
    if bytes.get(plain_end).is_none_or(|byte| *byte == b'\n') {
        return plain_end;
    }
    let mut quoting = Quoting::default();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        // InfluxDB lets the last byte of a body not be hidden
        if byte == b'\\' && at + 2 < bytes.len() {
            at += 2;
        } else if quoting.ends_at(byte) {
            break;
        } else {
            at += 1;
        }
    }
    at
}

/// Whether `body`, followed by a timestamp and a newline, is one line and leaves the lines after it alone.
pub(super) fn stands_alone(body: &[u8]) -> bool {
    let mut quoting = Quoting::default();
    let mut at = 0;
    while let Some(&byte) = body.get(at) {
        if byte == b'\\' {
            at += 2;
        } else if quoting.ends_at(byte) {
            return false;
        } else {
            at += 1;
        }
    }
    at == body.len() && !quoting.quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_where_influxdb_ends_them() {
        let check = |body: &str, first: &str| assert_eq!(first_line(body.as_bytes()), first.len(), "{body:?}");
        check("a v=1 1\nb v=2 2", "a v=1 1");
        check("\nb v=2 2", "");
        check("a v=1 1", "a v=1 1");
        check("a s=\"x\ny\" 1\nb v=2 2", "a s=\"x\ny\" 1");
        check("a,t=\"x\ny\" v=1", "a,t=\"x");
        check("a s=\"unterminated\nb v=2 2", "a s=\"unterminated\nb v=2 2");
        check("a s=\"q\\\"\ny\" 1\nb v=1", "a s=\"q\\\"\ny\" 1");
        check("a\\\nb v=1 1\nc", "a\\\nb v=1 1");
        check("a s=x\"y\nz\" 1\n", "a s=x\"y\nz\" 1");
        check("# s=\"\nb v=1", "# s=\"\nb v=1");
        check(" a=\"x\ny\" v=1\nb", " a=\"x\ny\" v=1");
        check("a\\\n", "a\\");
        check("a\\", "a\\");
        check("a v=1 1\r\nb", "a v=1 1\r");
    }

    #[test]
    fn some_bodies_do_not_stand_alone() {
        let check = |body: &str, expect: bool| assert_eq!(stands_alone(body.as_bytes()), expect, "{body:?}");
        check("a v=1", true);
        check("a s=\"x\ny\"", true);
        check("a s=\"x\"\\", false);
        check("a s=\"x\"\\\\", true);
        check("a\\\\ b=\"x v=1", false);
        check("a=\"b\nc\" v=1", false);
        check(" a=\"b\nc\" v=1", true);
    }
}

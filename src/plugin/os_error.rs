//! PURE. Errors of the operating system in Go's words: in lower case, without their number.

use std::io;

/// `no such file or directory`, where Rust says `No such file or directory (os error 2)`.
pub(super) fn words(error: &io::Error) -> String {
    let text = error.to_string();
    match (error.raw_os_error(), text.rsplit_once(" (os error")) {
        (Some(_), Some((words, _))) => words.to_lowercase(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_go_says_it() {
        let error = |number| words(&io::Error::from_raw_os_error(number));
        assert_eq!(error(libc::ENOENT), "no such file or directory");
        assert_eq!(error(libc::ENOEXEC), "exec format error");
        assert_eq!(error(libc::ECONNREFUSED), "connection refused");
        assert_eq!(words(&io::Error::other("Own words")), "Own words");
    }
}

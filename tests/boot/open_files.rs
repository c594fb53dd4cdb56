//! The limit of open files, as the process finds it and as it makes it.

use std::fs;

use crate::support::gyre::{Config, Gyre};

/// Runs the server after `ulimit` with these arguments.
fn under(ulimit: &str) -> Gyre {
    let shell = format!("ulimit {ulimit} && exec \"$@\"");
    let launcher = ["sh", "-c", &shell, "sh"].map(Into::into);
    Gyre::start(Config::new(vec![vec!["embedded:".to_owned()]]).launcher(launcher.to_vec()))
}

/// Soft and hard limit.
fn limits(gyre: &Gyre) -> (String, String) {
    let limits = fs::read_to_string(format!("/proc/{}/limits", gyre.process().id())).expect("it runs");
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let mut words = line.expect("a limit that every process has").split_whitespace();
    let mut next = || words.next().expect("soft and hard").to_owned();
    (next(), next())
}

#[test]
fn the_limit_is_raised_as_far_as_it_goes() {
    let gyre = under("-S -n 256");
    let (soft, hard) = limits(&gyre);
    assert_ne!(soft, "256");
    assert_eq!(soft, hard);
}

#[test]
fn a_limit_that_is_too_low_is_warned_about() {
    let gyre = under("-n 1024");
    assert_eq!(limits(&gyre), ("1024".to_owned(), "1024".to_owned()));
    let log = gyre.process().log();
    assert!(
        log.contains("the limit of open files is below http.max_connections"),
        "{log}"
    );
}

//! PURE. Which route a request means, as the original's router decides.
//!
//! A parameter takes one segment, also an empty one, but not an empty one at the end: such a path leads to the one
//! without the slash, as a path in the wrong case or with needless segments leads to the right one. Only the path of
//! the same method is looked for; a path that another method knows is a wrong method, of which nothing more is said.

/// The two versions of the interface, which differ in the form of all answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    /// Every answer in an envelope.
    V1,
    /// Answers are what was asked for.
    V2,
}

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    ListPlugins,
    GetPlugin,
    LoadPlugin,
    UnloadPlugin,
    GetConfig,
    SetConfig,
    RemoveConfig,
    ListMetrics,
    ListTasks,
    GetTask,
    CreateTask,
    StartTask,
    StopTask,
    EnableTask,
    /// Version 2 says in the query which action it is.
    ActOnTask,
    RemoveTask,
    WatchTask,
}

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Routed {
    /// The action, and the values of the pattern's parameters in their order.
    To(Version, Action, Vec<String>),
    /// The same lies at this path, decoded.
    Moved(String),
    /// Other methods are known at this path.
    WrongMethod,
    /// Nothing is there.
    Nowhere,
}

/// Method, version, pattern below the version, action; `:` takes a segment, `*` all that follows with its slash.
type Route = (&'static str, Version, &'static str, Action);

const ROUTES: &[Route] = &{
    use Action::*;
    use Version::*;
    [
        ("GET", V1, "/v1/plugins", ListPlugins),
        ("GET", V1, "/v1/plugins/:", ListPlugins),
        ("GET", V1, "/v1/plugins/:/:", ListPlugins),
        ("GET", V1, "/v1/plugins/:/:/:", GetPlugin),
        ("POST", V1, "/v1/plugins", LoadPlugin),
        ("DELETE", V1, "/v1/plugins/:/:/:", UnloadPlugin),
        ("GET", V1, "/v1/plugins/:/:/:/config", GetConfig),
        ("PUT", V1, "/v1/plugins/:/:/:/config", SetConfig),
        ("DELETE", V1, "/v1/plugins/:/:/:/config", RemoveConfig),
        ("GET", V1, "/v1/metrics", ListMetrics),
        ("GET", V1, "/v1/metrics*", ListMetrics),
        ("GET", V1, "/v1/tasks", ListTasks),
        ("POST", V1, "/v1/tasks", CreateTask),
        ("GET", V1, "/v1/tasks/:", GetTask),
        ("DELETE", V1, "/v1/tasks/:", RemoveTask),
        ("PUT", V1, "/v1/tasks/:/start", StartTask),
        ("PUT", V1, "/v1/tasks/:/stop", StopTask),
        ("PUT", V1, "/v1/tasks/:/enable", EnableTask),
        ("GET", V1, "/v1/tasks/:/watch", WatchTask),
        ("GET", V2, "/v2/plugins", ListPlugins),
        ("POST", V2, "/v2/plugins", LoadPlugin),
        ("GET", V2, "/v2/plugins/:/:/:", GetPlugin),
        ("DELETE", V2, "/v2/plugins/:/:/:", UnloadPlugin),
        ("GET", V2, "/v2/plugins/:/:/:/config", GetConfig),
        ("PUT", V2, "/v2/plugins/:/:/:/config", SetConfig),
        ("DELETE", V2, "/v2/plugins/:/:/:/config", RemoveConfig),
        ("GET", V2, "/v2/metrics", ListMetrics),
        ("GET", V2, "/v2/tasks", ListTasks),
        ("POST", V2, "/v2/tasks", CreateTask),
        ("GET", V2, "/v2/tasks/:", GetTask),
        ("PUT", V2, "/v2/tasks/:", ActOnTask),
        ("DELETE", V2, "/v2/tasks/:", RemoveTask),
        ("GET", V2, "/v2/tasks/:/watch", WatchTask),
    ]
};

/// Where a request with this decoded path goes.
#[must_use]
pub(super) fn route(method: &str, path: &str) -> Routed {
    let mut wrong_method = false;
    for (known, version, pattern, action) in ROUTES {
        if let Some(found) = matched(pattern, path, Case::Exact) {
            if *known == method {
                return Routed::To(*version, *action, found.params);
            }
            wrong_method = true;
        }
    }
    let of_method = ROUTES.iter().filter(|(known, ..)| *known == method);
    let patterns: Vec<_> = of_method.map(|(_, _, pattern, _)| *pattern).collect();
    if let Some(path) = corrected(&patterns, path) {
        return Routed::Moved(path);
    }
    if wrong_method {
        Routed::WrongMethod
    } else {
        Routed::Nowhere
    }
}

/// The path that was probably meant.
fn corrected(patterns: &[&str], path: &str) -> Option<String> {
    let without_slash = path.strip_suffix('/').filter(|path| !path.is_empty());
    let by = |path: &str, case| {
        patterns
            .iter()
            .find_map(|pattern| Some(matched(pattern, path, case)?.path))
    };
    let exact = without_slash.and_then(|path| by(path, Case::Exact));
    let cleaned = cleaned(path);
    // Where all that follows counts, a slash at the end is a part of it.
    let with_slash = || without_slash.and_then(|_| by(&format!("{cleaned}/"), Case::Any));
    exact.or_else(with_slash).or_else(|| by(&cleaned, Case::Any))
}

/// The path without empty segments, `.` and `..`, and without a slash at its end.
fn cleaned(path: &str) -> String {
    let mut segments = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            other => segments.push(other),
        }
    }
    segments
        .iter()
        .fold(String::new(), |path, segment| path + "/" + segment)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    Exact,
    Any,
}

struct Found {
    params: Vec<String>,
    /// The path with the pattern's own segments as the pattern writes them.
    path: String,
}

fn matched(pattern: &str, path: &str, case: Case) -> Option<Found> {
    let same = |a: &str, b: &str| a == b || case == Case::Any && a.eq_ignore_ascii_case(b);
    if let Some(prefix) = pattern.strip_suffix('*') {
        let (head, rest) = (path.get(..prefix.len())?, path.get(prefix.len()..)?);
        return (same(head, prefix) && rest.starts_with('/')).then(|| Found {
            params: vec![rest.to_owned()],
            path: format!("{prefix}{rest}"),
        });
    }
    let (wanted, given): (Vec<_>, Vec<_>) = (pattern.split('/').collect(), path.split('/').collect());
    if wanted.len() != given.len() || given.last().is_some_and(|last| last.is_empty()) {
        return None;
    }
    let is_param = |segment: &str| segment == ":";
    let pairs = || wanted.iter().zip(&given).map(|(wanted, given)| (*wanted, *given));
    pairs()
        .all(|(wanted, given)| is_param(wanted) || same(wanted, given))
        .then(|| Found {
            params: pairs()
                .filter(|pair| is_param(pair.0))
                .map(|pair| pair.1.to_owned())
                .collect(),
            path: pairs()
                .map(|(wanted, given)| if is_param(wanted) { given } else { wanted })
                .collect::<Vec<_>>()
                .join("/"),
        })
}

#[cfg(test)]
mod tests {
    use super::{Action::*, Routed::*, Version::*, *};

    fn to(version: Version, action: Action, params: &[&str]) -> Routed {
        To(version, action, params.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn finds_actions_with_their_parameters() {
        let check = |method: &str, path: &str, expect: Routed| assert_eq!(route(method, path), expect, "{path}");
        check("GET", "/v1/plugins", to(V1, ListPlugins, &[]));
        check("POST", "/v2/plugins", to(V2, LoadPlugin, &[]));
        check("GET", "/v1/plugins/collector", to(V1, ListPlugins, &["collector"]));
        check("GET", "/v1/plugins//mock", to(V1, ListPlugins, &["", "mock"]));
        check("GET", "/v1/plugins////config", to(V1, GetConfig, &["", "", ""]));
        check("PUT", "/v2/plugins/0///config", to(V2, SetConfig, &["0", "", ""]));
        check("GET", "/v1/metrics", to(V1, ListMetrics, &[]));
        check("GET", "/v1/metrics/", to(V1, ListMetrics, &["/"]));
        check("GET", "/v1/metrics/a//b/", to(V1, ListMetrics, &["/a//b/"]));
        check("PUT", "/v1/tasks//start", to(V1, StartTask, &[""]));
        check("PUT", "/v2/tasks/x", to(V2, ActOnTask, &["x"]));
    }

    #[test]
    fn leads_to_the_path_that_was_meant() {
        let check = |method: &str, path: &str, expect: &str| {
            assert_eq!(route(method, path), Moved(expect.to_owned()), "{method} {path}");
        };
        check("GET", "/v1/plugins/", "/v1/plugins");
        check("POST", "/v1/tasks/", "/v1/tasks");
        check("GET", "/V1/Plugins", "/v1/plugins");
        check("GET", "//v1/./plugins//", "/v1/plugins");
        check("GET", "/V1/tasks/AbC/WATCH", "/v1/tasks/AbC/watch");
        check("GET", "/V1/Metrics/A/b", "/v1/metrics/A/b");
        check("GET", "/v1/METRICS", "/v1/metrics");
        check("GET", "/v1/Metrics/", "/v1/metrics/");
        check("GET", "//v1//metrics/A//", "/v1/metrics/A/");
        check("GET", "/v2/x/../tasks/", "/v2/tasks");
    }

    #[test]
    fn knows_wrong_methods_from_unknown_paths() {
        let check = |method: &str, path: &str, expect: Routed| assert_eq!(route(method, path), expect, "{path}");
        check("PUT", "/v1/plugins", WrongMethod);
        check("HEAD", "/v1/plugins", WrongMethod);
        check("OPTIONS", "/v1/plugins", WrongMethod);
        check("POST", "/v2/metrics", WrongMethod);
        check("POST", "/v1/metrics/a", WrongMethod);
        check("HEAD", "/v1/plugins/", Nowhere);
        check("GET", "/v2/metrics/a", Nowhere);
        check("GET", "/nope", Nowhere);
        check("GET", "/", Nowhere);
        check("GET", "/v1/tribe/agreements", Nowhere);
    }
}

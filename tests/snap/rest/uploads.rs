//! What was uploaded when the answers were recorded, by the name of the recording: plugins in Python in place of those in
//! Go that speak gRPC, the file names of those that are built in here, and files that are no plugins.

use crate::{
    snap::multipart::{self, Part},
    support::{gzip, snap::Plugin},
};

/// A request with a plugin, or what looks like one.
#[derive(Debug)]
pub(super) struct Upload {
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

/// Where a shell script ends that was to be a plugin.
const HANDSHAKES: [(&str, &str); 6] = [
    ("load shell no handshake", "sleep 60"),
    ("load shell exits", "exit 0"),
    ("load bad handshake", "echo hello"),
    (
        "load failing state",
        r#"echo '{"Meta":{"Name":"failing","Version":1,"Type":0,"RPCType":2},"ListenAddress":"127.0.0.1:1","Type":0,"State":1,"ErrorMessage":"x"}'"#,
    ),
    (
        "load unknown rpctype",
        r#"echo '{"Meta":{"Name":"odd","Version":1,"Type":0,"RPCType":9},"ListenAddress":"127.0.0.1:1","Type":0,"State":0}'"#,
    ),
    (
        "load tls plugin on plain daemon",
        r#"echo '{"Meta":{"Name":"tlsy","Version":1,"Type":0,"RPCType":2,"TLSEnabled":true},"ListenAddress":"127.0.0.1:1","Type":0,"State":0}'"#,
    ),
];
/// Recordings that load a plugin in Python.
const PYTHON: [(&str, &str); 8] = [
    ("load py collector (field name arbitrary)", "pydemo"),
    ("load py collector again", "pydemo"),
    ("load py publisher", "pyfile"),
    ("load py stream", "pystream"),
    ("load go snap-plugin-collector-mock2-grpc", "mock_grpc"),
    ("load go snap-plugin-processor-passthru-grpc", "passthru_grpc"),
    ("load go snap-plugin-publisher-mock-file-grpc", "mock_file_grpc"),
    ("load go snap-plugin-streaming-collector-rand1", "rand_streamer"),
];

/// What a recording uploads; `None` when it uploads nothing.
pub(super) fn of(name: &str) -> Option<Upload> {
    if let Some((_, plugin)) = PYTHON.iter().find(|(recording, _)| *recording == name) {
        let plugin = Plugin::new(plugin);
        return Some(parts(&[("whatever", plugin.file_name(), &plugin.bytes())]));
    }
    if let Some((_, script)) = HANDSHAKES.iter().find(|(recording, _)| *recording == name) {
        let script = format!("#!/bin/sh\n{script}\n");
        return Some(parts(&[("x", "plugin", script.as_bytes())]));
    }
    if let Some(file_name) = name.strip_prefix("load go ") {
        return Some(parts(&[("x", file_name, b"")]));
    }
    let (plugin, junk): (Part<'_>, &[u8]) = (("x", "plugin", b"x"), b"x");
    Some(match name {
        "load no content-type" | "no media" => Upload {
            headers: vec![],
            body: vec![],
        },
        "load unsupported content-type" | "bad media" => typed("text/plain", b"x"),
        "load no parts" => parts(&[]),
        "load first is asc" => parts(&[("x", "a.asc", junk)]),
        "load not executable content" => parts(&[("x", "junk", b"\0\x01junk")]),
        "load bad second file" => parts(&[plugin, ("x", "other", junk)]),
        "load cert only" => parts(&[plugin, ("x", "crt.1", b"/nonexistent")]),
        "load cert missing file" => parts(&[plugin, ("x", "crt.1", b"/nonexistent"), ("x", "key.1", b"/nonexistent")]),
        "load six files" => parts(&[&[plugin][..], &[("x", "a.asc", junk); 5]].concat()),
        "load py processor gzip" => {
            let plugin = Plugin::new("pytag");
            let mut upload = parts(&[("x", plugin.file_name(), &gzip::compress(&plugin.bytes()))]);
            upload
                .headers
                .push(("Plugin-Compression".to_owned(), "gzip".to_owned()));
            upload
        }
        "dup load" => parts(&[("plugin_data", "x", &Plugin::new("pydemo").bytes())]),
        "unknown field" => parts(&[("x", "snap-plugin-collector-pydemo", junk)]),
        "load pytag" => parts(&[("snap-plugins", "x", &Plugin::new("pytag").bytes())]),
        _ => return None,
    })
}

fn parts(parts: &[Part<'_>]) -> Upload {
    typed(multipart::MEDIA_TYPE, &multipart::body(parts))
}

fn typed(media_type: &str, body: &[u8]) -> Upload {
    Upload {
        headers: vec![("Content-Type".to_owned(), media_type.to_owned())],
        body: body.to_vec(),
    }
}

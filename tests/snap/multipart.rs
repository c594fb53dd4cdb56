//! Bodies in parts, as clients upload plugins.

/// A part of a body: the name of its field, its file name, its content.
pub(super) type Part<'a> = (&'a str, &'a str, &'a [u8]);

/// The media type of every body made here.
pub(super) const MEDIA_TYPE: &str = "multipart/form-data; boundary=gyre-parts";

/// A body of these parts.
pub(super) fn body(parts: &[Part<'_>]) -> Vec<u8> {
    let mut body = Vec::new();
    for (field, file_name, content) in parts {
        let head = format!(
            "--gyre-parts\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{file_name}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--gyre-parts--\r\n");
    body
}

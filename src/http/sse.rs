//! Server-sent events: the framing, and an answer that sends each event as soon as it is there.
//!
//! A stream ends when its source does or when the server stops, whichever is first, so that whoever watches holds up
//! nobody who wants to stop it. A client that goes away drops the stream, and with it the source.

use std::convert::Infallible;

use actix_web::{
    HttpResponse,
    http::header::{self, CACHE_CONTROL},
};
use bytes::{BufMut, Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use tokio::sync::watch;

/// Tells long answers that the server stops.
#[derive(Debug, Clone)]
pub(super) struct Closing(watch::Receiver<bool>);

/// Ends the long answers of a server, when dropped as well.
#[derive(Debug)]
pub(super) struct Close(watch::Sender<bool>);

impl Close {
    /// A pair of the two.
    pub(super) fn new() -> (Self, Closing) {
        let (close, closing) = watch::channel(false);
        (Self(close), Closing(closing))
    }

    /// Ends them now.
    pub(super) fn now(&self) {
        self.0.send_replace(true);
    }
}

impl Closing {
    /// Waits until the server stops.
    pub(super) async fn closed(mut self) {
        // An error means that the other end is gone, which is the same.
        let _stopped = self.0.wait_for(|closing| *closing).await.is_ok();
    }
}

/// One event: a line of data, and the blank line that ends it.
#[must_use]
pub(super) fn event(data: &[u8]) -> Bytes {
    let mut framed = BytesMut::with_capacity(data.len() + 8);
    framed.put_slice(b"data: ");
    framed.put_slice(data);
    framed.put_slice(b"\n\n");
    framed.freeze()
}

/// An answer that sends `pieces` as they come, each at once; then `last`, also when the server stops in between.
pub(super) fn response(
    pieces: impl Stream<Item = Bytes> + 'static,
    last: Option<Bytes>,
    closing: Closing,
) -> HttpResponse {
    let last = futures_util::stream::iter(last);
    let body = pieces.take_until(closing.closed()).chain(last);
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/event-stream"))
        .insert_header((CACHE_CONTROL, "no-cache"))
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .streaming(Box::pin(body.map(Ok::<_, Infallible>)))
}

#[cfg(test)]
mod tests {
    use actix_web::body;
    use futures_util::stream;

    use super::*;

    #[test]
    fn an_event_is_a_line_of_data() {
        assert_eq!(event(b"{\"type\":\"x\"}"), "data: {\"type\":\"x\"}\n\n");
    }

    #[tokio::test]
    async fn the_last_words_come_when_the_server_stops() {
        let (close, closing) = Close::new();
        let first = stream::iter([event(b"a")]).chain(stream::pending());
        let response = response(first, Some(Bytes::from_static(b"{}")), closing);
        close.now();
        let sent = body::to_bytes(response.into_body()).await.unwrap();
        assert!(sent.ends_with(b"{}"), "{sent:?}");
    }
}

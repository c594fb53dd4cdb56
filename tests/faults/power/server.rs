//! Servers that take points, on the runtime of one life: when that ends, nothing of it can arrive late.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    io,
    rc::Rc,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::spawn_local,
};

use super::super::ledger::{Key, Point};

/// What a server holds; lives as long as the round.
#[derive(Debug, Default)]
pub(super) struct Server {
    /// The value last applied under each key.
    pub(super) applied: RefCell<BTreeMap<Key, i64>>,
    /// So many writes are not taken.
    pub(super) refusing: Cell<u32>,
}

/// Serves from now on to the end of the runtime; answers the URL.
pub(super) async fn start(server: &Rc<Server>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has free ports");
    let addr = listener.local_addr().expect("a bound socket has an address");
    let server = Rc::clone(server);
    spawn_local(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let server = Rc::clone(&server);
            // A client may close its connection whenever it likes.
            spawn_local(async move { serve(stream, &server).await.unwrap_or_default() });
        }
    });
    format!("http://{addr}")
}

async fn serve(stream: TcpStream, server: &Server) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head).await? == 0 {
                return Ok(());
            }
        }
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.trim().parse().ok())?
        });
        let mut body = vec![0; length.unwrap_or(0)];
        stream.read_exact(&mut body).await?;
        let is_write = head.starts_with("POST /write?");
        let answer = if is_write && !server.take(&body) {
            "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
        } else {
            "HTTP/1.1 204 No Content\r\n\r\n"
        };
        stream.write_all(answer.as_bytes()).await?;
    }
}

impl Server {
    /// Applies points in the ledger's form, unless it refuses.
    fn take(&self, body: &[u8]) -> bool {
        if self.refusing.get() > 0 {
            self.refusing.update(|times| times - 1);
            return false;
        }
        let body = std::str::from_utf8(body).expect("the writers write text");
        self.applied.borrow_mut().extend(body.lines().map(|line| {
            let Point { key, value } = Point::parse(line).unwrap_or_else(|| panic!("nobody wrote {line}"));
            (key, value)
        }));
        true
    }
}

use super::*;

fn source() -> Source {
    Source {
        plugin: "p".into(),
        pid: 1,
        stream: "stdout",
    }
}

async fn first_line(output: &[u8]) -> Option<FirstLine> {
    let (sender, first) = oneshot::channel();
    read_stdout(output, source(), sender).await.unwrap();
    first.await.ok()
}

#[tokio::test(start_paused = true)]
async fn the_first_line() {
    assert_eq!(first_line(b"hello\nmore\n").await, Some(Ok(b"hello".to_vec())));
    assert_eq!(first_line(b"hello\r\n").await, Some(Ok(b"hello".to_vec())));
    assert_eq!(first_line(b"no end").await, Some(Ok(b"no end".to_vec())));
    assert_eq!(first_line(b"\n").await, Some(Ok(Vec::new())));
    assert_eq!(first_line(b"").await, None);
    let long = vec![b'x'; FIRST_LINE_MAX];
    assert_eq!(first_line(&long).await, Some(Err(TooLong)));
    let just_fits = [&long[1..], b"\nmore"].concat();
    assert_eq!(first_line(&just_fits).await.unwrap().unwrap().len(), FIRST_LINE_MAX - 1);
}

#[tokio::test(start_paused = true)]
async fn a_flood_is_read_slowly() {
    let flood = vec![b'x'; 3 * BYTES_PER_SECOND];
    let begun = Instant::now();
    read_stderr(flood.as_slice(), source(), LastWords::default())
        .await
        .unwrap();
    assert!(begun.elapsed() >= 2 * WINDOW, "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn the_last_words_are_kept() {
    let last = LastWords::default();
    let text = "Traceback:\n  at home\nOSError: no disk";
    read_stderr(text.as_bytes(), source(), last.clone()).await.unwrap();
    assert_eq!(last.get(), "OSError: no disk");
}

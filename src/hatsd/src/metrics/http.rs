//! As much of HTTP/1.1 as a scrape needs: one GET, one answer, then the end.

use std::io;

use hats_metrics::CONTENT_TYPE;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// The longest head of a request.
pub(super) const HEAD_MAX: usize = 8 << 10;

const METHOD_NOT_ALLOWED: &str = "405 Method Not Allowed";

/// Reads a request's head: whether it asks for the metrics, or the status that
/// it gets.
pub(super) async fn request(
    stream: &mut (impl AsyncRead + Unpin),
) -> io::Result<Result<(), &'static str>> {
    let mut head = Vec::with_capacity(512);
    let end = loop {
        if let Some(end) = end_of_head(&head) {
            break end;
        }
        if head.len() >= HEAD_MAX {
            return Ok(Err("431 Request Header Fields Too Large"));
        }
        let mut part = [0; 1024];
        let room = part.len().min(HEAD_MAX - head.len());
        let got = stream.read(&mut part[..room]).await?;
        if got == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        head.extend_from_slice(&part[..got]);
    };
    Ok(judge(&head[..end]))
}

/// Where the empty line begins that ends the head.
fn end_of_head(head: &[u8]) -> Option<usize> {
    let crlf = head.windows(4).position(|it| it == b"\r\n\r\n");
    crlf.or_else(|| head.windows(2).position(|it| it == b"\n\n"))
}

fn judge(head: &[u8]) -> Result<(), &'static str> {
    const BAD: Result<(), &str> = Err("400 Bad Request");
    let Ok(text) = str::from_utf8(head) else { return BAD };
    let mut words = text.lines().next().unwrap_or_default().split(' ');
    let (Some(method), Some(target), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return BAD;
    };
    if !version.starts_with("HTTP/1.") {
        return BAD;
    }
    if method != "GET" {
        return Err(METHOD_NOT_ALLOWED);
    }
    let path = target.split('?').next().unwrap_or_default();
    if path == "/metrics" { Ok(()) } else { Err("404 Not Found") }
}

pub(super) async fn answer(stream: &mut (impl AsyncWrite + Unpin), text: &str) -> io::Result<()> {
    send(stream, "200 OK", CONTENT_TYPE, "", text).await
}

pub(super) async fn refuse(stream: &mut (impl AsyncWrite + Unpin), status: &str) -> io::Result<()> {
    let allow = if status == METHOD_NOT_ALLOWED { "Allow: GET\r\n" } else { "" };
    let text = format!("{status}: this answers GET /metrics\n");
    send(stream, status, "text/plain; charset=utf-8", allow, &text).await
}

async fn send(
    stream: &mut (impl AsyncWrite + Unpin),
    status: &str,
    kind: &str,
    more: &str,
    text: &str,
) -> io::Result<()> {
    let length = text.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n{more}\
         Connection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(text.as_bytes()).await?;
    stream.shutdown().await
}

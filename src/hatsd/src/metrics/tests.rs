use std::{
    io::Write as _,
    net::{TcpListener as StdListener, TcpStream},
    os::unix::net::UnixStream,
};

use super::*;

/// Answers scrapes with the snapshot of an OK cluster, on a thread of its own.
struct Served {
    directory: tempfile::TempDir,
    address: SocketAddr,
}

fn started() -> Served {
    let directory = tempfile::tempdir().unwrap();
    // A port that was free a moment ago.
    let address = StdListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let socket = directory.path().join("hats.sock");
    let (ready, opened) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let mut metrics = start(&socket, Some(address)).await;
            ready.send(metrics.warnings.clone()).unwrap();
            while let Some(ask) = metrics.asks.recv().await {
                let snapshot = Snapshot { overall: "OK".to_owned(), ..Snapshot::default() };
                // One that was refused in between has gone.
                let _ = ask.send(snapshot.into());
            }
        });
    });
    assert_eq!(opened.recv().unwrap(), Vec::<String>::new());
    Served { directory, address }
}

fn talk(mut stream: impl io::Read + io::Write, request: &[u8]) -> String {
    // One that is refused early may not be read to its end.
    let _ = stream.write_all(request);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

impl Served {
    fn unix(&self) -> UnixStream {
        UnixStream::connect(self.directory.path().join(SOCKET)).unwrap()
    }

    fn tcp(&self) -> TcpStream {
        TcpStream::connect(self.address).unwrap()
    }
}

const GET: &[u8] = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";

#[test]
fn the_socket_and_the_port_answer_a_scrape_alike() {
    let served = started();
    let (unix, tcp) = (talk(served.unix(), GET), talk(served.tcp(), GET));
    assert_eq!(unix, tcp);
    let (head, body) = unix.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4"));
    assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{head}");
    assert!(body.contains("\nhats_cluster_status{cluster=\"\"} 0\n"), "{body}");
}

#[test]
fn a_request_may_come_byte_by_byte() {
    let served = started();
    let mut stream = served.tcp();
    stream.set_nodelay(true).unwrap();
    for byte in &GET[..GET.len() - 1] {
        stream.write_all(&[*byte]).unwrap();
    }
    assert!(talk(stream, b"\n").starts_with("HTTP/1.1 200 OK"));
}

#[test]
fn anything_else_is_refused_with_what_is_wrong() {
    let served = started();
    let long = [b"GET /metrics HTTP/1.1\r\nX: ".as_slice(), &[b'x'; http::HEAD_MAX]].concat();
    for (request, status) in [
        (b"GET / HTTP/1.1\r\n\r\n".as_slice(), "404"),
        (b"GET /metrics/ HTTP/1.1\r\n\r\n", "404"),
        (b"POST /metrics HTTP/1.1\r\n\r\n", "405"),
        (b"GET /metrics\r\n\r\n", "400"),
        (b"GET /metrics HTTP/2 \r\n\r\n", "400"),
        (b"\xff\xfe HTTP/1.1\r\n\r\n", "400"),
        (&long, "431"),
    ] {
        let answer = talk(served.unix(), request);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{status}: {answer}");
    }
    assert!(talk(served.unix(), GET).contains("200 OK"), "and it still answers");
}

#[test]
fn those_that_say_nothing_are_ended_and_others_served_after_them() {
    let served = started();
    let silent: Vec<UnixStream> = (0..CONNECTIONS_MAX).map(|_| served.unix()).collect();
    let waiting = served.unix();
    drop(silent);
    assert!(talk(waiting, GET).contains("200 OK"));
}

#[test]
fn a_port_that_is_taken_is_a_warning_and_the_socket_still_serves() {
    let taken = StdListener::bind("127.0.0.1:0").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let address = taken.local_addr().unwrap();
    let metrics = runtime.block_on(start(&directory.path().join("hats.sock"), Some(address)));
    assert_eq!(metrics.warnings.len(), 1);
    assert!(metrics.warnings[0].contains(&address.to_string()), "{:?}", metrics.warnings);
    assert!(directory.path().join(SOCKET).exists());
    drop(metrics);
    assert!(!directory.path().join(SOCKET).exists(), "it goes with the daemon");
}

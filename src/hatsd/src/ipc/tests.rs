//! A real socket, and a hub with a stub behind it.

use std::{fs, io::Write as _, os::unix::net::UnixListener as StdListener, pin::pin, thread};

use hats_core::time::Timestamp;
use hats_proto::ipc::{Event, Filter, Hello, Ping, Reply, Request, Subscribe, reply, request};
use hats_wire::link::Frames;
use prost::Message as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{conversation::Slow, *};
use crate::journal::Archive;

/// The daemon's part: hands inputs to the hub, gives snapshots, publishes.
pub(super) struct Server {
    pub(super) hub: Hub,
    pub(super) inputs: mpsc::Receiver<Input>,
    endpoint: Endpoint,
    pub(super) next_seq: u64,
    pub(super) now: Timestamp,
    lost: Vec<Slow>,
    /// So many have been taken.
    pub(super) snapshots: u64,
    _dir: tempfile::TempDir,
}

impl Server {
    pub(super) fn start() -> Self {
        Self::with(Readers::of_host(), None)
    }

    pub(super) fn with(readers: Readers, archive: Option<Archive>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (endpoint, listener) = Endpoint::open(&dir.path().join("run/hats.sock")).unwrap();
        let welcome = ipc::Welcome {
            version: 1,
            daemon_version: "0.1.0".to_owned(),
            cluster: "atc".to_owned(),
            node: "n1".to_owned(),
            epoch: 7,
            next_seq: 0,
            pid: std::process::id(),
        };
        Server {
            hub: Hub::new(welcome, readers, archive),
            inputs: start(listener).unwrap(),
            endpoint,
            next_seq: 1,
            now: Timestamp(1_000),
            lost: Vec::new(),
            snapshots: 0,
            _dir: dir,
        }
    }

    pub(super) fn place(&self) -> Place {
        Place { now: self.now, epoch: 7, next_seq: self.next_seq }
    }

    fn take(&mut self, input: Input) {
        let place = self.place();
        if let Some(wants) = self.hub.take(input, place)
            && !self.hub.give_shared(&wants, place)
        {
            self.snapshots += 1;
            let snapshot = ipc::Snapshot { next_seq: self.next_seq, ..ipc::Snapshot::default() };
            self.hub.give(&wants, snapshot, place);
        }
    }

    /// Serves while `client` does its part.
    pub(super) async fn during<T>(&mut self, client: impl Future<Output = T>) -> T {
        let mut client = pin!(client);
        loop {
            tokio::select! {
                biased;
                done = &mut client => return done,
                Some(input) = self.inputs.recv() => self.take(input),
            }
        }
    }

    pub(super) fn publish(&mut self, network: &str, padding: usize) -> Event {
        let event = Event {
            epoch: 7,
            seq: self.next_seq,
            code: "HATS-2101".to_owned(),
            network: Some(network.to_owned()),
            msg: "x".repeat(padding),
            ..Event::default()
        };
        self.next_seq += 1;
        self.lost.extend(self.hub.publish(&event, self.now));
        event
    }

    pub(super) fn path(&self) -> std::path::PathBuf {
        self.endpoint.path().to_owned()
    }

    pub(super) async fn connect(&mut self) -> Client {
        let stream = UnixStream::connect(self.endpoint.path()).await.unwrap();
        Client { stream, frames: Frames::new() }
    }

    pub(super) async fn greeted(&mut self) -> Client {
        let mut client = self.connect().await;
        let answer = self.during(client.ask(hello(1, 1))).await;
        assert!(matches!(answer, reply::Body::Welcome(_)), "{answer:?}");
        client
    }

    pub(super) async fn subscribed(&mut self, filter: Filter) -> Client {
        let mut client = self.greeted().await;
        let subscribe = Subscribe { filter: Some(filter), ..Subscribe::default() };
        let answer = self.during(client.ask(request::Body::Subscribe(subscribe))).await;
        assert!(matches!(answer, reply::Body::Snapshot(_)), "{answer:?}");
        client
    }
}

pub(super) struct Client {
    pub(super) stream: UnixStream,
    frames: Frames,
}

impl Client {
    pub(super) async fn send(&mut self, body: request::Body) {
        let request = Request { body: Some(body) };
        self.stream.write_all(&request.encode_length_delimited_to_vec()).await.unwrap();
    }

    pub(super) async fn ask(&mut self, body: request::Body) -> reply::Body {
        self.send(body).await;
        self.next().await.unwrap()
    }

    /// The next reply; nothing at the connection's end.
    pub(super) async fn next(&mut self) -> Option<reply::Body> {
        loop {
            if let Some(frame) = self.frames.next().unwrap() {
                return Reply::decode(frame.as_slice()).unwrap().body;
            }
            let mut buffer = vec![0; 65_536];
            match self.stream.read(&mut buffer).await {
                Ok(0) => return None,
                // What was sent and not read is no reason to fail.
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("{error}"),
                Ok(taken) => self.frames.push(&buffer[..taken]),
            }
        }
    }
}

pub(super) fn hello(version_min: u32, version_max: u32) -> request::Body {
    request::Body::Hello(Hello { version_min, version_max, client: "test".to_owned() })
}

pub(super) fn block_on<T>(future: impl Future<Output = T>) -> T {
    block_on_for(Duration::from_secs(20), future)
}

pub(super) fn block_on_for<T>(patience: Duration, future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime
        .enable_all()
        .build()
        .unwrap()
        .block_on(async { tokio::time::timeout(patience, future).await.expect("it hangs") })
}

pub(super) fn seq(body: Option<reply::Body>) -> u64 {
    match body {
        Some(reply::Body::Event(event)) => event.seq,
        other => panic!("expected an event: {other:?}"),
    }
}

#[test]
fn hello_comes_first_and_is_answered_with_who_serves() {
    block_on(async {
        let mut server = Server::start();
        let mut client = server.connect().await;
        let answer = server.during(client.ask(hello(1, 3))).await;
        let reply::Body::Welcome(welcome) = answer else { panic!("{answer:?}") };
        assert_eq!((welcome.node.as_str(), welcome.cluster.as_str()), ("n1", "atc"));
        assert_eq!((welcome.version, welcome.epoch, welcome.next_seq), (1, 7, 1));
        let pong = server.during(client.ask(request::Body::Ping(Ping { token: 9 }))).await;
        assert!(matches!(pong, reply::Body::Pong(pong) if pong.token == 9));
    });
}

pub(super) fn assert_refused(body: &reply::Body, kind: ipc::error::Kind, part: &str) {
    let reply::Body::Error(error) = body else { panic!("expected an error: {body:?}") };
    assert_eq!(error.kind(), kind, "{error:?}");
    assert!(error.message.contains(part), "{error:?}");
}

#[test]
fn what_is_out_of_order_is_answered_with_an_error_and_the_end() {
    block_on(async {
        let mut server = Server::start();
        let bad = ipc::error::Kind::BadRequest;
        let mut client = server.connect().await;
        let answer = server.during(client.ask(request::Body::Ping(Ping { token: 1 }))).await;
        assert_refused(&answer, bad, "Hello first");
        assert_eq!(server.during(client.next()).await, None);

        let mut client = server.greeted().await;
        let answer = server.during(client.ask(hello(1, 1))).await;
        assert_refused(&answer, bad, "one Hello");

        let mut client = server.subscribed(Filter::default()).await;
        let again = request::Body::Subscribe(Subscribe::default());
        assert_refused(&server.during(client.ask(again)).await, bad, "one Subscribe");
    });
}

#[test]
fn a_subscriber_gets_a_snapshot_and_then_every_event_in_order() {
    block_on(async {
        let mut server = Server::start();
        server.publish("neta", 0);
        let mut client = server.subscribed(Filter::default()).await;
        for _ in 0..500 {
            server.publish("neta", 10);
        }
        for expected in 2..=501 {
            assert_eq!(seq(server.during(client.next()).await), expected);
        }
        let shown = &server.hub.subscribers(server.now)[0];
        assert_eq!((shown.client.as_str(), shown.pid), ("test", std::process::id()));
    });
}

#[test]
fn a_filter_lets_through_what_it_names() {
    block_on(async {
        let mut server = Server::start();
        let networks = vec!["netb".to_owned()];
        let mut client = server.subscribed(Filter { networks, ..Filter::default() }).await;
        let codes = vec!["HATS-1001".to_owned()];
        let mut nothing = server.subscribed(Filter { codes, ..Filter::default() }).await;
        for network in ["neta", "netb", "neta", "netb"] {
            server.publish(network, 0);
        }
        assert_eq!(seq(server.during(client.next()).await), 2);
        assert_eq!(seq(server.during(client.next()).await), 4);
        let pong = server.during(nothing.ask(request::Body::Ping(Ping { token: 4 }))).await;
        assert!(matches!(pong, reply::Body::Pong(_)), "{pong:?}");
    });
}

#[test]
fn a_subscriber_that_does_not_read_is_told_what_it_lost_and_slows_nobody() {
    block_on(async {
        let mut server = Server::start();
        let mut slow = server.subscribed(Filter::default()).await;
        let mut fast = server.subscribed(Filter::default()).await;
        const COUNT: u64 = 3_000;
        for expected in 1..=COUNT {
            server.publish("neta", 2_000);
            assert_eq!(seq(server.during(fast.next()).await), expected);
        }
        assert_eq!(server.lost.len(), 1, "it is reported once");
        assert_eq!(server.lost[0].client, "test");
        let mut next = 1;
        let lost = loop {
            match server.during(slow.next()).await {
                Some(reply::Body::Event(event)) => {
                    assert_eq!(event.seq, next, "what is queued comes without gaps");
                    next += 1;
                }
                Some(reply::Body::Lost(lost)) => break lost,
                other => panic!("{other:?}"),
            }
        };
        assert!(lost.count > 0);
        assert_eq!((lost.epoch, lost.next_seq), (7, next + lost.count));
        match server.during(slow.next()).await {
            Some(reply::Body::Snapshot(snapshot)) => assert_eq!(snapshot.next_seq, lost.next_seq),
            other => panic!("{other:?}"),
        }
        server.publish("neta", 0);
        assert_eq!(seq(server.during(slow.next()).await), COUNT + 1);
    });
}

#[test]
fn a_subscriber_that_hears_nothing_is_told_every_five_seconds_that_the_daemon_lives() {
    block_on(async {
        let mut server = Server::start();
        let mut client = server.subscribed(Filter::default()).await;
        let due = server.hub.next_keep_alive().unwrap();
        assert_eq!(due, server.now + Duration::from_secs(5));
        server.now = Timestamp(due.0 - 1);
        server.hub.keep_alive(server.place());
        server.now = due;
        server.hub.keep_alive(server.place());
        match server.during(client.next()).await {
            Some(reply::Body::KeepAlive(alive)) => {
                assert_eq!((alive.epoch, alive.next_seq, alive.mono_ns), (7, 1, due.0));
            }
            other => panic!("{other:?}"),
        }
        // An event is a sign of life, too.
        server.now = due + Duration::from_secs(3);
        server.publish("neta", 0);
        assert_eq!(seq(server.during(client.next()).await), 1);
        server.now = due + Duration::from_secs(5);
        server.hub.keep_alive(server.place());
        assert_eq!(server.hub.next_keep_alive(), Some(due + Duration::from_secs(8)));
    });
}

#[test]
fn second_daemon_is_refused_by_name() {
    let (send, path) = std::sync::mpsc::channel();
    let (done, wait) = tokio::sync::oneshot::channel::<()>();
    let first = thread::spawn(move || {
        block_on(async {
            let mut server = Server::start();
            send.send(server.endpoint.path().to_owned()).unwrap();
            server.during(wait).await.unwrap();
        });
    });
    let path = path.recv().unwrap();
    let refused = block_on(async { Endpoint::open(&path).unwrap_err().to_string() });
    let expected = format!(
        "{} is already served by hatsd of node n1 (pid {}, cluster atc)",
        path.display(),
        std::process::id()
    );
    assert_eq!(refused, expected);
    done.send(()).unwrap();
    first.join().unwrap();
}

#[test]
fn a_socket_that_nobody_serves_is_replaced_and_removed_at_the_end() {
    block_on(async {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hats.sock");
        drop(StdListener::bind(&path).unwrap());
        assert!(path.exists());
        let (endpoint, listener) = Endpoint::open(&path).unwrap();
        UnixStream::connect(&path).await.unwrap();
        drop((endpoint, listener));
        assert!(!path.exists());
    });
}

#[test]
fn what_is_no_socket_is_left_alone() {
    block_on(async {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hats.sock");
        fs::File::create(&path).unwrap().write_all(b"precious").unwrap();
        let refused = Endpoint::open(&path).unwrap_err().to_string();
        assert!(refused.contains("is not a socket"), "{refused}");
        assert_eq!(fs::read(&path).unwrap(), b"precious");
    });
}

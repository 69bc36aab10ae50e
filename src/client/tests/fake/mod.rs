//! A daemon that says what a test wants, on a real Unix socket.
//!
//! Included by the tests of `hats-client` and of `hats-status`.
#![allow(dead_code, reason = "each including test uses a part of it")]

use std::{
    env, fs,
    io::{ErrorKind, Read, Write},
    os::unix::net::{UnixListener, UnixStream},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

use hats_client::ipc::{
    Error, Event, KeepAlive, Reply, Request, Snapshot, Welcome, error::Kind, reply, request,
};
use prost::Message;

/// The epoch of every fake daemon that does not say otherwise.
pub(crate) const EPOCH: u64 = 1_795_432;

/// A directory that goes away with its owner.
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("hats-fake-{}-{number}", process::id()));
        fs::create_dir_all(&path).unwrap();
        Directory(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // What cannot be removed is a few bytes in the temporary directory.
        drop(fs::remove_dir_all(&self.0));
    }
}

/// A listening fake. Each connection gets its own thread and the same script.
pub(crate) struct Fake {
    directory: Directory,
}

impl Fake {
    /// Runs `script` on every connection; when it returns, the connection ends.
    pub(crate) fn start(
        script: impl Fn(&mut Conversation) + Send + Sync + Clone + 'static,
    ) -> Self {
        let fake = Fake { directory: Directory::new() };
        let listener = UnixListener::bind(fake.socket()).unwrap();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let script = script.clone();
                let mut conversation = Conversation { stream: stream.unwrap() };
                thread::spawn(move || {
                    let talk = AssertUnwindSafe(|| script(&mut conversation));
                    if catch_unwind(talk).is_err() {
                        // A subscriber that reconnects would wait for ever for a
                        // daemon that has failed its assertions.
                        process::exit(101);
                    }
                });
            }
        });
        fake
    }

    /// Greets, then answers every request for a snapshot with `snapshot`.
    pub(crate) fn with_snapshot(snapshot: Snapshot) -> Self {
        Fake::start(move |conversation| {
            conversation.greet();
            while let Some(request) = conversation.request() {
                if matches!(request, request::Body::GetSnapshot(_)) {
                    conversation.send(reply::Body::Snapshot(snapshot.clone()));
                }
            }
        })
    }

    /// Answers the first request with an error.
    pub(crate) fn refusing(kind: Kind, message: &'static str) -> Self {
        Fake::start(move |conversation| {
            conversation.request();
            let message = message.to_owned();
            conversation.send(reply::Body::Error(Error { kind: kind.into(), message }));
        })
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.path().join("hats.sock")
    }
}

/// The daemon's side of one connection.
pub(crate) struct Conversation {
    stream: UnixStream,
}

impl Conversation {
    /// The next request; none when the subscriber has gone.
    pub(crate) fn request(&mut self) -> Option<request::Body> {
        let mut length = 0_usize;
        for shift in (0..).step_by(7) {
            let mut byte = [0];
            if !self.fill(&mut byte) {
                return None;
            }
            length |= usize::from(byte[0] & 0x7f) << shift;
            if byte[0] & 0x80 == 0 {
                break;
            }
        }
        let mut bytes = vec![0; length];
        self.fill(&mut bytes).then(|| Request::decode(bytes.as_slice()).unwrap().body.unwrap())
    }

    fn fill(&mut self, bytes: &mut [u8]) -> bool {
        match self.stream.read_exact(bytes) {
            Ok(()) => true,
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset
                ) =>
            {
                false
            }
            Err(error) => panic!("fake daemon: {error}"),
        }
    }

    /// Sends one message; a subscriber that has gone is no failure here.
    pub(crate) fn send(&mut self, body: reply::Body) {
        self.send_bytes(&Reply { body: Some(body) }.encode_length_delimited_to_vec());
    }

    pub(crate) fn send_bytes(&mut self, bytes: &[u8]) {
        match self.stream.write_all(bytes) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => panic!("fake daemon: {error}"),
            _ => {}
        }
    }

    /// Reads the Hello and answers it.
    pub(crate) fn greet(&mut self) {
        self.greet_as(EPOCH);
    }

    pub(crate) fn greet_as(&mut self, epoch: u64) {
        let Some(request::Body::Hello(hello)) = self.request() else {
            panic!("a subscriber says Hello first");
        };
        assert!(hello.version_min <= 1 && hello.version_max >= 1 && !hello.client.is_empty());
        self.send(reply::Body::Welcome(Welcome {
            version: 1,
            daemon_version: "0.1.0".into(),
            cluster: "atc".into(),
            node: "n2".into(),
            epoch,
            next_seq: 10,
            pid: 812,
        }));
    }

    /// Sends what a daemon with nothing to say sends.
    pub(crate) fn keep_alive(&mut self) {
        self.send(reply::Body::KeepAlive(KeepAlive { epoch: EPOCH, next_seq: 10, mono_ns: 1 }));
    }

    /// Waits until the subscriber hangs up.
    pub(crate) fn hold(&mut self) {
        while self.request().is_some() {}
    }
}

/// The snapshot a subscriber is given before event `next_seq`.
pub(crate) fn snapshot_before(next_seq: u64) -> Snapshot {
    Snapshot {
        schema: "hats.status/1".into(),
        epoch: EPOCH,
        next_seq,
        overall: "OK".into(),
        ..Snapshot::default()
    }
}

/// An event with a number.
pub(crate) fn event(seq: u64) -> Event {
    Event {
        ts: "2026-11-22T12:04:07.331Z".into(),
        mono_ns: 812_345_678_901,
        level: "error".into(),
        code: "HATS-2103".into(),
        event: "adapter.down".into(),
        cluster: "atc".into(),
        node: Some("n3".into()),
        network: Some("neta".into()),
        adapter: Some("eth0".into()),
        addr: Some("10.77.1.3".into()),
        cause: Some("transmit".into()),
        authority: true,
        observer: "n2".into(),
        epoch: EPOCH,
        seq,
        msg: format!("neta: eth0 of n3 (10.77.1.3) down, number {seq}"),
        ..Event::default()
    }
}

//! hats-exec at work: its programs say what they do on its standard output.
#![allow(dead_code, reason = "each including test uses a part of it")]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, ChildStderr, ChildStdout, Command, Stdio},
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
};

use hats_client::ipc::{Event, ResumePoint, reply, request};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{ServerConnection, StreamOwned};

use crate::fake::{Directory, Fake, snapshot_before};

/// The program under test, killed with its owner.
pub(crate) struct Exec {
    child: Child,
    stdout: BufReader<ChildStdout>,
    stderr: BufReader<ChildStderr>,
}

impl Exec {
    pub(crate) fn start(place: &Place, socket: &Path, actions: &str) -> Self {
        let mut child = place
            .command(actions)
            .arg("--socket")
            .arg(socket)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Exec { child, stdout, stderr }
    }

    /// The next line that a program has written.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Reads what is said until a line has `words`.
    pub(crate) fn says(&mut self, words: &str) -> String {
        loop {
            let mut line = String::new();
            assert!(self.stderr.read_line(&mut line).unwrap() > 0, "ended without: {words}");
            if line.contains(words) {
                return line;
            }
        }
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn end(&mut self) {
        kill(self.pid(), Signal::SIGTERM).unwrap();
        assert!(self.child.wait().unwrap().success());
    }

    /// Waits until it has ended by itself; gives its exit status.
    pub(crate) fn status(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().try_into().unwrap())
    }
}

impl Drop for Exec {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Where one installation keeps its files.
pub(crate) struct Place(Directory);

impl Place {
    pub(crate) fn new() -> Self {
        Place(Directory::new())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The program with a configuration of these actions.
    pub(crate) fn command(&self, actions: &str) -> Command {
        let state = self.path("state");
        let config = self.path("hats-exec.toml");
        let text = format!("state_dir = \"{}\"\n{actions}", state.display());
        fs::write(&config, text).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_hats-exec"));
        command.env_remove("HATS_SOCKET").arg("--config").arg(config);
        command
    }

    /// The dead letters of an action.
    pub(crate) fn dead(&self, action: &str) -> Vec<serde_json::Value> {
        let path = self.path("state").join(format!("{action}.dead.jsonl"));
        let text = fs::read_to_string(path).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// An action that runs a shell script.
pub(crate) fn script(name: &str, script: &str, more: &str) -> String {
    format!("[[action]]\nname = \"{name}\"\nprogram = [\"/bin/sh\", \"-c\", '{script}']\n{more}\n")
}

/// A daemon with a snapshot and then these events; gives what each subscriber
/// has asked to go on after.
pub(crate) fn daemon(events: Vec<Event>) -> (Fake, Receiver<Option<ResumePoint>>) {
    let (asked, heard) = channel();
    let fake = Fake::start(move |conversation| {
        conversation.greet();
        let Some(request::Body::Subscribe(subscribe)) = conversation.request() else {
            panic!("a subscriber subscribes");
        };
        let after = subscribe.from.map_or(0, |from| from.seq);
        if subscribe.from.is_none() {
            let first = events.first().map_or(1, |event| event.seq);
            conversation.send(reply::Body::Snapshot(snapshot_before(first)));
        }
        // Most tests do not ask.
        let _ = asked.send(subscribe.from);
        for event in events.iter().filter(|event| event.seq > after) {
            conversation.send(reply::Body::Event(event.clone()));
        }
        conversation.hold();
    });
    (fake, heard)
}

/// A server that answers the requests it gets with these statuses, one after
/// the other, and passes the requests on.
pub(crate) fn server(statuses: &'static [u16]) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (got, requests) = channel();
    std::thread::spawn(move || {
        for (status, stream) in statuses.iter().zip(listener.incoming()) {
            answer(stream.unwrap(), *status, &got);
        }
    });
    (url, requests)
}

/// The same with https and a certificate that was made for it; gives the one
/// that it is signed by, as PEM.
pub(crate) fn tls_server(statuses: &'static [u16]) -> (String, Receiver<String>, String) {
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::new(vec![]).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = ca.self_signed(&ca_key).unwrap().pem();
    let ca = Issuer::new(ca, ca_key);
    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let own = own.signed_by(&key, &ca).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.der().clone()], key.into())
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/hook", listener.local_addr().unwrap());
    let (got, requests) = channel();
    std::thread::spawn(move || {
        for (status, stream) in statuses.iter().zip(listener.incoming()) {
            let mut stream = stream.unwrap();
            let mut server = ServerConnection::new(Arc::clone(&config)).unwrap();
            // Whoever does not trust it hangs up.
            if server.complete_io(&mut stream).is_ok() {
                answer(StreamOwned::new(server, stream), *status, &got);
            }
        }
    });
    (url, requests, pem)
}

fn answer(stream: impl Read + Write, status: u16, got: &Sender<String>) {
    let mut reader = BufReader::new(stream);
    let mut text = String::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some((name, value)) = line.split_once(": ")
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap();
        }
        text += &line;
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    text += &String::from_utf8(body).unwrap();
    let answer = format!("HTTP/1.1 {status} x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    reader.get_mut().write_all(answer.as_bytes()).unwrap();
    // The test may have seen enough.
    drop(got.send(text));
}

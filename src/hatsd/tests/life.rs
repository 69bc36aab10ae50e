//! A daemon from its start to its end. What it is to watch does not exist, so
//! that it touches no network.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;

struct Host {
    dir: tempfile::TempDir,
}

impl Host {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = "[cluster]\nname = \"atc\"\n[node]\nname = \"n1\"\n\
            [[network]]\nname = \"neta\"\ninterfaces = [\"nope0\"]\n";
        fs::write(dir.path().join("hatsd.toml"), config).unwrap();
        // Found when the real one has not been built beside hatsd.
        let nim = dir.path().join("hats-nim");
        fs::write(&nim, "#!/bin/sh\nexec cat\n").unwrap();
        fs::set_permissions(&nim, fs::Permissions::from_mode(0o755)).unwrap();
        Host { dir }
    }

    fn socket(&self) -> PathBuf {
        self.dir.path().join("run/hats.sock")
    }

    fn hatsd(&self, state: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hatsd"));
        let path = std::env::var("PATH").unwrap_or_default();
        command
            .env("PATH", format!("{path}:{}", self.dir.path().display()))
            .env_remove("NOTIFY_SOCKET")
            .arg("--config")
            .arg(self.dir.path().join("hatsd.toml"))
            .arg("--socket")
            .arg(self.socket())
            .arg("--state-dir")
            .arg(self.dir.path().join(state));
        command
    }

    fn start(&self) -> Daemon {
        let mut command = self.hatsd("state");
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let log = BufReader::new(child.stdout.take().unwrap());
        Daemon { child, log: Some(log) }
    }
}

struct Daemon {
    child: Child,
    log: Option<BufReader<ChildStdout>>,
}

impl Daemon {
    /// The next event of its log.
    fn event(&mut self) -> Value {
        let mut line = String::new();
        self.log.as_mut().unwrap().read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).unwrap();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It has ended, unless the test failed.
        let _ = self.child.kill();
    }
}

#[test]
fn what_is_configured_and_missing_is_said_at_once() {
    let host = Host::new();
    let mut daemon = host.start();
    let started = daemon.event();
    assert_eq!((&started["code"], &started["seq"]), (&"HATS-1002".into(), &1.into()));
    let waiting = daemon.event();
    assert_eq!((&waiting["code"], &waiting["seq"]), (&"HATS-5104".into(), &2.into()));
    assert_eq!((&waiting["network"], &waiting["adapter"]), (&"neta".into(), &"nope0".into()));
    assert!(waiting["msg"].as_str().unwrap().contains("nope0 does not exist"), "{waiting}");
    daemon.signal(Signal::SIGTERM);
    assert_eq!(daemon.child.wait().unwrap().code(), Some(0));
}

#[test]
fn second_daemon_is_refused_by_name_and_a_third_after_the_end_of_the_first_is_not() {
    let host = Host::new();
    let mut first = host.start();
    first.event();
    let second = host.hatsd("other-state").output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    let said = String::from_utf8(second.stderr).unwrap();
    let expected = format!("served by hatsd of node n1 (pid {}, cluster atc)", first.child.id());
    assert!(said.contains(&expected), "{said}");

    first.signal(Signal::SIGTERM);
    assert_eq!(first.child.wait().unwrap().code(), Some(0));
    assert!(!host.socket().exists(), "the socket is removed at the end");
    let mut third = host.start();
    assert_eq!(third.event()["code"], "HATS-1002");
    third.signal(Signal::SIGINT);
    assert_eq!(third.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_killed_daemon_leaves_nothing_that_hinders_the_next() {
    let host = Host::new();
    let mut first = host.start();
    let incarnation = first.event()["incarnation"].as_u64().unwrap();
    first.signal(Signal::SIGKILL);
    first.child.wait().unwrap();
    assert!(host.socket().exists());
    let mut second = host.start();
    assert!(second.event()["incarnation"].as_u64().unwrap() > incarnation);
    second.signal(Signal::SIGTERM);
    assert_eq!(second.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_log_that_nobody_reads_does_not_stop_the_daemon() {
    let host = Host::new();
    let mut daemon = host.start();
    daemon.event();
    // The reader goes away: every later line fails.
    daemon.log = None;
    daemon.signal(Signal::SIGTERM);
    assert_eq!(daemon.child.wait().unwrap().code(), Some(0));
}

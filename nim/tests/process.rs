//! hats-nim as a program: how it begins and how it ends.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests may")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test waits for one report of many")]

mod common;

use std::process::{Command as Process, Stdio};

use common::{Nim, configure};
use hats_wire::link::{Command, Configure, Report};

fn program() -> Process {
    Process::new(env!("CARGO_BIN_EXE_hats-nim"))
}

#[test]
fn version_is_printed() {
    let output = program().arg("--version").output().unwrap();
    assert!(output.status.success());
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("hats-nim "));
}

#[test]
fn run_by_hand_it_says_who_starts_it() {
    let output = program().stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(64));
    assert!(String::from_utf8(output.stderr).unwrap().contains("started by hatsd"));
}

#[test]
fn unknown_argument_is_refused_by_name() {
    let output = program().arg("--verbose").output().unwrap();
    assert_eq!(output.status.code(), Some(64));
    assert!(String::from_utf8(output.stderr).unwrap().contains("--verbose"));
}

#[test]
fn daemon_that_ends_before_it_said_anything_ends_it() {
    assert_eq!(Nim::bare(program()).end(), Some(0));
}

#[test]
fn bytes_that_are_no_frame_end_it_with_an_error() {
    let mut nim = Nim::bare(program());
    nim.raw(&[0xff; 32]);
    assert_eq!(nim.wait(), Some(65));
}

#[test]
fn anything_before_configure_ends_it_with_an_error() {
    let mut nim = Nim::bare(program());
    nim.command(&Command::Shutdown);
    assert_eq!(nim.wait(), Some(65));
}

#[test]
fn impossible_configuration_ends_it_with_an_error() {
    let valid = configure("none0", "10.1.0.1", 1);
    for impossible in [
        Configure { interface: String::new(), ..valid.clone() },
        Configure { port: 0, ..valid.clone() },
        Configure { heartbeat_interval_ns: 0, ..valid.clone() },
        Configure { sensitivity: 1, ..valid.clone() },
        Configure { group: None, ..valid.clone() },
        Configure { group: Some(common::ip("ff02::1")), ..valid.clone() },
        Configure { group: Some(common::ip("10.1.0.255")), ..valid },
    ] {
        assert_eq!(Nim::start(impossible.clone()).wait(), Some(65), "{impossible:?}");
    }
}

#[test]
fn first_of_all_it_says_that_it_is_ready() {
    let mut nim = Nim::start(configure("none0", "10.1.0.1", 1));
    let pid = nim.pid();
    let ready = nim.expect("anything", |report| Some(report.clone()));
    assert!(matches!(ready, Report::Ready { pid: its, .. } if its == pid), "{ready:?}");
    nim.command(&Command::Shutdown);
    assert_eq!(nim.wait(), Some(0));
}

#[test]
fn what_it_may_not_do_is_a_warning_that_names_the_capability() {
    let asked =
        Configure { realtime_priority: 50, lock_memory: true, ..configure("none0", "10.1.0.1", 1) };
    let mut nim = Nim::start(asked);
    let ready = nim.expect("anything", |report| Some(report.clone()));
    let Report::Ready { realtime, memory_locked, icmp, warnings, .. } = ready else {
        panic!("{ready:?}")
    };
    for (obtained, capability) in
        [(realtime, "CAP_SYS_NICE"), (memory_locked, "CAP_IPC_LOCK"), (icmp, "CAP_NET_RAW")]
    {
        let warned = warnings.iter().any(|warning| warning.contains(capability));
        assert_eq!(obtained, !warned, "{capability}: {warnings:?}");
    }
}

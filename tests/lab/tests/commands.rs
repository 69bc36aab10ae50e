//! What `hats-lab` says to bad input, and the demo with the real programs.

// Clippy's leave for tests does not reach the helpers of a test program.
#![allow(clippy::unwrap_used)]

use std::{
    path::Path,
    process::{Command, Output},
};

const LAB: &str = env!("CARGO_BIN_EXE_hats-lab");

fn run(line: &str) -> Output {
    let dir = std::env::temp_dir().join(format!("hats-lab-none-{}", std::process::id()));
    Command::new(LAB).arg("--dir").arg(dir).args(line.split_whitespace()).output().unwrap()
}

#[test]
fn bad_arguments_are_named_with_what_was_expected() {
    for (line, expected) in [
        ("up --no-daemons --nodes 0", "--nodes 0: expected 1 to 250 nodes"),
        ("up --no-daemons --networks 27", "--networks 27: expected 1 to 26 networks"),
        ("up --no-daemons --subnet 10.0.0.0/30", "--subnet 10.0.0.0/30: has room for 2 hosts"),
        ("up --no-daemons --subnet 10.0.0.0/99", "10.0.0.0/99"),
        ("up --no-daemons --profile slow", "expected default, fast, bfd or wan"),
        (
            "up --no-daemons --default-route netz",
            "no adapter \"netz\": expected one of eth0 (neta)",
        ),
        ("up --no-daemons --config-extra /none.toml", "--config-extra /none.toml"),
        ("fault n1 eth0 brocken", "no fault \"brocken\": expected one of cut, deaf, mute"),
        ("fault n1 eth0 loss=200%", "fault loss=200%: expected 0% to 100%"),
        ("demo --nodes 2", "--nodes 2: expected at least 3"),
        ("measure cut --nodes 2", "--nodes 2: expected at least 3"),
        ("measure quiet --for 10", "expected a time with its unit"),
        ("status", "no lab runs in"),
        ("down", "no lab runs in"),
    ] {
        let output = run(line);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{line}");
        assert!(error.contains(expected), "{line}: {error}");
        assert!(!error.contains("panicked"), "{line}: {error}");
    }
}

#[test]
fn missing_programs_are_named_with_how_to_build_them() {
    // Copied away from the other programs, and with an empty PATH.
    let dir = std::env::temp_dir().join(format!("hats-lab-alone-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let alone = dir.join("hats-lab");
    std::fs::copy(LAB, &alone).unwrap();
    let output = Command::new(&alone).args(["up"]).env("PATH", "").output().unwrap();
    std::fs::remove_dir_all(&dir).unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success());
    assert!(error.contains("hatsd, hats-nim, hats-status not found"), "{error}");
    assert!(error.contains("cargo build --release"), "{error}");
}

#[test]
fn every_verdict_of_the_demo_is_right() {
    let beside = Path::new(LAB).parent().unwrap();
    if ["hatsd", "hats-nim", "hats-status"].iter().any(|name| !beside.join(name).is_file()) {
        println!("skipped: hatsd, hats-nim or hats-status is not built: cargo build --workspace");
        return;
    }
    let output = Command::new(LAB).arg("demo").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    if error.contains("not permitted") {
        println!("skipped: {error}");
        return;
    }
    assert!(output.status.success(), "{text}{error}");
    assert!(text.contains("Every verdict was right, on every node."), "{text}");
}

//! The daemon's program, as scripts meet it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

fn hatsd(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hatsd"))
        .args(arguments)
        .env_remove("HATS_SOCKET")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn written(dir: &Path, content: &str) -> String {
    let path = dir.join("hatsd.toml");
    fs::write(&path, content).unwrap();
    path.display().to_string()
}

#[test]
fn a_good_configuration_is_shown_with_the_values_in_force() {
    let dir = tempfile::tempdir().unwrap();
    let file = written(dir.path(), "[cluster]\nname = \"atc\"\n[detection]\nprofile = \"fast\"\n");
    let output = hatsd(&["--config", &file, "--check-config"]);
    assert_eq!(output.status.code(), Some(0));
    let shown = text(&output.stdout);
    for part in [
        &format!("{file}: ok\n"),
        "name = \"atc\"",
        "heartbeat_interval = \"50ms\"",
        "sensitivity = 3",
        "# detection time 150ms",
    ] {
        assert!(shown.contains(part), "{part} not in {shown}");
    }
}

#[test]
fn a_bad_configuration_ends_with_78_whether_checked_or_run() {
    let dir = tempfile::tempdir().unwrap();
    let file = written(dir.path(), "[detection]\nheartbeat_interval = 250\n");
    for arguments in [&["--config", &file, "--check-config"][..], &["--config", &file]] {
        let output = hatsd(arguments);
        assert_eq!(output.status.code(), Some(78));
        let shown = text(&output.stderr);
        assert!(shown.contains(&format!("{file}:2:22")), "{shown}");
        assert!(shown.contains("heartbeat_interval") && shown.contains("no unit"), "{shown}");
    }
}

#[test]
fn a_configuration_that_was_named_and_is_missing_is_an_error() {
    let output = hatsd(&["--config", "/no/such/hatsd.toml", "--check-config"]);
    assert_eq!(output.status.code(), Some(78));
    let shown = text(&output.stderr);
    assert!(shown.contains("/no/such/hatsd.toml cannot be read"), "{shown}");
}

#[test]
fn wrong_usage_ends_with_64_and_version_with_0() {
    assert_eq!(hatsd(&["--no-such-option"]).status.code(), Some(64));
    assert_eq!(hatsd(&["--log", "xml"]).status.code(), Some(64));
    let version = hatsd(&["--version"]);
    assert_eq!(version.status.code(), Some(0));
    assert_eq!(text(&version.stdout), format!("hatsd {}\n", env!("CARGO_PKG_VERSION")));
}

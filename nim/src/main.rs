//! The Network Interface Module: one process that owns one network adapter.
//!
//! Started by hatsd, which it talks to on its standard input, a socket. Two
//! threads: this one keeps time (heartbeats, probes, the daemon) and calls
//! nothing that can block; the one in [`adapter`] watches the interface and
//! opens sockets, for which the kernel takes its lock on network configuration.
//! No async runtime: a handful of descriptors and one deadline need none.
#![forbid(unsafe_code)]

mod adapter;
mod daemon;
mod shell;

use std::{
    io::{IsTerminal, Write},
    os::{fd::AsFd, unix::net::UnixStream},
    process::ExitCode,
};

/// The program was called in a way it cannot work (`EX_USAGE` of sysexits.h).
const USAGE: u8 = 64;

/// What hatsd said makes no sense (`EX_DATAERR`), or the kernel failed us.
const FAILED: u8 = 65;

fn main() -> ExitCode {
    match std::env::args_os().nth(1) {
        Some(argument) if argument == "--version" || argument == "-V" => {
            let version = format!("hats-nim {}\n", env!("CARGO_PKG_VERSION"));
            let written = std::io::stdout().write_all(version.as_bytes());
            return if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(FAILED) };
        }
        Some(argument) => {
            eprintln!("hats-nim: unexpected argument {argument:?}: expected none or --version");
            return ExitCode::from(USAGE);
        }
        None => {}
    }
    let Some(daemon) = daemon_socket() else {
        eprintln!(
            "hats-nim: started by hatsd, not by hand: expected hatsd's socket as standard input"
        );
        return ExitCode::from(USAGE);
    };
    match shell::run(daemon) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hats-nim: {error:#}");
            ExitCode::from(FAILED)
        }
    }
}

/// Standard input, if it is a Unix socket.
fn daemon_socket() -> Option<UnixStream> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        return None;
    }
    let socket = UnixStream::from(stdin.as_fd().try_clone_to_owned().ok()?);
    socket.peer_addr().is_ok().then_some(socket)
}

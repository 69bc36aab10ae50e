//! hatsd: one per node. Decides nothing itself: it feeds `hats_core::node` with
//! what the NIMs, the kernel and the clock say, and does what comes out.
#![forbid(unsafe_code)]

mod cli;
mod clock;
mod config;
mod daemon;
mod discovery;
mod identity;
mod inherit;
mod ipc;
mod journal;
mod log;
mod metrics;
mod nim;
mod publish;
mod run;
mod snapshot;
mod systemd;

use std::{
    fmt, io,
    io::{IsTerminal as _, Write as _},
    process::ExitCode,
};

use clap::Parser as _;

use cli::Cli;

/// Why the daemon does not run: the exit code tells scripts, the text people.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    const OTHER: u8 = 1;
    const USAGE: u8 = 64;
    const PERMISSION: u8 = 77;
    const CONFIG: u8 = 78;

    /// Anything that has no code of its own.
    pub(crate) fn other(message: impl fmt::Display) -> Self {
        Failure { code: Self::OTHER, message: message.to_string() }
    }

    /// As [`other`](Self::other), unless a privilege is missing.
    pub(crate) fn io(message: impl fmt::Display, error: &io::Error) -> Self {
        let missing = error.kind() == io::ErrorKind::PermissionDenied;
        let code = if missing { Self::PERMISSION } else { Self::OTHER };
        Failure { code, message: message.to_string() }
    }
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // To standard error, or for --help and --version to output.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { Failure::USAGE } else { 0 });
        }
    };
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false)
        .without_time()
        .with_max_level(level(std::env::var("HATS_DEBUG").is_ok()))
        .init();
    match start(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let name = if failure.code == Failure::CONFIG { "" } else { "hatsd: " };
            // Nobody is left to tell when standard error is closed.
            let _ = writeln!(io::stderr(), "{name}{}", failure.message.trim_end());
            ExitCode::from(failure.code)
        }
    }
}

fn level(debug: bool) -> tracing::Level {
    if debug { tracing::Level::DEBUG } else { tracing::Level::INFO }
}

fn start(cli: &Cli) -> Result<(), Failure> {
    let loaded = config::load(cli.config.as_deref())
        .map_err(|refused| Failure { code: Failure::CONFIG, message: refused.0 })?;
    if !loaded.warnings.is_empty() {
        // As above.
        let _ = write!(io::stderr(), "{}", loaded.warnings);
    }
    if cli.check_config {
        let mut out = io::stdout().lock();
        return match &loaded.settings.file {
            Some(file) => write!(out, "{}: ok\n\n{}", file.display(), loaded.settings),
            None => write!(
                out,
                "{}: not there, zero configuration\n\n{}",
                config::DEFAULT_FILE,
                loaded.settings
            ),
        }
        .map_err(Failure::other);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::other)?;
    let result = runtime.block_on(run::run(cli, loaded.settings));
    // What is left are connections and the accepting task.
    runtime.shutdown_background();
    result
}

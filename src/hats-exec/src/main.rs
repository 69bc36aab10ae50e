//! hats-exec: runs a program, or calls a web hook, for each event that matches.
//!
//! It is a subscriber like any other, and meant to be read by those who write
//! one. An event goes this way:
//!
//! ```text
//! hatsd ── follower ─> queue of the action ──> delivery ──> program | webhook
//!             │         (bounded)               │ tried again, with a pause
//!          progress <─────── done ──────────────┤
//!        (on disk: where to go on)              └─> dead letters (on disk)
//! ```
//!
//! Every event is delivered at least once, or is a dead letter. After a restart
//! it goes on with the first event that was not finished.
#![forbid(unsafe_code)]

mod action;
mod config;
mod dead;
mod delivery;
mod matching;
mod program;
mod progress;
mod redelivery;
mod sample;
mod variables;
mod webhook;

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use clap::Parser;
use hats_client::{Follower, News};
use hats_config::Refused;
use tokio::{
    signal::unix::{SignalKind, signal},
    time,
};

use crate::{config::Config, delivery::Deliveries, progress::Progress};

/// Runs programs and calls web hooks for events of hats.
#[derive(Parser, Debug)]
#[command(name = "hats-exec", version)]
struct Cli {
    /// What to do for which events.
    #[arg(long, value_name = "FILE", default_value = "/etc/hats/hats-exec.toml")]
    config: PathBuf,

    /// The daemon's socket [default: the configuration's, else $HATS_SOCKET, else
    /// /run/hats/hats.sock].
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,

    /// Reads the configuration, says everything that is wrong with it, and ends.
    #[arg(long)]
    check_config: bool,

    /// Delivers a made-up event of this code or name, and ends: does the pager
    /// ring?
    #[arg(long, value_name = "EVENT", conflicts_with = "check_config")]
    r#try: Option<String>,

    /// Delivers the dead letters of this action once more, and ends.
    #[arg(long, value_name = "ACTION", conflicts_with_all = ["check_config", "try"])]
    redeliver: Option<String>,
}

/// Exit statuses, as in sysexits.h.
const USAGE: u8 = 64;
const SOFTWARE: u8 = 70;
const CONFIG: u8 = 78;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            drop(error.print());
            return if error.use_stderr() { USAGE.into() } else { ExitCode::SUCCESS };
        }
    };
    tracing_subscriber::fmt().with_writer(io::stderr).with_target(false).init();
    let config = match Config::read(&cli.config) {
        Ok(config) => config,
        Err(Refused(mistakes)) => {
            // As below.
            drop(write!(io::stderr(), "{mistakes}"));
            return CONFIG.into();
        }
    };
    if cli.check_config {
        let count = config.actions.len();
        let actions = if count == 1 { "action" } else { "actions" };
        drop(writeln!(io::stdout(), "{}: {count} {actions}, no mistakes", cli.config.display()));
        return ExitCode::SUCCESS;
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(SOFTWARE, &format!("cannot start: {error}")),
    };
    let ended = runtime.block_on(async {
        match (&cli.r#try, &cli.redeliver) {
            (Some(event), _) => sample::deliver_one(config, event).await,
            (None, Some(action)) => redelivery::redeliver(config, action).await,
            (None, None) => run(config, cli.socket).await,
        }
    });
    // A web hook that hangs must not keep the process.
    runtime.shutdown_background();
    ended.map_or_else(|error| fail(SOFTWARE, &error), |()| ExitCode::SUCCESS)
}

/// Says it; when standard error has gone, the status still tells.
fn fail(status: u8, error: &str) -> ExitCode {
    drop(writeln!(io::stderr(), "hats-exec: {error}"));
    status.into()
}

/// In the first run, how often to ask whether the daemon has said where it is.
const BEGIN_POLL: Duration = Duration::from_millis(100);

/// Follows the daemon until told to stop.
async fn run(config: Config, socket: Option<PathBuf>) -> Result<(), String> {
    let cannot = |error: io::Error| format!("cannot wait for signals: {error}");
    let mut terminate = signal(SignalKind::terminate()).map_err(cannot)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(cannot)?;
    let progress = Progress::open(&config.state_dir)?;
    let socket = hats_client::socket_path(socket.or(config.socket).as_deref());
    let mut follower = Follower::new("hats-exec").at(&socket).without_view();
    if let Some(from) = progress.resume_point() {
        follower = follower.resume(from);
    }
    let deliveries = Deliveries::start(config.actions, &config.state_dir, &progress);
    let mut away_is_told = false;
    let ended = loop {
        let news = tokio::select! {
            news = follower.next() => news,
            () = time::sleep(BEGIN_POLL), if progress.resume_point().is_none() => {
                if let Some(point) = follower.resume_point() {
                    progress.begin_at(point);
                    tracing::info!("nothing is remembered: what happens from now on is delivered");
                }
                continue;
            }
            _ = terminate.recv() => break Ok(()),
            _ = interrupt.recv() => break Ok(()),
        };
        let news = match news {
            Ok(news) => news,
            Err(error) => break Err(error.to_string()),
        };
        match news {
            News::Event(event) => {
                if std::mem::take(&mut away_is_told) {
                    tracing::info!("following the daemon");
                }
                deliveries.hand_over(&event);
                progress.saw(&event);
            }
            News::Gap(gap) => tracing::warn!("{gap}: the daemon no longer has them"),
            News::Away(why) if !away_is_told => {
                tracing::warn!("waiting for the daemon: {why}");
                away_is_told = true;
            }
            // The follower tries for as long as it takes.
            News::Away(_) | News::State => {}
        }
    };
    deliveries.finish().await;
    ended
}

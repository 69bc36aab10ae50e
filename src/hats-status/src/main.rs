//! hats-status: what the cluster looks like, for people and scripts.
//!
//! It asks the daemon on this host over its Unix socket, prints, and says by
//! its exit status how the cluster is. It changes nothing.
#![forbid(unsafe_code)]

mod cli;
mod colour;
mod explain;
mod failure;
mod follow;
#[cfg(feature = "live")]
mod live;
mod order;
mod output;
mod report;
mod select;
mod show;
mod table;
mod words;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser};

use crate::{
    cli::{Cli, Command, View},
    failure::{Exit, Failure},
};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Nobody is there if this fails; the status still tells.
            drop(error.print());
            return if error.use_stderr() { Exit::Usage } else { Exit::Ok }.into();
        }
    };
    match run(&cli) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            if !matches!(failure, Failure::OutputClosed) {
                output::note(&failure.to_string());
            }
            failure.exit().into()
        }
    }
}

fn run(cli: &Cli) -> Result<Exit, Failure> {
    let socket = hats_client::socket_path(cli.socket.as_deref());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::Start)?;
    runtime.block_on(async {
        match &cli.command {
            None => report::run(cli, &View::Overview, &socket).await,
            Some(Command::View(view)) => report::run(cli, view, &socket).await,
            Some(Command::Events(events)) => follow::run(events, cli, &socket).await,
            #[cfg(feature = "live")]
            Some(Command::Watch(watch)) => live::run(cli, watch, &socket).await,
            Some(Command::Explain { event }) => explain::run(event.as_deref(), cli.output),
            Some(Command::Completions { shell }) => completions(*shell),
        }
    })
}

fn completions(shell: clap_complete::Shell) -> Result<Exit, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "hats-status", &mut text);
    output::write(&String::from_utf8_lossy(&text))?;
    Ok(Exit::Ok)
}

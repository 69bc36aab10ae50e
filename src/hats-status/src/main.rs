//! hats-status: what the cluster looks like, for people and scripts.
//!
//! It asks the daemon on this host over its Unix socket, prints, and says by
//! its exit status how the cluster is. It changes nothing.
#![forbid(unsafe_code)]

mod cli;
mod failure;
mod follow;
mod order;
mod output;
mod report;
mod show;
mod table;
mod words;

use std::process::ExitCode;

use clap::Parser;

use crate::{
    cli::{Cli, Command, Format},
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
    let is_overview = matches!(cli.command, None | Some(Command::Overview));
    if cli.output == Format::Nagios && !is_overview {
        return Err(report::only_overview());
    }
    let socket = hats_client::socket_path(cli.socket.as_deref());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::Start)?;
    runtime.block_on(async {
        match &cli.command {
            Some(Command::Events(events)) => {
                follow::run(events, cli.output, &socket, cli.timeout).await
            }
            _ => report::run(cli, &socket).await,
        }
    })
}

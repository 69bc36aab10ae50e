//! `hats-sim`: the protocol code on a simulated network, from the command line.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it is there to be read")]

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use hats_sim::{bench, experiments};

mod commands;

/// The protocol code on a simulated network.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Tell the story of one seed.
    ///
    /// HATS_TRACE=events|1|all prints what happens on standard error.
    Run {
        /// Which one.
        #[arg(long)]
        seed: u64,
        /// Only print what would be done.
        #[arg(long)]
        plan: bool,
        /// Only write it to a scenario file.
        #[arg(long, value_name = "FILE")]
        save: Option<PathBuf>,
        /// Its name there, a sentence; without it, what the file's name says.
        #[arg(long, requires = "save")]
        name: Option<String>,
    },
    /// Tell the stories in files.
    Scenario {
        /// The files, *.scenario.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Tell the stories of many seeds.
    Campaign {
        /// How many.
        #[arg(long, default_value_t = 100)]
        seeds: u64,
        /// The first one.
        #[arg(long, default_value_t = 1)]
        from: u64,
        /// End after so many minutes.
        #[arg(long)]
        minutes: Option<u64>,
    },
    /// Carry out one of the published experiments.
    Experiment(experiments::Arguments),
    /// How fast the simulator is, on one core.
    Bench(bench::Arguments),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Run { seed, plan, save, name } => {
            commands::one::run(seed, plan, save.as_deref(), name.as_deref())
        }
        Command::Scenario { files } => commands::one::scenarios(&files),
        Command::Campaign { seeds, from, minutes } => {
            Ok(commands::many::campaign(seeds, from, minutes))
        }
        Command::Experiment(arguments) => Ok(experiments::experiment(&arguments)),
        Command::Bench(arguments) => Ok(bench::bench(&arguments)),
    };
    result.unwrap_or_else(|error| {
        eprintln!("hats-sim: {error:#}");
        ExitCode::from(64)
    })
}

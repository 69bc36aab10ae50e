//! `hats-sim`: the protocol code on a simulated network, from the command line.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it is there to be read")]

use std::{num::NonZero, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use hats_sim::{bench, campaign, experiments, model, report};

mod commands;

/// A simulated cluster is many small things that live for a moment.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The exit code when something was asked that cannot be done; 1 says that a
/// story did not end well.
const USAGE: u8 = 64;

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
    /// Prints what is done, and how it ends; `replay` shows what happens.
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
        /// Tell each with so many seeds, its own first.
        #[arg(long, value_name = "N", default_value = "1")]
        seeds: NonZero<u64>,
    },
    /// Tell the stories of many seeds.
    Campaign(commands::many::Campaign),
    /// Inject faults of every class, and print what was said of each: the confusion
    /// matrix.
    Matrix(commands::matrix::Arguments),
    /// Find a smaller story that fails in the same way.
    Minimize(commands::minimize::Minimize),
    /// Print what happens in a story: one line for each thing.
    Replay(commands::replay::Replay),
    /// Carry out one of the published experiments.
    Experiment(experiments::Arguments),
    /// Carry out all of them, and write the page that tells what they came to.
    Report(report::Arguments),
    /// Explore every order of events in a world of three nodes.
    Model(model::Arguments),
    /// How fast the simulator is, on one core.
    Bench(bench::Arguments),
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // A broken pipe is nobody's to complain about.
            let _ = error.print();
            return if error.use_stderr() { USAGE.into() } else { ExitCode::SUCCESS };
        }
    };
    campaign::keep_panics_quiet();
    let result = match arguments.command {
        Command::Run { seed, plan, save, name } => {
            commands::one::run(seed, plan, save.as_deref(), name.as_deref())
        }
        Command::Scenario { files, seeds } => commands::one::scenarios(&files, seeds.get()),
        Command::Campaign(orders) => commands::many::campaign(&orders),
        Command::Matrix(arguments) => commands::matrix::matrix(&arguments),
        Command::Minimize(orders) => commands::minimize::minimize(&orders),
        Command::Replay(orders) => commands::replay::replay(&orders),
        Command::Experiment(arguments) => Ok(experiments::experiment(&arguments)),
        Command::Report(arguments) => {
            report::report(&arguments, &mut experiments::Progress::shown())
        }
        Command::Model(arguments) => Ok(model::command(&arguments)),
        Command::Bench(arguments) => Ok(bench::bench(&arguments)),
    };
    result.unwrap_or_else(|error| {
        eprintln!("hats-sim: {error:#}");
        USAGE.into()
    })
}

//! `hats-sim experiment`: one of them, on the command line.

use std::process::ExitCode;

use clap::{Args, builder::PossibleValuesParser};

use super::{ALL, Grid, Progress, Request, named};

/// Which one, and how.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Its name.
    #[arg(value_parser = PossibleValuesParser::new(ALL.iter().map(|it| it.name)))]
    name: String,
    /// So many nodes instead of the paper's.
    #[arg(long, value_parser = clap::value_parser!(u32).range(2..=4000))]
    nodes: Option<u32>,
    /// The seed all of its runs derive from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The small setting of the tests instead of the paper's.
    #[arg(long)]
    quick: bool,
    /// Where there is a grid of settings: how much of it.
    #[arg(long, value_enum, default_value_t)]
    grid: Grid,
    /// One line of JSON, plots included, instead of a table.
    #[arg(long)]
    json: bool,
}

/// Carries out one experiment and prints what it comes to.
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "it is there to be read")]
pub fn experiment(arguments: &Arguments) -> ExitCode {
    let Some(experiment) = named(&arguments.name) else {
        eprintln!("no experiment is called {:?}", arguments.name);
        return ExitCode::FAILURE;
    };
    let Arguments { nodes, seed, quick, grid, .. } = *arguments;
    match (experiment.run)(&Request { seed, quick, nodes, grid }, &mut Progress::shown()) {
        Ok(outcome) if arguments.json => println!("{}", outcome.json()),
        Ok(outcome) => print!("{outcome}"),
        Err(why) => {
            eprintln!("{} with seed {seed} did not end: {why}", experiment.name);
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

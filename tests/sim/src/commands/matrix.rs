//! `matrix`: faults of every class, and what was said of each.

use std::{
    fs,
    io::{BufWriter, stdout},
    num::NonZero,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{Arc, atomic::AtomicBool},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use clap::Args;
use hats_sim::{
    Detail, Tracing,
    matrix::{self, Class, Finding, Limits, Matrix, Orders},
};
use signal_hook::{consts::SIGINT, flag};

use super::{many::minutes, one, replay::detail};

/// Progress is shown so often at most.
const SHOWN_EVERY: Duration = Duration::from_secs(5);

/// So many faults when nothing is said about when to end.
const FAULTS: u64 = 10_000;

/// Which worlds, and how many faults.
#[derive(Args)]
pub(crate) struct Arguments {
    /// End when there were so many faults; 10000, or with --minutes or --worlds as
    /// many as those allow.
    #[arg(long, value_name = "N")]
    faults: Option<u64>,
    /// End after so many minutes.
    #[arg(long, value_name = "M", value_parser = minutes)]
    minutes: Option<Duration>,
    /// End after so many worlds; each has up to 24 faults.
    #[arg(long, value_name = "N")]
    worlds: Option<u64>,
    /// The seed of the first world.
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    from: u64,
    /// So many threads, without it as many as there are cores. The result does not
    /// depend on it.
    #[arg(long, value_name = "J")]
    jobs: Option<NonZero<usize>>,
    /// Worlds of so many nodes.
    #[arg(long, value_name = "LOW..HIGH", default_value = "2..64", value_parser = nodes)]
    nodes: (u64, u64),
    /// So many of a hundred datagrams are lost, by chance, in the background.
    #[arg(long, value_name = "LOW..HIGH", default_value = "0..30%", value_parser = loss)]
    loss: (u64, u64),
    /// Only faults of this class.
    #[arg(long, value_name = "CLASS", value_parser = Class::parse)]
    only: Option<Class>,
    /// One line of JSON instead of tables.
    #[arg(long)]
    json: bool,
    /// Print what happens in the world of --from, and tell no other: events, 1 or all.
    #[arg(long, value_name = "DETAIL", num_args = 0..=1, default_missing_value = "1")]
    #[arg(value_parser = detail, conflicts_with_all = ["faults", "minutes", "worlds", "json"])]
    trace: Option<Detail>,
    /// Write each fault that was missed, or led to a wrong culprit, to this folder: a
    /// scenario of that fault alone.
    #[arg(long, value_name = "DIR")]
    save_failures: Option<PathBuf>,
}

fn range(text: &str) -> Option<(u64, u64)> {
    let (low, high) = text.split_once("..").unwrap_or((text, text));
    let (low, high) = (low.parse().ok()?, high.parse().ok()?);
    (low <= high).then_some((low, high))
}

fn nodes(text: &str) -> Result<(u64, u64), String> {
    range(text)
        .filter(|(low, high)| (2..=64).contains(low) && *high <= 64)
        .ok_or_else(|| "expected a number of nodes from 2 to 64, or two, as 2..8".to_owned())
}

fn loss(text: &str) -> Result<(u64, u64), String> {
    range(&text.replace('%', ""))
        .filter(|(_, high)| *high <= 30)
        .ok_or_else(|| "expected a percentage up to 30, or two, as 0..10%".to_owned())
}

/// Tells the worlds, and prints the matrix.
pub(crate) fn matrix(arguments: &Arguments) -> Result<ExitCode> {
    let Arguments { from, nodes, loss, only, .. } = *arguments;
    let limits = Limits { nodes, loss, only, ..Limits::default() };
    if let Some(detail) = arguments.trace {
        let (matrix, details) =
            matrix::replay(from, &limits, Tracing::of(detail), Box::new(BufWriter::new(stdout())));
        eprint!("{}{details}{matrix}", matrix::plan(from, &limits));
        return Ok(code(&matrix));
    }
    let stop = Arc::new(AtomicBool::new(false));
    // Worlds that have begun are told to their end.
    flag::register(SIGINT, Arc::clone(&stop))?;
    if let Some(folder) = &arguments.save_failures {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let cores = || thread::available_parallelism().map_or(1, NonZero::get);
    let begin = Instant::now();
    let bounded = arguments.minutes.is_some() || arguments.worlds.is_some();
    let orders = Orders {
        from,
        worlds: arguments.worlds,
        faults: arguments.faults.or((!bounded).then_some(FAULTS)),
        limits,
        deadline: arguments.minutes.map(|minutes| begin + minutes),
        jobs: arguments.jobs.map_or_else(cores, NonZero::get),
        stop: &stop,
    };
    let (mut shown, mut found, mut saved) = (begin, 0, Ok(()));
    let matrix = matrix::many(&orders, |matrix| {
        for finding in &matrix.findings[found..] {
            eprintln!("{finding}");
            if let (Ok(()), Some(folder)) = (&saved, &arguments.save_failures) {
                saved = save(folder, &limits, finding);
            }
        }
        found = matrix.findings.len();
        if shown.elapsed() >= SHOWN_EVERY {
            shown = Instant::now();
            let took = begin.elapsed();
            let rate = matrix.faults as f64 / took.as_secs_f64();
            eprintln!(
                "{:>6} s  {} faults in {} worlds, {} wrong culprits, {} found, {rate:.0} faults/s",
                took.as_secs(),
                matrix.faults,
                matrix.worlds,
                matrix.wrong(),
                matrix.found
            );
        }
    });
    saved?;
    let took = begin.elapsed();
    if arguments.json {
        println!("{}", matrix.json());
        return Ok(code(&matrix));
    }
    print!("{matrix}");
    if !matrix.findings.is_empty() {
        println!("what happens in a world: {} --trace", again(arguments));
    }
    let rate = matrix.faults as f64 / took.as_secs_f64();
    println!(
        "seeds {from} to {}, {took:.1?}, {rate:.0} faults/s",
        from + matrix.worlds.saturating_sub(1)
    );
    Ok(code(&matrix))
}

/// The command that tells one of its worlds again.
fn again(arguments: &Arguments) -> String {
    let (nodes, loss) = (arguments.nodes, arguments.loss);
    let mut words = "hats-sim matrix --from SEED".to_owned();
    if nodes != (2, 64) {
        words += &format!(" --nodes {}..{}", nodes.0, nodes.1);
    }
    if loss != (0, 30) {
        words += &format!(" --loss {}..{}", loss.0, loss.1);
    }
    if let Some(class) = arguments.only {
        words += &format!(" --only {}", class.name());
    }
    words
}

fn code(matrix: &Matrix) -> ExitCode {
    if matrix.is_well() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn save(folder: &Path, limits: &Limits, finding: &Finding) -> Result<()> {
    let Some(mut scenario) = matrix::scenario(finding.seed, limits, finding.fault) else {
        return Ok(());
    };
    scenario.why = Some(finding.to_string());
    let name = format!("seed-{}-fault-{}.scenario", finding.seed, finding.fault);
    one::write(&folder.join(name), &scenario)
}

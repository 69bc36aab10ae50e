//! `campaign`: the stories of many seeds.

use std::{
    fs,
    num::NonZero,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{Arc, atomic::AtomicBool},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use clap::Args;
use hats_sim::campaign::{self, Ending, Kinds, Orders, Scenario, Tally};
use signal_hook::{consts::SIGINT, flag};

use super::one;

/// Progress is shown so often at most.
const SHOWN_EVERY: Duration = Duration::from_secs(5);

/// So many stories when nothing is said about when to end.
const SEEDS: u64 = 100;

/// Which seeds, for how long.
#[derive(Args)]
pub(crate) struct Campaign {
    /// How many seeds; 100, or with --minutes as many as there is time for.
    #[arg(long, value_name = "N")]
    seeds: Option<u64>,
    /// The first one.
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    from: u64,
    /// End after so many minutes.
    #[arg(long, value_name = "M", value_parser = minutes)]
    minutes: Option<Duration>,
    /// Also faults that the protocol is known not to hold yet.
    #[arg(long)]
    all_faults: bool,
    /// Every other fault of this kind, one the protocol holds or not.
    #[arg(long, value_name = "KIND", value_parser = Kinds::parse, conflicts_with = "all_faults")]
    with: Option<Kinds>,
    /// So many threads, without it as many as there are cores. The summary does
    /// not depend on it.
    #[arg(long, value_name = "J")]
    jobs: Option<NonZero<usize>>,
    /// Write the story of each seed that fails to this folder, as a scenario.
    #[arg(long, value_name = "DIR")]
    save_failures: Option<PathBuf>,
}

/// So many minutes.
pub(super) fn minutes(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().map(|minutes: f64| minutes * 60.0);
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| "expected a number of minutes, as 10 or 0.5".to_owned())
}

/// Tells all the stories.
pub(crate) fn campaign(orders: &Campaign) -> Result<ExitCode> {
    let stop = Arc::new(AtomicBool::new(false));
    // Stories that have begun are told to their end: that takes a second.
    flag::register(SIGINT, Arc::clone(&stop))?;
    if let Some(folder) = &orders.save_failures {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let cores = || thread::available_parallelism().map_or(1, NonZero::get);
    let begin = Instant::now();
    let mut progress = Progress { begin, shown: begin, orders };
    let mut saved = Ok(());
    let tally = campaign::many(
        &Orders {
            from: orders.from,
            all_faults: orders.all_faults,
            with: orders.with,
            seeds: orders.seeds.or(orders.minutes.is_none().then_some(SEEDS)),
            deadline: orders.minutes.map(|minutes| begin + minutes),
            jobs: orders.jobs.map_or_else(cores, NonZero::get),
            stop: &stop,
        },
        |ending, tally| {
            if let Some(why) = &ending.failure {
                eprintln!("seed {}: {why}", ending.story.seed);
                if let (Ok(()), Some(folder)) = (&saved, &orders.save_failures) {
                    saved = save(folder, ending, why);
                }
            }
            progress.show(tally);
        },
    );
    saved?;
    print!("{tally}");
    let took = begin.elapsed();
    let rate = tally.steps as f64 / took.as_secs_f64();
    println!("{} in {took:.1?}, {rate:.0} steps/s", seeds_of(orders.from, tally.runs));
    Ok(if tally.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn seeds_of(from: u64, runs: u64) -> String {
    match runs {
        0 => "no seed".to_owned(),
        1 => format!("seed {from}"),
        _ => format!("seeds {from} to {}", from + runs - 1),
    }
}

fn save(folder: &Path, ending: &Ending, why: &str) -> Result<()> {
    let seed = ending.story.seed;
    let path = folder.join(format!("seed-{seed}.scenario"));
    let name = format!("the story of seed {seed}");
    one::write(&path, &Scenario { name, why: Some(why.to_owned()), story: ending.story.clone() })
}

/// How far it is, on standard error.
struct Progress<'a> {
    begin: Instant,
    shown: Instant,
    orders: &'a Campaign,
}

impl Progress<'_> {
    fn show(&mut self, tally: &Tally) {
        if self.shown.elapsed() < SHOWN_EVERY {
            return;
        }
        self.shown = Instant::now();
        let took = self.begin.elapsed();
        let rate = tally.runs as f64 / took.as_secs_f64();
        let seeds = self.orders.seeds.or(self.orders.minutes.is_none().then_some(SEEDS));
        let by_seeds = seeds
            .map(|seeds| Duration::from_secs_f64((seeds.saturating_sub(tally.runs)) as f64 / rate));
        let by_time = self.orders.minutes.map(|minutes| minutes.saturating_sub(took));
        let left = by_seeds.into_iter().chain(by_time).min().unwrap_or_default().as_secs();
        eprintln!(
            "{:>6} s  {} runs, {} failed, {rate:.1} runs/s, {left} s left",
            took.as_secs(),
            tally.runs,
            tally.failed()
        );
    }
}

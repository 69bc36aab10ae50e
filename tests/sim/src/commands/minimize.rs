//! `minimize`: a smaller story that fails in the same way.

use std::{
    num::NonZero,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::{Result, bail};
use clap::Args;
use hats_sim::campaign::{self, Minimizing, Scenario, Story};
use signal_hook::{consts::SIGINT, flag};

use super::one;

/// Which story, and where to.
#[derive(Args)]
pub(crate) struct Minimize {
    /// A seed, or a file.
    #[arg(value_name = "SEED|FILE")]
    story: String,
    /// Write it to this file instead of standard output.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Make each attempt with so many seeds: to leave something out changes what
    /// chance does to the rest.
    #[arg(long, value_name = "N", default_value = "3")]
    seeds: NonZero<u64>,
}

/// Finds it, tells what was left out, and writes what remains.
pub(crate) fn minimize(orders: &Minimize) -> Result<ExitCode> {
    let mut scenario = match orders.story.parse() {
        Ok(seed) => Scenario {
            name: format!("the story of seed {seed} made smaller"),
            why: None,
            story: Story::of(seed),
        },
        Err(_) => one::read(Path::new(&orders.story))?,
    };
    let stop = Arc::new(AtomicBool::new(false));
    // What was found until then is written.
    flag::register(SIGINT, Arc::clone(&stop))?;
    let found = campaign::minimize(
        scenario.story,
        Minimizing {
            seeds: orders.seeds.get(),
            dropped: &mut |dropped| eprintln!("fails without {dropped}"),
            stop: &|| stop.load(Ordering::Relaxed),
        },
    );
    let Some(found) = found else { bail!("{} ends well: expected one that fails", orders.story) };
    let ending = found.ending;
    eprint!("after {} runs: {}", found.tried, ending.story);
    if let Some(why) = &ending.failure {
        eprintln!("FAILED: {why}");
        scenario.why.get_or_insert_with(|| why.clone());
    }
    scenario.story = ending.story;
    match &orders.output {
        Some(path) => one::write(path, &scenario)?,
        None => print!("{}", scenario.write()),
    }
    Ok(ExitCode::SUCCESS)
}

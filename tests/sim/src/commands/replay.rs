//! `replay`: what happens in a story, line by line.

use std::{io::BufWriter, path::Path, process::ExitCode, time::Duration};

use anyhow::{Context, Result, bail};
use clap::Args;
use hats_sim::{
    Detail, Tracing,
    campaign::{self, Story},
};

use super::one;

/// Which story, and what to print of it.
#[derive(Args)]
pub(crate) struct Replay {
    /// A seed, or a file.
    #[arg(value_name = "SEED|FILE")]
    story: String,
    /// events: what is published, faults, processes. 1: also what daemons do,
    /// without what comes at every heartbeat. all: everything.
    #[arg(long, value_name = "DETAIL", num_args = 0..=1)]
    #[arg(default_value = "events", default_missing_value = "1", value_parser = detail)]
    trace: Detail,
    /// Only of these nodes; faults are always shown.
    #[arg(long, value_name = "NODE,...", value_delimiter = ',')]
    nodes: Vec<String>,
    /// Only what is of these networks, or of none.
    #[arg(long, value_name = "NETWORK,...", value_delimiter = ',')]
    networks: Vec<String>,
    /// From then on: seconds, or a duration with a unit.
    #[arg(long, value_name = "T", default_value = "0s", value_parser = moment)]
    from: Duration,
    /// Up to then.
    #[arg(long, value_name = "T", value_parser = moment)]
    until: Option<Duration>,
}

/// How much is printed.
pub(super) fn detail(word: &str) -> Result<Detail, String> {
    Detail::named(word).ok_or_else(|| "expected events, 1 or all".to_owned())
}

/// As the trace prints it, `12.345678`, or with a unit.
fn moment(text: &str) -> Result<Duration, String> {
    let seconds = campaign::duration(&format!("{text}s"));
    campaign::duration(text)
        .or(seconds)
        .ok_or_else(|| "expected seconds, as 12.5, or a duration with a unit".to_owned())
}

/// The story of a seed, or in a file.
pub(crate) fn story(what: &str) -> Result<Story> {
    match what.parse() {
        Ok(seed) => Ok(Story::of(seed)),
        Err(_) => one::read(Path::new(what))
            .map(|scenario| scenario.story)
            .with_context(|| format!("{what:?} is no seed")),
    }
}

/// Tells it: the trace on standard output, how it ended on standard error.
pub(crate) fn replay(orders: &Replay) -> Result<ExitCode> {
    let story = story(&orders.story)?;
    let nodes: Vec<&str> = story.nodes.iter().map(|node| node.name.as_str()).collect();
    let networks: Vec<&str> = story.networks.iter().map(String::as_str).collect();
    known("--nodes", &orders.nodes, &nodes)?;
    known("--networks", &orders.networks, &networks)?;
    let tracing = Tracing {
        detail: orders.trace,
        nodes: orders.nodes.clone(),
        networks: orders.networks.clone(),
        from: orders.from,
        until: orders.until,
    };
    eprint!("{story}");
    let out = Box::new(BufWriter::with_capacity(1 << 16, std::io::stdout()));
    let ending = campaign::replay(story, tracing, out);
    Ok(match &ending.failure {
        None => {
            eprintln!("well");
            ExitCode::SUCCESS
        }
        Some(why) => {
            eprintln!("FAILED: {why}");
            ExitCode::FAILURE
        }
    })
}

fn known(option: &str, named: &[String], there: &[&str]) -> Result<()> {
    if let Some(name) = named.iter().find(|name| !there.contains(&name.as_str())) {
        bail!("{option} is {name:?}: expected some of {}", there.join(","));
    }
    Ok(())
}

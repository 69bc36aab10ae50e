//! Figures: how long the cluster takes to say what happened, and what it costs.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use serde::Serialize;

use crate::{
    cli::{Output, Shape},
    events::Event,
    model::expected_roles,
    out::{columns, say},
    plan::{Plan, Port},
    quiet,
    session::Session,
    stats::{Summary, show_ms},
    trial::{Outcome, Trial},
};

/// So many complaints are shown in full.
const COMPLAINTS_SHOWN: usize = 12;

/// What to measure, and on which cluster.
#[derive(Clone, Debug, clap::Args)]
pub struct MeasureArgs {
    /// What to measure.
    what: What,
    /// The cluster's shape.
    #[command(flatten)]
    shape: Shape,
    /// How often: each time at another node and adapter.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    repeat: u32,
    /// For quiet: how long.
    #[arg(long = "for", default_value = "60s", value_parser = crate::cli::duration)]
    time: Duration,
    /// For quiet: how many threads keep the processors busy meanwhile.
    #[arg(long, default_value_t = 0)]
    load: usize,
    /// How to show it.
    #[arg(short, long, default_value = "table")]
    output: Output,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum What {
    /// From the start of the daemons to a whole cluster in each node's eyes.
    Formation,
    /// From a pulled cable to the event.
    Carrier,
    /// From a silent cut to the verdict.
    Cut,
    /// From an adapter that receives nothing to the verdict.
    Deaf,
    /// From an adapter that sends nothing to the verdict.
    Mute,
    /// From a failed pair to the verdict.
    Path,
    /// From a node's end to the verdict.
    Crash,
    /// From the end of hatsd to the verdict.
    KillDaemon,
    /// From the end of the leader's node to the new leader on every network.
    Leader,
    /// False alarms in an undisturbed cluster, and what it costs.
    Quiet,
}

/// The samples of one measurement.
#[derive(Debug, Default)]
struct Samples {
    same: Vec<u64>,
    others: Vec<u64>,
    complaints: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Report<'a> {
    measure: String,
    nodes: usize,
    networks: usize,
    links: String,
    profile: &'a str,
    repeat: u32,
    bound_ms: f64,
    same_node: Option<Summary>,
    others: Option<Summary>,
    all: Option<Summary>,
    wrong: &'a [String],
}

/// Measures; returns the exit code: 0 when nothing was missing or wrong.
///
/// # Errors
///
/// The lab could not be started, or the cluster did not become whole.
pub fn run(dir: Option<&Path>, args: &MeasureArgs) -> Result<i32> {
    let plan = args.shape.plan(true)?;
    let enough = match args.what {
        What::Formation | What::Quiet => 1,
        What::Leader => 2,
        What::Carrier
        | What::Cut
        | What::Deaf
        | What::Mute
        | What::Path
        | What::Crash
        | What::KillDaemon => 3,
    };
    ensure!(
        plan.nodes >= enough,
        "--nodes {}: expected at least {enough} to measure this",
        plan.nodes
    );
    if args.what == What::Quiet {
        return quiet::run(dir, plan, args.time, args.load, args.output);
    }
    let samples = if args.what == What::Formation {
        formation(dir, &plan, args.repeat)?
    } else {
        faults(dir, &plan, args.what, args.repeat)?
    };
    show(&plan, args, &samples)
}

fn formation(dir: Option<&Path>, plan: &Plan, repeat: u32) -> Result<Samples> {
    let mut samples = Samples::default();
    for _ in 0..repeat {
        let mut session = Session::start(dir, plan.clone(), true)?;
        let limit = session.times.recovery();
        let whole = session.wait_whole(&session.everyone(), limit)?;
        let took = whole.iter().map(|ns| ns.saturating_sub(session.started_ns));
        samples.others.extend(took);
    }
    Ok(samples)
}

fn faults(dir: Option<&Path>, plan: &Plan, what: What, repeat: u32) -> Result<Samples> {
    let veth_will_do =
        matches!(what, What::Carrier | What::Cut | What::Crash | What::KillDaemon | What::Leader);
    let mut session = Session::start(dir, plan.clone(), veth_will_do)?;
    let limit = session.times.recovery();
    session.wait_whole(&session.everyone(), limit)?;
    let mut samples = Samples::default();
    for round in 0..repeat as usize {
        session.watch.linger(session.times.settle().max(session.times.steady()))?;
        let trial = trial(plan, what, round);
        let marks = session.watch.mark()?;
        let mut outcome = session.run(&trial)?;
        if what == What::Leader {
            outcome.took_ns = takeovers(&session, &trial, &marks, &outcome);
        }
        samples.add(&trial, &outcome);
        match session.heal() {
            Ok(repair) => samples.complaints.extend(repair.complaints()),
            Err(error) => {
                // Nothing measured from here on would mean anything.
                samples.complaints.push(format!("after the repair of {}: {error:#}", trial.title));
                break;
            }
        }
    }
    if let Some(dir) = session.kept_logs() {
        samples.complaints.push(format!("the logs are kept in {}", dir.display()));
    }
    Ok(samples)
}

fn trial(plan: &Plan, what: What, round: usize) -> Trial {
    let node = round % plan.nodes;
    let port = Port { node, network: round / plan.nodes % plan.networks.len() };
    match what {
        What::Carrier => Trial::adapter(plan, port, "carrier"),
        What::Cut => Trial::adapter(plan, port, "cut"),
        What::Deaf => Trial::adapter(plan, port, "deaf"),
        What::Mute => Trial::adapter(plan, port, "mute"),
        What::Path => {
            // Next to each other in the ring, so that somebody misses heartbeats.
            Trial::path(plan, node, (node + 1) % plan.nodes, port.network)
        }
        What::KillDaemon => Trial::kill_daemon(plan, node),
        What::Leader => Trial::crash(plan, plan.nodes - 1),
        What::Crash | What::Formation | What::Quiet => Trial::crash(plan, node),
    }
}

/// When each survivor knew the new leader on every network.
fn takeovers(
    session: &Session,
    trial: &Trial,
    marks: &[usize],
    outcome: &Outcome,
) -> Vec<(usize, Option<u64>)> {
    let (leader, _) = expected_roles(&trial.observers);
    let injected = |observer: usize| {
        let said = outcome.said.iter().find(|(o, _)| *o == observer)?;
        let took = outcome.took_ns.iter().find(|(o, _)| *o == observer)?.1?;
        Some(said.1.mono_ns - took)
    };
    let names = || session.plan.networks.iter().map(|network| &network.name);
    let takeover = |observer: usize| {
        let events = &session.watch.said[observer][marks[observer]..];
        let first = |name: &String| {
            let new = |e: &&Event| {
                e.event == "network.leader" && e.network == *name && e.leader == leader
            };
            events.iter().find(new).map(|event| event.mono_ns)
        };
        let last = names().map(first).collect::<Option<Vec<_>>>()?.into_iter().max()?;
        Some(last.saturating_sub(injected(observer)?))
    };
    trial.observers.iter().map(|observer| (*observer, takeover(*observer))).collect()
}

impl Samples {
    fn add(&mut self, trial: &Trial, outcome: &Outcome) {
        for (observer, took) in &outcome.took_ns {
            let class = if *observer == trial.node { &mut self.same } else { &mut self.others };
            class.extend(took);
        }
        let complaints = outcome.complaints(trial).into_iter();
        self.complaints.extend(complaints.map(|words| format!("{}: {words}", trial.title)));
    }
}

fn show(plan: &Plan, args: &MeasureArgs, samples: &Samples) -> Result<i32> {
    let all: Vec<u64> = samples.same.iter().chain(&samples.others).copied().collect();
    let what = args.what.to_possible_value().context("every measure has a name")?;
    let report = Report {
        measure: what.get_name().to_owned(),
        nodes: plan.nodes,
        networks: plan.networks.len(),
        links: plan.links.to_string(),
        profile: &plan.profile,
        repeat: args.repeat,
        bound_ms: crate::trial::Times::of(&plan.profile).bound.as_secs_f64() * 1e3,
        same_node: Summary::of(&samples.same),
        others: Summary::of(&samples.others),
        all: Summary::of(&all),
        wrong: &samples.complaints,
    };
    match args.output {
        Output::Json => {
            say!("{}", serde_json::to_string_pretty(&report).context("write the report")?);
        }
        Output::Table => table(&report),
    }
    Ok(i32::from(!samples.complaints.is_empty() || all.is_empty()))
}

fn table(report: &Report<'_>) {
    say!(
        "{}: {} nodes x {} networks, links {}, profile {} (verdict due within {}), {} times",
        report.measure,
        report.nodes,
        report.networks,
        report.links,
        report.profile,
        show_ms(report.bound_ms),
        report.repeat
    );
    let heading = ["OBSERVER", "SAMPLES", "MIN", "MEDIAN", "MAX"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    let classes =
        [("same node", &report.same_node), ("others", &report.others), ("all", &report.all)];
    for (name, summary) in classes {
        let Some(s) = summary else { continue };
        let figures = [s.min_ms, s.median_ms, s.max_ms].map(show_ms);
        rows.push([name.to_owned(), s.samples.to_string()].into_iter().chain(figures).collect());
    }
    say!("{}", columns(&rows).trim_end());
    for complaint in report.wrong.iter().take(COMPLAINTS_SHOWN) {
        say!("WRONG: {complaint}");
    }
    if report.wrong.len() > COMPLAINTS_SHOWN {
        say!("WRONG: {} more, all of them with -o json", report.wrong.len() - COMPLAINTS_SHOWN);
    }
}

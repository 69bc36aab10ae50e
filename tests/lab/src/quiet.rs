//! An undisturbed cluster: what it says, which should be nothing, and what it
//! costs.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::{
    cli::Output, control::Status, out::say, plan::Plan, process::Process, session::Session,
};

/// How often the logs and memory are looked at: seldom, not to disturb.
const LOOK_EVERY: Duration = Duration::from_secs(5);

#[derive(Debug, Serialize)]
struct Report {
    measure: &'static str,
    nodes: usize,
    networks: usize,
    links: String,
    profile: String,
    seconds: f64,
    busy_threads: usize,
    /// Judgements: adapter, path, node and network events. Should be none.
    judgements: Vec<String>,
    /// Suspicions and lateness that came to nothing.
    suspicions: usize,
    self_late: usize,
    /// All hatsd and hats-nim together, in percent of one processor.
    cpu_percent: f64,
    /// The same for one node.
    cpu_percent_per_node: f64,
    hatsd_rss_max_kib: u64,
    hatsd_pss_max_kib: Option<u64>,
    nim_rss_max_kib: u64,
    nim_pss_max_kib: Option<u64>,
    /// A node's processes together, as they would be alone on a host: here they
    /// share their programs' pages with those of the other nodes.
    node_alone_max_kib: u64,
    /// Frames that all nodes sent, for each second; only our own switch counts.
    frames_per_second: Option<f64>,
    /// The switch itself, which no real cluster has.
    lab_cpu_percent: f64,
}

/// Measures; returns the exit code: 0 when nothing was said.
///
/// # Errors
///
/// The lab could not be started, or the cluster did not form.
pub fn run(
    dir: Option<&Path>,
    plan: Plan,
    time: Duration,
    load: usize,
    output: Output,
) -> Result<i32> {
    let mut session = Session::start(dir, plan, true)?;
    let limit = session.times.recovery();
    session.wait_whole(&session.everyone(), limit)?;
    session.watch.linger(session.times.settle())?;

    let busy = Busy::start(load);
    let marks = session.watch.mark()?;
    let before = session.status()?;
    let started = Instant::now();
    let mut peak = before.clone();
    while started.elapsed() < time {
        thread::sleep(LOOK_EVERY.min(time - started.elapsed().min(time)));
        session.watch.poll()?;
        let now = session.status()?;
        raise(&mut peak, &now);
    }
    let after = session.status()?;
    let elapsed = started.elapsed();
    drop(busy);
    session.watch.poll()?;

    let said =
        || session.watch.said.iter().zip(&marks).flat_map(|(events, mark)| events[*mark..].iter());
    let judgements: Vec<String> = said()
        .filter(|event| event.is_judgement())
        .map(|event| format!("{}: {}", event.words(), event.msg))
        .collect();
    let count = |names: &[&str]| said().filter(|e| names.contains(&e.event.as_str())).count();
    let nodes = session.plan.nodes;
    let cpu = percent(cpu_ms(&after).saturating_sub(cpu_ms(&before)), elapsed);
    let report = Report {
        measure: "quiet",
        nodes,
        networks: session.plan.networks.len(),
        links: session.plan.links.to_string(),
        profile: session.plan.profile.clone(),
        seconds: elapsed.as_secs_f64(),
        busy_threads: load,
        suspicions: count(&["adapter.suspect", "adapter.late"]),
        self_late: count(&["self.late"]),
        judgements,
        cpu_percent: cpu,
        cpu_percent_per_node: cpu / nodes as f64,
        hatsd_rss_max_kib: largest(&peak, "hatsd", |p| Some(p.rss_kib)).unwrap_or(0),
        hatsd_pss_max_kib: largest(&peak, "hatsd", |p| p.pss_kib),
        nim_rss_max_kib: largest(&peak, "hats-nim", |p| Some(p.rss_kib)).unwrap_or(0),
        nim_pss_max_kib: largest(&peak, "hats-nim", |p| p.pss_kib),
        node_alone_max_kib: node_alone(&peak),
        frames_per_second: frames(&after)
            .zip(frames(&before))
            .map(|(after, before)| (after - before) as f64 / elapsed.as_secs_f64()),
        lab_cpu_percent: percent(after.lab_cpu_ms.saturating_sub(before.lab_cpu_ms), elapsed),
    };
    show(&report, output)?;
    Ok(i32::from(!report.judgements.is_empty()))
}

/// Threads that do nothing but keep processors busy, until dropped.
pub(crate) struct Busy(Arc<AtomicBool>);

impl Busy {
    pub(crate) fn start(threads: usize) -> Busy {
        let stop = Arc::new(AtomicBool::new(false));
        for _ in 0..threads {
            let stop = Arc::clone(&stop);
            thread::spawn(move || while !stop.load(Ordering::Relaxed) {});
        }
        Busy(stop)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn processes(status: &Status) -> impl Iterator<Item = &Process> {
    status.nodes.iter().flat_map(|node| &node.processes)
}

fn is_hats(process: &Process) -> bool {
    process.name == "hatsd" || process.name == "hats-nim"
}

fn cpu_ms(status: &Status) -> u64 {
    processes(status).filter(|process| is_hats(process)).map(|process| process.cpu_ms).sum()
}

fn percent(cpu_ms: u64, elapsed: Duration) -> f64 {
    cpu_ms as f64 / 10.0 / elapsed.as_secs_f64()
}

fn frames(status: &Status) -> Option<u64> {
    status.nodes.iter().flat_map(|node| &node.ports).map(|port| port.sent).sum()
}

fn largest(status: &Status, name: &str, size: fn(&Process) -> Option<u64>) -> Option<u64> {
    processes(status).filter(|process| process.name == name).filter_map(size).max()
}

/// What a node would take on a host of its own: every process's own pages, and
/// the pages of each program once.
fn node_alone(status: &Status) -> u64 {
    let of_node = |processes: &[Process]| {
        let own: u64 = processes.iter().filter(|p| is_hats(p)).map(|p| p.own_kib).sum();
        let program = |name: &str| {
            let shared = processes.iter().filter(|p| p.name == name);
            shared.map(|p| p.rss_kib.saturating_sub(p.own_kib)).max().unwrap_or(0)
        };
        own + program("hatsd") + program("hats-nim")
    };
    status.nodes.iter().map(|node| of_node(&node.processes)).max().unwrap_or(0)
}

/// Keeps the largest sizes of each process seen so far.
fn raise(peak: &mut Status, now: &Status) {
    for (peak, now) in peak.nodes.iter_mut().zip(&now.nodes) {
        for process in &now.processes {
            match peak.processes.iter_mut().find(|known| known.pid == process.pid) {
                Some(known) => {
                    known.rss_kib = known.rss_kib.max(process.rss_kib);
                    known.pss_kib = known.pss_kib.max(process.pss_kib);
                    known.own_kib = known.own_kib.max(process.own_kib);
                }
                None => peak.processes.push(process.clone()),
            }
        }
    }
}

fn show(report: &Report, output: Output) -> Result<()> {
    if output == Output::Json {
        say!("{}", serde_json::to_string_pretty(report).context("write the report")?);
        return Ok(());
    }
    let mib = |kib: u64| kib as f64 / 1024.0;
    let shared = |kib: Option<u64>| kib.map_or("?".to_owned(), |kib| format!("{:.1}", mib(kib)));
    say!(
        "quiet: {} nodes x {} networks, links {}, profile {}, {:.0} s, {} busy threads",
        report.nodes,
        report.networks,
        report.links,
        report.profile,
        report.seconds,
        report.busy_threads
    );
    say!("judgements   {} (adapter, path, node and network events)", report.judgements.len());
    report.judgements.iter().for_each(|words| say!("  WRONG: {words}"));
    say!("suspicions   {}, own lateness {}", report.suspicions, report.self_late);
    say!(
        "processor    {:.2} % of one core in all, {:.3} % a node",
        report.cpu_percent,
        report.cpu_percent_per_node
    );
    say!(
        "hatsd        RSS {:.1} MiB, PSS {} MiB at most",
        mib(report.hatsd_rss_max_kib),
        shared(report.hatsd_pss_max_kib)
    );
    say!(
        "hats-nim     RSS {:.1} MiB, PSS {} MiB at most",
        mib(report.nim_rss_max_kib),
        shared(report.nim_pss_max_kib)
    );
    say!("a node       {:.1} MiB at most, if alone on its host", mib(report.node_alone_max_kib));
    if let Some(rate) = report.frames_per_second {
        say!("network      {rate:.0} frames/s sent by all nodes");
    }
    say!("the lab      {:.2} % of one core (the switch)", report.lab_cpu_percent);
    Ok(())
}

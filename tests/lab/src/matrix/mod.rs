//! `hats-lab matrix`: every fault of the catalogue, injected in clusters of many
//! shapes, and each verdict judged: the culprit, the cause, the bound, and that
//! nobody says anything else.

pub(crate) mod case;
pub(crate) mod report;
pub(crate) mod rows;

use std::{path::Path, thread, time::Duration};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    cli::Output,
    control::Request,
    out::say,
    plan::{Links, Plan},
    quiet::Busy,
    session::Session,
    trial::Times,
};
use case::{Case, Judgement, Step};
use report::{Cluster, Report};
use rows::{ROWS, Row, Stage};

/// Which rows, on which clusters.
#[derive(Clone, Debug, clap::Args)]
pub struct MatrixArgs {
    /// Only these rows: `2`, `5a`, or `5` for all of 5's forms.
    #[arg(long, value_delimiter = ',', value_name = "ROW,...")]
    rows: Vec<String>,
    /// Clusters of so many nodes.
    #[arg(long, value_delimiter = ',', default_value = "2,3,5,8")]
    nodes: Vec<usize>,
    /// On so many networks.
    #[arg(long, value_delimiter = ',', default_value = "1,2,3")]
    networks: Vec<usize>,
    /// IPv6 networks; with --both, after IPv4.
    #[arg(long)]
    ipv6: bool,
    /// IPv4 and IPv6, one after the other.
    #[arg(long, conflicts_with = "ipv6")]
    both: bool,
    /// Detection profile: default (1 s), fast (150 ms), bfd (30 ms) or wan (8 s).
    #[arg(long, default_value = "default", value_parser = crate::cli::profile)]
    profile: String,
    /// How often each row: each time at another node and adapter.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    repeat: u32,
    /// List the rows and do nothing.
    #[arg(long)]
    list: bool,
    /// How to show it.
    #[arg(short, long, default_value = "table")]
    output: Output,
}

/// Runs the matrix; returns the exit code: 0 when every verdict was right.
///
/// # Errors
///
/// A row that there is not, or a lab that could not be started.
pub(crate) fn run(dir: Option<&Path>, args: &MatrixArgs) -> Result<i32> {
    if args.list {
        ROWS.iter().for_each(|row| say!("{:<4} {}", row.number, row.name));
        return Ok(0);
    }
    let rows = chosen(&args.rows)?;
    let families: &[bool] = match (args.both, args.ipv6) {
        (true, _) => &[false, true],
        (false, true) => &[true],
        (false, false) => &[false],
    };
    let mut report = Report::new(args.output == Output::Table);
    for &nodes in &args.nodes {
        ensure!(nodes >= 2, "--nodes {nodes}: expected at least 2");
        for &networks in &args.networks {
            for &ipv6 in families {
                let plan = plan(nodes, networks, ipv6, &args.profile)?;
                shape(dir, &plan, &rows, args.repeat, &mut report)?;
            }
        }
    }
    report.close(args.output)
}

fn chosen(words: &[String]) -> Result<Vec<Row>> {
    let fits = |row: &Row, word: &str| {
        row.number == word || row.number.trim_end_matches(|c: char| c.is_alphabetic()) == word
    };
    for word in words {
        if !ROWS.iter().any(|row| fits(row, word)) {
            bail!("--rows {word}: expected numbers of rows; hats-lab matrix --list names them");
        }
    }
    let wanted = |row: &&Row| words.is_empty() || words.iter().any(|word| fits(row, word));
    Ok(ROWS.iter().filter(wanted).copied().collect())
}

fn plan(nodes: usize, networks: usize, ipv6: bool, profile: &str) -> Result<Plan> {
    Ok(Plan {
        nodes,
        networks: Plan::networks(nodes, networks, ipv6, &[])?,
        links: Links::Tap,
        default_route: None,
        gateway: false,
        profile: profile.to_owned(),
        name_networks: true,
        daemons: true,
        config_extra: String::new(),
        seed: 1,
    })
}

/// All rows on one cluster. One that does not become whole again is ended, and
/// the next row gets a new one: what it said would mean nothing.
fn shape(
    dir: Option<&Path>,
    plan: &Plan,
    rows: &[Row],
    repeat: u32,
    report: &mut Report,
) -> Result<()> {
    let cluster = Cluster::of(plan);
    let mut session: Option<Session> = None;
    for row in rows {
        let plan = row.setting(plan);
        for round in 0..repeat as usize {
            let stage = stage(&plan, round);
            let Some(case) = (row.case)(&stage) else { break };
            let mut running = match session.take().filter(|it| it.plan == plan) {
                Some(running) => running,
                None => start(dir, &plan)?,
            };
            let (judgement, whole) = play(&mut running, &case)?;
            report.add(&cluster, row, &case, judgement);
            if whole {
                session = Some(running);
            }
        }
        report.row_ends(&cluster, row);
    }
    Ok(())
}

fn stage(plan: &Plan, round: usize) -> Stage {
    let times = Times::of(&plan.profile);
    let interval = Duration::from_millis(match plan.profile.as_str() {
        "bfd" => 10,
        "fast" => 50,
        "wan" => 1_000,
        _ => 250,
    });
    Stage { plan: plan.clone(), times, interval, round }
}

fn start(dir: Option<&Path>, plan: &Plan) -> Result<Session> {
    let mut session = Session::start(dir, plan.clone(), false)?;
    let limit = session.times.recovery();
    session.wait_whole(&session.everyone(), limit).context("the cluster did not form")?;
    session.watch.linger(session.times.settle())?;
    Ok(session)
}

/// One case from injection to repair; whether the cluster is whole afterwards.
fn play(session: &mut Session, case: &Case) -> Result<(Judgement, bool)> {
    let marks = session.watch.mark()?;
    let mut done = Vec::new();
    for step in &case.steps {
        done.push(crate::cluster::mono_ns());
        match step {
            Step::Ask(request) => {
                let at = session.ask(request)?;
                done.pop();
                done.push(at);
            }
            Step::Wait(span) => session.watch.linger(*span)?,
            Step::Load(threads, span) => {
                let busy = Busy::start(*threads);
                thread::sleep(*span);
                drop(busy);
            }
        }
    }
    let longest = case.must.iter().map(|must| must.within).max().unwrap_or_default();
    let patience = session.times.patience().max(longest);
    session.watch.wait(patience, |watch| case.is_said(watch, &marks))?;
    session.watch.linger(session.times.settle())?;
    let mut judgement = case.judge(&session.watch, &marks, &done);

    let marks = session.watch.mark()?;
    let at = session.ask(&Request::Heal { node: None, adapter: None })?;
    let whole = session.wait_whole(&session.everyone(), session.times.recovery());
    if let Err(error) = &whole {
        judgement.complaints.push(case::Complaint::Missing(format!("after the repair: {error:#}")));
        return Ok((judgement, false));
    }
    let longest = case.repaired.iter().map(|must| must.within).max().unwrap_or_default();
    let patience = session.times.patience().max(longest);
    session.watch.wait(patience, |watch| case.is_repaired(watch, &marks))?;
    session.watch.linger(session.times.settle())?;
    let repair = case.judge_repair(&session.watch, &marks, at);
    judgement.complaints.extend(repair.complaints);
    let failures = session.watch.said.iter().enumerate().flat_map(|(observer, events)| {
        let after = events[marks[observer]..].iter();
        after
            .map(move |event| (observer, event))
            .filter(|(_, it)| it.is_judgement() && it.is_failure())
    });
    // To undo a change of address is one.
    let failures = failures.filter(|(_, event)| !case.may.iter().any(|said| said.fits(event)));
    let words = failures.map(|(observer, event)| {
        let who = Plan::node_name(observer);
        case::Complaint::Wrong(format!(
            "after the repair {who} said {}: {}",
            event.words(),
            event.msg
        ))
    });
    judgement.complaints.extend(words);
    Ok((judgement, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(words: &[&str]) -> Vec<&'static str> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        chosen(&words).unwrap().iter().map(|row| row.number).collect()
    }

    #[test]
    fn a_number_stands_for_all_forms_of_its_row() {
        assert_eq!(numbers(&["5"]), ["5a", "5b"]);
        assert_eq!(numbers(&["5b", "2"]), ["2", "5b"]);
        assert_eq!(numbers(&[]).len(), ROWS.len());
    }

    #[test]
    fn a_row_that_there_is_not_is_named() {
        let error = chosen(&["99".to_owned()]).err().unwrap().to_string();
        assert!(error.starts_with("--rows 99: expected"), "{error}");
    }
}

//! Members that stand still: Lifeguard's experiment, with plain SWIM as the
//! baseline in the same simulator.

mod contest;
mod grid;
mod groups;

use std::{collections::BTreeMap, fmt};

use hats_core::config::Profile;

use self::{
    contest::{Anomalies, Contestant, Counts, Detection, anomalies, crashes},
    grid::Plan,
    groups::{Hats, Swim},
};
use super::{
    Axis, Experiment, Figure, Outcome, Plot, Progress, Request, Series, Wanted, percentile,
};
use crate::freeze::Freeze;

/// See the module.
pub(super) static FROZEN: Experiment = Experiment {
    name: "frozen",
    about: "members that stand still again and again and are well otherwise (Lifeguard, DSN 2018)",
    run,
};

const LIFEGUARD: &str = "Lifeguard of its SWIM, arXiv 1707.00788, tables";
const BASELINE: &str = "SWIM in this simulator";

/// Whose runs they are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Who {
    Swim,
    Hats(&'static str),
}

impl Who {
    fn group(self, members: u32, seed: u64) -> Box<dyn Contestant> {
        match self {
            Who::Swim => Box::new(Swim::new(members, seed)),
            Who::Hats(profile) => {
                let profile = Profile::named(profile).expect("it is the word of a profile");
                Box::new(Hats::new(members, profile, seed))
            }
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Who::Swim => f.pad("SWIM"),
            Who::Hats(profile) => f.pad(&format!("hats {profile}")),
        }
    }
}

/// What all runs of one contestant with one kind of anomaly came to.
#[derive(Debug, Default)]
struct Tried {
    all: Counts,
    by_concurrent: BTreeMap<u32, Counts>,
}

fn run(request: &Request, progress: &mut Progress) -> Result<Outcome, String> {
    let plan = Plan::of(request);
    let mut outcome = FROZEN.outcome(request);
    let hats: Vec<Who> = plan.profiles.iter().map(|profile| Who::Hats(profile.word())).collect();
    for how in Freeze::ALL {
        let baseline = try_all(Who::Swim, how, &plan, request.seed, progress)?;
        let mut plot = plot(how);
        draw(&mut plot, Who::Swim, &baseline);
        for &who in &hats {
            let tried = try_all(who, how, &plan, request.seed, progress)?;
            compare(&mut outcome, (who, how, plan.nodes), &tried.all, &baseline.all);
            draw(&mut plot, who, &tried);
        }
        outcome.plots.push(plot);
    }
    let baseline = crash_all(Who::Swim, &plan, request.seed, progress)?;
    let mut plot = Plot::new(
        "frozen-detection",
        "From a crash to the first that says so",
        Axis::logarithmic("seconds"),
        Axis::linear("part of the crashes"),
    );
    plot.series.push(Series::distribution("SWIM", baseline.first.clone()));
    for who in hats {
        let detection = crash_all(who, &plan, request.seed, progress)?;
        compare_detection(&mut outcome, who, &detection, &baseline);
        plot.series.push(Series::distribution(who.to_string(), detection.first));
    }
    outcome.plots.push(plot);
    outcome.notes.push(plan.note());
    outcome.notes.extend(NOTES.map(str::to_owned));
    Ok(outcome)
}

const NOTES: [&str; 5] = [
    "blocked: timers run, but what is to be sent waits and what came in is not handled \
     (Lifeguard's anomaly); stopped: as after SIGSTOP, and what came in is handled before timers",
    "a false positive is a failure event (SWIM: dead; hats: node.down, daemon.down, adapter.down) \
     of a member that never stood still, at any observer; at healthy members: by an observer that \
     never stood still",
    "of members that stand still hats says so on purpose, after its detection time, and SWIM \
     after its suspicion: no false positive in Lifeguard's count, one in the strictest",
    "the paper's intervals between anomalies are not known to us; 64 ms to 16.4 s are taken. Its \
     published percentages are of its own, larger grid",
    "bytes include IPv4 and UDP headers; SWIM's are those of a dense binary encoding, memberlist \
     sends several times as many",
];

fn try_all(
    who: Who,
    how: Freeze,
    plan: &Plan,
    seed: u64,
    progress: &mut Progress,
) -> Result<Tried, String> {
    let mut tried = Tried::default();
    let all = plan.anomalies(how);
    for (number, what) in all.iter().enumerate() {
        progress.at(|| format!("{who}, {how}: {number} of {} runs", all.len()));
        let seed = seed.wrapping_mul(1_000_003).wrapping_add(number as u64);
        let counts = try_one(who, plan.nodes, what, seed)?;
        tried.all += &counts;
        *tried.by_concurrent.entry(what.concurrent).or_default() += &counts;
    }
    Ok(tried)
}

fn try_one(who: Who, nodes: u32, what: &Anomalies, seed: u64) -> Result<Counts, String> {
    let mut group = who.group(nodes, seed);
    let result = anomalies(group.as_mut(), what, seed);
    result.map_err(|why| format!("{who}, seed {seed}, {what:?}: {why}"))
}

fn crash_all(
    who: Who,
    plan: &Plan,
    seed: u64,
    progress: &mut Progress,
) -> Result<Detection, String> {
    let mut all = Detection::default();
    let (groups, each) = plan.crashes;
    for number in 0..groups {
        progress.at(|| format!("{who}, crashes: {number} of {groups} groups"));
        let seed = seed.wrapping_mul(1_000_003).wrapping_add(u64::from(number));
        let mut group = who.group(plan.nodes, seed);
        let result = crashes(group.as_mut(), each, seed);
        all.append(result.map_err(|why| format!("{who}, seed {seed}, crashes: {why}"))?);
    }
    Ok(all)
}

/// The figures of one contestant with one kind of anomaly beside SWIM's.
fn compare(
    outcome: &mut Outcome,
    (who, how, nodes): (Who, Freeze, u32),
    ours: &Counts,
    baseline: &Counts,
) {
    let setting = format!("{who}, {how}");
    let mut count = |what: &str, of: fn(&Counts) -> u64| {
        let figure = Figure::new(what, &setting, of(ours) as f64, "");
        outcome.figures.push(figure.against(of(baseline) as f64, BASELINE, Wanted::Less));
    };
    count("false positives at healthy members", |it| it.healthy_by_healthy);
    count("false positives", Counts::of_healthy);
    count("said of members while they stood still", |it| it.frozen);
    count("said of members after they stood still", |it| it.thawed);
    count("said of anybody (strictest)", Counts::of_anybody);
    count("said of paths and networks", |it| it.others);
    type Of = fn(&Counts) -> u64;
    let parts: [(&str, Of, Option<f64>); 3] = [
        (
            "part of SWIM's false positives at healthy members",
            |it| it.healthy_by_healthy,
            Some(1.89),
        ),
        ("part of SWIM's false positives", Counts::of_healthy, Some(1.53)),
        ("part of SWIM's, of anybody (strictest)", Counts::of_anybody, None),
    ];
    for (what, of, lifeguard) in parts {
        let part = (of(baseline) > 0).then(|| 100.0 * of(ours) as f64 / of(baseline) as f64);
        let figure = Figure::new(what, &setting, part, "%");
        outcome.figures.push(match lifeguard {
            Some(theirs) => figure.against(theirs, LIFEGUARD, Wanted::Less),
            None => figure,
        });
    }
    let members = nodes as usize * ours.runs as usize;
    let per_run = |counts: &Counts| counts.tally.rates(members, counts.span / counts.runs);
    let names = ["messages sent", "bytes sent", "messages received", "bytes received", "timers"];
    for (name, (ours, theirs)) in names.iter().zip(per_run(ours).iter().zip(per_run(baseline))) {
        let figure = Figure::new(*name, &setting, *ours, "1/member/s");
        outcome.figures.push(figure.against(theirs, BASELINE, Wanted::Less));
    }
    if let Some(blame) = ours.first_wrong {
        outcome.notes.push(format!("{setting}: the first false positive is {blame:?}"));
    }
    outcome.notes.push(format!(
        "{setting}: {:?}; SWIM: {:?}, {} of {} false positives at healthy members (the paper's: \
         1,326 of 339,002)",
        ours.words,
        baseline.words,
        baseline.healthy_by_healthy,
        baseline.of_healthy()
    ));
}

fn compare_detection(outcome: &mut Outcome, who: Who, ours: &Detection, baseline: &Detection) {
    let setting = format!("{who}, {} crashes", ours.first.len());
    let both = [("first", &ours.first, &baseline.first), ("full", &ours.full, &baseline.full)];
    for (which, ours, theirs) in both {
        for (name, p) in [("median", 0.5), ("p99", 0.99), ("p99.9", 0.999)] {
            let what = format!("{which} detection of a crash, {name}");
            let figure = Figure::new(what, &setting, percentile(ours, p), "s");
            outcome.figures.push(match percentile(theirs, p) {
                Some(theirs) => figure.against(theirs, BASELINE, Wanted::Less),
                None => figure,
            });
        }
    }
    for (what, ours, theirs) in [
        ("crashes that not all knew of in time", ours.missed, baseline.missed),
        ("said of members that had not crashed", ours.wrong, baseline.wrong),
    ] {
        let figure = Figure::new(what, &setting, ours as f64, "");
        outcome.figures.push(figure.against(theirs as f64, BASELINE, Wanted::Less));
    }
}

fn plot(how: Freeze) -> Plot {
    Plot::new(
        format!("frozen-{}", how.to_string().replace([' ', ','], "-")),
        format!("False positives, members {how}"),
        Axis::linear("members that stand still at once"),
        Axis::logarithmic("failure events of members that never stood still"),
    )
}

fn draw(plot: &mut Plot, who: Who, tried: &Tried) {
    let points = |of: fn(&Counts) -> u64| {
        let by = tried.by_concurrent.iter();
        by.map(|(concurrent, counts)| (f64::from(*concurrent), of(counts) as f64)).collect()
    };
    plot.series.push(Series::line(who.to_string(), points(Counts::of_healthy)));
    let at_healthy = format!("{who}, at healthy members");
    plot.series.push(Series::line(at_healthy, points(|it| it.healthy_by_healthy)));
}

#[cfg(test)]
mod tests;

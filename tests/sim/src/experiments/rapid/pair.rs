//! Two well nodes that do not reach each other: nobody is to leave for it.

use std::{collections::BTreeSet, time::Duration};

use hats_core::event::{Event, EventKind};

use super::TARGET;
use crate::{
    Plan, Way,
    experiments::{
        Axis, Experiment, Figure, Outcome, Plot, Progress, Request, Series, Wanted,
        blamed::Blamed,
        sizes,
        stage::{Choices, Stage, derived},
    },
};

/// See the module.
pub(crate) const PAIR: Experiment = Experiment {
    name: "pair",
    about: "all packets between two nodes are dropped (Rapid, ATC 2018, figure 12)",
    run,
};

const SOURCE: &str = "Rapid, ATC 2018, sec. 7 and fig. 12";
const NETWORK: &str = "neta";
/// So long everything must stay as it is.
const QUIET: Duration = Duration::from_secs(10);
/// Each adapter probes another one so often, round robin.
const PATROL: Duration = Duration::from_millis(250);

/// Which two, among how many.
struct Setting {
    nodes: u32,
    networks: u8,
    /// One feeds the other with heartbeats.
    neighbours: bool,
}

impl Setting {
    fn words(&self) -> String {
        let networks = if self.networks == 1 { "1 network" } else { "2 networks" };
        let pair = if self.neighbours { "neighbours on the ring" } else { "any two" };
        format!("{pair} of {} nodes; {networks}", self.nodes)
    }
}

struct Cut {
    setting: Setting,
    evicted: usize,
    changes: usize,
    said_by: usize,
    /// When each node said so.
    times: Vec<f64>,
    wrong: Blamed,
}

fn run(request: &Request, progress: &mut Progress) -> Result<Outcome, String> {
    let (few, many) = (request.nodes_or(10, 50), request.nodes_or(16, 1000));
    let settings = [
        Setting { nodes: few, networks: 1, neighbours: true },
        Setting { nodes: few, networks: 2, neighbours: true },
        Setting { nodes: few, networks: 2, neighbours: false },
        Setting { nodes: many, networks: 2, neighbours: true },
    ];
    let mut outcome = PAIR.outcome(request);
    let (x, y) = (Axis::linear("time since the cut, s"), Axis::linear("nodes that know, part"));
    let mut plot = Plot::new("pair", "A path is cut: when who knows", x, y);
    for (number, setting) in settings.into_iter().enumerate() {
        let cut = cut(setting, derived(request.seed, number as u64), progress)?;
        outcome.figures.extend(figures(&cut));
        let words = cut.setting.words();
        plot.series.push(Series::distribution(words, cut.times.clone()));
        if let Some(words) = cut.wrong.words() {
            outcome.notes.push(format!("{}: {words}", cut.setting.words()));
        }
    }
    outcome.plots.push(plot);
    outcome.notes.push(
        "The paper's baseline, failure detection from all to all, lost 32 % of its throughput to \
         one such pair (section 7)."
            .to_owned(),
    );
    Ok(outcome)
}

fn cut(setting: Setting, seed: u64, progress: &mut Progress) -> Result<Cut, String> {
    let plan = Plan::lan(seed, setting.nodes, setting.networks);
    let mut stage = Stage::at_rest(plan, setting.nodes, progress)?;
    let mut choices = Choices::new(seed);
    let (a, b) = pair(&setting, &mut choices);
    let (mark, before) = (stage.world.mark(), stage.adoptions());
    stage.world.path(&a, &b, NETWORK, Way::Both);
    let what = format!("{}: {a} and {b}", setting.words());
    let both = BTreeSet::from([a, b]);
    let is_it = |event: &Event| {
        event.kind == EventKind::PathFailed
            && event.network.as_deref() == Some(NETWORK)
            && [&event.node, &event.peer_node].into_iter().flatten().all(|it| both.contains(it))
    };
    let round = PATROL * setting.nodes;
    let limit = if setting.neighbours { Duration::from_secs(20) } else { round * 2 };
    let who_says = |stage: &Stage| -> BTreeSet<String> {
        let said = stage.world.since(mark).iter().filter(|said| is_it(&said.event));
        said.map(|said| said.observer.clone()).collect()
    };
    let nodes = setting.nodes as usize;
    stage.run_until(limit, progress, &what, |stage| who_says(stage).len() == nodes)?;
    stage.run_for(QUIET, progress, &what)?;
    let after = stage.adoptions_from(before);
    let begin = stage.world.time_of(mark);
    let said = stage.world.since(mark).iter().filter(|said| is_it(&said.event));
    let times = said.map(|said| (said.at - begin).as_secs_f64()).collect();
    Ok(Cut {
        evicted: after.iter().filter(|it| it.members.len() < nodes).count(),
        changes: sizes::changes(after).values().copied().max().unwrap_or(0),
        said_by: who_says(&stage).len(),
        times,
        wrong: Blamed::since(&stage.world, mark, |_| true, is_it),
        setting,
    })
}

/// The ring is by falling address, as the names are: neighbours are next to
/// each other.
fn pair(setting: &Setting, choices: &mut Choices) -> (String, String) {
    let a = choices.number(1, setting.nodes - 1);
    if setting.neighbours {
        return (format!("n{a}"), format!("n{}", a + 1));
    }
    // Two steps on the ring are fed as well; this is further, either way round.
    let distance = choices.number(3, setting.nodes - 3);
    let b = (a + distance - 1) % setting.nodes + 1;
    (format!("n{a}"), format!("n{b}"))
}

fn figures(cut: &Cut) -> Vec<Figure> {
    let words = cut.setting.words();
    let figure = |what: &str, ours: Option<f64>, unit: &str| Figure::new(what, &words, ours, unit);
    let last = cut.times.iter().copied().max_by(f64::total_cmp);
    let known = (cut.said_by == cut.setting.nodes as usize).then_some(last).flatten();
    vec![
        figure("views without one of the two", Some(cut.evicted as f64), "").against(
            0.0,
            SOURCE,
            Wanted::Less,
        ),
        figure(
            "view changes, most at one adapter (the ring goes round)",
            Some(cut.changes as f64),
            "",
        ),
        figure("nodes that say path.failed", Some(cut.said_by as f64), "").against(
            f64::from(cut.setting.nodes),
            TARGET,
            Wanted::Same,
        ),
        figure("time until all have said so", known, "s"),
        figure("other things said", Some(cut.wrong.count() as f64), "").against(
            0.0,
            TARGET,
            Wanted::Less,
        ),
    ]
}

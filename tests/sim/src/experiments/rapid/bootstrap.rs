//! A whole cluster starts: how long, and what it looks like meanwhile.

use std::time::Duration;

use super::TARGET;
use crate::{
    Plan,
    experiments::{
        Axis, Experiment, Figure, Landmark, Outcome, Plot, Progress, Request, Series, Wanted,
        blamed::Blamed,
        sizes,
        stage::{Choices, Stage, derived},
    },
};

/// See the module.
pub(crate) const BOOTSTRAP: Experiment = Experiment {
    name: "bootstrap",
    about: "bootstrap of a whole cluster: time until every node is in the final view, and the \
            sizes seen on the way (Rapid, ATC 2018, figures 5 and 7, table 1)",
    run,
};

/// The first node is alone for so long.
const ALONE: Duration = Duration::from_secs(10);
/// The others start within this time, as do all when they start at once.
const SPREAD: Duration = Duration::from_millis(100);
/// Nothing takes longer.
const LIMIT: Duration = Duration::from_secs(120);

/// What the paper has for so many nodes: seconds until all have the final view
/// (figure 5, read off), and distinct sizes logged (table 1).
struct Published {
    nodes: u32,
    rapid: (f64, f64),
    memberlist: (f64, f64),
    zookeeper: (f64, f64),
}

const PUBLISHED: [Published; 3] = [
    Published {
        nodes: 1000,
        rapid: (30.0, 4.0),
        memberlist: (47.0, 901.0),
        zookeeper: (33.0, 1000.0),
    },
    Published {
        nodes: 1500,
        rapid: (41.0, 8.0),
        memberlist: (70.0, 1383.0),
        zookeeper: (82.0, 1500.0),
    },
    Published {
        nodes: 2000,
        rapid: (54.0, 4.0),
        memberlist: (98.0, 1858.0),
        zookeeper: (166.0, 2000.0),
    },
];

const TIME_SOURCE: &str = "Rapid, ATC 2018, fig. 5 (read off, mean)";
const SIZES_SOURCE: &str = "Rapid, ATC 2018, table 1";

/// How a cluster is started.
#[derive(Clone, Copy)]
enum Start {
    /// One node, the others after ten seconds, all on one network.
    Staggered,
    /// All at once, on two networks.
    AtOnce,
}

impl Start {
    fn words(self, nodes: u32) -> String {
        match self {
            Start::Staggered => format!("1 node, after 10 s {} more; 1 network", nodes - 1),
            Start::AtOnce => format!("{nodes} nodes at once; 2 networks"),
        }
    }

    fn networks(self) -> u8 {
        match self {
            Start::Staggered => 1,
            Start::AtOnce => 2,
        }
    }
}

/// One cluster that has formed.
struct Formed {
    nodes: u32,
    start: Start,
    /// Until the last node had the final view.
    took: Duration,
    logged: usize,
    ever: usize,
    at_one: usize,
    blamed: Blamed,
    views: Vec<Series>,
}

fn run(request: &Request, progress: &mut Progress) -> Result<Outcome, String> {
    let clusters = match (request.nodes, request.quick) {
        (Some(nodes), _) => vec![nodes],
        (None, true) => vec![12, 24],
        (None, false) => PUBLISHED.iter().map(|it| it.nodes).collect(),
    };
    let mut outcome = BOOTSTRAP.outcome(request);
    let mut all = Vec::new();
    for (number, nodes) in clusters.into_iter().enumerate() {
        for start in [Start::Staggered, Start::AtOnce] {
            let seed = derived(request.seed, number as u64 * 2 + u64::from(start.networks()));
            let formed = form(nodes, start, seed, progress)?;
            outcome.figures.extend(figures(&formed));
            outcome.notes.extend(formed.blamed.words());
            all.push(formed);
        }
    }
    outcome.plots.push(times(&all));
    outcome.plots.extend(all.last().map(views));
    outcome.notes.push(
        "The paper's times are means of five runs on 100 virtual machines; ours is the last \
         node's, in simulated time, with datagrams that take 50 to 170 us. They include the ten \
         seconds in which the first node is alone."
            .to_owned(),
    );
    Ok(outcome)
}

fn form(nodes: u32, start: Start, seed: u64, progress: &mut Progress) -> Result<Formed, String> {
    let mut plan = Plan::lan(seed, nodes, start.networks());
    let mut choices = Choices::new(seed);
    let first = choices.nodes(1, nodes).remove(0);
    let others: Vec<String> =
        (1..=nodes).map(|number| format!("n{number}")).filter(|name| *name != first).collect();
    let what = start.words(nodes);
    if matches!(start, Start::Staggered) {
        for name in &others {
            plan = plan.dormant(name);
        }
    }
    let mut stage = Stage::new(plan);
    let begin = stage.world.mark();
    if matches!(start, Start::Staggered) {
        stage.run_for(ALONE, progress, &what)?;
        for name in &others {
            stage.world.start_within(name, SPREAD);
        }
    }
    stage.must(LIMIT, progress, &what, |stage| stage.formed(nodes))?;
    let took = stage.adoptions_from(0).last().map_or(Duration::ZERO, |last| last.at);
    // Does it hold?
    let settled = stage.adoptions();
    stage.run_for(stage.interval() * 12, progress, &what)?;
    let all = stage.adoptions_from(0);
    if all.len() > settled {
        return Err(format!(
            "{what}: {} views more after all had the final one",
            all.len() - settled
        ));
    }
    Ok(Formed {
        nodes,
        start,
        took,
        logged: sizes::each_second(all, Duration::ZERO).len(),
        ever: sizes::distinct(all).len(),
        at_one: sizes::most_at_one(all),
        blamed: Blamed::since(&stage.world, begin, |_| true, |_| false),
        views: sizes::over_time(all, (Duration::ZERO, stage.world.now()), |_| true),
    })
}

fn figures(formed: &Formed) -> Vec<Figure> {
    let setting = formed.start.words(formed.nodes);
    let figure = |what: &str, ours: f64, unit: &str| Figure::new(what, &setting, ours, unit);
    let published = PUBLISHED.iter().find(|it| it.nodes == formed.nodes);
    let seconds = formed.took.as_secs_f64();
    let time = figure("time until every node is in the final view", seconds, "s");
    let logged =
        figure("distinct sizes, each node logging once a second", formed.logged as f64, "");
    let ever = figure("distinct sizes, every view of every node", formed.ever as f64, "");
    let at_one = figure("distinct sizes, most at one node", formed.at_one as f64, "");
    let ever = ever.against(4.0, TARGET, Wanted::Less);
    let blamed = figure("healthy ones that were blamed", formed.blamed.count() as f64, "").against(
        0.0,
        TARGET,
        Wanted::Less,
    );
    match (formed.start, published) {
        (Start::Staggered, Some(published)) => vec![
            time.against(published.rapid.0, TIME_SOURCE, Wanted::Less),
            figure("the same, since the others started", seconds - ALONE.as_secs_f64(), "s"),
            logged.against(published.rapid.1, SIZES_SOURCE, Wanted::Less),
            ever,
            at_one,
            blamed,
        ],
        (Start::Staggered, None) => vec![time, logged, ever, at_one, blamed],
        (Start::AtOnce, _) => {
            vec![time.against(10.0, TARGET, Wanted::Less), logged, ever, at_one, blamed]
        }
    }
}

fn times(all: &[Formed]) -> Plot {
    let mut plot = Plot::new(
        "bootstrap-time",
        "Bootstrap: time until every node is in the final view",
        Axis::linear("nodes"),
        Axis::logarithmic("time, s"),
    );
    let ours = |start: Start| {
        let same = all.iter().filter(|it| it.start.networks() == start.networks());
        same.map(|it| (f64::from(it.nodes), it.took.as_secs_f64())).collect()
    };
    let staggered = ours(Start::Staggered);
    plot.series.push(Series::line("hats, 1 node, +10 s all others", staggered));
    plot.series.push(Series::line("hats, all at once, 2 networks", ours(Start::AtOnce)));
    let theirs = |time: fn(&Published) -> f64| {
        PUBLISHED.iter().map(|it| (f64::from(it.nodes), time(it))).collect()
    };
    plot.series.push(Series::line("Rapid (paper)", theirs(|it| it.rapid.0)));
    plot.series.push(Series::line("memberlist (Rapid's paper)", theirs(|it| it.memberlist.0)));
    plot.series.push(Series::line("ZooKeeper (Rapid's paper)", theirs(|it| it.zookeeper.0)));
    plot.landmarks.push(Landmark { label: "target".to_owned(), x: None, y: Some(10.0) });
    plot
}

fn views(formed: &Formed) -> Plot {
    let title = format!("Bootstrap: {}", formed.start.words(formed.nodes));
    let (x, y) = (Axis::linear("time, s"), Axis::linear("members in a view"));
    let mut plot = Plot::new("bootstrap-views", title, x, y);
    plot.series.extend(formed.views.clone());
    plot
}

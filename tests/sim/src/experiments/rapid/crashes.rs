//! Many nodes crash at one instant: how many views it takes, and how long.

use std::{collections::BTreeSet, time::Duration};

use hats_core::event::Event;

use super::TARGET;
use crate::{
    Plan,
    experiments::{
        Axis, Experiment, Figure, Outcome, Plot, Progress, Request, Series, Wanted, blamed,
        blamed::Blamed,
        sizes,
        stage::{Choices, Stage, derived},
    },
    host::Port,
};

/// See the module.
pub(crate) const CRASHES: Experiment = Experiment {
    name: "crashes",
    about: "ten nodes of 1,000 crash at once, and half of 2,000 (Rapid, ATC 2018, figure 8)",
    run,
};

const SOURCE: &str = "Rapid, ATC 2018, fig. 8";
/// Time for a verdict and a commit beyond the detection time.
const COMMIT_WITHIN: Duration = Duration::from_secs(2);
/// What takes longer is said not to come about.
const LIMIT: Duration = Duration::from_secs(30);
/// So long everything must stay as it is.
const QUIET: Duration = Duration::from_secs(5);

/// Who crashes.
struct Setting {
    nodes: u32,
    victims: u32,
    networks: u8,
}

impl Setting {
    fn words(&self) -> String {
        let networks = if self.networks == 1 { "1 network" } else { "2 networks" };
        format!("{} of {} nodes; {networks}", self.victims, self.nodes)
    }
}

struct Crashed {
    setting: Setting,
    /// The most view changes at one adapter, and the sizes seen afterwards.
    changes: usize,
    sizes: BTreeSet<usize>,
    /// Until no view has them; none if that did not come about.
    took: Option<Duration>,
    detection: Duration,
    wrong: Blamed,
    views: Vec<Series>,
}

fn run(request: &Request, progress: &mut Progress) -> Result<Outcome, String> {
    let few = request.nodes_or(16, 1000);
    let half = request.nodes_or(10, 2000);
    let tenth = (few / 100).max(2);
    let settings = [
        Setting { nodes: few, victims: tenth, networks: 1 },
        Setting { nodes: few, victims: tenth, networks: 2 },
        Setting { nodes: half, victims: half / 2, networks: 2 },
    ];
    let mut outcome = CRASHES.outcome(request);
    for (number, setting) in settings.into_iter().enumerate() {
        let crashed = crash(setting, derived(request.seed, number as u64), progress)?;
        outcome.figures.extend(figures(&crashed));
        outcome.plots.push(views(&crashed, number));
        if let Some(words) = crashed.wrong.words() {
            outcome.notes.push(format!("{}: {words}", crashed.setting.words()));
        }
    }
    Ok(outcome)
}

fn crash(setting: Setting, seed: u64, progress: &mut Progress) -> Result<Crashed, String> {
    let plan = Plan::lan(seed, setting.nodes, setting.networks);
    let mut stage = Stage::at_rest(plan, setting.nodes, progress)?;
    let mut choices = Choices::new(seed);
    let victims: BTreeSet<String> =
        choices.nodes(setting.victims, setting.nodes).into_iter().collect();
    let phase = choices.within(stage.interval());
    stage.run_for(phase, progress, "the cluster rests")?;
    let (mark, before, begin) = (stage.world.mark(), stage.adoptions(), stage.world.now());
    let dead = victims.clone();
    let keeps = move |event: &Event| blamed::is_blame(event) && !blamed::is_about(event, &dead);
    stage.world.keeps = Some(Box::new(keeps));
    for victim in &victims {
        stage.world.crash(victim);
        stage.groups.forget(stage.world.host_named(victim));
    }
    let left = setting.nodes - setting.victims;
    let what = setting.words();
    let gone = stage.run_until(LIMIT, progress, &what, |stage| stage.formed(left))?;
    let took = gone.then(|| stage.last_adoption_since(before, begin));
    stage.run_for(QUIET, progress, &what)?;
    let after = stage.adoptions_from(before);
    let dead: BTreeSet<usize> = victims.iter().map(|name| stage.world.host_named(name)).collect();
    let survives = |port: Port| !dead.contains(&port.host);
    let wrong = Blamed::since(&stage.world, mark, |_| true, |_| false);
    let end = stage.world.now();
    Ok(Crashed {
        changes: sizes::changes(after).values().copied().max().unwrap_or(0),
        sizes: sizes::distinct(after),
        took,
        detection: stage.world.hosts[0].config.detection.detection_time(),
        wrong,
        views: sizes::over_time(stage.adoptions_from(0), (begin, end), survives),
        setting,
    })
}

fn figures(crashed: &Crashed) -> Vec<Figure> {
    let words = crashed.setting.words();
    let few = crashed.setting.victims * 2 < crashed.setting.nodes;
    let source = if few { SOURCE } else { TARGET };
    let changes =
        Figure::new("view changes, most at one adapter", &words, crashed.changes as f64, "");
    let sizes =
        Figure::new("sizes anybody saw after the crash", &words, crashed.sizes.len() as f64, "");
    let time = Figure::new(
        "time until no view has them",
        &words,
        crashed.took.map(|took| took.as_secs_f64()),
        "s",
    );
    let wrong = Figure::new("others that were blamed", &words, crashed.wrong.count() as f64, "");
    let bound = (crashed.detection + COMMIT_WITHIN).as_secs_f64();
    vec![
        changes.against(1.0, source, Wanted::Less),
        sizes.against(1.0, source, Wanted::Less),
        if few { time } else { time.against(bound, TARGET, Wanted::Less) },
        wrong.against(0.0, TARGET, Wanted::Less),
    ]
}

fn views(crashed: &Crashed, number: usize) -> Plot {
    let title = format!("{} crash at 0 s", crashed.setting.words());
    let (x, y) = (Axis::linear("time, s"), Axis::linear("members in a survivor's view"));
    let mut plot = Plot::new(format!("crashes-{}", number + 1), title, x, y);
    plot.series.extend(crashed.views.clone());
    plot
}

//! Raft's leader failover (USENIX ATC 2014, figure 16): the leader crashes, a
//! thousand times.

use std::time::Duration;

use hats_core::config::Profile;

use super::{
    Axis, Experiment, Figure, Landmark, Outcome, Plot, Progress, Request, Series, Wanted,
    percentile,
    stage::{Choices, Stage, derived},
};
use crate::{Plan, Timing, host::Port};

/// See the module.
pub(crate) const FAILOVER: Experiment = Experiment {
    name: "failover",
    about: "the leader of five members crashes: time until all others have one and the same new \
            leader (Raft, ATC 2014, figure 16)",
    run,
};

/// What takes longer is said not to come about.
const LIMIT: Duration = Duration::from_secs(20);

/// What Raft needs with such election timeouts.
struct Published {
    percentile: f64,
    name: &'static str,
    ms: f64,
    source: &'static str,
}

/// A profile, and what in the paper is like it: an election timeout that is
/// near the detection time.
struct Comparison {
    profile: Profile,
    /// A datagram takes so long one way, within half a millisecond; else as
    /// long as on a local network.
    way: Option<Duration>,
    published: &'static [Published],
}

impl Comparison {
    fn words(&self) -> String {
        let detection = self.profile.detection().detection_time().as_millis();
        let (profile, way) = (self.profile.word(), self.way.map_or(0, |way| (way * 2).as_millis()));
        match self.way {
            None => format!("profile {profile} ({detection} ms)"),
            Some(_) => format!("profile {profile} ({detection} ms), round trip {way} ms"),
        }
    }

    fn plan(&self, members: u32, seed: u64) -> Plan {
        let plan = Plan::lan(seed, members, 1).profile(self.profile);
        let Some(way) = self.way else { return plan };
        let half = Duration::from_micros(500);
        plan.timing(Timing { latency: (way - half, way + half), ..Timing::default() })
    }
}

const COMPARISONS: [Comparison; 4] = [
    Comparison { profile: Profile::Default, way: None, published: &[] },
    Comparison { profile: Profile::Fast, way: None, published: SLOW },
    // A broadcast and its answers take 15 ms in the paper's cluster.
    Comparison { profile: Profile::Fast, way: Some(Duration::from_micros(7_500)), published: SLOW },
    Comparison { profile: Profile::Bfd, way: None, published: QUICK },
];

/// With the election timeouts that are nearest to 150 ms.
const SLOW: &[Published] = &[
    Published {
        percentile: 0.5,
        name: "median",
        ms: 287.0,
        source: "Raft, ATC 2014, fig. 16, timeouts 150-155 ms",
    },
    Published {
        percentile: 1.0,
        name: "worst",
        ms: 513.0,
        source: "Raft, ATC 2014, fig. 16, timeouts 150-200 ms",
    },
];

/// With the shortest ones.
const QUICK: &[Published] = &[Published {
    percentile: 1.0,
    name: "worst",
    ms: 152.0,
    source: "Raft, ATC 2014, fig. 16, timeouts 12-24 ms",
}];

/// Raft's mean with timeouts of 12 to 24 ms.
const MEAN_MS: f64 = 35.0;

/// What all trials with one profile came to.
struct Trials {
    times_ms: Vec<f64>,
    /// Trials in which somebody had another leader than the one all agreed on.
    double_leaders: u32,
    /// The worlds in which the others did not agree on one.
    stuck: Vec<u64>,
}

fn run(request: &Request, progress: &mut Progress) -> Result<Outcome, String> {
    let members = request.nodes_or(5, 5).max(2);
    let trials = if request.quick { 5 } else { 1000 };
    let mut outcome = FAILOVER.outcome(request);
    let (x, y) = (Axis::logarithmic("time without a leader, ms"), Axis::linear("part of trials"));
    let title = format!("{members} members, the leader crashes: time to one agreed leader");
    let mut plot = Plot::new("failover", title, x, y);
    for (number, comparison) in COMPARISONS.iter().enumerate() {
        let mut all = Trials { times_ms: Vec::new(), double_leaders: 0, stuck: Vec::new() };
        for trial in 0..trials {
            let seed = derived(request.seed, (number as u64) << 32 | trial);
            progress.at(|| format!("{}: trial {trial}", comparison.words()));
            all.add(members, comparison, seed)?;
        }
        outcome.figures.extend(figures(comparison, members, &all));
        if let Some(seed) = all.stuck.first() {
            let words = comparison.words();
            outcome.notes.push(format!("{words}: no leader in the world of seed {seed}"));
        }
        let name = format!("hats, {}", comparison.words());
        plot.series.push(Series::distribution(name, all.times_ms.clone()));
    }
    plot.landmarks = landmarks();
    outcome.plots.push(plot);
    outcome.notes.push(
        "Raft's times run from the crash to the new leader; there a heartbeat goes out right \
         before the crash, and a broadcast with its answers takes 15 ms. Ours run until the last \
         survivor has adopted the new leader's group; the crash comes at a random moment of the \
         heartbeat interval, and a round trip takes 0.1 to 0.3 ms unless said otherwise. In \
         profile bfd probes wait 7.5 ms: it is for no slower network."
            .to_owned(),
    );
    Ok(outcome)
}

impl Trials {
    fn add(&mut self, members: u32, comparison: &Comparison, seed: u64) -> Result<(), String> {
        let silent = &mut Progress::silent();
        let mut stage = Stage::at_rest(comparison.plan(members, seed), members, silent)?;
        let phase = Choices::new(seed).within(stage.interval());
        stage.run_for(phase, silent, "")?;
        let (before, begin) = (stage.adoptions(), stage.world.now());
        let leader = format!("n{members}");
        stage.world.crash(&leader);
        stage.groups.forget(stage.world.host_named(&leader));
        let what = "the others agree on a leader";
        if stage.run_until(LIMIT, silent, what, |stage| stage.formed(members - 1))? {
            let took = stage.last_adoption_since(before, begin);
            self.times_ms.push(took.as_secs_f64() * 1e3);
        } else {
            self.stuck.push(seed);
        }
        let after = stage.adoptions_from(before);
        let next = Port { host: stage.world.host_named(&format!("n{}", members - 1)), adapter: 0 };
        let next = stage.world.adapter(next).address;
        self.double_leaders += u32::from(after.iter().any(|it| it.group.leader != next));
        Ok(())
    }
}

fn figures(comparison: &Comparison, members: u32, trials: &Trials) -> Vec<Figure> {
    let count = trials.times_ms.len() + trials.stuck.len();
    let setting = format!("{members} members, {}, {count} crashes", comparison.words());
    let named = [(0.5, "median"), (0.99, "99th percentile"), (1.0, "worst")];
    let mut figures: Vec<Figure> = Vec::new();
    for (at, name) in named {
        let what = format!("time to one agreed leader, {name}");
        let figure = Figure::new(what, &setting, percentile(&trials.times_ms, at), "ms");
        let published = comparison.published.iter().find(|it| it.percentile == at);
        figures.push(match published {
            Some(it) => figure.against(it.ms, it.source, Wanted::Less),
            None => figure,
        });
    }
    if comparison.profile == Profile::Bfd {
        let mean = trials.times_ms.iter().sum::<f64>() / trials.times_ms.len() as f64;
        let figure = Figure::new("time to one agreed leader, mean", &setting, mean, "ms");
        let source = "Raft, ATC 2014, fig. 16, timeouts 12-24 ms";
        figures.insert(0, figure.against(MEAN_MS, source, Wanted::Less));
    }
    let double =
        Figure::new("crashes after which two led", &setting, f64::from(trials.double_leaders), "");
    figures.push(double.against(0.0, "hats, target", Wanted::Less));
    let stuck =
        Figure::new("crashes after which nobody led", &setting, trials.stuck.len() as f64, "");
    figures.push(stuck.against(0.0, "hats, target", Wanted::Less));
    figures
}

fn landmarks() -> Vec<Landmark> {
    let all = SLOW.iter().chain(QUICK);
    let point = |it: &Published| {
        let timeouts =
            it.source.rsplit_once("timeouts ").map_or(it.source, |(_, timeouts)| timeouts);
        let label = format!("Raft {timeouts}: {}", it.name);
        Landmark { label, x: Some(it.ms), y: Some(it.percentile) }
    };
    all.map(point).collect()
}

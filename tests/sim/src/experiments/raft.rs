//! Raft's leader failover (USENIX ATC 2014, figure 16): the leader crashes, a
//! thousand times.

use std::time::Duration;

use hats_core::config::Profile;

use super::{
    Axis, Experiment, Figure, Landmark, Outcome, Plot, Progress, Request, Series, Wanted,
    percentile,
    stage::{Choices, Stage, derived},
};
use crate::{Plan, host::Port};

/// See the module.
pub(crate) const FAILOVER: Experiment = Experiment {
    name: "failover",
    about: "the leader of five members crashes: time until all others have one and the same new \
            leader (Raft, ATC 2014, figure 16)",
    run,
};

/// Nothing takes longer.
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
    published: &'static [Published],
}

const COMPARISONS: [Comparison; 3] = [
    Comparison { profile: Profile::Default, published: &[] },
    Comparison {
        profile: Profile::Fast,
        published: &[
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
        ],
    },
    Comparison {
        profile: Profile::Bfd,
        published: &[Published {
            percentile: 1.0,
            name: "worst",
            ms: 152.0,
            source: "Raft, ATC 2014, fig. 16, timeouts 12-24 ms",
        }],
    },
];

/// Raft's mean with timeouts of 12 to 24 ms.
const MEAN_MS: f64 = 35.0;

/// What all trials with one profile came to.
struct Trials {
    times_ms: Vec<f64>,
    /// Trials in which somebody had another leader than the one all agreed on.
    double_leaders: u32,
}

fn run(request: &Request, progress: &mut Progress) -> Result<Outcome, String> {
    let members = request.nodes_or(5, 5).max(2);
    let trials = if request.quick { 5 } else { 1000 };
    let mut outcome = FAILOVER.outcome(request);
    let (x, y) = (Axis::logarithmic("time without a leader, ms"), Axis::linear("part of trials"));
    let title = format!("{members} members, the leader crashes: time to one agreed leader");
    let mut plot = Plot::new("failover", title, x, y);
    for (number, comparison) in COMPARISONS.iter().enumerate() {
        let mut all = Trials { times_ms: Vec::new(), double_leaders: 0 };
        for trial in 0..trials {
            let seed = derived(request.seed, (number as u64) << 32 | trial);
            progress.at(|| format!("{}: trial {trial}", comparison.profile.word()));
            all.add(members, comparison.profile, seed)?;
        }
        outcome.figures.extend(figures(comparison, members, &all));
        let detection = comparison.profile.detection().detection_time();
        let name = format!("hats {}: {} ms", comparison.profile.word(), detection.as_millis());
        plot.series.push(Series::distribution(name, all.times_ms.clone()));
    }
    plot.landmarks = landmarks();
    outcome.plots.push(plot);
    outcome.notes.push(
        "Raft's times are from the crash to the new leader, on a LAN of which a broadcast takes \
         15 ms; ours are until the last survivor has adopted the group of the new leader."
            .to_owned(),
    );
    Ok(outcome)
}

impl Trials {
    fn add(&mut self, members: u32, profile: Profile, seed: u64) -> Result<(), String> {
        let silent = &mut Progress::silent();
        let plan = Plan::lan(seed, members, 1).profile(profile);
        let mut stage = Stage::at_rest(plan, members, silent)?;
        let phase = Choices::new(seed).within(stage.interval());
        stage.run_for(phase, silent, "")?;
        let (before, begin) = (stage.adoptions(), stage.world.now());
        let leader = format!("n{members}");
        stage.world.crash(&leader);
        stage.groups.forget(stage.world.host_named(&leader));
        let what = "the others agree on a leader";
        stage.must(LIMIT, silent, what, |stage| stage.formed(members - 1))?;
        let took = stage.last_adoption_since(before, begin);
        let after = stage.adoptions_from(before);
        self.times_ms.push(took.as_secs_f64() * 1e3);
        let next = Port { host: stage.world.host_named(&format!("n{}", members - 1)), adapter: 0 };
        let next = stage.world.adapter(next).address;
        self.double_leaders += u32::from(after.iter().any(|it| it.group.leader != next));
        Ok(())
    }
}

fn figures(comparison: &Comparison, members: u32, trials: &Trials) -> Vec<Figure> {
    let profile = comparison.profile.word();
    let detection = comparison.profile.detection().detection_time();
    let count = trials.times_ms.len();
    let setting = format!(
        "{members} members, profile {profile} ({} ms), {count} crashes",
        detection.as_millis()
    );
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
        let mean = trials.times_ms.iter().sum::<f64>() / count as f64;
        let figure = Figure::new("time to one agreed leader, mean", &setting, mean, "ms");
        let source = "Raft, ATC 2014, fig. 16, timeouts 12-24 ms";
        figures.insert(0, figure.against(MEAN_MS, source, Wanted::Less));
    }
    let double =
        Figure::new("crashes after which two led", &setting, f64::from(trials.double_leaders), "");
    figures.push(double.against(0.0, "hats, target", Wanted::Less));
    figures
}

fn landmarks() -> Vec<Landmark> {
    let all = COMPARISONS.iter().flat_map(|it| it.published);
    let point = |it: &Published| {
        let timeouts =
            it.source.rsplit_once("timeouts ").map_or(it.source, |(_, timeouts)| timeouts);
        let label = format!("Raft {timeouts}: {}", it.name);
        Landmark { label, x: Some(it.ms), y: Some(it.percentile) }
    };
    all.map(point).collect()
}

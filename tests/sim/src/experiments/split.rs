//! A network falls into parts at random and is whole again.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use hats_core::event::{Event, EventKind};
use hats_wire::Cause;

use super::{
    Axis, Experiment, Figure, Outcome, Plot, Progress, Request, Series, Wanted,
    blamed::Blamed,
    percentile,
    stage::{Choices, Stage, derived},
};
use crate::Plan;

/// See the module.
pub(crate) const SPLIT: Experiment = Experiment {
    name: "split",
    about: "a network falls into 2, 3 or 4 parts at random and is whole again: time to one group \
            on each side, and to one group (setting as in Pacemaker's cluster test suite)",
    run,
};

const NETWORK: &str = "neta";
/// What takes longer is said not to come about; in the small setting, and else.
const LIMITS: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(20)];
/// So long it stays split after that.
const SPLIT_FOR: Duration = Duration::from_secs(5);

/// Of each setting, at most so many trials are told of.
const NOTES_MAX: usize = 3;

/// What Pacemaker's test suite allows.
const PARTS_WITHIN_S: f64 = 300.0;
const WHOLE_WITHIN_S: f64 = 1200.0;
const SOURCE: &str = "Pacemaker CTS, SplitBrain: bound";

/// How many fall apart into how many.
#[derive(Clone, Copy)]
struct Setting {
    nodes: u32,
    networks: u8,
    parts: u32,
    trials: u32,
    limit: Duration,
}

impl Setting {
    fn words(&self) -> String {
        let networks = if self.networks == 1 { "the only network" } else { "one of 2 networks" };
        format!("{} nodes, {networks} in {} parts, {} times", self.nodes, self.parts, self.trials)
    }
}

#[derive(Default)]
struct Trials {
    parted: Vec<f64>,
    whole: Vec<f64>,
    /// Trials in which one of the two did not come about.
    stuck: u32,
    wrong: usize,
    words: BTreeSet<String>,
}

fn run(request: &Request, progress: &mut Progress) -> Result<Outcome, String> {
    let sizes = match (request.nodes, request.quick) {
        (Some(nodes), _) => vec![nodes.max(8)],
        (None, true) => vec![8],
        (None, false) => vec![16, 64, 256],
    };
    let limit = LIMITS[usize::from(!request.quick)];
    let mut outcome = SPLIT.outcome(request);
    let (x, y) = (Axis::logarithmic("time, s"), Axis::linear("part of trials"));
    let mut plot = Plot::new("split", "A network falls apart at random and heals", x, y);
    for &nodes in &sizes {
        let trials = if request.quick { 1 } else { (1280 / nodes).min(20) };
        let mut both: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        for (networks, parts) in [(2, 2), (2, 3), (2, 4), (1, 2), (1, 3), (1, 4)] {
            let setting = Setting { nodes, networks, parts, trials, limit };
            let mut all = Trials::default();
            for trial in 0..trials {
                let number = [nodes, u32::from(networks), parts, trial];
                let number = number.iter().fold(0, |sum, it| sum << 16 | u64::from(*it));
                progress.at(|| format!("{}: trial {trial}", setting.words()));
                all.add(setting, derived(request.seed, number), progress)?;
            }
            outcome.figures.extend(figures(setting, &all));
            let some = all.words.iter().take(NOTES_MAX);
            outcome.notes.extend(some.map(|it| format!("{}: {it}", setting.words())));
            both.entry("to one group a side").or_default().extend(&all.parted);
            both.entry("to one group again").or_default().extend(&all.whole);
        }
        let of_size = |(what, times)| Series::distribution(format!("{nodes} nodes, {what}"), times);
        plot.series.extend(both.into_iter().map(of_size));
    }
    outcome.plots.push(plot);
    Ok(outcome)
}

impl Trials {
    fn add(&mut self, setting: Setting, seed: u64, progress: &mut Progress) -> Result<(), String> {
        let plan = Plan::lan(seed, setting.nodes, setting.networks);
        let mut stage = Stage::at_rest(plan, setting.nodes, progress)?;
        let mut choices = Choices::new(seed);
        let phase = choices.within(stage.interval());
        stage.run_for(phase, progress, "the cluster rests")?;
        let sides = sides(setting, &mut choices);
        let mut expected: Vec<u32> = sides.iter().map(|side| side.len() as u32).collect();
        expected.sort_unstable();
        let names: Vec<Vec<&str>> =
            sides.iter().map(|side| side.iter().map(String::as_str).collect()).collect();
        let names: Vec<&[&str]> = names.iter().map(Vec::as_slice).collect();
        let (mark, before, begin) = (stage.world.mark(), stage.adoptions(), stage.world.now());
        stage.world.partition(NETWORK, &names);
        let what = format!("{}: falls apart", setting.words());
        let parted = |stage: &Stage| stage.groups.complete(0) == expected;
        let parts = stage.run_until(setting.limit, progress, &what, parted)?;
        if parts {
            self.parted.push(stage.last_adoption_since(before, begin).as_secs_f64());
            stage.run_for(SPLIT_FOR, progress, &what)?;
        }
        let (before, begin) = (stage.adoptions(), stage.world.now());
        stage.world.heal_partition(NETWORK);
        let what = format!("{}: is whole again", setting.words());
        let whole =
            stage.run_until(setting.limit, progress, &what, |stage| stage.formed(setting.nodes))?;
        if whole {
            self.whole.push(stage.last_adoption_since(before, begin).as_secs_f64());
        }
        if !parts || !whole {
            self.stuck += 1;
            let what = if parts { "not whole again" } else { "not one group a side" };
            let sides: Vec<String> = sides.iter().map(|side| side.join(" ")).collect();
            self.words.insert(format!(
                "{what} within {} s (world of seed {seed}, {})",
                setting.limit.as_secs(),
                sides.join(" | ")
            ));
        }
        let fair = |event: &Event| is_fair(event, setting, &sides);
        let wrong = Blamed::since(&stage.world, mark, |_| true, fair);
        self.wrong += wrong.count();
        let words = wrong.words().map(|words| format!("{words} (world of seed {seed})"));
        self.words.extend(words);
        Ok(())
    }
}

/// Each node on some side, each side with at least one.
fn sides(setting: Setting, choices: &mut Choices) -> Vec<Vec<String>> {
    let mut shuffled = choices.nodes(setting.nodes, setting.nodes);
    let mut sides: Vec<Vec<String>> =
        (0..setting.parts).filter_map(|_| shuffled.pop().map(|node| vec![node])).collect();
    for node in shuffled {
        let side = choices.number(0, setting.parts - 1) as usize;
        sides[side].push(node);
    }
    sides
}

/// With the only network in parts, the others are out of sight, and it is right
/// to say so. With another network nothing is to be said of anybody who is not
/// alone: an adapter that nobody reaches is as good as dead.
fn is_fair(event: &Event, setting: Setting, sides: &[Vec<String>]) -> bool {
    let adapter = event.kind == EventKind::AdapterDown;
    if setting.networks == 1 {
        let with_its_node = adapter && event.cause == Some(Cause::NodeDown);
        return event.cause == Some(Cause::Unreachable) || with_its_node;
    }
    let mut lone = sides.iter().filter(|side| side.len() == 1).flatten();
    adapter
        && event.cause == Some(Cause::Both)
        && lone.any(|node| Some(node) == event.node.as_ref())
}

fn figures(setting: Setting, all: &Trials) -> Vec<Figure> {
    let words = setting.words();
    let figure = |what: &str, ours: Option<f64>, unit: &str| Figure::new(what, &words, ours, unit);
    vec![
        figure("trials in which the groups did not come about", Some(f64::from(all.stuck)), "")
            .against(0.0, "hats, target", Wanted::Less),
        figure("time to one group a side, median", percentile(&all.parted, 0.5), "s"),
        figure("time to one group a side, worst", percentile(&all.parted, 1.0), "s").against(
            PARTS_WITHIN_S,
            SOURCE,
            Wanted::Less,
        ),
        figure("time to one group again, median", percentile(&all.whole, 0.5), "s"),
        figure("time to one group again, worst", percentile(&all.whole, 1.0), "s").against(
            WHOLE_WITHIN_S,
            SOURCE,
            Wanted::Less,
        ),
        figure("wrong blame", Some(all.wrong as f64), "").against(
            0.0,
            "hats, target",
            Wanted::Less,
        ),
    ]
}

//! One run of anomalies or of crashes, the same for every protocol.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::AddAssign,
    time::Duration,
};

use crate::{chance::Chance, experiments::tally::Tally, freeze::Freeze};

/// A group of members that some protocol watches. Members are numbered from 0.
pub(crate) trait Contestant {
    /// How many members there were at the beginning.
    fn members(&self) -> u32;
    /// Time since it began.
    fn now(&self) -> Duration;
    /// Lets time pass; an error is a checker's objection.
    fn run_for(&mut self, span: Duration) -> Result<(), String>;
    /// The member stands still.
    fn freeze(&mut self, member: u32, how: Freeze);
    /// It goes on.
    fn thaw(&mut self, member: u32, how: Freeze);
    /// It is gone.
    fn crash(&mut self, member: u32);
    /// What was said of others since this was last asked.
    fn blames(&mut self) -> Vec<Blame>;
    /// What it cost so far.
    fn tally(&self) -> Tally;
    /// How long to wait for everybody to know of a crash.
    fn patience(&self) -> Duration;
}

/// Somebody said of somebody that it failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Blame {
    pub(crate) at: Duration,
    pub(crate) observer: u32,
    pub(crate) member: u32,
    /// In which words: `node.down`.
    pub(crate) words: &'static str,
    /// It says that the member failed, or part of it. Other words, of a path
    /// or a network, are counted apart.
    pub(crate) is_failure: bool,
}

/// Before anything is done to a group.
pub(crate) const QUIET: Duration = Duration::from_secs(15);
/// A run of anomalies ends after this.
pub(crate) const RUN: Duration = Duration::from_secs(120);

/// Who stands still, how long, and how long not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Anomalies {
    pub(crate) how: Freeze,
    /// So many at once: always the same ones in a run.
    pub(crate) concurrent: u32,
    pub(crate) duration: Duration,
    /// From the end of one to the beginning of the next.
    pub(crate) interval: Duration,
    /// The run ends after this.
    pub(crate) run: Duration,
}

/// What was said in runs of anomalies, in which nobody ever crashed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) runs: u32,
    /// Of members that never stood still, by members that never stood still:
    /// Lifeguard's FP-.
    pub(crate) healthy_by_healthy: u64,
    /// Of members that never stood still, by those that did; with the above,
    /// Lifeguard's FP.
    pub(crate) healthy_by_frozen: u64,
    /// Of members that stood still at that moment.
    pub(crate) frozen: u64,
    /// Of members that had stood still and had gone on.
    pub(crate) thawed: u64,
    /// Other words that blame: of paths and networks.
    pub(crate) others: u64,
    /// How often which words were used, of whomever.
    pub(crate) words: BTreeMap<&'static str, u64>,
    /// The first blame of a member that never stood still.
    pub(crate) first_wrong: Option<Blame>,
    /// What it cost from the first anomaly on.
    pub(crate) tally: Tally,
    /// How long that was, all runs together.
    pub(crate) span: Duration,
}

impl Counts {
    /// False positives as Lifeguard counts them: said of members that never
    /// stood still.
    pub(crate) fn of_healthy(&self) -> u64 {
        self.healthy_by_healthy + self.healthy_by_frozen
    }

    /// False positives in the strictest reading: nobody crashed.
    pub(crate) fn of_anybody(&self) -> u64 {
        self.of_healthy() + self.frozen + self.thawed
    }

    /// Who says what of whom, while the anomalous stand still or go on.
    pub(super) fn add(&mut self, blame: Blame, anomalous: &BTreeSet<u32>, standing_still: bool) {
        *self.words.entry(blame.words).or_default() += 1;
        if !blame.is_failure {
            self.others += 1;
        } else if anomalous.contains(&blame.member) {
            *(if standing_still { &mut self.frozen } else { &mut self.thawed }) += 1;
        } else {
            self.first_wrong.get_or_insert(blame);
            let by_frozen = anomalous.contains(&blame.observer);
            *(if by_frozen {
                &mut self.healthy_by_frozen
            } else {
                &mut self.healthy_by_healthy
            }) += 1;
        }
    }
}

impl AddAssign<&Counts> for Counts {
    fn add_assign(&mut self, other: &Counts) {
        self.runs += other.runs;
        self.healthy_by_healthy += other.healthy_by_healthy;
        self.healthy_by_frozen += other.healthy_by_frozen;
        self.frozen += other.frozen;
        self.thawed += other.thawed;
        self.others += other.others;
        for (words, count) in &other.words {
            *self.words.entry(words).or_default() += count;
        }
        self.first_wrong = self.first_wrong.or(other.first_wrong);
        self.tally += other.tally;
        self.span += other.span;
    }
}

/// Some members stand still again and again, all at once.
pub(crate) fn anomalies(
    group: &mut dyn Contestant,
    what: &Anomalies,
    seed: u64,
) -> Result<Counts, String> {
    let mut counts = Counts { runs: 1, ..Counts::default() };
    let anomalous = some(&mut Chance::new(seed), group.members(), what.concurrent);
    let note = |counts: &mut Counts, group: &mut dyn Contestant, standing_still| {
        for blame in group.blames() {
            counts.add(blame, &anomalous, standing_still);
        }
    };
    group.run_for(QUIET.saturating_sub(group.now()))?;
    note(&mut counts, group, false);
    let (begun, before) = (group.now(), group.tally());
    while group.now() < what.run {
        anomalous.iter().for_each(|member| group.freeze(*member, what.how));
        group.run_for(what.duration.min(what.run - group.now()))?;
        note(&mut counts, group, true);
        anomalous.iter().for_each(|member| group.thaw(*member, what.how));
        group.run_for(what.interval.min(what.run - group.now()))?;
        note(&mut counts, group, false);
    }
    counts.tally = group.tally().since(&before);
    counts.span = group.now() - begun;
    Ok(counts)
}

/// `count` different numbers below `members`.
fn some(chance: &mut Chance, members: u32, count: u32) -> BTreeSet<u32> {
    let mut some = BTreeSet::new();
    while some.len() < count.min(members) as usize {
        some.insert(chance.between(0, u64::from(members) - 1) as u32);
    }
    some
}

/// How long it took until crashes were known.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Detection {
    /// In seconds, until the first of the others said so.
    pub(crate) first: Vec<f64>,
    /// In seconds, until the last of the others said so.
    pub(crate) full: Vec<f64>,
    /// Crashes that not all others knew of in time.
    pub(crate) missed: u64,
    /// What was said of members that had not crashed.
    pub(crate) wrong: u64,
}

impl Detection {
    pub(crate) fn append(&mut self, mut other: Detection) {
        self.first.append(&mut other.first);
        self.full.append(&mut other.full);
        self.missed += other.missed;
        self.wrong += other.wrong;
    }
}

/// One member after the other crashes, at any phase of everybody's timers.
pub(crate) fn crashes(
    group: &mut dyn Contestant,
    count: u32,
    seed: u64,
) -> Result<Detection, String> {
    let mut chance = Chance::new(seed);
    let mut detection = Detection::default();
    let mut dead: BTreeSet<u32> = BTreeSet::new();
    group.run_for(QUIET.saturating_sub(group.now()))?;
    detection.wrong += group.blames().len() as u64;
    while dead.len() < count as usize {
        let victim = chance.between(0, u64::from(group.members()) - 1) as u32;
        if !dead.insert(victim) {
            continue;
        }
        group.run_for(Duration::from_micros(chance.between(0, 1_000_000)))?;
        detection.wrong += wrong(&group.blames(), &dead);
        let crashed = group.now();
        group.crash(victim);
        group.run_for(group.patience())?;
        let blames = group.blames();
        detection.wrong += wrong(&blames, &dead);
        let mut heard: BTreeMap<u32, f64> = BTreeMap::new();
        for blame in blames.iter().filter(|blame| blame.is_failure && blame.member == victim) {
            heard.entry(blame.observer).or_insert((blame.at - crashed).as_secs_f64());
        }
        detection.first.extend(heard.values().copied().reduce(f64::min));
        if heard.len() == group.members() as usize - dead.len() {
            detection.full.extend(heard.values().copied().reduce(f64::max));
        } else {
            detection.missed += 1;
        }
    }
    Ok(detection)
}

fn wrong(blames: &[Blame], dead: &BTreeSet<u32>) -> u64 {
    blames.iter().filter(|blame| !dead.contains(&blame.member)).count() as u64
}

//! The stories of many seeds, told by several threads.

use std::{
    collections::BTreeMap,
    fmt,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use super::{Ending, Kinds, Story, tell};
use crate::ordered::in_order;

/// Which seeds, and when to end.
#[derive(Clone, Copy, Debug)]
pub struct Orders<'a> {
    /// The first seed.
    pub from: u64,
    /// How many; none: until the deadline, or until it is stopped.
    pub seeds: Option<u64>,
    /// With faults of every kind, also those that the protocol does not hold yet.
    pub all_faults: bool,
    /// Every other fault of this kind.
    pub with: Option<Kinds>,
    /// No story begins after this.
    pub deadline: Option<Instant>,
    /// How many threads tell stories. What they add up to does not depend on it.
    pub jobs: usize,
    /// No story begins once this is set.
    pub stop: &'a AtomicBool,
}

/// What many runs add up to.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct Tally {
    /// Stories told.
    pub runs: u64,
    /// Those that did not end well, by kind, with seed and reason, lowest seed
    /// first.
    pub failures: BTreeMap<String, Vec<(u64, String)>>,
    /// Things that happened.
    pub steps: u64,
    /// Simulated time.
    pub simulated: Duration,
    /// Faults injected, by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// Faults that were held to their exact verdict.
    pub exact: u64,
    /// The longest time to settle in parts of its bound, and whose.
    pub slowest: (f64, u64),
    /// The most steps per adapter and interval, and whose.
    pub busiest: (f64, u64),
}

/// Tells the stories of all seeds ordered. `each` hears of each in the order of
/// seeds, with what they add up to so far.
pub fn many(orders: &Orders, mut each: impl FnMut(&Ending, &Tally)) -> Tally {
    let last = orders.seeds.unwrap_or(u64::MAX - orders.from);
    let over = || {
        orders.stop.load(Ordering::Relaxed)
            || orders.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    };
    let story = |number: u64| {
        let seed = orders.from.wrapping_add(number);
        match orders.with {
            Some(kind) => Story::with(seed, kind),
            None if orders.all_faults => Story::of_all_kinds(seed),
            None => Story::of(seed),
        }
    };
    let mut tally = Tally::default();
    in_order(
        orders.jobs,
        |number| number < last && !over(),
        |number| tell(story(number)),
        |ending| {
            tally.add(&ending);
            each(&ending, &tally);
            true
        },
    );
    tally
}

impl Tally {
    fn add(&mut self, ending: &Ending) {
        let (seed, figures) = (ending.story.seed, &ending.figures);
        self.runs += 1;
        self.exact += figures.exact;
        self.steps += figures.steps;
        self.simulated += figures.simulated;
        for kind in &figures.faults {
            *self.faults.entry(kind).or_default() += 1;
        }
        if figures.slowest_settling > self.slowest.0 {
            self.slowest = (figures.slowest_settling, seed);
        }
        if figures.busiest > self.busiest.0 {
            self.busiest = (figures.busiest, seed);
        }
        if let (Some(kind), Some(why)) = (ending.kind(), &ending.failure) {
            self.failures.entry(kind).or_default().push((seed, why.clone()));
        }
    }

    /// How many stories did not end well.
    pub fn failed(&self) -> usize {
        self.failures.values().map(Vec::len).sum()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (runs, failed) = (self.runs, self.failed());
        writeln!(f, "{runs} runs, {failed} failed")?;
        writeln!(f, "{} simulated s, {} steps", self.simulated.as_secs(), self.steps)?;
        writeln!(
            f,
            "slowest settling {:.2} of its bound (seed {})",
            self.slowest.0, self.slowest.1
        )?;
        writeln!(
            f,
            "busiest {:.0} steps/adapter/interval (seed {})",
            self.busiest.0, self.busiest.1
        )?;
        let faults: Vec<String> =
            self.faults.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        let total: u64 = self.faults.values().sum();
        writeln!(f, "{total} faults, {} held to the letter: {}", self.exact, faults.join(", "))?;
        for (kind, failures) in &self.failures {
            let seeds: Vec<String> =
                failures.iter().take(12).map(|(seed, _)| seed.to_string()).collect();
            let more = if failures.len() > seeds.len() { " ..." } else { "" };
            writeln!(f, "{:>5} {kind}: seeds {}{more}", failures.len(), seeds.join(" "))?;
        }
        Ok(())
    }
}

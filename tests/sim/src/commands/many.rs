//! The stories of many seeds.

use std::{
    collections::BTreeMap,
    process::ExitCode,
    time::{Duration, Instant},
};

use hats_sim::campaign::{self, Ending};

/// What many runs add up to.
#[derive(Default)]
struct Summary {
    runs: u64,
    exact: u64,
    steps: u64,
    simulated: Duration,
    faults: BTreeMap<&'static str, u64>,
    failures: BTreeMap<String, Vec<(u64, String)>>,
    slowest: (f64, u64),
    busiest: (f64, u64),
}

pub(crate) fn campaign(seeds: u64, from: u64, minutes: Option<u64>) -> ExitCode {
    // What panics is reported as a failure of its seed.
    std::panic::set_hook(Box::new(|_| {}));
    let begin = Instant::now();
    let limit = minutes.map(|minutes| Duration::from_secs(minutes * 60));
    let mut summary = Summary::default();
    let mut shown = Instant::now();
    for seed in from..from + seeds {
        summary.add(campaign::run(seed));
        if shown.elapsed() > Duration::from_secs(10) {
            shown = Instant::now();
            let failed: usize = summary.failures.values().map(Vec::len).sum();
            eprintln!("{} runs, {failed} failed, {:?}", summary.runs, begin.elapsed());
        }
        if limit.is_some_and(|limit| begin.elapsed() > limit) {
            break;
        }
    }
    summary.print(begin.elapsed());
    if summary.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

impl Summary {
    fn add(&mut self, ending: Ending) {
        let (seed, figures) = (ending.story.seed, ending.figures);
        self.runs += 1;
        self.exact += figures.exact;
        self.steps += figures.steps;
        self.simulated += figures.simulated;
        for kind in figures.faults {
            *self.faults.entry(kind).or_default() += 1;
        }
        if figures.slowest_settling > self.slowest.0 {
            self.slowest = (figures.slowest_settling, seed);
        }
        if figures.busiest > self.busiest.0 {
            self.busiest = (figures.busiest, seed);
        }
        if let Some(why) = ending.failure {
            eprintln!("seed {seed}: {why}");
            self.failures.entry(kind_of(&why)).or_default().push((seed, why));
        }
    }

    fn print(&self, took: Duration) {
        let failed: usize = self.failures.values().map(Vec::len).sum();
        println!(
            "{} runs in {took:.1?}: {failed} failed; {} simulated s, {} steps ({:.0}/s)",
            self.runs,
            self.simulated.as_secs(),
            self.steps,
            self.steps as f64 / took.as_secs_f64()
        );
        println!("slowest settling {:.2} of its bound (seed {})", self.slowest.0, self.slowest.1);
        println!("busiest {:.0} steps/adapter/interval (seed {})", self.busiest.0, self.busiest.1);
        let faults: Vec<String> =
            self.faults.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        println!("faults: {} ({} held to the letter)", faults.join(", "), self.exact);
        for (kind, failures) in &self.failures {
            let seeds: Vec<String> =
                failures.iter().take(12).map(|(seed, _)| seed.to_string()).collect();
            println!("{:>5} {kind}: seeds {}", failures.len(), seeds.join(" "));
        }
    }
}

/// A failure without what differs from run to run: numbers and names.
fn kind_of(why: &str) -> String {
    let words = why.split_whitespace().map(|word| {
        let numbered = word.chars().any(|c| c.is_ascii_digit());
        if numbered { "*" } else { word }
    });
    words.take(16).collect::<Vec<_>>().join(" ")
}

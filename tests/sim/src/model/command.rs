//! `hats-sim model`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it is there to be read")]

use std::{process::ExitCode, time::Instant};

use hats_core::group::Group;

use super::{
    canon::tick,
    explore::{Bounds, Figures},
    rules::Leaving,
    scenario::{Clocks, Scenario, Setting, scenarios},
    state::Fault,
    whole::Harmed,
    whole_command::{self, Order},
};

/// What is explored, and how far.
#[derive(clap::Args, Clone, Debug)]
pub struct Arguments {
    /// Scenarios by name, or the beginning of a name; none: all.
    scenarios: Vec<String>,
    /// List the scenarios.
    #[arg(long)]
    list: bool,
    /// So many actions from the beginning, at most.
    #[arg(long, default_value_t = u32::MAX)]
    depth: u32,
    /// So many states, at most.
    #[arg(long, default_value_t = 5_000_000)]
    states: usize,
    /// Whole nodes: stories in which each datagram is harmed in turn.
    #[arg(long)]
    whole: bool,
    /// Whole nodes, and each pair of datagrams.
    #[arg(long)]
    pairs: bool,
    /// Whole nodes, and only these datagrams: 17:lost, 17:twice or 17:late:70.
    /// HATS_TRACE=1 shows what happens.
    #[arg(long, value_parser = str::parse::<Harmed>)]
    harm: Vec<Harmed>,
    /// The seed of stories of whole nodes.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where instances begin: even, rising or falling with the address.
    #[arg(long, default_value = "even", value_parser = clocks)]
    clocks: Clocks,
    /// A datagram overtakes those sent less than so many hops before it; a hop
    /// is a datagram sent because another arrived. All, if not given.
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..))]
    overtake: Option<u8>,
    /// Of whom it is asked that a leave is seen from both sides: none, removed
    /// (members that the others removed) or all (also those that left by
    /// themselves).
    #[arg(long, default_value = "removed", value_parser = leaving)]
    leaving: Leaving,
    /// Print the longest way to an agreement.
    #[arg(long)]
    slowest: bool,
    /// So many faults of a kind instead: loss=1.
    #[arg(long, value_parser = fault)]
    fault: Vec<(Fault, u8)>,
}

fn clocks(word: &str) -> Result<Clocks, String> {
    match word {
        "even" => Ok(Clocks::Even),
        "rising" => Ok(Clocks::Rising),
        "falling" => Ok(Clocks::Falling),
        other => Err(format!("clocks are {other:?}: expected even, rising or falling")),
    }
}

fn leaving(word: &str) -> Result<Leaving, String> {
    match word {
        "none" => Ok(Leaving::Unchecked),
        "removed" => Ok(Leaving::OfRemoved),
        "all" => Ok(Leaving::OfAll),
        other => Err(format!("leaving is {other:?}: expected none, removed or all")),
    }
}

fn fault(word: &str) -> Result<(Fault, u8), String> {
    let words: Vec<&str> = Fault::ALL.iter().map(|fault| fault.word()).collect();
    let expected = || format!("fault is {word:?}: expected one of {} and =N", words.join(", "));
    let (kind, times) = word.split_once('=').ok_or_else(expected)?;
    let fault = Fault::ALL.into_iter().find(|fault| fault.word() == kind).ok_or_else(expected)?;
    Ok((fault, times.parse().map_err(|_| expected())?))
}

/// Carries it out.
pub fn command(arguments: &Arguments) -> ExitCode {
    let Arguments { whole, pairs, harm, seed, list, .. } = arguments;
    if *whole || *pairs || !harm.is_empty() {
        let order =
            Order { names: &arguments.scenarios, list: *list, pairs: *pairs, harm, seed: *seed };
        return whole_command::command(&order);
    }
    let wanted = |it: &Scenario| {
        arguments.scenarios.is_empty()
            || arguments.scenarios.iter().any(|name| it.name.starts_with(name.as_str()))
    };
    let chosen: Vec<Scenario> = scenarios().into_iter().filter(wanted).collect();
    if chosen.is_empty() {
        let names: Vec<&str> = scenarios().iter().map(|it| it.name).collect();
        eprintln!("no scenario is called so: expected {}", names.join(", "));
        return ExitCode::from(64);
    }
    let mut well = true;
    for scenario in chosen {
        if arguments.list {
            println!("{:<16} {} ({})", scenario.name, scenario.about, scenario.faults());
        } else {
            well &= one(arguments, scenario);
        }
    }
    if well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn one(arguments: &Arguments, mut scenario: Scenario) -> bool {
    for (fault, times) in &arguments.fault {
        scenario = scenario.with(*fault, *times);
    }
    println!("{}: {} ({})", scenario.name, scenario.about, scenario.faults());
    let bounds = Bounds { states: arguments.states, depth: arguments.depth };
    let begin = Instant::now();
    let mut shown = 0;
    let Arguments { clocks, overtake, leaving, .. } = *arguments;
    let setting = Setting { clocks, overtake, leaving, bounds };
    let outcome = scenario.explore::<Group>(setting, &mut |figures| {
        if begin.elapsed().as_secs() >= shown + 10 {
            shown = begin.elapsed().as_secs();
            eprintln!("  {} states, depth {}, {shown} s", figures.states, figures.depth);
        }
    });
    let figures = &outcome.figures;
    println!("  {}", summary(figures, begin));
    if let Some(broken) = &outcome.broken {
        println!("  BROKEN {}", broken.why);
        for line in &broken.trace {
            println!("    {line}");
        }
    }
    if arguments.slowest {
        for line in &outcome.slowest {
            println!("    {line}");
        }
    }
    outcome.broken.is_none()
}

fn summary(figures: &Figures, begin: Instant) -> String {
    let took = begin.elapsed().as_secs_f64();
    let closed = if figures.is_closed() {
        "closed".to_owned()
    } else {
        format!("BOUNDED, {} states not explored", figures.left)
    };
    let kinds: Vec<String> =
        figures.kinds.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
    format!(
        "{} states, {} actions, depth {}, {closed}, {took:.1} s ({:.0} actions/s); {} states of \
         machines; {} agreed; at most {} datagrams in flight; agreed for good after {:.2} s at \
         most\n  {}",
        figures.states,
        figures.actions,
        figures.depth,
        figures.actions as f64 / took,
        figures.machines,
        figures.agreed,
        figures.in_flight,
        tick().as_secs_f64() * f64::from(figures.worst_ticks),
        kinds.join(", ")
    )
}

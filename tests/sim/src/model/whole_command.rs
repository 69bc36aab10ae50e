//! `hats-sim model --whole`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it is there to be read")]

use std::{process::ExitCode, time::Instant};

use super::whole::{Harmed, Story, Sum, Told, stories};

/// What is told.
pub(super) struct Order<'a> {
    /// Stories by name, or the beginning of a name; none: all.
    pub(super) names: &'a [String],
    pub(super) list: bool,
    pub(super) pairs: bool,
    /// Only these.
    pub(super) harm: &'a [Harmed],
    pub(super) seed: u64,
}

/// Carries it out.
pub(super) fn command(order: &Order<'_>) -> ExitCode {
    let wanted = |it: &Story| {
        order.names.is_empty() || order.names.iter().any(|name| it.name.starts_with(name.as_str()))
    };
    let chosen: Vec<Story> = stories().into_iter().filter(wanted).collect();
    if chosen.is_empty() {
        let names: Vec<&str> = stories().iter().map(|it| it.name).collect();
        eprintln!("no story is called so: expected {}", names.join(", "));
        return ExitCode::from(64);
    }
    let mut well = true;
    for story in chosen {
        if order.list {
            println!("{:<12} {}", story.name, story.about);
        } else if order.harm.is_empty() {
            well &= all(order, story);
        } else {
            let told = story.tell(order.seed, order.harm);
            println!(
                "{}: {} datagrams, well after {:?}",
                story.name, told.datagrams, told.well_after
            );
            well &= told.broken.is_none();
            show(&told);
        }
    }
    if well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn all(order: &Order<'_>, story: Story) -> bool {
    let begin = Instant::now();
    let mut shown = 0;
    let mut progress = |sum: &Sum| {
        if begin.elapsed().as_secs() >= shown + 10 {
            shown = begin.elapsed().as_secs();
            eprintln!("  {} times, {} broken, {shown} s", sum.told, sum.broken.0);
        }
    };
    let sum = if order.pairs {
        story.pairs(order.seed, &mut progress)
    } else {
        story.each(order.seed, &mut progress)
    };
    println!(
        "{}: {}; {} datagrams, told {} times in {:.1?}, {} broken; well after {:.3} s at most ({})",
        story.name,
        story.about,
        sum.datagrams,
        sum.told,
        begin.elapsed(),
        sum.broken.0,
        sum.slowest.0.as_secs_f64(),
        words(&sum.slowest.1)
    );
    if let Some((harmed, told)) = &sum.broken.1 {
        println!("  BROKEN with {}", words(harmed));
        show(told);
    }
    sum.broken.0 == 0
}

fn show(told: &Told) {
    for line in told.harmed.iter().chain(&told.broken) {
        println!("  {line}");
    }
}

fn words(harmed: &[Harmed]) -> String {
    if harmed.is_empty() {
        return "nothing harmed".to_owned();
    }
    harmed.iter().map(Harmed::to_string).collect::<Vec<_>>().join(" ")
}

//! What a member costs while nothing happens, in groups of any size.

use std::time::Duration;

use hats_core::config::Profile;

use super::{
    Axis, Experiment, Figure, Outcome, Plot, Progress, Request, Series, Wanted,
    swim::{Settings, Swarm},
    tally::Tally,
};
use crate::world::World;

/// See the module.
pub(super) static STEADY: Experiment = Experiment {
    name: "steady",
    about: "what a member costs while nothing happens, by the size of the group, beside SWIM",
    run,
};

/// The network interfaces of each node.
const NETWORKS: u8 = 2;
/// A cluster that takes longer to form has failed.
const FORMING_MAX: Duration = Duration::from_secs(120);
/// What is measured, in the order of [`Tally::rates`].
const WHAT: [&str; 5] =
    ["messages sent", "bytes sent", "messages received", "bytes received", "timers"];
/// Rates that grow by more than this with the size are not independent of it.
const GROWTH_MAX: f64 = 1.05;

/// Who is measured.
#[derive(Clone, Copy)]
enum Who {
    Hats(Profile),
    Swim,
}

fn run(request: &Request, progress: &mut Progress) -> Result<Outcome, String> {
    let sizes = match (request.nodes, request.quick) {
        (Some(nodes), _) => vec![nodes],
        (None, true) => vec![6, 12],
        (None, false) => vec![10, 100, 1_000, 2_000],
    };
    let (all, span) = if request.quick {
        (vec![Who::Hats(Profile::Default), Who::Swim], Duration::from_secs(8))
    } else {
        let hats = [Profile::Default, Profile::Wan].map(Who::Hats);
        (hats.into_iter().chain([Who::Swim]).collect(), Duration::from_secs(30))
    };
    let mut rates: Vec<Vec<[f64; 5]>> = Vec::new();
    for &who in &all {
        let mut by_size = Vec::new();
        for &size in &sizes {
            progress.at(|| format!("{}, {size} members", name(who)));
            by_size.push(measure(who, size, (request.seed, span), progress)?);
        }
        rates.push(by_size);
    }
    let mut outcome = STEADY.outcome(request);
    for (who, by_size) in all.iter().zip(&rates) {
        for (index, what) in WHAT.iter().enumerate() {
            for (number, size) in sizes.iter().enumerate() {
                let setting = format!("{}, {size} members", name(*who));
                let figure = Figure::new(*what, setting, by_size[number][index], "1/member/s");
                outcome.figures.push(match who {
                    Who::Hats(_) => {
                        let swim = rates[all.len() - 1][number][index];
                        figure.against(swim, "SWIM in this simulator", Wanted::Less)
                    }
                    Who::Swim => figure,
                });
            }
        }
        growth(&mut outcome, &name(*who), &sizes, by_size);
    }
    plots(&mut outcome, &all, &sizes, &rates);
    outcome.notes.push(format!(
        "hats: {NETWORKS} networks, so each member is {NETWORKS} adapters with all that a node \
         says over them; SWIM knows no adapters, each member is one. {} s; bytes include IPv4 and \
         UDP headers; a datagram to all is sent once and received by each",
        span.as_secs()
    ));
    Ok(outcome)
}

fn name(who: Who) -> String {
    match who {
        Who::Hats(profile) => format!("hats {}", profile.word()),
        Who::Swim => "SWIM".to_owned(),
    }
}

/// How much more a member costs in the largest group than in the smallest.
fn growth(outcome: &mut Outcome, who: &str, sizes: &[u32], rates: &[[f64; 5]]) {
    let (Some(small), Some(large)) = (rates.first(), rates.last()) else { return };
    if sizes.len() < 2 {
        return;
    }
    let setting = format!("{who}, {} to {} members", sizes[0], sizes[sizes.len() - 1]);
    for (index, what) in WHAT.iter().enumerate() {
        let ratio = large[index] / small[index];
        let figure = Figure::new(format!("growth of {what}"), &setting, ratio, "times");
        let source = "independent of the size, within a twentieth";
        outcome.figures.push(figure.against(GROWTH_MAX, source, Wanted::Less));
    }
}

fn plots(outcome: &mut Outcome, all: &[Who], sizes: &[u32], rates: &[Vec<[f64; 5]>]) {
    for index in [0, 1] {
        let mut plot = Plot::new(
            format!("steady-{}", WHAT[index].replace(' ', "-")),
            format!("A member while nothing happens: {}", WHAT[index]),
            Axis::logarithmic("members"),
            Axis::logarithmic("each second"),
        );
        for (who, by_size) in all.iter().zip(rates) {
            let points = sizes.iter().zip(by_size);
            let points = points.map(|(size, rates)| (f64::from(*size), rates[index])).collect();
            plot.series.push(Series::line(name(*who), points));
        }
        outcome.plots.push(plot);
    }
}

fn measure(
    who: Who,
    members: u32,
    how: (u64, Duration),
    progress: &mut Progress,
) -> Result<[f64; 5], String> {
    let tally = match who {
        Who::Swim => swim(members, how),
        Who::Hats(profile) => hats(members, profile, how, progress)?,
    };
    Ok(tally.rates(members as usize, how.1))
}

fn swim(members: u32, (seed, span): (u64, Duration)) -> Tally {
    let mut swarm = Swarm::new(members as usize, seed, &Settings::default());
    swarm.run_for(Duration::from_secs(10));
    let before = swarm.tally();
    swarm.run_for(span);
    swarm.tally().since(&before)
}

fn hats(
    members: u32,
    profile: Profile,
    (seed, span): (u64, Duration),
    progress: &mut Progress,
) -> Result<Tally, String> {
    let mut world = World::lan(members, NETWORKS).seed(seed).profile(profile).build();
    // Thousands of nodes say of thousands that they are up: nobody counts that.
    world.keeps = Some(Box::new(|_| false));
    let step = Duration::from_millis(100);
    while !world.run_until_or(World::formed, step)? {
        progress.at(|| format!("hats, {members} members, forming for {:?}", world.now()));
        if world.now() > FORMING_MAX {
            return Err(format!(
                "{members} nodes have not formed in {FORMING_MAX:?} (seed {seed})"
            ));
        }
    }
    // Past the time in which a group counts as unstable, and what follows it.
    let interval = profile.detection().heartbeat_interval;
    world.advance(interval * 20)?;
    let before = Tally::of_world(&world);
    for second in 0..span.as_secs() {
        progress.at(|| format!("hats {}, {members} members, {second} s", profile.word()));
        world.advance(Duration::from_secs(1))?;
    }
    Ok(Tally::of_world(&world).since(&before))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_costs_no_more_in_a_larger_group() {
        let request =
            Request { seed: 1, quick: true, nodes: None, grid: super::super::Grid::Small };
        let outcome = run(&request, &mut Progress::silent()).unwrap();
        let growth = |figure: &&Figure| figure.what.starts_with("growth of");
        let growing: Vec<&Figure> = outcome.figures.iter().filter(growth).collect();
        assert_eq!(growing.len(), 10);
        let grows = |figure: &&&Figure| figure.ours.unwrap() > 1.3;
        assert_eq!(growing.iter().find(grows), None);
    }
}

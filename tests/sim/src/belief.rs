//! What every node believes, for people who want to know why a run failed.

use std::fmt::Write as _;

use hats_core::{
    time::Timestamp,
    view::{AdapterState, NodeState, View},
};

use crate::{summary::Summary, world::World};

/// So many events are shown, newest last.
const EVENTS_SHOWN: usize = 40;

/// Beliefs of so many nodes are shown, the first ones.
const NODES_SHOWN: usize = 40;

/// `why`, then faults, beliefs and the latest events.
pub(crate) fn report(world: &World, why: &str) -> String {
    let mut text = format!("{why}\nat {} with seed {}\n", Timestamp(world.now), world.seed);
    for (at, what) in &world.truth.log {
        let _ = writeln!(text, "  done {} {what}", Timestamp(*at));
    }
    text.push_str("what they believe:\n");
    for host in 0..world.hosts.len().min(NODES_SHOWN) {
        let _ = writeln!(text, "  {}", belief(world, host));
    }
    if world.hosts.len() > NODES_SHOWN {
        let _ = writeln!(text, "  and {} more", world.hosts.len() - NODES_SHOWN);
    }
    let said = world.events();
    let _ = writeln!(text, "events, the latest of {}:", said.len());
    for said in &said[said.len().saturating_sub(EVENTS_SHOWN)..] {
        let at = Timestamp(said.at.as_nanos() as u64);
        let _ = writeln!(
            text,
            "  {at:>12} {:<5} ! {}",
            said.observer,
            Summary(world).event(&said.event)
        );
    }
    text
}

fn belief(world: &World, index: usize) -> String {
    let host = &world.hosts[index];
    let state = match (host.plain, host.up, host.asleep, &host.daemon) {
        (true, ..) => return format!("{:<5} plain host", host.name()),
        (_, false, ..) => return format!("{:<5} is off", host.name()),
        (_, _, _, None) => return format!("{:<5} runs no daemon", host.name()),
        (_, _, true, _) => "asleep",
        (.., Some(_)) => "runs",
    };
    let view = host.daemon.as_ref().map(|daemon| daemon.machine.view()).unwrap_or_default();
    let pending = world
        .pending(index)
        .map_or("no deadline".to_owned(), |(at, why)| format!("next {why} at {at}"));
    format!("{:<5} {state}: {} | {pending}", host.name(), view_in_words(world, &view))
}

fn view_in_words(world: &World, view: &View) -> String {
    let summary = Summary(world);
    let mut parts: Vec<String> = view
        .networks
        .iter()
        .map(|network| {
            format!(
                "{}{} {} [{}]{}",
                network.name,
                if network.local { "" } else { " (remote)" },
                network.group.map_or("no group".to_owned(), |group| summary.group(&group)),
                summary.names(&network.members),
                if network.stable { " stable" } else { "" },
            ) + &network.broken.map_or(String::new(), |how| format!(" {}", how.name()))
        })
        .collect();
    parts.extend(view.nodes.iter().filter(|node| node.state != NodeState::Up).map(|node| {
        format!("{} {:?} {}", node.name, node.state, node.cause.map_or("", |cause| cause.word()))
    }));
    let unwell = |state| state != AdapterState::Up;
    parts.extend(view.adapters.iter().filter(|adapter| unwell(adapter.state)).map(|adapter| {
        let cause = adapter.cause.map_or("", |cause| cause.word());
        format!("{}/{} {:?} {cause}", adapter.node, adapter.network, adapter.state)
    }));
    parts.extend(
        view.paths.iter().map(|path| format!("path {}-{} failed", path.nodes.0, path.nodes.1)),
    );
    parts.push(format!("{} nodes, {} adapters", view.nodes.len(), view.adapters.len()));
    parts.join(" | ")
}

//! No verdict claims more than the observations allow.

use std::net::IpAddr;

use hats_core::{
    diagnose::REFERENCE,
    event::{Event, EventKind},
};
use hats_wire::{Observation, Verdict, VerdictKind};

use super::{
    Checker, News,
    scene::{Scene, evidence},
};
use crate::{
    host::Port,
    record::Said,
    summary::{Summary, observations},
    truth::{Moment, Passage},
    world::World,
};

/// Whoever decides a verdict has what it takes.
///
/// - A third voice (an arbiter, the judge itself, a reference target) that could
///   speak: two nodes alone can tell nothing of each other.
/// - Evidence that fits, read here without the protocol's own table: nobody has
///   met what failed, and others have met each other; an ICMP echo says that a
///   host lives, one that has met both parties that it is their path.
/// - Of a partition, the true sides: adapters that exchange datagrams all the
///   time are in one set, and one set at least has nobody of another part.
#[derive(Debug, Default)]
pub(crate) struct NoClaimTooLarge;

impl Checker for NoClaimTooLarge {
    fn name(&self) -> &'static str {
        "no verdict claims more than was observed"
    }

    fn check(&mut self, world: &World, news: &News<'_>) -> Result<(), String> {
        for said in news.said.iter().filter(|said| said.event.authority) {
            let Some(id) = &said.event.verdict_id else { continue };
            if let Some(why) = objection(world, said, id) {
                let event = Summary(world).event(&said.event);
                return Err(format!("{} says {event}: but {why}", said.observer));
            }
        }
        Ok(())
    }
}

fn objection(world: &World, said: &Said, id: &str) -> Option<String> {
    let observer = world.host_named(&said.observer);
    let daemon = world.hosts[observer].daemon.as_ref()?;
    let Some(verdict) = daemon.machine.verdict_in_force(id) else {
        return Some(format!("there is no verdict {id}"));
    };
    let parties = (observer, observer, world.names.get(&verdict.culprit.node).copied());
    let scene = Scene::new(world, said.at, evidence, parties);
    (!fits(&said.event, verdict.kind))
        .then(|| format!("its verdict is of a {:?}", verdict.kind))
        .or_else(|| voice(&scene, verdict))
        .or_else(|| observed(verdict))
        .or_else(|| sides(&scene, &said.event))
        .map(|why| {
            format!(
                "{why}; reporter {}, evidence {}",
                verdict.reporter.node,
                observations(&verdict.observations)
            )
        })
}

/// Whether such an event may come from such a verdict.
fn fits(event: &Event, kind: VerdictKind) -> bool {
    let wanted = match kind {
        VerdictKind::Adapter => EventKind::AdapterDown,
        VerdictKind::Path => EventKind::PathFailed,
        VerdictKind::Node => EventKind::NodeDown,
        VerdictKind::Daemon => EventKind::DaemonDown,
        VerdictKind::Partition => EventKind::NetworkPartitioned,
        VerdictKind::Network => EventKind::NetworkFailed,
        VerdictKind::Inconclusive => EventKind::AdapterInconclusive,
    };
    // A node goes down with its adapters.
    let with_it = matches!(kind, VerdictKind::Node | VerdictKind::Daemon);
    event.kind == wanted || (with_it && event.kind == EventKind::AdapterDown)
}

/// What is missing of a third voice.
fn voice(scene: &Scene<'_>, verdict: &Verdict) -> Option<String> {
    let needed = match verdict.kind {
        // Its own node said it.
        VerdictKind::Adapter => !verdict.cause.is_some_and(|cause| cause.is_fact()),
        VerdictKind::Node | VerdictKind::Path | VerdictKind::Partition | VerdictKind::Network => {
            true
        }
        // An echo of its host is a voice.
        VerdictKind::Daemon | VerdictKind::Inconclusive => false,
    };
    let world = scene.world;
    let network = world.networks.iter().position(|it| it.spec.name == verdict.network)?;
    if !needed || !world.networks[network].spec.reference_targets.is_empty() {
        return None;
    }
    let parties = [&verdict.reporter.node, &verdict.suspect.node];
    let judge = world.hosts[scene.judge()].name().to_owned();
    let mut asked: Vec<String> = verdict.arbiters.clone();
    asked.push(judge);
    asked.retain(|name| !parties.contains(&name));
    let voices: Vec<usize> =
        asked.iter().filter_map(|name| world.names.get(name).copied()).collect();
    // Not kept yet: who has met anybody at all is believed that another is gone.
    let here = |it: &&Observation| it.network == verdict.network && it.received > 0;
    if !world.strict && verdict.observations.iter().any(|it| here(&it)) {
        return None;
    }
    let spoke = |moment: &Moment<'_>| voices.iter().any(|host| moment.is_live(*host));
    (!scene.ever(spoke)).then(|| format!("of [{}] nobody could have a say", asked.join(" ")))
}

/// What in the evidence does not allow it.
pub(super) fn observed(verdict: &Verdict) -> Option<String> {
    let here = |it: &&Observation| it.network == verdict.network;
    let all = &verdict.observations;
    let met = |one: IpAddr, other: IpAddr| {
        all.iter().filter(here).any(|it| {
            (it.received > 0 || (it.target == REFERENCE && it.icmp == Some(true)))
                && ((it.prober_address == one && it.target_address == other)
                    || (it.prober_address == other && it.target_address == one))
        })
    };
    let (reporter, suspect) = (verdict.reporter.address, verdict.suspect.address);
    let others: Vec<IpAddr> = all
        .iter()
        .filter(here)
        .flat_map(|it| [it.prober_address, it.target_address])
        .filter(|address| *address != reporter && *address != suspect)
        .collect();
    let culprit = verdict.culprit.address;
    let innocent = if culprit == reporter { suspect } else { reporter };
    let met_each_other = others.iter().any(|one| others.iter().any(|other| met(*one, *other)));
    let fact = verdict.cause.is_some_and(|cause| cause.is_fact());
    // Who reaches no reference target takes itself for the sick one.
    let in_vain = culprit == reporter
        && all.iter().filter(here).any(|it| {
            it.target == REFERENCE && it.prober_address == reporter && it.icmp == Some(false)
        });
    let wrong = match verdict.kind {
        VerdictKind::Adapter if !fact => {
            met(culprit, innocent)
                || others.iter().any(|other| met(*other, culprit))
                || !(others.iter().any(|other| met(*other, innocent)) || met_each_other || in_vain)
        }
        VerdictKind::Node => all.iter().any(|it| {
            it.target == verdict.culprit.node && (it.received > 0 || it.icmp == Some(true))
        }),
        // A host or a NIM answers for it, and it says nothing itself.
        VerdictKind::Daemon => {
            let of = || all.iter().filter(|it| it.target == verdict.culprit.node);
            !of().any(|it| it.stalled || it.icmp == Some(true))
                || of().any(|it| it.elsewhere == Some(true))
        }
        VerdictKind::Path => {
            met(reporter, suspect)
                || !others.iter().any(|other| met(*other, reporter) && met(*other, suspect))
        }
        VerdictKind::Partition => {
            met(reporter, suspect)
                || others.iter().any(|other| met(*other, reporter) && met(*other, suspect))
        }
        VerdictKind::Network => all.iter().filter(here).any(|it| it.received > 0),
        VerdictKind::Adapter | VerdictKind::Inconclusive => false,
    };
    wrong.then(|| "the evidence says something else".to_owned())
}

/// Which of the named sets are not the true sides.
fn sides(scene: &Scene<'_>, event: &Event) -> Option<String> {
    if event.kind != EventKind::NetworkPartitioned {
        return None;
    }
    let world = scene.world;
    let network =
        world.networks.iter().position(|it| Some(&it.spec.name) == event.network.as_ref())?;
    let port = |name: &str| {
        let host = *world.names.get(name)?;
        let adapters = &world.hosts[host].adapters;
        let adapter = adapters.iter().position(|it| it.network == network && !it.replaced)?;
        Some(Port { host, adapter })
    };
    let sets: Vec<Vec<Port>> =
        event.sets.iter().map(|set| set.split(',').filter_map(port).collect()).collect();
    if sets.len() < 2 || sets.iter().any(Vec::is_empty) {
        return Some("it names no two sets".to_owned());
    }
    for (at, one) in sets.iter().enumerate() {
        for (a, b) in one.iter().flat_map(|a| sets[at + 1..].iter().flatten().map(move |b| (a, b)))
        {
            if !scene.ever(|moment| !moment.exchange(*a, *b) || !moment.is_live(a.host)) {
                let (a, b) = (world.port_name(*a), world.port_name(*b));
                return Some(format!("{a} and {b} exchanged all the time"));
            }
        }
    }
    let apart = |a: &Port, b: &Port| {
        let met = |moment: &Moment<'_>| {
            !moment.is_live(a.host)
                || !moment.is_live(b.host)
                || moment.passage(*a, *b) != Passage::No
                || moment.passage(*b, *a) != Passage::No
        };
        !scene.ever(met)
    };
    let mixed = |set: &Vec<Port>| set.iter().any(|a| set.iter().any(|b| a != b && apart(a, b)));
    sets.iter().all(mixed).then(|| "each set has members of both sides".to_owned())
}

//! Each checker objects to what it is there for, and to nothing else.

use std::{net::IpAddr, rc::Rc, time::Duration};

use hats_core::{
    event::{Event, EventKind},
    io::Effect,
};
use hats_wire::{Cause, GroupId, link::Command};

use super::*;
use crate::{host::Port, tamper::Tamper};

type SpoilEffects = fn(&World, usize, &mut Vec<Effect>);
type SpoilAdoption = fn(&World, &mut Adoption) -> bool;

/// One way to break a machine or to corrupt a record.
struct Mutation {
    /// What is broken.
    name: &'static str,
    /// The checker that must object.
    caught_by: &'static str,
    effects: Option<SpoilEffects>,
    adoption: Option<SpoilAdoption>,
    story: fn(&mut World) -> Result<(), String>,
}

struct Broken(Option<SpoilEffects>, Option<SpoilAdoption>);

impl Tamper for Broken {
    fn effects(&mut self, world: &World, host: usize, effects: &mut Vec<Effect>) {
        if let Some(spoil) = self.0 {
            spoil(world, host, effects);
        }
    }

    fn adoption(&mut self, world: &World, adoption: &mut Adoption) -> bool {
        self.1.is_none_or(|spoil| spoil(world, adoption))
    }
}

const fn output(
    name: &'static str,
    caught_by: &'static str,
    effects: SpoilEffects,
    story: fn(&mut World) -> Result<(), String>,
) -> Mutation {
    Mutation { name, caught_by, effects: Some(effects), adoption: None, story }
}

const fn record(
    name: &'static str,
    caught_by: &'static str,
    adoption: SpoilAdoption,
    story: fn(&mut World) -> Result<(), String>,
) -> Mutation {
    Mutation { name, caught_by, effects: None, adoption: Some(adoption), story }
}

/// At least one for each checker.
const MUTATIONS: &[Mutation] = &[
    record(
        "one member swaps two others",
        "one membership per group instance",
        |world, adoption| {
            if is(world, adoption.port, "n1") && adoption.members.len() == 5 {
                let mut members = adoption.members.to_vec();
                members.swap(1, 2);
                adoption.members = members.into();
            }
            true
        },
        forms,
    ),
    record(
        "one member is not on its own list",
        "one membership per group instance",
        |world, adoption| {
            if is(world, adoption.port, "n2") && adoption.members.len() > 1 {
                let own = world.adapter(adoption.port).address;
                adoption.members = adoption.members.iter().copied().filter(|a| *a != own).collect();
            }
            true
        },
        forms,
    ),
    record(
        "the two lowest follow the third under the same number",
        "one leader per network and instance",
        |world, adoption| {
            let low = is(world, adoption.port, "n1") || is(world, adoption.port, "n2");
            if low && adoption.members.len() == 5 {
                adoption.members = Rc::from(&adoption.members[..3]);
                adoption.group.leader = adoption.members[2];
            }
            true
        },
        forms,
    ),
    output(
        "n2 announces the lowest as successor",
        "leader and successor are the two highest",
        |world, host, effects| {
            for event in events(world, host, "n2", effects) {
                if event.kind == EventKind::NetworkLeader {
                    event.successor = Some(("n1".to_owned(), address(1)));
                }
            }
        },
        forms,
    ),
    output(
        "n2 counts one member too many",
        "leader and successor are the two highest",
        |world, host, effects| {
            for event in events(world, host, "n2", effects) {
                event.members = event.members.map(|count| count + 1);
            }
        },
        forms,
    ),
    record(
        "an adapter goes back to a lower instance",
        "instances and incarnations only grow",
        |world, adoption| {
            if is(world, adoption.port, "n4") && adoption.members.len() == 4 {
                adoption.group.instance -= 100;
            }
            true
        },
        one_crashes,
    ),
    output(
        "a NIM is told of a group of the past",
        "instances and incarnations only grow",
        |world, host, effects| {
            for effect in effects.iter_mut().filter(|_| world.hosts[host].name() == "n4") {
                if let Effect::Nim { command: Command::Watch { group, .. }, .. } = effect
                    && world.now > 2_000_000_000
                {
                    group.instance = 1;
                }
            }
        },
        one_crashes,
    ),
    output(
        "a node announces an old run",
        "instances and incarnations only grow",
        |world, host, effects| {
            for event in events(world, host, "n2", effects) {
                let up = event.kind == EventKind::NodeUp && world.now > 2_000_000_000;
                event.incarnation = event.incarnation.map(|run| if up { 1 } else { run });
            }
        },
        one_restarts,
    ),
    output(
        "a member feeds the wrong neighbour",
        "the ring is one cycle over the members",
        |world, host, effects| {
            for effect in effects.iter_mut().filter(|_| world.hosts[host].name() == "n3") {
                if let Effect::Nim { command: Command::Watch { feed, .. }, .. } = effect
                    && feed.len() == 2
                {
                    feed[0] = address(5);
                }
            }
        },
        forms,
    ),
    output(
        "a member watches nobody",
        "the ring is one cycle over the members",
        |world, host, effects| {
            for effect in effects.iter_mut().filter(|_| world.hosts[host].name() == "n3") {
                if let Effect::Nim { command: Command::Watch { expect, .. }, .. } = effect {
                    expect.clear();
                }
            }
        },
        forms,
    ),
    record(
        "who was removed does not notice",
        "symmetric leave before re-join",
        |world, adoption| !(is(world, adoption.port, "n3") && adoption.members.len() == 1),
        one_is_cut_and_healed,
    ),
    output(
        "a healthy adapter is said to have failed",
        "nothing healthy is blamed",
        |world, host, effects| {
            for event in events(world, host, "n1", effects) {
                if event.kind == EventKind::AdapterDown {
                    event.node = Some("n2".to_owned());
                }
            }
        },
        one_is_cut_and_healed,
    ),
    output(
        "every observer has the authority",
        "one authority per verdict",
        |_, _, effects| {
            for effect in effects {
                if let Effect::Publish(event) = effect {
                    event.authority = true;
                }
            }
        },
        one_is_cut_and_healed,
    ),
    output(
        "a verdict is told twice",
        "nothing is told twice",
        |_, _, effects| {
            let down = effects.iter().find(|effect| {
                matches!(effect, Effect::Publish(event) if event.kind == EventKind::AdapterDown)
            });
            effects.extend(down.cloned());
        },
        one_is_cut_and_healed,
    ),
    output(
        "no adapter is told to be up",
        "events replay to the view",
        |_, _, effects| swallow(effects, EventKind::AdapterUp),
        forms,
    ),
    output(
        "no node is told to be down",
        "events replay to the view",
        |_, _, effects| swallow(effects, EventKind::NodeDown),
        one_crashes,
    ),
    output(
        "no failed path is told",
        "events replay to the view",
        |_, _, effects| swallow(effects, EventKind::PathFailed),
        a_path_fails,
    ),
];

fn is(world: &World, port: Port, name: &str) -> bool {
    world.hosts[port.host].name() == name
}

/// The address of `n<last>`.
fn address(last: u8) -> IpAddr {
    IpAddr::from([10, 77, 1, last])
}

/// The events among what `node` wants, if that is the node of `host`.
fn events<'a>(
    world: &World,
    host: usize,
    node: &str,
    effects: &'a mut [Effect],
) -> impl Iterator<Item = &'a mut Event> {
    let this = world.hosts[host].name() == node;
    effects.iter_mut().filter_map(move |effect| match effect {
        Effect::Publish(event) => this.then_some(event),
        Effect::Nim { .. } | Effect::Left => None,
    })
}

fn swallow(effects: &mut Vec<Effect>, kind: EventKind) {
    effects.retain(|effect| !matches!(effect, Effect::Publish(event) if event.kind == kind));
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Five nodes on one network, 10.77.1.1 to 10.77.1.5, form a group.
fn forms(world: &mut World) -> Result<(), String> {
    world.advance(seconds(2))
}

fn one_crashes(world: &mut World) -> Result<(), String> {
    forms(world)?;
    world.crash("n5");
    world.advance(seconds(3))
}

fn one_restarts(world: &mut World) -> Result<(), String> {
    forms(world)?;
    world.kill_daemon("n3");
    world.advance(seconds(3))?;
    world.restart("n3");
    world.advance(seconds(3))
}

fn one_is_cut_and_healed(world: &mut World) -> Result<(), String> {
    forms(world)?;
    world.cut("n3", "neta");
    world.advance(seconds(3))?;
    world.heal("n3", "neta");
    world.advance(seconds(3))
}

fn a_path_fails(world: &mut World) -> Result<(), String> {
    forms(world)?;
    world.path("n2", "n4", "neta", crate::Way::Both);
    world.advance(seconds(5))
}

/// The story, told to these checkers, with machines that may be broken.
fn tell(
    checkers: Vec<Box<dyn Checker>>,
    tamper: Option<Box<dyn Tamper>>,
    story: fn(&mut World) -> Result<(), String>,
) -> Result<(), String> {
    let mut world = World::lan(5, 1).seed(5).build();
    world.checkers = checkers;
    world.tamper = tamper;
    story(&mut world)
}

#[test]
fn every_checker_catches_its_mutation() {
    let mut missed: Vec<String> = Vec::new();
    for mutation in MUTATIONS {
        let mut checkers = every();
        checkers.retain(|checker| checker.name() == mutation.caught_by);
        assert_eq!(checkers.len(), 1, "{}: no such checker", mutation.name);
        let tamper = Box::new(Broken(mutation.effects, mutation.adoption));
        match tell(checkers, Some(tamper), mutation.story) {
            Err(why) if why.starts_with(mutation.caught_by) => {}
            other => missed.push(format!("{}: {other:?}", mutation.name)),
        }
    }
    let caught = |checker: &dyn Checker| MUTATIONS.iter().any(|it| it.caught_by == checker.name());
    let bare = every().into_iter().filter(|checker| !caught(checker.as_ref()));
    missed.extend(bare.map(|checker| format!("{} has no mutation", checker.name())));
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn no_checker_objects_to_sound_machines() {
    for story in [forms, one_crashes, one_restarts, one_is_cut_and_healed, a_path_fails] {
        assert_eq!(tell(every(), None, story), Ok(()));
    }
}

fn world() -> World {
    World::lan(3, 1).build()
}

fn say(
    world: &mut World,
    kind: EventKind,
    node: &str,
    peer: Option<&str>,
    cause: Cause,
) -> Result<(), String> {
    let event = Event {
        node: Some(node.to_owned()),
        peer_node: peer.map(str::to_owned),
        network: Some("neta".to_owned()),
        cause: Some(cause),
        ..Event::new(kind, String::new())
    };
    world.records.said(Said { at: Duration::ZERO, observer: "n1".to_owned(), run: 1, event });
    world.checkers.retain(|checker| checker.name() == NOTHING_HEALTHY_IS_BLAMED);
    world.check()
}

#[test]
fn blame_of_a_healthy_adapter_is_caught() {
    let mut world = world();
    world.cut("n3", "neta");
    assert_eq!(say(&mut world, EventKind::AdapterDown, "n3", None, Cause::Both), Ok(()));
    assert!(say(&mut world, EventKind::AdapterDown, "n2", None, Cause::Both).is_err());
}

#[test]
fn blame_of_a_healthy_path_is_caught_even_between_faulty_adapters() {
    let mut world = world();
    world.cut("n3", "neta");
    assert!(say(&mut world, EventKind::PathFailed, "n2", Some("n3"), Cause::Both).is_err());
}

#[test]
fn a_node_out_of_sight_may_be_unreachable_and_no_more() {
    let mut world = world();
    world.cut("n3", "neta");
    assert_eq!(say(&mut world, EventKind::NodeDown, "n3", None, Cause::Unreachable), Ok(()));
    assert!(say(&mut world, EventKind::NodeDown, "n3", None, Cause::NodeDown).is_err());
}

#[test]
fn a_killed_daemon_and_a_live_one_are_told_apart() {
    let mut world = world();
    world.kill_daemon("n3");
    assert_eq!(say(&mut world, EventKind::DaemonDown, "n3", None, Cause::DaemonDown), Ok(()));
    assert!(say(&mut world, EventKind::DaemonDown, "n2", None, Cause::DaemonDown).is_err());
}

#[test]
fn a_new_membership_under_an_old_number_is_caught() {
    let mut world = world();
    world.checkers.retain(|checker| checker.name() == "instances and incarnations only grow");
    let mut adopt = |instance: u64, members: &[u8]| {
        let members: Rc<[IpAddr]> = members.iter().map(|last| address(*last)).collect();
        let leader = *members.last().expect("a group has members");
        let (port, group) = (Port { host: 0, adapter: 0 }, GroupId { instance, leader });
        world.records.adopted(Adoption { at: Duration::ZERO, port, run: 1, group, members });
        world.check()
    };
    assert_eq!(adopt(4, &[1, 2]), Ok(()));
    assert_eq!(adopt(5, &[1, 2, 3]), Ok(()));
    assert!(adopt(5, &[1, 2]).is_err());
}

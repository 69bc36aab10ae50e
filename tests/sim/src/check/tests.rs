//! Each checker objects to what it is there for, and to nothing else.

use std::{net::IpAddr, rc::Rc, time::Duration};

use hats_core::{
    event::{Event, EventKind},
    io::Effect,
    sizes::Size,
};
use hats_wire::{Cause, GroupId, link::Command};

use super::*;
use crate::{host::Port, tamper::Tamper};

type SpoilEffects = fn(&World, usize, &mut Vec<Effect>);
type SpoilAdoption = fn(&World, &mut Adoption) -> bool;
type SpoilSize = fn(&World, Process, &mut Size);

/// One way to break a machine or to corrupt a record.
struct Mutation {
    /// What is broken.
    name: &'static str,
    /// The checker that must object.
    caught_by: &'static str,
    effects: Option<SpoilEffects>,
    adoption: Option<SpoilAdoption>,
    size: Option<SpoilSize>,
    story: fn(&mut World) -> Result<(), String>,
}

struct Broken(Option<SpoilEffects>, Option<SpoilAdoption>, Option<SpoilSize>);

impl Tamper for Broken {
    fn effects(&mut self, world: &World, host: usize, effects: &mut Vec<Effect>) {
        if let Some(spoil) = self.0 {
            spoil(world, host, effects);
        }
    }

    fn adoption(&mut self, world: &World, adoption: &mut Adoption) -> bool {
        self.1.is_none_or(|spoil| spoil(world, adoption))
    }

    fn size(&self, world: &World, of: Process, size: &mut Size) {
        if let Some(spoil) = self.2 {
            spoil(world, of, size);
        }
    }
}

const fn output(
    name: &'static str,
    caught_by: &'static str,
    effects: SpoilEffects,
    story: fn(&mut World) -> Result<(), String>,
) -> Mutation {
    Mutation { name, caught_by, effects: Some(effects), adoption: None, size: None, story }
}

const fn record(
    name: &'static str,
    caught_by: &'static str,
    adoption: SpoilAdoption,
    story: fn(&mut World) -> Result<(), String>,
) -> Mutation {
    Mutation { name, caught_by, effects: None, adoption: Some(adoption), size: None, story }
}

/// It always goes together with a story in which nothing happens.
const fn table(name: &'static str, size: SpoilSize) -> Mutation {
    let caught_by = "everything keeps within its bound";
    Mutation { name, caught_by, effects: None, adoption: None, size: Some(size), story: forms }
}

/// At least one for each checker.
const MUTATIONS: &[Mutation] = &[
    table("n2 forgets none of its probes of paths", |world, of, size| {
        if of == Process::Daemon(world.host_named("n2")) && size.of == "probes of paths" {
            // One each millisecond.
            size.len += usize::try_from(world.now / 1_000_000).unwrap_or(usize::MAX);
        }
    }),
    table("n2 has effects that its shell never gets", |world, of, size| {
        if of == Process::Daemon(world.host_named("n2")) && size.of == "effects" {
            size.len = 1;
        }
    }),
    table("n4 knows an adapter that nobody ever had", |world, of, size| {
        if of == Process::Daemon(world.host_named("n4")) && size.of == "known adapters" {
            size.len = size.len * 11 / 10;
        }
    }),
    table("a NIM goes on watching its former neighbours", |world, of, size| {
        if of == Process::Nim(world.port_named("n3", "neta")) && size.of == "neighbours watched" {
            size.len *= 6;
        }
    }),
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
        "a node that crashed is told to be up",
        "nothing healthy is blamed",
        |world, host, effects| {
            for event in events(world, host, "n1", effects) {
                if event.kind == EventKind::AdapterUp && world.now > 5_000_000_000 {
                    event.node = Some("n5".to_owned());
                    event.addr = Some(address(5));
                }
            }
        },
        one_crashes_and_one_returns,
    ),
    output(
        "a leader says more than its verdict",
        "no verdict claims more than was observed",
        |_, _, effects| {
            for effect in effects {
                if let Effect::Publish(event) = effect
                    && event.kind == EventKind::AdapterDown
                {
                    event.kind = EventKind::NodeDown;
                }
            }
        },
        one_is_cut_and_healed,
    ),
    output(
        "a partition is told with one name on the wrong side",
        "no verdict claims more than was observed",
        |_, _, effects| {
            for effect in effects {
                if let Effect::Publish(event) = effect
                    && event.kind == EventKind::NetworkPartitioned
                {
                    event.sets = vec!["n1,n2,n4".to_owned(), "n3,n5".to_owned()];
                }
            }
        },
        a_network_falls_in_two,
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
        Effect::Nim { .. } | Effect::EndNim { .. } | Effect::Left => None,
    })
}

fn swallow(effects: &mut Vec<Effect>, kind: EventKind) {
    effects.retain(|effect| !matches!(effect, Effect::Publish(event) if event.kind == kind));
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Five nodes form groups on two networks; on neta they have 10.77.1.1 to
/// 10.77.1.5.
fn forms(world: &mut World) -> Result<(), String> {
    world.advance(seconds(2))
}

fn one_crashes(world: &mut World) -> Result<(), String> {
    forms(world)?;
    world.crash("n5");
    world.advance(seconds(3))
}

fn one_crashes_and_one_returns(world: &mut World) -> Result<(), String> {
    one_restarts(world)?;
    world.crash("n5");
    world.kill_daemon("n3");
    world.advance(seconds(5))?;
    world.restart("n3");
    world.advance(seconds(3))
}

fn a_network_falls_in_two(world: &mut World) -> Result<(), String> {
    forms(world)?;
    world.partition("neta", &[&["n1", "n2"], &["n3", "n4", "n5"]]);
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
    let mut world = World::lan(5, 2).seed(5).build();
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
        let tamper = Box::new(Broken(mutation.effects, mutation.adoption, mutation.size));
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
    let stories = [
        forms,
        one_crashes_and_one_returns,
        one_is_cut_and_healed,
        a_path_fails,
        a_network_falls_in_two,
    ];
    for story in stories {
        assert_eq!(tell(all(false), None, story), Ok(()));
    }
}

/// Three nodes that have been well for longer than anything is remembered.
fn world() -> World {
    let mut world = World::lan(3, 1).build();
    world.advance(seconds(8)).expect("a sound world breaks no rule");
    world.checkers.retain(|checker| checker.name() == NOTHING_HEALTHY_IS_BLAMED);
    world
}

/// n1 says so; what the checker makes of it.
fn say(world: &mut World, kind: EventKind, about: &str, other: &[&str], cause: Cause) -> bool {
    let event = Event {
        node: Some(about.to_owned()),
        peer_node: other.first().map(|peer| (*peer).to_owned()),
        network: Some("neta".to_owned()),
        cause: Some(cause),
        incarnation: Some(crate::faults::START_MS),
        ..Event::new(kind, String::new())
    };
    let at = world.now();
    world.records.said(Said { at, observer: "n1".to_owned(), run: 1, event });
    world.check().is_ok()
}

#[test]
fn blame_of_a_healthy_adapter_is_caught() {
    let mut world = world();
    world.cut("n3", "neta");
    assert!(say(&mut world, EventKind::AdapterDown, "n3", &[], Cause::Both));
    assert!(!say(&mut world, EventKind::AdapterDown, "n2", &[], Cause::Both));
}

#[test]
fn the_wrong_cause_and_the_wrong_direction_are_caught() {
    let mut world = world();
    world.deaf("n3", "neta");
    assert!(say(&mut world, EventKind::AdapterDown, "n3", &[], Cause::Receive));
    assert!(!say(&mut world, EventKind::AdapterDown, "n3", &[], Cause::Transmit));
    assert!(!say(&mut world, EventKind::AdapterDown, "n3", &[], Cause::LinkDown));
}

#[test]
fn blame_of_a_healthy_path_is_caught_even_between_faulty_adapters() {
    let mut world = world();
    world.cut("n3", "neta");
    assert!(!say(&mut world, EventKind::PathFailed, "n2", &["n3"], Cause::Both));
    world.path("n2", "n3", "neta", crate::Way::There);
    assert!(say(&mut world, EventKind::PathFailed, "n2", &["n3"], Cause::Both));
}

#[test]
fn blame_for_what_is_long_over_is_caught() {
    let mut world = world();
    world.cut("n3", "neta");
    world.advance(seconds(2)).expect("one rule is watched");
    world.heal("n3", "neta");
    world.advance(seconds(2)).expect("one rule is watched");
    assert!(say(&mut world, EventKind::AdapterDown, "n3", &[], Cause::Both));
    world.advance(seconds(4)).expect("one rule is watched");
    assert!(!say(&mut world, EventKind::AdapterDown, "n3", &[], Cause::Both));
}

#[test]
fn a_killed_daemon_and_a_live_one_are_told_apart() {
    let mut world = world();
    world.kill_daemon("n3");
    assert!(say(&mut world, EventKind::DaemonDown, "n3", &[], Cause::DaemonDown));
    assert!(!say(&mut world, EventKind::DaemonDown, "n2", &[], Cause::DaemonDown));
}

#[test]
fn what_is_dead_is_not_up() {
    let mut world = world();
    world.crash("n3");
    world.advance(seconds(8)).expect("one rule is watched");
    assert!(!say(&mut world, EventKind::NodeUp, "n3", &[], Cause::Both));
    assert!(!say(&mut world, EventKind::AdapterUp, "n3", &[], Cause::Both));
    assert!(say(&mut world, EventKind::NodeUp, "n2", &[], Cause::Both));
}

/// The verdict that the leader decides when n3 is cut.
fn verdict() -> hats_wire::Verdict {
    let mut world = World::lan(5, 2).seed(5).build();
    one_is_cut_and_healed(&mut world).expect("a sound world breaks no rule");
    let verdicts = world.view("n5").expect("it runs").verdicts;
    let of_adapter = |it: &hats_wire::Verdict| it.kind == hats_wire::VerdictKind::Adapter;
    let mut verdicts = verdicts.into_iter().map(|shown| shown.verdict);
    verdicts.find(of_adapter).expect("n3 was judged")
}

#[test]
fn evidence_that_does_not_fit_is_caught() {
    use hats_wire::VerdictKind::{Daemon, Node, Partition, Path};
    let sound = verdict();
    assert_eq!(claims::observed(&sound), None);
    let mut met = sound.clone();
    let arbiter = |it: &&mut hats_wire::Observation| {
        !it.prober_is_reporter && it.target_address == sound.culprit.address
    };
    met.observations.iter_mut().find(arbiter).expect("n3 was probed").received = 1;
    assert!(claims::observed(&met).is_some(), "somebody has met the culprit");
    let mut none = sound.clone();
    none.observations.iter_mut().for_each(|it| it.received = 0);
    assert!(claims::observed(&none).is_some(), "nobody has met anybody");
    for kind in [Path, Daemon] {
        let other = hats_wire::Verdict { kind, ..sound.clone() };
        assert!(claims::observed(&other).is_some(), "{kind:?}");
    }
    let mut alive = hats_wire::Verdict { kind: Node, ..sound.clone() };
    alive.observations[0].target.clone_from(&sound.culprit.node);
    alive.observations[0].icmp = Some(true);
    assert!(claims::observed(&alive).is_some(), "its host answers echoes");
    let mut both = hats_wire::Verdict { kind: Partition, ..sound.clone() };
    both.observations.iter_mut().for_each(|it| it.received = 3);
    assert!(claims::observed(&both).is_some(), "there are no two sides");
}

#[test]
fn a_new_membership_under_an_old_number_is_caught() {
    let mut world = World::lan(3, 1).build();
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

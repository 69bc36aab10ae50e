//! What is really published carries what the catalogue says.

use std::{collections::BTreeSet, time::Duration};

use hats_core::event::{Event, EventKind};
use hats_sim::{Conditions, Way, World};

use hats_catalogue::Entry;

use super::catalogue;

/// The fields that are set, but for those of every event.
fn carried(event: &Event) -> BTreeSet<&'static str> {
    let leader = event.leader.is_some();
    let successor = event.successor.is_some();
    let fields = [
        ("node", event.node.is_some()),
        ("network", event.network.is_some()),
        ("adapter", event.adapter.is_some()),
        ("addr", event.addr.is_some()),
        ("cause", event.cause.is_some()),
        ("confidence", event.confidence.is_some()),
        ("verdict_id", event.verdict_id.is_some()),
        ("reporter", event.reporter.is_some()),
        ("arbiters", !event.arbiters.is_empty()),
        ("peer_node", event.peer_node.is_some()),
        ("peer_adapter", event.peer_adapter.is_some()),
        ("peer_addr", event.peer_addr.is_some()),
        ("peer_network", event.peer_network.is_some()),
        ("mac", event.mac.is_some()),
        ("peer_mac", event.peer_mac.is_some()),
        ("loss_in", event.loss_in.is_some()),
        ("loss_out", event.loss_out.is_some()),
        ("mtu", event.mtu.is_some()),
        ("direction", event.direction.is_some()),
        ("leader", leader),
        ("leader_addr", leader),
        ("successor", successor),
        ("successor_addr", successor),
        ("members", event.members.is_some()),
        ("instance", event.instance.is_some()),
        ("sets", !event.sets.is_empty()),
        ("clears", event.clears.is_some()),
        ("missing", event.missing.is_some()),
        ("hint", event.hint.is_some()),
        ("late_ms", event.late_ms.is_some()),
        ("count", event.count.is_some()),
        ("pid", event.pid.is_some()),
        ("incarnation", event.incarnation.is_some()),
        ("version", event.version.is_some()),
    ];
    fields.into_iter().filter(|(_, set)| *set).map(|(name, _)| name).collect()
}

/// What is wrong with an event by its entry.
fn wrong(entry: &Entry, event: &Event) -> Option<String> {
    let carried = carried(event);
    let listed: BTreeSet<&str> =
        entry.fields.iter().map(|field| field.trim_end_matches('?')).collect();
    if let Some(field) = carried.iter().find(|field| !listed.contains(*field)) {
        return Some(format!("carries {field}, which is not in the catalogue"));
    }
    // An arbitration that asked nobody has no arbiters.
    let always = entry.fields.iter().filter(|field| !field.ends_with('?') && *field != "arbiters");
    for field in always {
        if !carried.contains(field.as_str()) {
            return Some(format!("lacks {field}"));
        }
    }
    let clears = event.clears.map(EventKind::code);
    clears
        .filter(|code| !entry.clears.iter().any(|known| known == code))
        .map(|code| format!("clears {code}, which is not in the catalogue"))
}

/// A cluster to which everything happens that the simulator can do.
fn eventful() -> World {
    let pause = Duration::from_secs(4);
    let mut world = World::lan(5, 2).seed(12).build();
    world.run_for(pause);
    let acts: [fn(&mut World); 23] = [
        |world| world.cut("n2", "neta"),
        |world| world.heal("n2", "neta"),
        |world| world.mute("n5", "neta"),
        |world| world.heal("n5", "neta"),
        |world| world.path("n4", "n5", "neta", Way::There),
        |world| world.heal_path("n4", "n5", "neta"),
        |world| world.partition("neta", &[&["n1", "n2"], &["n3", "n4", "n5"]]),
        |world| world.heal_partition("neta"),
        |world| world.network_dead("netb", true),
        |world| world.network_dead("netb", false),
        |world| world.carrier("n1", "netb", false),
        |world| world.carrier("n1", "netb", true),
        |world| world.crash("n3"),
        |world| world.restart("n3"),
        |world| world.kill_daemon("n5"),
        |world| world.restart("n5"),
        |world| world.restart("n4"),
        |world| world.kill_nim("n1", "neta"),
        |world| world.leave("n2"),
        |world| world.restart("n2"),
        |world| world.pause("n4"),
        |world| world.resume("n4"),
        |world| {
            let (down, up) = (Duration::from_millis(100), Duration::from_millis(700));
            world.flap("n4", "netb", 4, down, up);
        },
    ];
    for act in acts {
        act(&mut world);
        world.run_for(pause);
    }
    world.run_for(Duration::from_secs(300));
    world
}

/// Two nodes with nobody to ask.
fn lonely() -> World {
    let mut world = World::lan(2, 1).seed(3).build();
    world.run_for(Duration::from_secs(4));
    world.cut("n1", "neta");
    world.run_for(Duration::from_secs(4));
    world.heal("n1", "neta");
    world.run_for(Duration::from_secs(8));
    world
}

/// One adapter loses a part of what is sent to it, for a while.
fn lossy() -> World {
    let mut world = World::lan(4, 1).seed(5).build();
    world.run_for(Duration::from_secs(4));
    world.conditions_to("n2", "neta", Conditions { loss: 0.1, ..Conditions::default() });
    world.run_for(Duration::from_secs(120));
    world.conditions_to("n2", "neta", Conditions::default());
    world.run_for(Duration::from_secs(120));
    world
}

/// A switch loses multicast, and passes it again.
fn without_multicast() -> World {
    let mut world = World::lan(3, 1).seed(7).build();
    for dead in [false, true, false] {
        world.multicast_dead("neta", dead);
        world.run_for(Duration::from_secs(10));
    }
    world
}

/// Long packets get lost between two, and arrive again.
fn narrow() -> World {
    let mut world = World::lan(3, 1).seed(9).build();
    world.run_for(Duration::from_secs(5));
    let narrow = Conditions { mtu: Some(600), ..Conditions::default() };
    world.path_conditions("n1", "n2", "neta", hats_sim::Way::Both, narrow);
    world.run_for(Duration::from_secs(30));
    world.heal_path("n1", "n2", "neta");
    world.run_for(Duration::from_secs(10));
    world
}

/// Two networks share a wire for a while.
fn crossed() -> World {
    let mut world = World::lan(3, 2).seed(11).build();
    for (joined, seconds) in [(false, 4), (true, 15), (false, 40)] {
        world.cross("neta", "netb", joined);
        world.run_for(Duration::from_secs(seconds));
    }
    world
}

#[test]
fn events_carry_the_fields_of_the_catalogue() {
    let catalogue = catalogue();
    let mut seen = BTreeSet::new();
    for world in [eventful(), lonely(), lossy(), without_multicast(), narrow(), crossed()] {
        for said in world.events() {
            let name = said.event.kind.name();
            seen.insert(name);
            let entry = catalogue.events.iter().find(|it| it.name == name).expect("every kind");
            if let Some(wrong) = wrong(entry, &said.event) {
                panic!("{name} {wrong}: {:?}", said.event);
            }
        }
    }
    // Not in the simulator: what hatsd itself publishes, and what takes a
    // second cluster, an address or identity that there is twice, another name
    // for a network, a leader that hangs, or a NIM that hangs or lacks privileges.
    let elsewhere = [
        "adapter.suspect",
        "config.drift",
        "config.waiting",
        "duplicate.address",
        "duplicate.node",
        "duplicate.resolved",
        "foreign.cluster",
        "nim.degraded",
        "nim.stuck",
        "subscriber.lost",
    ];
    for entry in catalogue.events.iter().filter(|it| !it.planned) {
        let name = entry.name.as_str();
        assert!(seen.contains(name) || elsewhere.contains(&name), "{name} was not seen");
    }
}

#[test]
fn an_event_that_lacks_a_field_or_has_one_more_is_noticed() {
    let catalogue = catalogue();
    let entry = catalogue.events.iter().find(|it| it.name == "node.left").expect("there");
    let mut event = Event::new(EventKind::NodeLeft, String::new());
    assert_eq!(wrong(entry, &event).as_deref(), Some("lacks node"));
    event.node = Some("n1".into());
    assert_eq!(wrong(entry, &event), None);
    event.clears = Some(EventKind::NodeUp);
    assert!(wrong(entry, &event).is_some());
}

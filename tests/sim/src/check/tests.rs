//! Each checker objects to what it is there for, and to nothing else.

use std::time::Duration;

use super::*;
use crate::record::{Adoption, Said};

fn world() -> World {
    World::lan(3, 1).build()
}

fn adopt(world: &mut World, host: usize, instance: u64, members: &[u8]) {
    let members: Vec<IpAddr> = members.iter().map(|i| IpAddr::from([10, 77, 1, *i])).collect();
    let leader = *members.last().expect("a group has members");
    let (port, group) = (Port { host, adapter: 0 }, GroupId { instance, leader });
    world.records.adopted(Adoption {
        at: Duration::ZERO,
        port,
        run: 1,
        group,
        members: members.into(),
    });
}

fn say(world: &mut World, kind: EventKind, node: &str, peer: Option<&str>, cause: Cause) {
    let event = Event {
        node: Some(node.to_owned()),
        peer_node: peer.map(str::to_owned),
        network: Some("neta".to_owned()),
        cause: Some(cause),
        ..Event::new(kind, String::new())
    };
    world.records.said(Said { at: Duration::ZERO, observer: "n1".to_owned(), run: 1, event });
}

#[test]
fn two_memberships_of_one_instance_are_caught() {
    let (mut world, mut checker) = (world(), OneMembership::default());
    adopt(&mut world, 0, 4, &[1, 2, 3]);
    adopt(&mut world, 1, 4, &[1, 2, 3]);
    assert_eq!(checker.check(&world), Ok(()));
    adopt(&mut world, 2, 4, &[2, 3]);
    assert!(checker.check(&world).is_err());
}

#[test]
fn a_membership_without_its_own_member_is_caught() {
    let (mut world, mut checker) = (world(), OneMembership::default());
    adopt(&mut world, 0, 4, &[2, 3]);
    assert!(checker.check(&world).is_err());
}

#[test]
fn an_instance_that_goes_back_is_caught() {
    let (mut world, mut checker) = (world(), InstancesGrow::default());
    adopt(&mut world, 0, 4, &[1, 2]);
    adopt(&mut world, 0, 5, &[1, 2, 3]);
    assert_eq!(checker.check(&world), Ok(()));
    adopt(&mut world, 0, 5, &[1, 2]);
    assert!(checker.check(&world).is_err());
}

#[test]
fn blame_of_a_healthy_adapter_is_caught() {
    let mut world = world();
    world.cut("n3", "neta");
    let mut checker = HealthyIsNotBlamed::default();
    say(&mut world, EventKind::AdapterDown, "n3", None, Cause::Both);
    assert_eq!(checker.check(&world), Ok(()));
    say(&mut world, EventKind::AdapterDown, "n2", None, Cause::Both);
    assert!(checker.check(&world).is_err());
}

#[test]
fn blame_of_a_healthy_path_is_caught_even_between_faulty_adapters() {
    let (mut world, mut checker) = (world(), HealthyIsNotBlamed::default());
    world.cut("n3", "neta");
    say(&mut world, EventKind::PathFailed, "n2", Some("n3"), Cause::Both);
    assert!(checker.check(&world).is_err());
}

#[test]
fn a_node_out_of_sight_may_be_unreachable_and_no_more() {
    let (mut world, mut checker) = (world(), HealthyIsNotBlamed::default());
    world.cut("n3", "neta");
    say(&mut world, EventKind::NodeDown, "n3", None, Cause::Unreachable);
    assert_eq!(checker.check(&world), Ok(()));
    say(&mut world, EventKind::NodeDown, "n3", None, Cause::NodeDown);
    assert!(checker.check(&world).is_err());
}

#[test]
fn a_killed_daemon_and_a_live_one_are_told_apart() {
    let (mut world, mut checker) = (world(), HealthyIsNotBlamed::default());
    world.kill_daemon("n3");
    say(&mut world, EventKind::DaemonDown, "n3", None, Cause::DaemonDown);
    assert_eq!(checker.check(&world), Ok(()));
    say(&mut world, EventKind::DaemonDown, "n2", None, Cause::DaemonDown);
    assert!(checker.check(&world).is_err());
}

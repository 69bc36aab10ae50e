//! Groups form, whoever starts when and wherever the addresses lie.

use std::time::Duration;

use hats_core::{
    config::Profile,
    event::EventKind,
    view::{NodeState, View},
};
use hats_sim::{Plan, World};

use crate::cases::settle;

fn forms(nodes: u32, networks: u8, seconds: u64) -> World {
    let mut world = World::lan(nodes, networks).seed(u64::from(nodes)).build();
    settle(&mut world, seconds);
    let highest = format!("n{nodes}");
    assert_eq!(world.group_of("n1", "neta").first(), Some(&highest), "the highest address leads");
    world.run_for(Duration::from_secs(5));
    assert!(world.settled(), "what has formed holds");
    world
}

fn networks_of(view: &View) -> Vec<(&str, Option<&str>, Option<&str>)> {
    view.networks
        .iter()
        .map(|network| {
            let successor = network.successor.as_ref().map(|(node, _)| node.as_str());
            (network.name.as_str(), network.leader.as_deref(), successor)
        })
        .collect()
}

#[test]
fn one_node_leads_itself() {
    let world = forms(1, 1, 3);
    let view = world.view("n1").unwrap();
    assert_eq!(networks_of(&view), [("neta", Some("n1"), None)]);
}

#[test]
fn two_nodes_form() {
    forms(2, 1, 3);
}

#[test]
fn three_nodes_form() {
    forms(3, 1, 3);
}

#[test]
fn three_nodes_form_on_two_networks() {
    forms(3, 2, 3);
}

#[test]
fn eight_nodes_form_on_two_networks_within_three_seconds() {
    let world = forms(8, 2, 3);
    for node in world.live() {
        let view = world.view(&node).unwrap();
        let expected = [("neta", Some("n8"), Some("n7")), ("netb", Some("n8"), Some("n7"))];
        assert_eq!(networks_of(&view), expected, "{node}");
    }
}

#[test]
fn sixteen_nodes_form_on_two_networks() {
    forms(16, 2, 3);
}

#[test]
fn forty_nodes_form_on_two_networks() {
    forms(40, 2, 5);
}

#[test]
fn eight_nodes_form_in_profile_bfd() {
    let mut world = World::lan(8, 2).seed(3).profile(Profile::Bfd).build();
    settle(&mut world, 2);
}

#[test]
fn many_seeds_form() {
    for seed in 100..120 {
        let mut world = World::lan(5, 2).seed(seed).build();
        settle(&mut world, 3);
    }
}

#[test]
fn nobody_is_blamed_while_a_cluster_forms_and_rests() {
    let mut world = World::lan(8, 2).seed(5).build();
    world.run_for(Duration::from_secs(60));
    assert!(world.settled());
    let alarming = [EventKind::AdapterSuspect, EventKind::AdapterInconclusive];
    let alarms: Vec<_> =
        world.events().iter().filter(|said| alarming.contains(&said.event.kind)).collect();
    assert!(alarms.is_empty(), "{alarms:?}");
}

#[test]
fn every_node_sees_every_other_come_up_once() {
    let world = forms(5, 2, 3);
    for node in world.live() {
        for other in world.live().iter().filter(|other| **other != node) {
            let ups = world.events_of(&node).filter(|said| {
                said.event.kind == EventKind::NodeUp && said.event.node.as_ref() == Some(other)
            });
            assert_eq!(ups.count(), 1, "{node} about {other}");
        }
    }
}

#[test]
fn addresses_reversed_on_the_second_network_give_it_another_leader() {
    let mut plan = Plan::new(9).network("neta", "10.1.0.0/24").network("netb", "10.2.0.0/24");
    for i in 1..=5 {
        let node = format!("n{i}");
        plan = plan.adapter(&node, "neta", "eth0", &format!("10.1.0.{i}"));
        plan = plan.adapter(&node, "netb", "eth1", &format!("10.2.0.{}", 10 - i));
    }
    let mut world = plan.build();
    settle(&mut world, 3);
    assert_eq!(world.group_of("n3", "neta"), ["n5", "n4", "n3", "n2", "n1"]);
    assert_eq!(world.group_of("n3", "netb"), ["n1", "n2", "n3", "n4", "n5"]);
}

#[test]
fn highest_address_is_numeric_and_not_textual() {
    let mut world = Plan::new(9)
        .network("neta", "10.1.0.0/24")
        .adapter("a", "neta", "eth0", "10.1.0.9")
        .adapter("b", "neta", "eth0", "10.1.0.10")
        .adapter("c", "neta", "eth0", "10.1.0.100")
        .build();
    settle(&mut world, 3);
    assert_eq!(world.group_of("a", "neta"), ["c", "b", "a"]);
}

#[test]
fn ipv6_forms_beside_ipv4() {
    let mut plan = Plan::new(4).network("neta", "10.1.0.0/24").network("net6", "fd77:1::/64");
    for i in 1..=4 {
        let node = format!("n{i}");
        plan = plan.adapter(&node, "neta", "eth0", &format!("10.1.0.{i}"));
        plan = plan.adapter(&node, "net6", "eth1", &format!("fd77:1::{i}"));
    }
    let mut world = plan.build();
    settle(&mut world, 3);
    assert_eq!(world.group_of("n1", "net6"), ["n4", "n3", "n2", "n1"]);
}

#[test]
fn nodes_without_a_common_network_see_each_other_through_those_between() {
    let mut world = Plan::new(8)
        .network("neta", "10.1.0.0/24")
        .network("netb", "10.2.0.0/24")
        .adapter("a1", "neta", "eth0", "10.1.0.1")
        .adapter("a2", "neta", "eth0", "10.1.0.2")
        .adapter("ab", "neta", "eth0", "10.1.0.3")
        .adapter("ab", "netb", "eth1", "10.2.0.3")
        .adapter("b1", "netb", "eth0", "10.2.0.1")
        .build();
    settle(&mut world, 5);
    let view = world.view("a1").unwrap();
    let b1 = view.nodes.iter().find(|node| node.name == "b1").unwrap();
    assert_eq!(b1.state, NodeState::Up);
}

#[test]
fn lowest_node_joins_late() {
    joins_late("n1");
}

#[test]
fn leader_to_be_joins_late() {
    joins_late("n6");
}

fn joins_late(late: &str) {
    let mut world = World::lan(6, 2).seed(21).dormant(late).build();
    settle(&mut world, 3);
    world.run_for(Duration::from_secs(10));
    let before = world.mark();
    world.start(late);
    settle(&mut world, 3);
    for node in world.live().iter().filter(|node| *node != late) {
        let ups = world.since(before).iter().filter(|said| {
            said.observer == *node
                && said.event.kind == EventKind::NodeUp
                && said.event.node.as_deref() == Some(late)
        });
        assert_eq!(ups.count(), 1, "{node} sees {late} come up once");
    }
    assert_eq!(world.group_of("n2", "neta").first(), Some(&"n6".to_owned()));
}

#[test]
fn members_that_join_one_by_one_all_get_in() {
    let mut plan = World::lan(8, 1).seed(13);
    for i in 2..=8 {
        plan = plan.dormant(&format!("n{i}"));
    }
    let mut world = plan.build();
    for i in 2..=8 {
        world.run_for(Duration::from_millis(700));
        world.start(&format!("n{i}"));
    }
    settle(&mut world, 3);
}

#[test]
fn a_cluster_forms_and_holds_with_five_percent_loss() {
    for seed in 0..5 {
        let mut world = World::lan(8, 2).seed(seed).build();
        world.loss("neta", 0.05);
        world.loss("netb", 0.05);
        settle(&mut world, 10);
        world.run_for(Duration::from_secs(60));
        assert!(world.settled(), "seed {seed}");
    }
}

#[test]
fn a_network_without_multicast_holds_what_has_formed() {
    let mut world = World::lan(5, 1).seed(2).build();
    settle(&mut world, 3);
    world.multicast_dead("neta", true);
    world.run_for(Duration::from_secs(20));
    assert!(world.settled());
}

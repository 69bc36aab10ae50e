use super::*;

#[test]
fn adapter_listens_one_interval_and_then_leads_itself() {
    let mut wire = Wire::of([1]);
    wire.run(Duration::from_millis(249));
    assert_eq!(wire.view(1), None);
    wire.run(Duration::from_millis(1));
    wire.agreed(&[1]);
    assert_eq!(wire.changes[0].why, Adopted::Started);
}

#[test]
fn highest_address_leads_and_second_highest_succeeds() {
    let mut wire = Wire::of(1..=5);
    wire.run(Duration::from_secs(1));
    wire.agreed(&[1, 2, 3, 4, 5]);
    for name in 1..=5 {
        let roles = wire.view(name).expect("a member").roles();
        assert_eq!((roles.leader, roles.successor), (address(5), Some(address(4))));
        assert_eq!(wire.groups[&name].leads(), name == 5);
    }
}

#[test]
fn adapters_that_start_together_form_by_one_commit() {
    let mut wire = Wire::of(1..=5);
    wire.run(Duration::from_secs(1));
    for name in 1..=5 {
        assert_eq!(wire.history(name), [vec![name], vec![5, 4, 3, 2, 1]]);
    }
}

#[test]
fn formation_takes_listening_gathering_and_two_round_trips() {
    let mut wire = Wire::of(1..=5);
    let timing = Timing::new(&Profile::Default.detection());
    wire.run(timing.interval + timing.gather + LATENCY * 6);
    wire.agreed(&[1, 2, 3, 4, 5]);
}

#[test]
fn whole_groups_merge_by_one_commit_of_one_instance() {
    let mut wire = Wire::of(1..=5);
    wire.part(&[5, 3, 1]);
    wire.run(Duration::from_secs(5));
    let (higher, lower) = (wire.agreed(&[5, 3, 1]), wire.agreed(&[4, 2]));
    wire.forget();
    wire.heal();
    wire.run(Duration::from_secs(2));
    let merged = wire.agreed(&[1, 2, 3, 4, 5]);
    assert!(merged.instance > higher.instance.max(lower.instance));
    for name in 1..=5 {
        assert_eq!(wire.history(name), [vec![5, 4, 3, 2, 1]], "{name} goes through one change");
    }
    let joined: Vec<_> = wire.said.iter().filter(|(_, _, _, message)| is_join(message)).collect();
    assert!(joined.iter().all(|(_, from, to, _)| (*from, *to) == (4, Some(5))), "{joined:?}");
}

#[test]
fn group_of_two_is_led_by_the_higher_by_number() {
    let mut wire = Wire::of([9, 10]);
    wire.run(Duration::from_secs(1));
    assert_eq!(wire.agreed(&[9, 10]).leader, address(10));
}

#[test]
fn latecomer_with_the_highest_address_takes_the_group_over() {
    let mut wire = Wire::formed([1, 2, 3]);
    let before = wire.agreed(&[1, 2, 3]);
    wire.start(9, 1);
    wire.run(Duration::from_secs(2));
    let after = wire.agreed(&[1, 2, 3, 9]);
    assert!(after.instance > before.instance);
    assert_eq!(wire.history(1), [vec![9, 3, 2, 1]]);
}

#[test]
fn latecomer_whose_instances_lag_behind_brings_none_back() {
    let mut wire = Wire::of([]);
    wire.start_with(1, 1, 7_000_000);
    wire.start_with(2, 1, 9_000_000);
    wire.run(Duration::from_secs(5));
    let before = wire.agreed(&[1, 2]);
    wire.start_with(9, 1, 0);
    wire.run(Duration::from_secs(2));
    assert!(wire.agreed(&[1, 2, 9]).instance > before.instance);
}

#[test]
fn lower_leader_is_answered_by_a_proclaim_and_not_by_a_join() {
    let mut wire = Wire::formed([5]);
    wire.run(Duration::from_millis(50));
    wire.forget();
    let lower = GroupId { instance: 1, leader: address(2) };
    let proclaim = |group| {
        Message::Proclaim(Proclaim {
            group,
            size: 1,
            digest: 0,
            cluster: "test".into(),
            network: "neta".into(),
            node: "n2".into(),
            interface: "eth0".into(),
            database: 0,
        })
    };
    wire.at(5, |group, now| group.handle(now, address(2), proclaim(lower)));
    wire.run(Duration::from_millis(70));
    assert_eq!(wire.count(is_join), 0);
    assert_eq!(wire.count(|m| matches!(m, Message::Proclaim(_))), 1, "within a quarter interval");
}

#[test]
fn stable_group_proclaims_each_fourth_interval() {
    let mut wire = Wire::formed([1, 2, 3]);
    wire.run(Duration::from_secs(10));
    let proclaims = wire.count(|m| matches!(m, Message::Proclaim(_)));
    assert_eq!(proclaims, 10);
    assert_eq!(wire.said.len(), proclaims, "and says nothing else: {:?}", wire.said);
}

#[test]
fn adapter_that_cannot_be_used_ends_its_membership_and_says_nothing() {
    let mut wire = Wire::formed([1, 2, 3]);
    let ended = wire.at(2, |group, _| group.disable()).expect("it was a member");
    assert_eq!(short(&ended).1, [3, 2, 1]);
    wire.run(Duration::from_secs(1));
    assert_eq!((wire.view(2), wire.groups[&2].next_deadline()), (None, None));
    assert!(wire.said.iter().all(|(_, from, _, _)| *from != 2));
}

#[test]
fn adapter_that_can_be_used_again_joins_with_a_higher_instance() {
    let mut wire = Wire::formed([1, 2, 3]);
    let before = wire.agreed(&[1, 2, 3]);
    wire.at(3, |group, _| group.disable());
    wire.doom(&[1, 2], &[3], Cause::LinkDown);
    wire.run(Duration::from_secs(1));
    let without = wire.agreed(&[1, 2]);
    wire.at(3, |group, now| group.enable(now));
    wire.run(Duration::from_secs(2));
    let with = wire.agreed(&[1, 2, 3]);
    assert!(before.instance < without.instance && without.instance < with.instance);
}

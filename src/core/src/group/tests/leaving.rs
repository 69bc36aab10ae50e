//! Whoever leaves is seen to leave before it is back, by all and by itself.

use super::*;

#[test]
fn one_that_goes_alone_leaves_the_others_together() {
    let mut wire = Wire::formed(1..=4);
    wire.forget();
    wire.at(4, Group::isolate);
    wire.run(Duration::from_secs(2));
    wire.agreed(&[1, 2, 3, 4]);
    for name in 1..=3 {
        assert_eq!(wire.history(name), [vec![3, 2, 1], vec![4, 3, 2, 1]]);
    }
}

#[test]
fn a_leader_that_comes_back_to_a_later_group_leaves_all_of_it_before_it_takes_it_in() {
    let mut wire = Wire::formed(1..=4);
    wire.forget();
    wire.part(&[4]);
    wire.doom(&[1, 2, 3], &[4], Cause::Both);
    wire.run(Duration::from_millis(200));
    wire.agreed(&[1, 2, 3]);
    wire.heal();
    wire.run(Duration::from_secs(3));
    wire.agreed(&[1, 2, 3, 4]);
    assert_eq!(wire.history(4), [vec![4], vec![4, 3, 2, 1]]);
    assert_eq!(wire.history(1), [vec![3, 2, 1], vec![4, 3, 2, 1]]);
}

/// A leader that was asked to take a group of two in, and has prepared that;
/// with the group's identity and the next one's.
fn asked_by_two() -> (Wire, GroupId, GroupId) {
    let mut wire = Wire::formed([3]);
    let into = wire.agreed(&[3]);
    let group = GroupId { instance: into.instance + 5, leader: address(2) };
    let members = vec![member(2), member(1)];
    let join = Join { group, into, members, failed_paths: vec![], leaving: vec![], told: vec![] };
    wire.forget();
    wire.at(3, |machine, now| machine.handle(now, address(2), Message::Join(join)));
    wire.run(Duration::from_millis(70));
    let prepared = prepared(&wire);
    (wire, group, prepared.expect("it is prepared"))
}

fn prepared(wire: &Wire) -> Option<GroupId> {
    wire.said.iter().find_map(|(_, _, _, message)| {
        let Message::Prepare(prepare) = message else { return None };
        Some(prepare.group)
    })
}

fn acknowledge(wire: &mut Wire, from: u8, group: GroupId, have: GroupId) {
    let ack = Message::PrepareAck { group, have: Some(have) };
    wire.at(3, |machine, now| machine.handle(now, address(from), ack));
}

#[test]
fn newcomers_come_from_the_group_that_asked_for_them() {
    let (mut wire, group, prepared) = asked_by_two();
    acknowledge(&mut wire, 1, prepared, group);
    acknowledge(&mut wire, 2, prepared, group);
    assert_eq!(wire.view(3).map(|view| view.id), Some(prepared));
    assert_eq!(wire.history(3), [vec![3, 2, 1]]);
}

#[test]
fn one_that_has_left_the_group_that_asked_for_it_stays_out() {
    let (mut wire, group, prepared) = asked_by_two();
    let alone = GroupId { instance: group.instance + 1, leader: address(1) };
    acknowledge(&mut wire, 1, prepared, alone);
    acknowledge(&mut wire, 2, prepared, group);
    assert_eq!(wire.history(3), [vec![3, 2]]);
}

#[test]
fn a_member_that_acknowledges_from_elsewhere_is_seen_to_leave() {
    let mut wire = Wire::formed([1, 2, 3]);
    let before = wire.agreed(&[1, 2, 3]);
    wire.forget();
    wire.groups.remove(&1);
    wire.start(4, 1);
    wire.at(3, |machine, now| machine.doom(now, address(2), Cause::NodeDown, ""));
    let prepared = prepared(&wire);
    let elsewhere = GroupId { instance: before.instance, leader: address(1) };
    acknowledge(&mut wire, 1, prepared.expect("without the dead one"), elsewhere);
    assert_eq!(wire.history(3), [vec![3]]);
}

#[test]
fn a_list_for_one_that_has_left_meanwhile_is_of_the_past() {
    let mut wire = Wire::formed([1, 2, 3]);
    let before = wire.agreed(&[1, 2, 3]);
    wire.at(1, Group::isolate);
    wire.forget();
    let list = List {
        group: GroupId { instance: before.instance + 9, leader: address(3) },
        members: vec![member(3), member(2), member(1)],
        failed_paths: vec![],
        removed: vec![],
        base: Some(before),
        told: vec![],
    };
    wire.at(1, |machine, now| machine.handle(now, address(3), Message::List(list)));
    assert_eq!(wire.history(1), [] as [Vec<u8>; 0]);
}

#[test]
fn a_newcomer_that_has_outrun_what_is_prepared_is_asked_with_a_later_instance() {
    let (mut wire, group, first) = asked_by_two();
    let join = |group: GroupId| Join {
        group,
        into: first,
        members: vec![member(2)],
        failed_paths: vec![],
        leaving: vec![],
        told: vec![],
    };
    wire.forget();
    let again = join(group);
    wire.at(3, |machine, now| machine.handle(now, address(2), Message::Join(again)));
    assert_eq!(prepared(&wire), None, "it can acknowledge what is asked");
    let alone = join(GroupId { instance: first.instance, leader: address(2) });
    wire.at(3, |machine, now| machine.handle(now, address(2), Message::Join(alone)));
    let asked = prepared(&wire).expect("it is prepared anew, at once");
    assert!(asked.instance > first.instance, "{asked:?}");
}

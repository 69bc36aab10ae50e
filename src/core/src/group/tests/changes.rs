use super::*;

#[test]
fn successor_takes_over_when_the_leader_is_doomed() {
    let mut wire = Wire::formed(1..=5);
    let before = wire.agreed(&[1, 2, 3, 4, 5]);
    wire.part(&[5]);
    wire.doom(&[1, 2, 3, 4], &[5], Cause::NodeDown);
    assert!(wire.groups[&4].leads());
    wire.run(LATENCY * 3);
    let after = wire.agreed(&[1, 2, 3, 4]);
    assert!(after.instance > before.instance);
    for change in &wire.changes {
        assert_eq!(change.removed, [(5, Cause::NodeDown)], "{change:?}");
    }
    assert_eq!(wire.changes.len(), 4, "one change each");
}

#[test]
fn third_in_rank_takes_over_when_leader_and_successor_are_doomed() {
    let mut wire = Wire::formed(1..=5);
    wire.part(&[4, 5]);
    wire.doom(&[1, 2, 3], &[5, 4], Cause::NodeDown);
    wire.run(LATENCY * 8);
    wire.agreed(&[1, 2, 3]);
}

#[test]
fn members_doomed_together_leave_by_one_commit() {
    let mut wire = Wire::formed(1..=5);
    wire.part(&[1, 3]);
    for name in [2, 4, 5] {
        wire.at(name, |group, now| {
            for doomed in [1, 3] {
                group.doom(now, address(doomed), Cause::Both, "n5-1-1");
            }
        });
    }
    wire.run(Duration::from_secs(1));
    wire.agreed(&[2, 4, 5]);
    let removed = [(1, Cause::Both), (3, Cause::Both)];
    let of_five: Vec<_> = wire.changes.iter().filter(|c| c.at == 5).collect();
    assert_eq!(of_five.len(), 1);
    assert_eq!(of_five[0].removed, removed);
}

#[test]
fn what_was_said_beyond_a_split_is_answered_by_the_same_membership_anew() {
    let mut wire = Wire::formed(1..=4);
    let before = wire.agreed(&[1, 2, 3, 4]);
    let theirs = GroupId { instance: before.instance + 7, leader: address(9) };
    for name in 1..=4 {
        wire.at(name, |group, now| {
            group.heard_of(theirs);
            group.reaffirm(now);
        });
    }
    wire.run(Duration::from_secs(1));
    let after = wire.agreed(&[1, 2, 3, 4]);
    assert!(after.instance > theirs.instance, "it outranks what was said: {after:?}");
    assert_eq!(wire.count(is_prepare), 1, "the leader's alone");
}

#[test]
fn leader_that_is_to_leave_and_does_not_know_takes_nobody_along() {
    let mut wire = Wire::formed(1..=5);
    // The successor cannot commit it out yet.
    wire.lose(|from, _, _| from == 4);
    wire.doom(&[1, 2, 3], &[5], Cause::DaemonDown);
    wire.doom(&[5], &[4], Cause::Unreachable);
    wire.run(LATENCY * 20);
    assert!(wire.count(is_prepare) > 0 && wire.count(is_ack) == 0, "{:?}", wire.said);
    wire.heal();
    wire.doom(&[4], &[5], Cause::DaemonDown);
    wire.run(Duration::from_secs(8));
    wire.agreed(&[1, 2, 3, 4, 5]);
    for name in 1..=4 {
        assert_eq!(wire.history(name)[0], [4, 3, 2, 1], "it is seen to leave first");
    }
}

#[test]
fn who_failed_with_others_leaves_by_the_same_commit_when_it_is_judged_later() {
    let mut wire = Wire::formed(1..=5);
    wire.part(&[1, 3]);
    wire.doom(&[2, 4, 5], &[3], Cause::NodeDown);
    wire.run(Duration::from_millis(450));
    assert_eq!(wire.missed, [(5, vec![1])]);
    wire.at(5, |group, _| group.suspects([address(1)].into()));
    wire.run(Duration::from_millis(650));
    assert!(wire.changes.is_empty(), "{:?}", wire.changes);
    wire.doom(&[2, 4, 5], &[1], Cause::NodeDown);
    wire.run(Duration::from_millis(300));
    assert_eq!(wire.history(5), [[5, 4, 2]]);
}

#[test]
fn one_that_answers_after_all_holds_up_no_commit() {
    let mut wire = Wire::formed(1..=5);
    wire.part(&[1, 3]);
    wire.doom(&[2, 4, 5], &[3], Cause::NodeDown);
    wire.at(5, |group, _| group.suspects([address(1)].into()));
    wire.run(Duration::from_millis(700));
    assert!(wire.changes.is_empty(), "{:?}", wire.changes);
    wire.at(5, |group, _| group.suspects([].into()));
    wire.run(Duration::from_millis(150));
    assert_eq!(wire.history(5), [[5, 4, 2, 1]]);
}

#[test]
fn who_is_judged_while_others_are_waited_for_is_in_no_later_membership() {
    let mut wire = Wire::formed(1..=5);
    wire.part(&[1, 2, 3]);
    wire.doom(&[4, 5], &[3], Cause::NodeDown);
    // Just before the time of the round is up.
    wire.run(Duration::from_millis(490));
    wire.doom(&[4, 5], &[2], Cause::NodeDown);
    wire.run(Duration::from_millis(700));
    // Nobody has judged the last one: it is in.
    assert_eq!(wire.history(5), [[5, 4, 1]]);
    wire.doom(&[4, 5], &[1], Cause::NodeDown);
    wire.run(Duration::from_millis(300));
    wire.agreed(&[4, 5]);
}

#[test]
fn successor_that_does_not_act_is_overdue_by_rank() {
    let mut wire = Wire::formed(1..=5);
    wire.part(&[4, 5]);
    wire.doom(&[1, 2, 3], &[5], Cause::NodeDown);
    wire.run(Duration::from_secs(4));
    let who: Vec<(u8, u8)> = wire.overdue.iter().map(|(_, by, whom)| (*by, *whom)).collect();
    assert_eq!(who[..3], [(3, 4), (2, 4), (1, 4)], "the next in rank looks first");
    wire.doom(&[1, 2, 3], &[4], Cause::NodeDown);
    wire.run(LATENCY * 4);
    wire.agreed(&[1, 2, 3]);
}

#[test]
fn member_that_alone_knows_of_a_doomed_one_waits_for_the_leader() {
    let mut wire = Wire::formed(1..=4);
    wire.doom(&[1], &[3], Cause::Both);
    wire.run(Duration::from_millis(500));
    assert_eq!(wire.count(is_prepare), 0);
    assert_eq!(wire.overdue, []);
}

#[test]
fn restarted_member_leaves_first_and_joins_then() {
    for name in [1, 2] {
        let mut wire = Wire::formed([1, 2, 3]);
        wire.start(name, 2);
        wire.run(Duration::from_secs(3));
        wire.agreed(&[1, 2, 3]);
        let others = 3 - name;
        let expected = [vec![3, others], vec![3, 2, 1]];
        assert_eq!(wire.history(others), expected, "{others} sees {name} go");
        assert_eq!(wire.history(3), expected, "the leader sees {name} go");
        let now_there = wire.view(3).and_then(|view| view.members.get(address(name)));
        assert_eq!(now_there.map(|member| member.incarnation), Some(Incarnation(2)));
    }
}

#[test]
fn restarted_leader_is_not_taken_for_the_old_one() {
    let mut wire = Wire::formed([1, 2, 3]);
    wire.start(3, 2);
    // Its first datagram shows the new incarnation: the old one is doomed.
    wire.doom(&[1, 2], &[3], Cause::DaemonDown);
    wire.run(Duration::from_secs(3));
    wire.agreed(&[1, 2, 3]);
    assert_eq!(wire.history(1), [vec![2, 1], vec![3, 2, 1]]);
    let now_there = wire.view(1).and_then(|view| view.members.get(address(3)));
    assert_eq!(now_there.map(|member| member.incarnation), Some(Incarnation(2)));
}

#[test]
fn expelled_member_that_still_beats_dissolves_and_joins_anew() {
    let mut wire = Wire::formed(1..=4);
    let old = wire.agreed(&[1, 2, 3, 4]);
    wire.part(&[2]);
    wire.doom(&[1, 3, 4], &[2], Cause::Both);
    wire.run(Duration::from_secs(1));
    let without = wire.agreed(&[1, 3, 4]);
    assert_eq!(wire.view(2).map(|view| view.id), Some(old), "it does not know");
    wire.heal();
    wire.forget();
    wire.at(1, |group, now| group.on_stranger(now, address(2), old));
    wire.run(LATENCY * 2);
    let dissolved = &wire.changes[0];
    assert_eq!((dissolved.at, &dissolved.members), (2, &vec![2]));
    assert!(matches!(dissolved.why, Adopted::Expelled { .. }), "{dissolved:?}");
    assert!(dissolved.id.instance > without.instance);
    wire.run(Duration::from_secs(2));
    wire.agreed(&[1, 2, 3, 4]);
    assert_eq!(wire.history(1), [vec![4, 3, 2, 1]]);
}

#[test]
fn nobody_is_expelled_by_a_stranger() {
    let mut wire = Wire::formed([1, 2, 3]);
    let before = wire.agreed(&[1, 2, 3]);
    let expelled = Message::Expelled {
        group: GroupId { instance: before.instance + 9, leader: address(99) },
        cause: Cause::Both,
        verdict_id: "x".into(),
        members: vec![],
    };
    wire.at(2, |group, now| group.handle(now, address(99), expelled));
    assert_eq!(wire.agreed(&[1, 2, 3]), before);
}

#[test]
fn expulsion_from_an_older_group_is_ignored() {
    let mut wire = Wire::formed([1, 2, 3]);
    let now_in_force = wire.agreed(&[1, 2, 3]);
    let group = GroupId { instance: now_in_force.instance - 1, leader: address(3) };
    let (cause, verdict_id, members) = (Cause::Both, "x".into(), vec![]);
    let expelled = Message::Expelled { group, cause, verdict_id, members };
    wire.at(2, |group, now| group.handle(now, address(3), expelled));
    assert_eq!(wire.agreed(&[1, 2, 3]), now_in_force);
}

#[test]
fn leave_is_acknowledged_by_the_leader_and_committed_as_no_failure() {
    let mut wire = Wire::formed([1, 2, 3]);
    let group = wire.agreed(&[1, 2, 3]);
    for name in [1, 3] {
        wire.at(name, |machine, now| machine.handle(now, address(2), Message::Leave { group }));
    }
    let acks: Vec<_> = wire
        .said
        .iter()
        .filter(|(_, _, _, message)| matches!(message, Message::LeaveAck { .. }))
        .map(|(_, from, to, _)| (*from, *to))
        .collect();
    assert_eq!(acks, [(3, Some(2))]);
    wire.groups.remove(&2);
    wire.run(Duration::from_secs(1));
    wire.agreed(&[1, 3]);
    assert!(wire.changes.iter().all(|change| change.removed == [(2, Cause::Left)]));
}

#[test]
fn leave_of_the_leader_is_acknowledged_by_the_successor() {
    let mut wire = Wire::formed([1, 2, 3]);
    let group = wire.agreed(&[1, 2, 3]);
    wire.groups.remove(&3);
    for name in [1, 2] {
        wire.at(name, |machine, now| machine.handle(now, address(3), Message::Leave { group }));
    }
    let acked = wire.said.iter().any(|(_, from, to, message)| {
        (*from, *to) == (2, Some(3)) && matches!(message, Message::LeaveAck { .. })
    });
    assert!(acked);
    wire.run(Duration::from_secs(1));
    wire.agreed(&[1, 2]);
}

#[test]
fn failed_path_is_in_force_everywhere_with_the_next_commit() {
    let mut wire = Wire::formed(1..=5);
    let pair = Pair::new(address(2), address(4));
    for failed in [true, false] {
        for name in 1..=5 {
            wire.at(name, |group, now| group.set_path(now, pair, failed));
        }
        wire.run(Duration::from_secs(1));
        wire.agreed(&[1, 2, 3, 4, 5]);
        for name in 1..=5 {
            let paths = &wire.view(name).expect("a member").failed_paths;
            assert_eq!(paths.contains(&pair), failed);
        }
    }
    assert_eq!(wire.history(1).len(), 2, "one commit each");
}

#[test]
fn path_goes_out_of_force_with_the_member_at_its_end() {
    let mut wire = Wire::formed(1..=5);
    let pair = Pair::new(address(2), address(4));
    for name in 1..=5 {
        wire.at(name, |group, now| group.set_path(now, pair, true));
    }
    wire.run(Duration::from_secs(1));
    wire.part(&[2]);
    wire.doom(&[1, 3, 4, 5], &[2], Cause::NodeDown);
    wire.run(Duration::from_secs(1));
    wire.agreed(&[1, 3, 4, 5]);
    assert!(wire.view(5).is_some_and(|view| view.failed_paths.is_empty()));
}

#[test]
fn isolated_adapter_stands_alone_and_is_merged_when_it_is_heard_again() {
    let mut wire = Wire::formed([1, 2, 3]);
    wire.part(&[2]);
    wire.at(2, |group, now| group.isolate(now));
    assert_eq!(wire.history(2), [vec![2]]);
    wire.doom(&[1, 3], &[2], Cause::Both);
    wire.run(Duration::from_secs(1));
    wire.heal();
    wire.run(Duration::from_secs(2));
    wire.agreed(&[1, 2, 3]);
}

#[test]
fn member_that_isolated_itself_alone_is_seen_to_leave_before_it_joins() {
    let mut wire = Wire::formed([1, 2, 3]);
    wire.at(2, |group, now| group.isolate(now));
    wire.run(Duration::from_secs(3));
    wire.agreed(&[1, 2, 3]);
    assert_eq!(wire.history(1), [vec![3, 1], vec![3, 2, 1]]);
}

#[test]
fn a_doomed_member_of_one_run_does_not_doom_the_next() {
    let mut wire = Wire::formed([1, 2, 3]);
    wire.start(1, 2);
    wire.doom(&[2, 3], &[1], Cause::DaemonDown);
    wire.run(Duration::from_secs(3));
    wire.agreed(&[1, 2, 3]);
    assert!(wire.groups.values().all(|group| !group.is_doomed(address(1))));
    assert_eq!(wire.history(2), [vec![3, 2], vec![3, 2, 1]]);
}

#[test]
fn nobody_dooms_itself_or_one_that_is_no_member() {
    let mut wire = Wire::formed([1, 2, 3]);
    wire.doom(&[2], &[2, 77], Cause::Both);
    assert!(!wire.groups[&2].is_doomed(address(2)) && !wire.groups[&2].is_doomed(address(77)));
}

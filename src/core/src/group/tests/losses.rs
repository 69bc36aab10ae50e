use super::*;

/// Loses the first `count` messages of a kind between two.
fn first(
    mut count: usize,
    from: u8,
    to: u8,
    kind: fn(&Message) -> bool,
) -> impl FnMut(u8, u8, &Message) -> bool {
    move |sender, receiver, message| {
        let hit = (sender, receiver) == (from, to) && kind(message) && count > 0;
        count -= usize::from(hit);
        hit
    }
}

#[test]
fn member_that_missed_every_commit_is_given_the_list() {
    let mut wire = Wire::of([1, 2, 3]);
    wire.lose(first(usize::MAX, 3, 1, is_commit));
    wire.run(Duration::from_secs(3));
    wire.agreed(&[1, 2, 3]);
    assert_eq!(wire.count(|m| matches!(m, Message::List(_))), 1);
    assert_eq!(wire.history(1), [vec![1], vec![3, 2, 1]]);
}

#[test]
fn one_lost_commit_is_made_up_by_the_second() {
    let mut wire = Wire::of([1, 2, 3]);
    wire.lose(first(1, 3, 1, is_commit));
    wire.run(Duration::from_secs(1));
    wire.agreed(&[1, 2, 3]);
    assert_eq!(wire.count(|m| matches!(m, Message::ListRequest { .. })), 0);
}

#[test]
fn member_learns_what_it_missed_from_a_heartbeat_of_the_next_group() {
    let mut wire = Wire::formed([1, 2, 3, 4]);
    wire.lose(|_, to, _| to == 1);
    wire.groups.remove(&2);
    wire.doom(&[3, 4], &[2], Cause::NodeDown);
    wire.run(Duration::from_secs(2));
    wire.heal();
    let next = wire.view(4).expect("a member").id;
    assert_ne!(wire.view(1).map(|view| view.id), Some(next));
    wire.at(1, |group, now| group.on_stranger(now, address(3), next));
    wire.run(LATENCY * 2);
    assert_eq!(wire.agreed(&[1, 3, 4]), next);
}

#[test]
fn lost_acknowledgement_is_asked_for_again() {
    let mut wire = Wire::of([1, 2, 3]);
    wire.lose(first(1, 1, 3, is_ack));
    wire.run(Duration::from_secs(1));
    wire.agreed(&[1, 2, 3]);
    let prepared: Vec<_> = wire
        .said
        .iter()
        .filter(|(_, _, _, message)| is_prepare(message))
        .map(|(_, from, to, _)| (*from, *to))
        .collect();
    assert_eq!(prepared, [(3, None), (3, Some(1))], "and of that member alone");
}

#[test]
fn newcomer_that_does_not_acknowledge_stays_out() {
    let mut wire = Wire::formed([2, 3]);
    wire.lose(|from, _, message| from == 1 && is_ack(message));
    wire.start(1, 1);
    wire.run(Duration::from_millis(1500));
    wire.agreed(&[2, 3]);
    assert_eq!(wire.view(1).map(|view| short(view).1), Some(vec![1]));
    wire.heal();
    wire.run(Duration::from_secs(5));
    wire.agreed(&[1, 2, 3]);
}

#[test]
fn silent_newcomer_does_not_keep_others_out() {
    let mut wire = Wire::of([1, 2, 3]);
    wire.lose(|from, _, message| from == 1 && is_ack(message));
    wire.run(Duration::from_millis(1200));
    wire.agreed(&[2, 3]);
}

#[test]
fn member_that_does_not_acknowledge_stays_in_until_it_is_judged() {
    let mut wire = Wire::formed([1, 2, 3, 4]);
    wire.lose(|from, _, message| from == 1 && is_ack(message));
    wire.groups.remove(&2);
    wire.doom(&[1, 3, 4], &[2], Cause::NodeDown);
    wire.run(Duration::from_secs(2));
    wire.agreed(&[1, 3, 4]);
}

/// A leader that waits to be taken in commits nothing.
#[test]
fn leader_that_never_prepares_does_not_keep_others_from_committing() {
    let mut wire = Wire::of([1, 2, 3, 9]);
    wire.lose(|_, to, message| to == 9 && is_join(message));
    wire.run(Duration::from_secs(30));
    wire.agreed(&[1, 2, 3]);
    wire.groups.remove(&1);
    wire.doom(&[2, 3], &[1], Cause::NodeDown);
    wire.run(Duration::from_secs(1));
    wire.agreed(&[2, 3]);
}

#[test]
fn leader_that_was_held_off_is_followed_soon_once_it_hears() {
    let mut wire = Wire::of([1, 2, 9]);
    wire.lose(|_, to, message| to == 9 && is_join(message));
    wire.run(Duration::from_secs(30));
    wire.agreed(&[1, 2]);
    wire.heal();
    // It proclaims each second.
    wire.run(Duration::from_secs(3));
    wire.agreed(&[1, 2, 9]);
}

#[test]
fn join_is_said_again_when_it_is_lost() {
    let mut wire = Wire::of([2, 3]);
    wire.lose(first(2, 2, 3, is_join));
    wire.run(Duration::from_millis(1200));
    wire.agreed(&[2, 3]);
}

#[test]
fn prepare_of_one_that_would_not_lead_is_refused() {
    let mut wire = Wire::formed([1, 2, 3]);
    let before = wire.agreed(&[1, 2, 3]);
    let next = GroupView {
        id: GroupId { instance: before.instance + 5, leader: address(2) },
        members: Members::new([member(1), member(2), member(3)]),
        failed_paths: BTreeSet::new(),
    };
    let prepare = |next: &GroupView| {
        Message::Prepare(hats_wire::Prepare {
            base: None,
            group: next.id,
            members: next.members.to_vec(),
            failed_paths: vec![],
            removed: vec![],
            digest: next.digest(),
            told: vec![],
        })
    };
    wire.at(1, |group, now| group.handle(now, address(2), prepare(&next)));
    assert_eq!(wire.count(is_ack), 0, "3 is higher");
    let without_me = GroupView { members: Members::new([member(2)]), ..next.clone() };
    wire.at(1, |group, now| group.handle(now, address(2), prepare(&without_me)));
    assert_eq!(wire.count(is_ack), 0, "1 is not in it");
    let mut lying = prepare(&GroupView { members: Members::new([member(1), member(2)]), ..next });
    if let Message::Prepare(prepare) = &mut lying {
        prepare.digest ^= 1;
    }
    wire.at(1, |group, now| group.handle(now, address(2), lying));
    assert_eq!(wire.count(is_ack), 0, "the digest is of another list");
}

#[test]
fn prepare_that_was_acknowledged_is_acknowledged_again_after_the_commit() {
    let mut wire = Wire::formed([1, 2]);
    let view = wire.view(1).expect("a member").clone();
    let prepare = Message::Prepare(hats_wire::Prepare {
        base: None,
        group: view.id,
        members: view.members.to_vec(),
        failed_paths: vec![],
        removed: vec![],
        digest: view.digest(),
        told: vec![],
    });
    wire.at(1, |group, now| group.handle(now, address(2), prepare));
    assert_eq!(wire.count(is_ack), 1);
    assert_eq!(wire.view(1), Some(&view));
}

#[test]
fn commit_of_what_was_not_prepared_is_not_adopted_but_asked_about() {
    let mut wire = Wire::formed([1, 2]);
    let before = wire.agreed(&[1, 2]);
    let group = GroupId { instance: before.instance + 1, ..before };
    wire.at(1, |machine, now| {
        machine.handle(now, address(2), Message::Commit { group, digest: 7, absent: vec![] });
    });
    assert_eq!(wire.agreed(&[1, 2]), before);
    assert_eq!(wire.count(|m| matches!(m, Message::ListRequest { .. })), 1);
}

#[test]
fn formation_with_every_message_coming_twice_and_late_is_one_change() {
    let mut wire = Wire::of(1..=4);
    wire.carry = Box::new(|_, _, _| vec![LATENCY, Duration::from_millis(400)]);
    wire.run(Duration::from_secs(5));
    wire.agreed(&[1, 2, 3, 4]);
    for name in 1..=4 {
        assert_eq!(wire.history(name), [vec![name], vec![4, 3, 2, 1]]);
    }
}

#[test]
fn conversation_heard_again_changes_nothing() {
    let mut wire = Wire::of([1, 2, 3]);
    wire.run(Duration::from_secs(1));
    let before = wire.agreed(&[1, 2, 3]);
    let heard = wire.said.clone();
    for (_, from, to, message) in heard {
        for name in 1..=3u8 {
            if name != from && to.is_none_or(|to| to == name) {
                let message = message.clone();
                wire.at(name, |group, now| group.handle(now, address(from), message));
            }
        }
    }
    wire.run(Duration::from_secs(1));
    assert_eq!(wire.agreed(&[1, 2, 3]), before);
}

#[test]
fn leader_that_has_no_path_to_those_who_stay_does_not_wait_for_them() {
    let mut wire = Wire::formed([1, 2, 3]);
    let pair = Pair::new(address(1), address(2));
    wire.lose(|from, to, _| from + to == 3);
    for name in [1, 2, 3] {
        wire.at(name, |group, now| group.set_path(now, pair, true));
    }
    wire.run(Duration::from_secs(1));
    wire.agreed(&[1, 2, 3]);
    wire.groups.remove(&3);
    wire.doom(&[1, 2], &[3], Cause::NodeDown);
    wire.run(Duration::from_secs(2));
    assert_eq!(wire.view(2).map(|view| short(view).1), Some(vec![2, 1]));
    wire.start(3, 2);
    wire.run(Duration::from_secs(20));
    wire.agreed(&[1, 2, 3]);
}

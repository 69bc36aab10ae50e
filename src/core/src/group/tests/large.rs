//! What is done otherwise, or matters, in groups of dozens.

use super::*;

fn is_join_of(of: u8) -> impl Fn(&(Timestamp, u8, Option<u8>, Message)) -> bool {
    move |(_, from, _, message)| *from == of && is_join(message)
}

/// The members that PREPAREs to one of them, or to all, name.
fn named(wire: &Wire, to: Option<u8>) -> Vec<(Option<GroupId>, usize)> {
    let prepares = wire.said.iter().filter(|(_, _, whom, _)| *whom == to);
    prepares
        .filter_map(|(_, _, _, message)| {
            let Message::Prepare(prepare) = message else { return None };
            Some((prepare.base, prepare.members.len()))
        })
        .collect()
}

#[test]
fn one_that_hears_a_higher_leader_while_it_listens_joins_without_a_word() {
    let mut wire = Wire::of([9]);
    wire.run(Duration::from_millis(100));
    wire.start(3, 1);
    wire.run(Duration::from_millis(240));
    assert_eq!(wire.view(3), None, "it still listens");
    wire.forget();
    wire.run(Duration::from_millis(20));
    assert!(wire.said.iter().any(is_join_of(3)));
    wire.run(Duration::from_millis(200));
    wire.agreed(&[3, 9]);
    let proclaims = wire
        .said
        .iter()
        .filter(|(_, from, _, message)| *from == 3 && matches!(message, Message::Proclaim(_)));
    assert_eq!(proclaims.count(), 0);
}

#[test]
fn a_lower_leader_heard_while_listening_is_not_joined() {
    let mut wire = Wire::of([3]);
    wire.run(Duration::from_millis(100));
    wire.start(9, 1);
    wire.run(Duration::from_secs(1));
    wire.agreed(&[3, 9]);
    assert!(!wire.said.iter().any(is_join_of(9)));
}

#[test]
fn many_that_start_within_the_listening_time_form_by_one_commit() {
    let mut wire = Wire::of([]);
    for name in 1..=100 {
        wire.start(name.max(1) * 2, 1);
        wire.run(Duration::from_millis(2));
    }
    wire.run(Duration::from_secs(2));
    let all: Vec<u8> = (1..=100).map(|name| name * 2).collect();
    wire.agreed(&all);
    let sizes: Vec<usize> = wire.history(2).iter().map(Vec::len).collect();
    assert!(sizes.len() <= 3, "{sizes:?}");
}

#[test]
fn members_of_a_large_group_are_told_the_difference_and_a_newcomer_the_whole() {
    let mut wire = Wire::formed(1..=40);
    let before = wire.agreed(&(1..=40).collect::<Vec<_>>());
    wire.start(50, 1);
    wire.run(Duration::from_secs(2));
    wire.agreed(&(1..=40).chain([50]).collect::<Vec<_>>());
    wire.forget();
    wire.groups.remove(&7);
    let rest: Vec<u8> = (1..=40).chain([50]).filter(|name| *name != 7).collect();
    wire.doom(&rest, &[7], Cause::NodeDown);
    wire.run(Duration::from_secs(1));
    let without = wire.agreed(&rest);
    let told = named(&wire, None);
    assert!(matches!(told[..], [(Some(_), 0)]), "{told:?}");
    wire.forget();
    wire.start(7, 2);
    wire.run(Duration::from_secs(2));
    wire.agreed(&(1..=40).chain([50]).collect::<Vec<_>>());
    assert_eq!(named(&wire, None), [(Some(without), 1)]);
    assert_eq!(named(&wire, Some(7)), [(None, 41)]);
    assert!(before.instance < without.instance);
}

#[test]
fn a_member_that_missed_a_commit_is_told_the_next_in_full() {
    let mut wire = Wire::formed(1..=20);
    wire.groups.remove(&3);
    let rest: Vec<u8> = (1..=20).filter(|name| *name != 3).collect();
    let tells = |message: &Message| is_commit(message) || matches!(message, Message::Proclaim(_));
    wire.lose(move |_, to, message| to == 5 && tells(message));
    wire.doom(&rest, &[3], Cause::NodeDown);
    wire.run(Duration::from_millis(200));
    wire.heal();
    wire.forget();
    wire.groups.remove(&8);
    let rest: Vec<u8> = rest.into_iter().filter(|name| *name != 8).collect();
    wire.doom(&rest, &[8], Cause::NodeDown);
    wire.run(Duration::from_millis(400));
    wire.agreed(&rest);
    assert_eq!(named(&wire, Some(5)), [(None, 18)]);
}

#[test]
fn newcomers_that_do_not_answer_stay_out_and_nobody_asks_for_a_list() {
    let mut wire = Wire::formed(1..=20);
    for name in 30..=40 {
        wire.start(name, 1);
    }
    // They ask to join, by leave of a leader above them, and do not answer it.
    wire.start(50, 1);
    wire.lose(|from, _, message| (33..=35).contains(&from) && is_ack(message));
    wire.run(Duration::from_secs(1));
    let lists = wire.count(|message| matches!(message, Message::ListRequest { .. }));
    assert_eq!(lists, 0);
    let members = wire.view(50).map(short).expect("a leader").1;
    assert!(members.iter().all(|name| !(33..=35).contains(name)), "{members:?}");
    assert_eq!(wire.view(1).map(short).expect("a member").1, members);
    wire.heal();
    wire.run(Duration::from_secs(3));
    wire.agreed(&(1..=20).chain(30..=40).chain([50]).collect::<Vec<_>>());
}

#[test]
fn what_is_doomed_while_a_round_waits_is_prepared_together() {
    let mut wire = Wire::formed(1..=30);
    let gone: Vec<u8> = (1..=10).map(|n| n * 2).collect();
    for name in &gone {
        wire.groups.remove(name);
    }
    let rest: Vec<u8> = (1..=30).filter(|name| !gone.contains(name)).collect();
    for name in &gone {
        wire.doom(&rest, &[*name], Cause::NodeDown);
        wire.run(Duration::from_millis(7));
    }
    wire.run(Duration::from_secs(1));
    wire.agreed(&rest);
    assert_eq!(wire.history(1).len(), 1, "one membership for all ten");
    assert!(wire.count(is_prepare) <= 6, "{} rounds", wire.count(is_prepare));
}

#[test]
fn a_large_group_acknowledges_one_after_another() {
    let mut wire = Wire::formed(1..=200);
    let rest: Vec<u8> = (1..=199).collect();
    wire.groups.remove(&200);
    wire.doom(&rest, &[200], Cause::NodeDown);
    wire.run(Duration::from_secs(1));
    wire.agreed(&rest);
    let acks: Vec<Timestamp> = wire
        .said
        .iter()
        .filter(|(_, _, _, message)| is_ack(message))
        .map(|(at, _, _, _)| *at)
        .collect();
    assert_eq!(acks.len(), 198);
    let distinct: std::collections::BTreeSet<_> = acks.iter().collect();
    assert!(distinct.len() > 150, "{} instants", distinct.len());
}

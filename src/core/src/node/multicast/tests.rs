use Multicast::{Doubted, Heard, Missing, Unknown};

use super::*;

const INTERVAL: Duration = Duration::from_millis(250);

fn leader() -> IpAddr {
    IpAddr::from([10, 77, 1, 9])
}

/// Of one that follows since the beginning.
fn follower() -> Hearing {
    let mut hearing = Hearing::default();
    hearing.follow(Timestamp(0), Some(leader()));
    hearing
}

/// Proclaims come in this order, `*` to all and `.` by unicast.
fn hears(hearing: &mut Hearing, order: &str) -> Multicast {
    for (second, how) in (1..).zip(order.chars()) {
        hearing.heard(Timestamp(0) + INTERVAL * second, how == '*');
    }
    hearing.says()
}

#[test]
fn who_hears_its_leader_speak_to_all_says_nothing_of_it() {
    assert_eq!(hears(&mut follower(), "*****"), Unknown);
}

#[test]
fn who_hears_only_copies_is_sure_after_eight_of_them() {
    assert_eq!(hears(&mut follower(), "......."), Unknown);
    assert_eq!(hears(&mut follower(), "........"), Missing);
}

#[test]
fn one_that_comes_to_all_in_between_is_reason_not_to_be_sure() {
    assert_eq!(hears(&mut follower(), ".......*......."), Unknown);
}

#[test]
fn who_hears_again_what_is_said_to_all_is_sure_after_three() {
    let mut hearing = follower();
    assert_eq!(hears(&mut hearing, "........"), Missing);
    assert_eq!(hears(&mut hearing, "*.*."), Missing);
    assert_eq!(hears(&mut hearing, "*."), Heard);
}

#[test]
fn two_copies_in_a_row_that_come_alone_begin_the_count_anew() {
    let mut hearing = follower();
    assert_eq!(hears(&mut hearing, "........"), Missing);
    assert_eq!(hears(&mut hearing, "*.*...*.*."), Missing);
    assert_eq!(hears(&mut hearing, "*."), Heard);
}

#[test]
fn who_is_sent_copies_that_it_did_not_ask_for_says_that_it_hears() {
    assert_eq!(hears(&mut follower(), "*.*.*."), Heard);
}

#[test]
fn a_follower_doubts_after_thirteen_intervals_and_a_leader_never() {
    let mut hearing = follower();
    let at = |intervals: u32| Timestamp(0) + INTERVAL * intervals;
    assert_eq!(hearing.doubts_at(INTERVAL), Some(at(13)));
    hearing.heard(at(4), true);
    assert_eq!(hearing.doubts_at(INTERVAL), Some(at(17)));
    hearing.follow(at(5), None);
    assert_eq!(hearing.doubts_at(INTERVAL), None);
}

#[test]
fn what_it_missed_of_one_leader_it_doubts_of_the_next() {
    let mut hearing = follower();
    assert_eq!(hears(&mut hearing, "........"), Missing);
    hearing.follow(Timestamp(0), None);
    assert_eq!(hearing.says(), Doubted);
    let mut hearing = follower();
    assert_eq!(hears(&mut hearing, ".***"), Heard);
    hearing.follow(Timestamp(0), None);
    assert_eq!(hearing.says(), Heard);
}

#[test]
fn multicast_is_broken_when_half_of_the_followers_miss_it() {
    assert!(is_broken(false, &[Missing]));
    assert!(is_broken(false, &[Missing, Unknown]));
    assert!(!is_broken(false, &[Missing, Unknown, Unknown]));
    assert!(!is_broken(false, &[Missing, Heard]));
    assert!(!is_broken(false, &[Doubted, Doubted]));
    assert!(!is_broken(false, &[]));
}

#[test]
fn multicast_works_again_when_somebody_hears_it_and_nobody_misses_it() {
    assert!(is_broken(true, &[Missing, Heard]));
    assert!(!is_broken(true, &[Unknown, Heard, Unknown]));
    assert!(!is_broken(true, &[Missing, Heard, Heard]));
    assert!(is_broken(true, &[Missing, Missing, Heard]));
}

#[test]
fn without_followers_nothing_is_learned_of_multicast() {
    assert!(is_broken(true, &[]));
    assert!(is_broken(true, &[Unknown]));
    assert!(!is_broken(false, &[Unknown]));
}

#[test]
fn an_adapter_that_its_node_lists_no_more_says_nothing_any_more() {
    let adapter = |network: &str, multicast| hats_wire::AdapterReport {
        network: network.into(),
        interface: "eth0".into(),
        address: leader(),
        fault: None,
        group: None,
        held: None,
        mac: Vec::new(),
        loss: None,
        multicast,
        narrow: Vec::new(),
        overheard: Vec::new(),
    };
    let report = |adapters| NodeReport {
        node_id: NodeId(9),
        node: "n9".into(),
        version: "1".into(),
        adapters,
        leaving: false,
        maintenance: false,
    };
    let mut known = Known::default();
    known.learn(&report([adapter("neta", Doubted)].into()));
    assert!(known.misses("neta", leader()));
    let changes = known.changes;
    known.learn(&report([adapter("neta", Doubted)].into()));
    assert_eq!(known.changes, changes);
    known.learn(&report([adapter("netb", Unknown)].into()));
    assert!(!known.misses("neta", leader()));
    assert!(known.said.is_empty());
}

#[test]
fn speakers_are_bounded_and_the_old_make_room() {
    let mut speakers = Speakers::default();
    let at = |intervals: u32| Timestamp(0) + INTERVAL * intervals;
    let from = |last: u8| IpAddr::from([10, 77, 1, last]);
    for last in 0..=64 {
        speakers.note(at(0), from(last), INTERVAL);
    }
    assert_eq!(speakers.recent(at(20), INTERVAL).count(), SPEAKERS_MAX);
    assert_eq!(speakers.recent(at(21), INTERVAL).count(), 0);
    speakers.note(at(21), from(200), INTERVAL);
    assert_eq!(speakers.recent(at(21), INTERVAL).collect::<Vec<_>>(), [from(200)]);
}

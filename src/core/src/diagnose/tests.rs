use alloc::{vec, vec::Vec};
use core::net::IpAddr;

use hats_wire::{Cause, Confidence, Direction, Member, Observation};

use super::*;
use crate::members::tests::member;

mod every;

/// The reporter, the suspect, and up to three others that are asked.
const R: u8 = 9;
const S: u8 = 7;
const A: u8 = 5;
const B: u8 = 4;
const C: u8 = 3;

fn address(of: u8) -> IpAddr {
    IpAddr::from([10, 77, 1, of])
}

/// `prober` probed `target` on the network in question, and got no answer.
fn unanswered(prober: u8, target: u8) -> Observation {
    Observation {
        prober: member(prober).node.clone(),
        prober_address: address(prober),
        prober_is_reporter: prober == R,
        target: member(target).node.clone(),
        target_address: address(target),
        network: "neta".into(),
        sent: 3,
        received: 0,
        rtt_us: None,
        seen_by_target: None,
        heard_from_target: 0,
        icmp: Some(false),
        elsewhere: None,
        stalled: false,
        fact: None,
    }
}

/// `prober` probed `target` on the network in question, and got answers.
fn answered(prober: u8, target: u8) -> Observation {
    Observation {
        received: 3,
        rtt_us: Some(180),
        heard_from_target: 3,
        icmp: Some(true),
        ..unanswered(prober, target)
    }
}

/// The target's daemon says over another network how many probes arrived, and
/// so many datagrams of its adapter arrived here.
fn told(of: Observation, seen: u32, heard: u32) -> Observation {
    Observation {
        seen_by_target: Some(seen),
        heard_from_target: heard,
        elsewhere: Some(true),
        ..of
    }
}

/// `prober` probed the target's adapter on the second network.
fn on_second(prober: u8, target: u8, received: u32) -> Observation {
    Observation {
        prober_address: IpAddr::from([10, 77, 2, prober]),
        target_address: IpAddr::from([10, 77, 2, target]),
        network: "netb".into(),
        received,
        ..unanswered(prober, target)
    }
}

/// A probe of the reference target 10.77.1.254.
fn of_reference(prober: u8, answers: bool) -> Observation {
    Observation {
        target: REFERENCE.into(),
        target_address: address(254),
        icmp: Some(answers),
        ..unanswered(prober, 254)
    }
}

/// What they mean, in this order and in the reverse one.
fn found(observations: impl IntoIterator<Item = Observation>) -> Conclusion {
    between(R, S, observations.into_iter().collect())
}

fn between(reporter: u8, suspect: u8, mut observations: Vec<Observation>) -> Conclusion {
    let (reporter, suspect): (Member, Member) = (member(reporter), member(suspect));
    let conclude = |observations: &[Observation]| {
        let (reporter, suspect) = (&reporter, &suspect);
        diagnose(&Evidence { network: "neta", reporter, suspect, observations })
    };
    let conclusion = conclude(&observations);
    observations.reverse();
    assert_eq!(conclude(&observations), conclusion, "the order of observations must not matter");
    conclusion
}

fn suspect_adapter(cause: Cause) -> Conclusion {
    Conclusion::Adapter { culprit: Party::Suspect, cause, confidence: Confidence::High }
}

fn reporter_adapter(cause: Cause) -> Conclusion {
    Conclusion::Adapter { culprit: Party::Reporter, cause, confidence: Confidence::High }
}

/// Two arbiters reach the reporter and not the suspect, whose daemon lives.
fn only_the_suspect_is_missed(seen: u32, heard: u32) -> Vec<Observation> {
    vec![
        told(unanswered(R, S), seen, heard),
        answered(A, R),
        told(unanswered(A, S), seen, heard),
        answered(B, R),
        told(unanswered(B, S), seen, heard),
        on_second(R, S, 3),
    ]
}

#[test]
fn suspect_that_receives_and_is_not_heard_fails_to_transmit() {
    assert_eq!(found(only_the_suspect_is_missed(3, 0)), suspect_adapter(Cause::Transmit));
}

#[test]
fn suspect_that_is_heard_and_receives_nothing_fails_to_receive() {
    assert_eq!(found(only_the_suspect_is_missed(0, 2)), suspect_adapter(Cause::Receive));
}

#[test]
fn suspect_that_neither_receives_nor_is_heard_fails_both_ways() {
    assert_eq!(found(only_the_suspect_is_missed(0, 0)), suspect_adapter(Cause::Both));
}

#[test]
fn reporter_that_no_arbiter_reaches_blames_itself_with_the_direction() {
    for (seen, heard, cause) in
        [(3, 0, Cause::Transmit), (0, 2, Cause::Receive), (0, 0, Cause::Both)]
    {
        let case = [
            told(unanswered(R, S), heard, seen),
            answered(A, S),
            told(unanswered(A, R), seen, heard),
            answered(B, S),
            told(unanswered(B, R), seen, heard),
        ];
        assert_eq!(found(case), reporter_adapter(cause));
    }
}

#[test]
fn one_arbiter_that_reaches_both_makes_it_the_path() {
    let case = [
        told(unanswered(R, S), 0, 0),
        answered(A, R),
        answered(A, S),
        answered(B, R),
        unanswered(B, S),
    ];
    assert_eq!(found(case), Conclusion::Path { direction: Direction::Both });
}

#[test]
fn one_that_answers_both_and_was_not_asked_makes_it_the_path_as_well() {
    let case = [
        told(unanswered(R, S), 0, 0),
        answered(R, B),
        answered(S, B),
        unanswered(A, R),
        unanswered(A, S),
    ];
    assert_eq!(found(case), Conclusion::Path { direction: Direction::Both });
}

#[test]
fn path_has_the_direction_in_which_nothing_arrives() {
    for (seen, heard, direction) in
        [(0, 2, Direction::ToPeer), (3, 0, Direction::FromPeer), (0, 0, Direction::Both)]
    {
        let case = [told(unanswered(R, S), seen, heard), answered(A, R), answered(A, S)];
        assert_eq!(found(case), Conclusion::Path { direction });
    }
}

#[test]
fn arbiters_that_reach_one_side_each_are_a_partition_with_its_sides() {
    let case = [
        told(unanswered(R, S), 0, 0),
        answered(A, R),
        unanswered(A, S),
        answered(B, S),
        unanswered(B, R),
        answered(C, R),
        unanswered(C, S),
    ];
    let sides = [vec![address(R), address(C), address(A)], vec![address(S), address(B)]];
    assert_eq!(found(case), Conclusion::Partition { sides });
}

#[test]
fn suspect_with_company_of_its_own_is_the_other_side_of_a_partition() {
    let case = [
        told(unanswered(R, S), 0, 0),
        answered(A, R),
        unanswered(A, S),
        unanswered(S, R),
        answered(S, 2),
        answered(R, 8),
    ];
    let sides = [vec![address(R), address(A), address(8)], vec![address(S), address(2)]];
    assert_eq!(found(case), Conclusion::Partition { sides });
}

#[test]
fn network_where_nobody_reaches_anybody_has_failed() {
    let case = [
        told(unanswered(R, S), 0, 0),
        unanswered(R, A),
        told(unanswered(A, R), 0, 0),
        told(unanswered(A, S), 0, 0),
        on_second(R, S, 3),
    ];
    assert_eq!(found(case), Conclusion::Network);
}

#[test]
fn network_has_failed_also_when_the_suspect_is_on_no_other() {
    let case = [unanswered(R, S), unanswered(R, A), told(unanswered(A, R), 0, 0), unanswered(A, S)];
    assert_eq!(found(case), Conclusion::Network);
}

#[test]
fn network_on_which_anything_passes_has_not_failed() {
    let case = [
        told(unanswered(R, S), 3, 0),
        unanswered(R, A),
        told(unanswered(A, R), 0, 3),
        told(unanswered(A, S), 0, 3),
        on_second(R, S, 3),
    ];
    assert_eq!(found(case), Conclusion::Inconclusive { missing: AGREEMENT });
}

#[test]
fn adapter_that_hears_one_member_and_not_others_that_work_is_not_what_failed() {
    let starved = Observation { heard_from_target: 13, ..unanswered(R, C) };
    let case = |of_c| {
        [
            told(unanswered(R, S), 0, 0),
            of_c,
            unanswered(R, A),
            answered(A, S),
            told(unanswered(A, R), 0, 0),
        ]
    };
    assert_eq!(found(case(starved)), Conclusion::Inconclusive { missing: AGREEMENT });
    assert_eq!(found(case(unanswered(R, C))), reporter_adapter(Cause::Both));
}

#[test]
fn reporter_that_was_tried_with_the_suspect_alone_is_not_blamed() {
    let case = [told(unanswered(R, S), 0, 0), unanswered(S, R), answered(S, A)];
    assert_eq!(found(case), Conclusion::Inconclusive { missing: NO_THIRD_VOICE });
}

#[test]
fn node_that_is_still_heard_is_not_down() {
    let case = |heard_from_target| {
        [
            Observation { elsewhere: Some(false), heard_from_target, ..unanswered(R, S) },
            answered(A, R),
            unanswered(A, S),
            on_second(R, S, 0),
        ]
    };
    assert_eq!(found(case(1)), Conclusion::Inconclusive { missing: AGREEMENT });
    assert!(matches!(found(case(0)), Conclusion::Node { .. }));
}

#[test]
fn node_that_answers_on_no_network_is_down() {
    let case = [
        Observation { elsewhere: Some(false), ..unanswered(R, S) },
        answered(A, R),
        Observation { elsewhere: Some(false), ..unanswered(A, S) },
        on_second(R, S, 0),
        on_second(A, S, 0),
    ];
    let (cause, confidence) = (Cause::NodeDown, Confidence::High);
    assert_eq!(found(case), Conclusion::Node { cause, confidence });
}

#[test]
fn host_that_answers_ping_and_no_hats_has_lost_its_daemon() {
    for on in ["neta", "netb"] {
        let pinged = |o: Observation| Observation { icmp: Some(o.network == on), ..o };
        let case = [
            pinged(unanswered(R, S)),
            answered(A, R),
            pinged(unanswered(A, S)),
            pinged(on_second(R, S, 0)),
        ];
        assert_eq!(found(case), Conclusion::Daemon, "ping on {on}");
    }
}

#[test]
fn daemon_of_which_anything_is_heard_is_not_said_to_be_down() {
    let pinged = |o: Observation| Observation { icmp: Some(true), ..o };
    let heard = |o: Observation| Observation { heard_from_target: 2, ..o };
    for second in [on_second(R, S, 0), heard(on_second(R, S, 0))] {
        let is_heard = second.heard_from_target > 0;
        let case =
            [pinged(unanswered(R, S)), answered(A, R), pinged(unanswered(A, S)), pinged(second)];
        let unclear = Conclusion::Inconclusive { missing: AGREEMENT };
        assert_eq!(found(case), if is_heard { unclear } else { Conclusion::Daemon });
    }
}

#[test]
fn daemon_whose_nims_answer_for_it_is_down() {
    let stalled = |o: Observation| Observation { stalled: true, ..o };
    let case = [stalled(answered(R, S)), stalled(answered(A, S)), answered(A, R)];
    assert_eq!(found(case), Conclusion::Daemon, "its NIMs answer");
    let case = [unanswered(R, S), answered(A, R), unanswered(A, S), stalled(on_second(R, S, 3))];
    assert_eq!(found(case), Conclusion::Daemon, "a NIM on another network answers");
}

#[test]
fn node_on_one_network_is_unreachable_when_it_answers_nobody() {
    let case = [unanswered(R, S), answered(A, R), unanswered(A, S)];
    let (cause, confidence) = (Cause::Unreachable, Confidence::Medium);
    assert_eq!(found(case), Conclusion::Node { cause, confidence });
}

#[test]
fn node_on_one_network_that_is_still_heard_lives_and_does_not_receive() {
    let heard = Observation { heard_from_target: 1, ..unanswered(A, S) };
    let case = [unanswered(R, S), answered(A, R), heard];
    let (cause, confidence) = (Cause::Receive, Confidence::Medium);
    assert_eq!(found(case), Conclusion::Adapter { culprit: Party::Suspect, cause, confidence });
}

#[test]
fn arbiter_that_reaches_nobody_has_no_vote() {
    for case in [only_the_suspect_is_missed(3, 0), only_the_suspect_is_missed(0, 0)] {
        let without = found(case.clone());
        let void = [unanswered(C, R), told(unanswered(C, S), 0, 0)];
        assert_eq!(found(case.into_iter().chain(void)), without);
    }
}

#[test]
fn reference_target_decides_when_nobody_is_left_to_ask() {
    let alone = |answers| [told(unanswered(R, S), 0, 0), of_reference(R, answers)];
    let confidence = Confidence::Medium;
    let cause = Cause::Both;
    let blamed = |culprit| Conclusion::Adapter { culprit, cause, confidence };
    assert_eq!(found(alone(true)), blamed(Party::Suspect));
    assert_eq!(found(alone(false)), blamed(Party::Reporter));
}

#[test]
fn two_that_both_reach_the_reference_target_have_lost_the_path_between_them() {
    let asked = |answers| {
        let silent = [told(unanswered(R, S), 0, 0), unanswered(S, R)];
        silent.into_iter().chain([of_reference(R, answers), of_reference(S, answers)])
    };
    assert_eq!(found(asked(true)), Conclusion::Path { direction: Direction::Both });
    assert_eq!(found(asked(false)), Conclusion::Network);
}

#[test]
fn any_of_several_reference_targets_will_do() {
    let other = |answers| Observation { target_address: address(253), ..of_reference(R, answers) };
    let case = [told(unanswered(R, S), 0, 0), of_reference(R, false), other(true)];
    assert!(found(case).blames_suspect());
}

#[test]
fn two_nodes_without_a_third_voice_cannot_tell() {
    let missing = NO_THIRD_VOICE;
    let lives = [told(unanswered(R, S), 0, 0), on_second(R, S, 3)];
    assert_eq!(found(lives), Conclusion::Inconclusive { missing });
    assert_eq!(found([unanswered(R, S)]), Conclusion::Inconclusive { missing });
    assert_eq!(found([]), Conclusion::Inconclusive { missing });
}

#[test]
fn what_its_own_node_knows_needs_no_arbitration() {
    let knows = |o: Observation, fact| Observation { fact: Some(fact), ..told(o, 0, 0) };
    let case = [
        knows(unanswered(R, S), Cause::LinkDown),
        answered(A, R),
        knows(unanswered(A, S), Cause::LinkDown),
    ];
    assert_eq!(found(case), Conclusion::Fact(Cause::LinkDown));
    // One arbiter heard of it before the interface was gone, another after.
    let case =
        [knows(unanswered(A, S), Cause::LinkDown), knows(unanswered(B, S), Cause::AddressLost)];
    assert!(matches!(found(case), Conclusion::Fact(_)));
}

#[test]
fn suspect_that_answers_the_reporter_has_not_failed() {
    let case = [answered(R, S), unanswered(A, R), unanswered(A, S)];
    assert_eq!(found(case), Conclusion::Alive);
}

#[test]
fn suspect_that_something_reaches_and_something_comes_from_has_not_failed() {
    let case = [told(unanswered(R, S), 1, 1), answered(A, R), unanswered(A, S)];
    assert_eq!(found(case), Conclusion::Alive, "answers were lost");
    let back = Observation { heard_from_target: 1, ..unanswered(S, R) };
    let case = [told(unanswered(R, S), 0, 1), back, answered(A, R), unanswered(A, S)];
    assert_eq!(found(case), Conclusion::Alive, "each has heard the other");
}

#[test]
fn suspect_whose_own_probe_the_reporter_answers_has_not_failed() {
    let case = [unanswered(R, S), answered(S, R), answered(A, R), unanswered(A, S)];
    assert_eq!(found(case), Conclusion::Alive);
}

#[test]
fn answer_counts_whoever_of_the_two_asked() {
    let case = [unanswered(R, S), answered(A, S), unanswered(A, R), answered(R, A)];
    assert_eq!(found(case), Conclusion::Path { direction: Direction::Both });
    let case = [unanswered(R, S), answered(A, R), unanswered(A, S), answered(S, A)];
    assert_eq!(found(case), Conclusion::Path { direction: Direction::Both });
}

#[test]
fn suspect_that_sends_its_own_findings_is_no_dead_node() {
    let case = [
        Observation { elsewhere: Some(false), ..unanswered(R, S) },
        answered(A, R),
        Observation { elsewhere: Some(false), ..unanswered(A, S) },
        on_second(R, S, 0),
        unanswered(S, R),
        unanswered(S, A),
    ];
    assert_eq!(found(case), suspect_adapter(Cause::Both));
}

#[test]
fn answers_on_another_network_do_not_vouch_for_this_one() {
    let case = [
        told(unanswered(R, S), 0, 0),
        answered(A, R),
        told(unanswered(A, S), 0, 0),
        on_second(R, S, 3),
        on_second(A, S, 3),
    ];
    assert_eq!(found(case), suspect_adapter(Cause::Both));
}

#[test]
fn whoever_else_answers_the_reporter_its_word_alone_does_not_bring_anybody_down() {
    let elsewhere = |seen| Observation { elsewhere: Some(seen), ..unanswered(R, S) };
    for seen in [false, true] {
        let case = [elsewhere(seen), answered(R, A), answered(R, C)];
        assert_eq!(found(case), Conclusion::Inconclusive { missing: NO_THIRD_VOICE });
    }
    let voter = [elsewhere(false), answered(R, A), answered(A, R), unanswered(A, S)];
    assert!(matches!(found(voter), Conclusion::Node { .. }));
}

#[test]
fn node_whose_daemon_could_be_asked_elsewhere_is_not_called_unreachable() {
    let with = |elsewhere| {
        let suspect = Observation { elsewhere, ..unanswered(R, S) };
        found([suspect, answered(A, R), unanswered(A, S)])
    };
    let is_for =
        |it: &Conclusion, cause| matches!(it, Conclusion::Node { cause: c, .. } if *c == cause);
    assert!(is_for(&with(Some(false)), Cause::NodeDown));
    assert!(is_for(&with(None), Cause::Unreachable));
}

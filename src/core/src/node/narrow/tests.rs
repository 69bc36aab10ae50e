use hats_wire::{Identity, Incarnation};

use super::*;

/// What is concluded after rounds in which the long and the short one were
/// answered or not.
fn after(rounds: impl IntoIterator<Item = (bool, bool)>) -> (u32, Conclusion) {
    let mut doubt = Doubt::default();
    for (long, short) in rounds {
        doubt.begin();
        assert_eq!(doubt.answered(true, long), Conclusion::Open);
        let conclusion = doubt.answered(false, short);
        if conclusion != Conclusion::Open {
            return (doubt.rounds, conclusion);
        }
    }
    (doubt.rounds, Conclusion::Open)
}

fn lost() -> impl Iterator<Item = (bool, bool)> {
    core::iter::repeat((false, true))
}

fn member(last: u8) -> Member {
    Member::from(Identity {
        address: IpAddr::from([10, 77, 1, last]),
        node_id: NodeId(last.into()),
        incarnation: Incarnation(1),
        node: alloc::format!("n{last}"),
        interface: "eth0".into(),
    })
}

fn said(ways: &[(u8, u8, u32)]) -> (String, Option<String>, Option<u64>) {
    let ways: Vec<_> =
        ways.iter().map(|(from, to, mtu)| (member(*from), member(*to), *mtu)).collect();
    let event = say::mtu("neta", &ways).unwrap();
    (event.msg, event.node, event.count)
}

#[test]
fn nine_long_probes_lost_beside_short_ones_that_arrive_are_no_chance() {
    assert_eq!(after(lost().take(8)), (8, Conclusion::Open));
    assert_eq!(after(lost()), (ROUNDS_LEAST, Conclusion::Narrow));
}

#[test]
fn one_long_probe_that_arrives_shows_that_they_do() {
    assert_eq!(after(lost().take(8).chain([(true, true)])), (9, Conclusion::Over));
}

#[test]
fn the_more_short_ones_get_lost_the_more_long_ones_must_be() {
    let every_other = (0..).map(|round| (false, round % 2 == 0));
    let (rounds, conclusion) = after(every_other);
    assert_eq!(conclusion, Conclusion::Narrow);
    assert!(rounds > 3 * ROUNDS_LEAST, "{rounds}");
}

#[test]
fn who_answers_nothing_at_all_is_not_narrow() {
    let silent = core::iter::repeat((false, false));
    assert_eq!(after(silent), (ROUNDS_MAX, Conclusion::Over));
}

#[test]
fn an_answer_that_nobody_waits_for_changes_nothing() {
    let mut doubt = Doubt::default();
    assert_eq!(doubt.answered(true, false), Conclusion::Open);
    assert!(!doubt.is_under_way());
}

#[test]
fn lengths_are_halved_until_there_is_none_in_between() {
    let (mut passes, mut fails, mut steps) = (108, 1_500, 0);
    while fails > passes + 1 {
        let tried = next_length(passes, fails);
        *(if tried <= 586 { &mut passes } else { &mut fails }) = tried;
        steps += 1;
    }
    assert_eq!((passes, fails), (586, 587));
    assert_eq!(next_length(passes, fails), 587, "once more, to be sure");
    assert!(steps <= 11, "{steps}");
}

#[test]
fn the_event_names_the_pair_the_way_and_the_length() {
    let (text, node, count) = said(&[(1, 3, 586)]);
    assert_eq!(
        text,
        "neta: packets of more than 586 bytes get lost from eth0 of n1 (10.77.1.1) to eth0 of n3 \
         (10.77.1.3); shorter ones arrive"
    );
    assert_eq!((node.as_deref(), count), (Some("n1"), Some(1)));
    let (text, ..) = said(&[(1, 3, 586), (3, 1, 600)]);
    assert!(text.contains("more than 586 bytes get lost between eth0 of n1"), "{text}");
}

#[test]
fn the_event_names_the_adapter_that_all_pairs_have_in_common() {
    let (text, node, count) = said(&[(1, 3, 586), (2, 3, 586), (3, 1, 586)]);
    assert!(text.contains("between eth0 of n3 (10.77.1.3) and 2 others"), "{text}");
    assert_eq!((node.as_deref(), count), (Some("n3"), Some(2)));
    let (text, _, count) = said(&[(1, 3, 586), (2, 4, 586)]);
    assert!(text.contains("between eth0 of n1 (10.77.1.1) and eth0 of n3"), "{text}");
    assert!(text.contains("and 1 more pair;"), "{text}");
    assert_eq!(count, Some(2));
}

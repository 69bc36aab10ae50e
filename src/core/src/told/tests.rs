use alloc::{string::ToString as _, vec, vec::Vec};

use hats_wire::{Identity, Incarnation, NodeId};

use super::*;

fn member(number: u8) -> Member {
    Member::from(Identity {
        address: [10, 77, 1, number].into(),
        node_id: NodeId(number.into()),
        incarnation: Incarnation(1),
        node: alloc::format!("n{number}"),
        interface: "eth0".to_string(),
    })
}

fn event(kind: EventKind, clears: Option<EventKind>) -> Event {
    let mut event = Event::new(kind, String::new());
    event.network = Some("neta".to_string());
    event.node = Some("n1".to_string());
    event.adapter = Some("eth0".to_string());
    event.peer_node = Some("n2".to_string());
    event.peer_adapter = Some("eth0".to_string());
    event.clears = clears;
    event
}

fn group(instance: u64) -> GroupId {
    GroupId { instance, leader: [10, 77, 1, 3].into() }
}

fn following(events: &[Event]) -> OpenFaults {
    let mut faults = OpenFaults::default();
    for event in events {
        faults.note(event);
    }
    faults
}

#[test]
fn a_fault_is_open_until_its_recovery_is_told() {
    for (begin, end) in [
        (EventKind::AdapterDown, EventKind::AdapterUp),
        (EventKind::NodeDown, EventKind::NodeUp),
        (EventKind::DaemonDown, EventKind::NodeUp),
        (EventKind::PathFailed, EventKind::PathRestored),
        (EventKind::NetworkPartitioned, EventKind::NetworkMerged),
        (EventKind::NetworkFailed, EventKind::NetworkMerged),
    ] {
        let told = [event(begin, None), event(end, Some(begin))];
        assert_eq!(following(&told[..1]).len(), 1, "{begin:?}");
        assert_eq!(following(&told).len(), 0, "{end:?}");
    }
}

#[test]
fn what_the_adapters_own_node_takes_back_is_not_followed_and_no_fault_is_not() {
    let told = [EventKind::AdapterLossy, EventKind::AdapterDamped, EventKind::NodeLeft];
    assert!(following(&told.map(|kind| event(kind, None))).is_empty());
}

#[test]
fn that_it_cannot_be_told_is_taken_back_by_whoever_said_it() {
    let mut doubt = event(EventKind::AdapterInconclusive, None);
    assert!(following(core::slice::from_ref(&doubt)).is_empty(), "another one said it");
    doubt.authority = true;
    let mut faults = following(core::slice::from_ref(&doubt));
    assert!(faults.on_wire().is_empty(), "it is nobody else's to end");
    faults.note(&event(EventKind::AdapterUp, Some(EventKind::AdapterDown)));
    assert!(faults.end_doubt("neta", &member(1)));
    let end = event(EventKind::AdapterUp, Some(EventKind::AdapterInconclusive));
    assert!(following(&[doubt, end]).is_empty());
}

#[test]
fn every_kind_that_is_followed_survives_the_wire() {
    let kinds = [
        EventKind::AdapterDown,
        EventKind::NodeDown,
        EventKind::PathFailed,
        EventKind::NetworkPartitioned,
    ];
    let mut told = kinds.map(|kind| event(kind, None));
    told[3].sets = vec!["n1,n2".to_string(), "n3".to_string()];
    let faults = following(&told);
    assert_eq!(faults.len(), 4);
    assert_eq!(OpenFaults::from_wire(&faults.on_wire()), faults);
}

#[test]
fn a_code_of_a_later_version_is_passed_over() {
    let mut told = following(&[event(EventKind::AdapterDown, None)]).on_wire();
    told[0].code = 9_999;
    assert!(OpenFaults::from_wire(&told).is_empty());
}

#[test]
fn codes_have_their_numbers() {
    assert_eq!(EventKind::AdapterDown.number(), 2103);
    for kind in EventKind::ALL {
        assert_eq!(alloc::format!("HATS-{:04}", kind.number()), kind.code());
    }
}

#[test]
fn a_network_is_whole_when_members_of_two_sides_meet() {
    let mut told = event(EventKind::NetworkPartitioned, None);
    told.sets = vec!["n1,n2".to_string(), "n3".to_string()];
    let mut faults = following(&[told]);
    let meet = |numbers: &[u8]| Members::new(numbers.iter().map(|number| member(*number)));
    assert_eq!(faults.end_crossed("neta", group(9), &meet(&[1, 2])), None);
    assert_eq!(faults.end_crossed("netb", group(9), &meet(&[1, 3])), None);
    let kind = Some(EventKind::NetworkPartitioned);
    let mut later = faults.clone();
    if let Some(open) = later.0.values_mut().next() {
        open.instance = 8;
    }
    assert_eq!(later.end_crossed("neta", group(9), &meet(&[1, 3])), None, "that of before");
    assert_eq!(later.end_crossed("neta", group(10), &meet(&[1, 3])), kind);
    assert_eq!(faults.end_crossed("neta", group(9), &meet(&[1, 3])), kind);
    assert_eq!(faults.end_crossed("neta", group(9), &meet(&[1, 3])), None, "it is said once");
}

#[test]
fn a_path_ends_when_a_group_lists_both_ends_and_not_the_path() {
    let mut faults = following(&[event(EventKind::PathFailed, None)]);
    let both = Members::new([member(1), member(2)]);
    assert_eq!(faults.end_paths("neta", &Members::new([member(1)]), |_, _| false), []);
    assert_eq!(faults.end_paths("neta", &both, |_, _| true), []);
    assert_eq!(faults.end_paths("neta", &both, |_, _| false), [(member(1), member(2))]);
    assert!(faults.is_empty());
}

#[test]
fn no_more_are_kept_than_the_bound() {
    let mut faults = OpenFaults::default();
    for number in 0..=INHERITED_MAX {
        let mut event = event(EventKind::NodeDown, None);
        event.node = Some(number.to_string());
        faults.note(&event);
    }
    assert_eq!(faults.len(), INHERITED_MAX);
    assert_eq!(faults.on_wire().len(), TOLD_MAX);
    let mut others = OpenFaults::default();
    others.add_network("neta", EventKind::NetworkFailed, Vec::new(), 0);
    faults.extend(others);
    assert_eq!(faults.len(), INHERITED_MAX);
}

#[test]
fn what_does_not_fit_a_message_is_left_out_and_the_rest_is_told() {
    let mut large = event(EventKind::NetworkPartitioned, None);
    large.sets = vec!["n".repeat(TOLD_BYTES_MAX), "m".to_string()];
    let faults = following(&[large, event(EventKind::AdapterDown, None)]);
    let told = faults.on_wire();
    assert_eq!(told.iter().map(|told| told.code).collect::<Vec<_>>(), [2103]);
}

#[test]
fn a_partition_whose_sides_are_not_known_is_not_over_by_any_group() {
    let mut faults = following(&[event(EventKind::NetworkPartitioned, None)]);
    let both = Members::new([member(1), member(2)]);
    assert_eq!(faults.end_crossed("neta", group(9), &both), None);
    let mut failed = following(&[event(EventKind::NetworkFailed, None)]);
    assert_eq!(failed.end_crossed("neta", group(9), &both), Some(EventKind::NetworkFailed));
}

#[test]
fn what_was_said_to_be_over_is_not_inherited_from_who_has_not_heard_that() {
    let mut told = event(EventKind::NetworkFailed, None);
    told.instance = Some(7);
    let mut ended = Ended::default();
    ended.network("neta", 8);
    let mut late = following(core::slice::from_ref(&told));
    late.leave_out(&ended);
    assert!(late.is_empty());
    told.instance = Some(8);
    let mut later = following(core::slice::from_ref(&told));
    later.leave_out(&ended);
    assert_eq!(later.len(), 1, "it fell apart once more");
}

#[test]
fn what_two_told_of_one_node_ends_with_its_return() {
    let told = [EventKind::NodeDown, EventKind::DaemonDown].map(|kind| event(kind, None));
    let mut faults = following(&told);
    assert_eq!(
        faults.end_node("n1"),
        [(EventKind::NodeDown, false), (EventKind::DaemonDown, false)]
    );
    assert!(faults.is_empty());
}

#[test]
fn long_names_of_others_are_kept_up_to_a_bound_and_a_short_one_still_fits() {
    let mut faults = OpenFaults::default();
    let long = |number: usize| {
        let mut event = event(EventKind::NodeDown, None);
        event.node = Some(alloc::format!("{number}{}", "n".repeat(TOLD_BYTES_MAX)));
        event
    };
    for number in 0..100 {
        faults.extend(following(&[long(number)]));
    }
    assert_eq!(faults.len(), NAMES_BYTES_MAX / TOLD_BYTES_MAX - 1);
    faults.extend(following(&[long(200), event(EventKind::NodeDown, None)]));
    assert_eq!(faults.len(), NAMES_BYTES_MAX / TOLD_BYTES_MAX, "the short one");
    faults.extend(following(&[event(EventKind::NodeDown, None)]));
    assert_eq!(faults.len(), NAMES_BYTES_MAX / TOLD_BYTES_MAX, "it was there");
}

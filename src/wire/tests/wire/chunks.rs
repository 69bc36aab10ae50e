//! Long messages arrive whole or not at all, and cost no more than they may.

use std::net::IpAddr;

use hats_wire::{
    CHUNK_PART_MAX, CHUNKS_MAX, Chunk, DATAGRAM_MAX, DecodeError, Frame, GroupId, HEADER_LEN,
    Header, Incarnation, Join, MESSAGE_MAX, Message, NodeId, PARTIAL_AGE_NS_MAX, PARTIAL_BYTES_MAX,
    PARTIAL_BYTES_PER_SENDER_MAX, PARTIAL_MAX, PARTIAL_PER_SENDER_MAX, PROBE_MAX, Reassembly,
    TOLD_BYTES_MAX, TOLD_MAX, Told, decode, encode, floods, padding, split, split_within,
};
use proptest::prelude::*;

use crate::samples;

const FROM: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));

fn header() -> Header {
    Header { cluster: 1, node_id: NodeId(2), incarnation: Incarnation(3) }
}

fn source(number: usize) -> IpAddr {
    let number = u16::try_from(number).unwrap().to_be_bytes();
    IpAddr::from([10, 1, number[0], number[1]])
}

/// The frames of a message of three parts.
fn three_parts(message_id: u64) -> Vec<Frame> {
    let message = samples::list_of_len(2 * CHUNK_PART_MAX + 100);
    let frames = frames(&message, message_id);
    assert_eq!(frames.len(), 3);
    frames
}

fn frames(message: &Message, message_id: u64) -> Vec<Frame> {
    let frames = split(&header(), message).into_iter();
    frames
        .map(|datagram| decode(&datagram).expect("a good datagram"))
        .map(|frame| with_chunk(&frame, |chunk| chunk.message_id = message_id))
        .collect()
}

fn with_chunk(frame: &Frame, change: impl FnOnce(&mut Chunk)) -> Frame {
    let mut frame = frame.clone();
    let Message::Chunk(chunk) = &mut frame.message else { panic!("a chunk") };
    change(chunk);
    frame
}

#[test]
fn message_that_just_fits_a_datagram_is_one() {
    let message = samples::list_of_len(DATAGRAM_MAX - HEADER_LEN);
    let datagrams = split(&header(), &message);
    assert_eq!(datagrams.iter().map(Vec::len).collect::<Vec<_>>(), [DATAGRAM_MAX]);
    assert_eq!(decode(&datagrams[0]), Ok(Frame { header: header(), message }));
}

#[test]
fn message_of_one_byte_more_is_two() {
    let message = samples::list_of_len(DATAGRAM_MAX - HEADER_LEN + 1);
    assert_eq!(split(&header(), &message).len(), 2);
}

#[test]
fn message_in_short_parts_arrives_beside_the_same_in_long_ones() {
    let message = samples::list_of_len(3 * CHUNK_PART_MAX);
    let (long, short) = (split(&header(), &message), split_within(&header(), &message, 512));
    assert!(short.iter().all(|datagram| datagram.len() <= 512));
    let mut reassembly = Reassembly::new();
    for datagram in &long[1..] {
        assert_eq!(reassembly.accept(0, FROM, decode(datagram).unwrap()), Ok(None));
    }
    let mut whole = None;
    for datagram in &short {
        whole = reassembly.accept(0, FROM, decode(datagram).unwrap()).unwrap();
    }
    assert_eq!(whole, Some(Frame { header: header(), message }));
}

#[test]
fn message_of_too_many_short_parts_has_longer_ones() {
    let message = samples::list_of_len(MESSAGE_MAX);
    let datagrams = split_within(&header(), &message, 512);
    assert_eq!(datagrams.len(), CHUNKS_MAX);
}

#[test]
fn padded_probe_has_the_length_that_is_wanted_and_no_other_message_may() {
    let probe =
        |padding| Message::Probe { case: hats_wire::CaseId(0), sequence: 1, probe: 9, padding };
    let bare = encode(&header(), &probe(0)).len();
    for wanted in [bare + 3, bare + 129, 512, DATAGRAM_MAX, 1_472, PROBE_MAX] {
        let padded = encode(&header(), &probe(padding(bare, wanted)));
        assert_eq!(padded.len(), wanted);
        assert!(decode(&padded).is_ok(), "{wanted} bytes");
    }
    assert_eq!(padding(bare, bare), 0);
    let longer = encode(&header(), &probe(padding(bare, PROBE_MAX) + 1));
    assert_eq!(decode(&longer), Err(DecodeError::TooLong { len: PROBE_MAX + 1 }));
    let other = encode(&header(), &samples::list_of_len(DATAGRAM_MAX));
    assert!(matches!(decode(&other), Err(DecodeError::TooLong { .. })));
}

#[test]
fn longest_message_arrives() {
    let message = samples::list_of_len(MESSAGE_MAX);
    let datagrams = split(&header(), &message);
    assert_eq!(datagrams.len(), CHUNKS_MAX);
    assert!(datagrams.iter().all(|datagram| datagram.len() <= DATAGRAM_MAX));
    let mut reassembly = Reassembly::new();
    let mut whole = None;
    for datagram in &datagrams {
        assert_eq!(whole, None, "complete with the last part only");
        whole = reassembly.accept(0, FROM, decode(datagram).unwrap()).unwrap();
    }
    assert_eq!(whole, Some(Frame { header: header(), message }));
}

#[test]
fn message_of_one_byte_more_than_the_longest_is_not_sent() {
    let message = samples::list_of_len(MESSAGE_MAX + 1);
    assert!(split(&header(), &message).is_empty());
}

#[test]
fn part_of_the_longest_length_is_accepted_and_one_byte_more_refused() {
    let frame = with_chunk(&three_parts(1)[0], |chunk| chunk.part = vec![0; CHUNK_PART_MAX]);
    assert_eq!(Reassembly::new().accept(0, FROM, frame.clone()), Ok(None));
    let frame = with_chunk(&frame, |chunk| chunk.part.push(0));
    let refused = Reassembly::new().accept(0, FROM, frame);
    assert_eq!(refused, Err(DecodeError::BadField { field: "chunk.part" }));
}

#[test]
fn most_parts_are_accepted_and_one_more_refused() {
    let count = u32::try_from(CHUNKS_MAX).unwrap();
    let frame = with_chunk(&three_parts(1)[0], |chunk| chunk.count = count);
    assert_eq!(Reassembly::new().accept(0, FROM, frame.clone()), Ok(None));
    let frame = with_chunk(&frame, |chunk| chunk.count = count + 1);
    let refused = Reassembly::new().accept(0, FROM, frame);
    assert_eq!(refused, Err(DecodeError::BadField { field: "chunk.count" }));
}

#[test]
fn chunk_in_chunks_is_refused_and_not_sent() {
    let nested = with_chunk(&three_parts(1)[0], |chunk| chunk.kind = 16);
    let refused = Reassembly::new().accept(0, FROM, nested);
    assert_eq!(refused, Err(DecodeError::BadField { field: "chunk.kind" }));
    let long = with_chunk(&three_parts(1)[0], |chunk| chunk.part = vec![0; DATAGRAM_MAX]);
    assert!(split(&header(), &long.message).is_empty());
}

#[test]
fn what_is_no_chunk_passes_straight_through() {
    let mut reassembly = Reassembly::new();
    let probe = Message::Probe { case: hats_wire::CaseId(1), sequence: 2, probe: 3, padding: 0 };
    let frame = Frame { header: header(), message: probe };
    assert_eq!(reassembly.accept(0, FROM, frame.clone()), Ok(Some(frame)));
    assert!(reassembly.is_empty());
}

#[test]
fn message_with_a_lost_part_never_arrives() {
    let mut reassembly = Reassembly::new();
    for frame in &three_parts(1)[..2] {
        assert_eq!(reassembly.accept(0, FROM, frame.clone()), Ok(None));
    }
}

#[test]
fn late_duplicates_do_not_begin_a_message_anew() {
    let mut reassembly = Reassembly::new();
    let frames = three_parts(1);
    let whole: Vec<_> = frames
        .iter()
        .chain(&frames)
        .filter_map(|frame| reassembly.accept(0, FROM, frame.clone()).unwrap())
        .collect();
    assert_eq!(whole.len(), 1);
    assert_eq!(reassembly.len(), 1);
}

#[test]
fn a_message_sent_again_makes_up_for_what_was_lost_of_the_first() {
    let message = samples::list_of_len(2 * CHUNK_PART_MAX + 100);
    let send = || split(&header(), &message).into_iter().map(|datagram| decode(&datagram).unwrap());
    let mut reassembly = Reassembly::new();
    for frame in send().skip(1) {
        assert_eq!(reassembly.accept(0, FROM, frame), Ok(None));
    }
    let again = reassembly.accept(1, FROM, send().next().expect("a first part"));
    assert_eq!(again, Ok(Some(Frame { header: header(), message })));
}

#[test]
fn different_messages_have_different_parts() {
    let of = |len| split(&header(), &samples::list_of_len(len)).into_iter();
    let id = |datagram: Vec<u8>| {
        let message = decode(&datagram).expect("a good datagram").message;
        let Message::Chunk(chunk) = message else { panic!("{message:?} is no part") };
        chunk.message_id
    };
    let ids: Vec<u64> = (2_000..2_100).map(|len| id(of(len).next().expect("long"))).collect();
    let mut distinct = ids.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), ids.len());
}

#[test]
fn floods_hold_as_many_items_as_fit_a_datagram() {
    let items: Vec<_> = (0..200).map(samples::node_item).collect();
    let floods = floods(items.clone());
    let lengths: Vec<usize> = floods.iter().map(|flood| encode(&header(), flood).len()).collect();
    assert!(lengths.iter().all(|length| *length <= DATAGRAM_MAX), "{lengths:?}");
    let one = encode(&header(), &Message::Flood { items: items[..1].to_vec() }).len();
    let full = &lengths[..lengths.len() - 1];
    assert!(full.iter().all(|length| length + one > DATAGRAM_MAX), "{lengths:?}");
    let there = floods.into_iter().flat_map(|flood| {
        let Message::Flood { items } = flood else { panic!("{flood:?} is no flood") };
        items
    });
    assert!(there.eq(items), "all of them, in their order");
}

#[test]
fn parts_that_disagree_are_refused() {
    let mut reassembly = Reassembly::new();
    let frames = three_parts(1);
    assert_eq!(reassembly.accept(0, FROM, frames[0].clone()), Ok(None));
    let more = with_chunk(&frames[1], |chunk| chunk.count += 1);
    let refused = reassembly.accept(0, FROM, more);
    assert_eq!(refused, Err(DecodeError::BadField { field: "chunk.count" }));
    let other = with_chunk(&frames[1], |chunk| chunk.kind = 4);
    let refused = reassembly.accept(0, FROM, other);
    assert_eq!(refused, Err(DecodeError::BadField { field: "chunk.kind" }));
    assert_eq!(reassembly.accept(0, FROM, frames[1].clone()), Ok(None));
    assert!(reassembly.accept(0, FROM, frames[2].clone()).unwrap().is_some(), "not spoilt");
}

#[test]
fn senders_do_not_mix() {
    let mut reassembly = Reassembly::new();
    let frames = three_parts(1);
    let elsewhere = |change: fn(&mut Frame)| {
        let mut frame = frames[1].clone();
        change(&mut frame);
        frame
    };
    assert_eq!(reassembly.accept(0, FROM, frames[0].clone()), Ok(None));
    assert_eq!(reassembly.accept(0, FROM, frames[2].clone()), Ok(None));
    let others = [
        elsewhere(|frame| frame.header.cluster += 1),
        elsewhere(|frame| frame.header.node_id.0 += 1),
        elsewhere(|frame| frame.header.incarnation.0 += 1),
    ];
    for other in others {
        assert_eq!(reassembly.accept(0, FROM, other), Ok(None));
    }
    assert_eq!(reassembly.accept(0, source(1), frames[1].clone()), Ok(None));
    assert!(reassembly.accept(0, FROM, frames[1].clone()).unwrap().is_some());
}

#[test]
fn parts_just_within_the_age_are_put_together() {
    let mut reassembly = Reassembly::new();
    let frames = three_parts(1);
    assert_eq!(reassembly.accept(5, FROM, frames[0].clone()), Ok(None));
    assert_eq!(reassembly.accept(5, FROM, frames[1].clone()), Ok(None));
    let at = 5 + PARTIAL_AGE_NS_MAX - 1;
    assert!(reassembly.accept(at, FROM, frames[2].clone()).unwrap().is_some());
}

#[test]
fn parts_older_than_that_are_forgotten() {
    let mut reassembly = Reassembly::new();
    let frames = three_parts(1);
    assert_eq!(reassembly.accept(5, FROM, frames[0].clone()), Ok(None));
    assert_eq!(reassembly.accept(5, FROM, frames[1].clone()), Ok(None));
    let at = 5 + PARTIAL_AGE_NS_MAX;
    assert_eq!(reassembly.accept(at, FROM, frames[2].clone()), Ok(None));
    assert_eq!(reassembly.len(), 1, "the last part alone");
}

#[test]
fn clock_that_goes_back_forgets_nothing() {
    let mut reassembly = Reassembly::new();
    let frames = three_parts(1);
    assert_eq!(reassembly.accept(u64::MAX, FROM, frames[0].clone()), Ok(None));
    assert_eq!(reassembly.accept(0, FROM, frames[1].clone()), Ok(None));
    assert!(reassembly.accept(0, FROM, frames[2].clone()).unwrap().is_some());
}

#[test]
fn one_sender_loses_its_oldest_message_and_no_other() {
    let mut reassembly = Reassembly::new();
    let messages: Vec<_> = (0..=PARTIAL_PER_SENDER_MAX as u64).map(three_parts).collect();
    let foreign = three_parts(0);
    assert_eq!(reassembly.accept(0, source(1), foreign[0].clone()), Ok(None));
    for (at, frames) in messages.iter().enumerate() {
        assert_eq!(reassembly.accept(at as u64, FROM, frames[0].clone()), Ok(None));
    }
    assert_eq!(reassembly.len(), PARTIAL_PER_SENDER_MAX + 1);
    let mut finish = |from, frames: &[Frame]| {
        assert_eq!(reassembly.accept(9, from, frames[1].clone()), Ok(None));
        reassembly.accept(9, from, frames[2].clone()).unwrap().is_some()
    };
    assert!(messages[1..].iter().all(|frames| finish(FROM, frames)), "the newer ones are whole");
    assert!(finish(source(1), &foreign), "another sender's is whole");
    assert!(!finish(FROM, &messages[0]), "the oldest is gone");
}

#[test]
fn hundreds_of_messages_of_one_sender_may_arrive_mixed() {
    let mut reassembly = Reassembly::new();
    let messages: Vec<_> = (0..300).map(three_parts).collect();
    let mut whole = 0;
    for part in [1, 0, 2] {
        for frames in &messages {
            let frame = frames[part].clone();
            whole += usize::from(reassembly.accept(0, FROM, frame).unwrap().is_some());
        }
    }
    assert_eq!(whole, messages.len());
}

/// The first part of as many as there may be.
fn long(id: u64) -> Frame {
    with_chunk(&three_parts(id)[0], |chunk| chunk.count = u32::try_from(CHUNKS_MAX).unwrap())
}

#[test]
fn what_one_sender_begins_and_does_not_end_needs_no_more_bytes_than_it_may() {
    let mut reassembly = Reassembly::new();
    let room = PARTIAL_BYTES_PER_SENDER_MAX / MESSAGE_MAX;
    for id in 0..50 {
        assert_eq!(reassembly.accept(id, FROM, long(id)), Ok(None));
        assert!(reassembly.len() <= room);
    }
    for number in 0..100 {
        assert_eq!(reassembly.accept(50, source(number), long(number as u64)), Ok(None));
    }
    assert_eq!(reassembly.len(), PARTIAL_BYTES_MAX / MESSAGE_MAX);
}

#[test]
fn complete_messages_make_room_first() {
    let mut reassembly = Reassembly::new();
    let waiting = three_parts(0);
    assert_eq!(reassembly.accept(0, FROM, waiting[0].clone()), Ok(None));
    for id in 1..2 * PARTIAL_PER_SENDER_MAX as u64 {
        let whole: Vec<_> = three_parts(id)
            .into_iter()
            .filter_map(|frame| reassembly.accept(id, FROM, frame).unwrap())
            .collect();
        assert_eq!(whole.len(), 1);
    }
    assert_eq!(reassembly.accept(20, FROM, waiting[1].clone()), Ok(None));
    assert!(reassembly.accept(20, FROM, waiting[2].clone()).unwrap().is_some());
}

#[test]
fn where_bytes_are_short_the_oldest_that_waits_goes_and_no_mark_of_a_complete_one() {
    let mut reassembly = Reassembly::new();
    for id in 0..100 {
        for frame in three_parts(id) {
            reassembly.accept(id, FROM, frame).unwrap();
        }
    }
    let room = PARTIAL_BYTES_PER_SENDER_MAX / MESSAGE_MAX;
    for number in 0..=room {
        assert_eq!(reassembly.accept(200, FROM, long(1_000 + number as u64)), Ok(None));
    }
    assert_eq!(reassembly.len(), 100 + room);
}

#[test]
fn who_has_most_makes_room_for_a_third_one() {
    let mut reassembly = Reassembly::new();
    for id in 0..PARTIAL_PER_SENDER_MAX as u64 {
        for sender in [source(1), source(2)] {
            reassembly.accept(10 + id, sender, three_parts(id)[0].clone()).unwrap();
        }
    }
    let third = three_parts(7);
    assert_eq!(reassembly.accept(0, source(3), third[0].clone()), Ok(None));
    reassembly.accept(900, source(4), third[0].clone()).unwrap();
    assert_eq!(reassembly.accept(901, source(3), third[1].clone()), Ok(None));
    assert!(reassembly.accept(901, source(3), third[2].clone()).unwrap().is_some());
}

#[test]
fn all_senders_together_have_a_bound() {
    let mut reassembly = Reassembly::new();
    let frames = three_parts(1);
    for number in 0..=PARTIAL_MAX {
        assert_eq!(reassembly.accept(number as u64, source(number), frames[0].clone()), Ok(None));
    }
    assert_eq!(reassembly.len(), PARTIAL_MAX);
    let mut finish = |number| {
        assert_eq!(reassembly.accept(100, source(number), frames[1].clone()), Ok(None));
        reassembly.accept(100, source(number), frames[2].clone()).unwrap().is_some()
    };
    assert!(finish(1), "the second oldest is there");
    assert!(finish(PARTIAL_MAX), "the newest is there");
    assert!(!finish(0), "the oldest is gone");
}

#[test]
fn parts_of_nonsense_are_refused_as_the_message_they_claim_to_be() {
    let mut reassembly = Reassembly::new();
    let frames = three_parts(1).into_iter();
    let nonsense: Vec<_> =
        frames.map(|frame| with_chunk(&frame, |chunk| chunk.part = vec![0xff; 9])).collect();
    assert_eq!(reassembly.accept(0, FROM, nonsense[0].clone()), Ok(None));
    assert_eq!(reassembly.accept(0, FROM, nonsense[1].clone()), Ok(None));
    let refused = reassembly.accept(0, FROM, nonsense[2].clone());
    assert_eq!(refused, Err(DecodeError::Malformed { kind: 8 }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn parts_may_come_in_any_order_and_twice(
        len in CHUNK_PART_MAX * 2..CHUNK_PART_MAX * 8,
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
    ) {
        let message = samples::list_of_len(len);
        let frames = frames(&message, 1);
        let mut reassembly = Reassembly::new();
        // The drawn ones first, then all: whatever was drawn, none is missing.
        let drawn = order.iter().map(|at| at.get(&frames));
        let whole: Vec<_> = drawn
            .chain(&frames)
            .filter_map(|frame| reassembly.accept(0, FROM, frame.clone()).unwrap())
            .collect();
        prop_assert_eq!(whole, vec![Frame { header: header(), message }]);
    }

    #[test]
    fn whatever_comes_stays_within_bounds(
        chunks in prop::collection::vec(
            (0usize..200, 0u64..8, any::<u32>(), any::<u32>(), any::<u8>(), 0usize..1300, 0u64..9),
            0..400,
        ),
    ) {
        let mut reassembly = Reassembly::new();
        for (from, message_id, index, count, kind, part, second) in chunks {
            let chunk = Chunk {
                message_id,
                index: index % 8,
                count: count % 8,
                kind: kind % 21,
                part: vec![kind; part],
            };
            let frame = Frame { header: header(), message: Message::Chunk(chunk) };
            let _ = reassembly.accept(second * 1_000_000_000, source(from), frame);
            prop_assert!(reassembly.len() <= PARTIAL_MAX);
        }
    }
}

#[test]
fn more_told_faults_than_fit_a_message_are_refused() {
    let told = |count: usize, length: usize| {
        let one = Told { code: 2103, node: "n".repeat(length), ..Told::default() };
        Message::Join(Join {
            group: GroupId { instance: 1, leader: [10, 0, 0, 1].into() },
            into: GroupId { instance: 2, leader: [10, 0, 0, 2].into() },
            members: Vec::new(),
            failed_paths: Vec::new(),
            leaving: Vec::new(),
            told: vec![one; count],
        })
    };
    let arrives = |message: &Message| {
        let mut reassembly = Reassembly::new();
        let from = [10, 0, 0, 1].into();
        let mut last = Ok(None);
        for datagram in split(&header(), message) {
            last = reassembly.accept(1, from, decode(&datagram).expect("a chunk"));
        }
        last.map(|frame| frame.map(|frame| frame.message))
    };
    let most = told(TOLD_MAX, TOLD_BYTES_MAX / TOLD_MAX);
    assert_eq!(arrives(&most), Ok(Some(most)));
    let refused = Err(DecodeError::BadField { field: "join.told" });
    assert_eq!(arrives(&told(TOLD_MAX + 1, 1)), refused);
    assert_eq!(arrives(&told(1, TOLD_BYTES_MAX + 1)), refused);
}

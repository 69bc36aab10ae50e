//! Every value survives its bytes, and no bytes do any harm.

use hats_wire::{
    Frame, HEADER_LEN, Header, Incarnation, Message, NodeId, Reassembly, decode, encode,
    message_type, split,
};
use proptest::prelude::*;

use crate::samples;

/// The message after `split` and `accept`, as its receiver sees it.
fn carried(header: &Header, message: &Message) -> Frame {
    let mut reassembly = Reassembly::new();
    let datagrams = split(header, message);
    let (last, before) = datagrams.split_last().expect("something to send");
    for datagram in before {
        let frame = decode(datagram).expect("a good chunk");
        assert_eq!(reassembly.accept(0, [10, 0, 0, 1].into(), frame), Ok(None));
    }
    let frame = decode(last).expect("a good datagram");
    if let Message::Chunk(_) = message {
        return frame;
    }
    let whole = reassembly.accept(0, [10, 0, 0, 1].into(), frame);
    whole.expect("good parts").expect("a whole message")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_message_survives_its_bytes(
        header in samples::header(),
        message in samples::message(),
    ) {
        let frame = carried(&header, &message);
        prop_assert_eq!(frame, Frame { header, message });
    }

    #[test]
    fn header_names_the_message(header in samples::header(), message in samples::message()) {
        let bytes = encode(&header, &message);
        prop_assert_eq!(bytes[7], message_type(&message));
        prop_assert_eq!(usize::from(u16::from_be_bytes([bytes[8], bytes[9]])), bytes.len());
    }

    #[test]
    fn cut_short_anywhere_is_refused(header in samples::header(), message in samples::message()) {
        let bytes = encode(&header, &message);
        for len in 0..bytes.len() {
            prop_assert!(decode(&bytes[..len]).is_err(), "{len} of {} bytes", bytes.len());
            // Also when the header agrees: then some cuts are messages, and none panics.
            if len >= HEADER_LEN {
                let _ = decode(&with_length(&bytes[..len]));
            }
        }
    }

    #[test]
    fn changed_bytes_never_panic(
        message in samples::message(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = encode(&someone(), &message);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = decode(&bytes);
        let _ = decode(&with_length(&bytes));
    }

    #[test]
    fn random_bodies_never_panic(
        kind in 0u8..=21,
        body in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut bytes = encode(&someone(), &Message::Flood { items: Vec::new() });
        bytes[7] = kind;
        bytes.extend_from_slice(&body);
        let _ = decode(&with_length(&bytes));
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..1400)) {
        prop_assert!(decode(&bytes).is_err());
    }

    #[test]
    fn what_is_decoded_can_be_sent_on(
        message in samples::message(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = encode(&someone(), &message);
        let body = HEADER_LEN..bytes.len();
        prop_assume!(!body.is_empty());
        let at = body.start + at.index(body.len());
        bytes[at] = byte;
        if let Ok(frame) = decode(&bytes) {
            let again = decode(&encode(&frame.header, &frame.message));
            prop_assert_eq!(again, Ok(frame));
        }
    }
}

fn someone() -> Header {
    Header { cluster: 1, node_id: NodeId(2), incarnation: Incarnation(3) }
}

/// The same bytes with a length that is true.
fn with_length(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if bytes.len() >= HEADER_LEN {
        let len = u16::try_from(bytes.len()).expect("short");
        bytes[8..10].copy_from_slice(&len.to_be_bytes());
    }
    bytes
}

//! The link's stream: any pieces give the same frames, a lie ends it.

use std::net::IpAddr;

use hats_wire::{
    CaseId, GroupId, Incarnation, NodeId,
    link::{
        Command, Configure, FRAME_MAX, Frames, LinkError, Mode, Report, StartProbe, decode_command,
        decode_report, encode_command, encode_report,
    },
};
use proptest::prelude::*;

/// All frames that are there.
fn drain(frames: &mut Frames) -> Vec<Vec<u8>> {
    std::iter::from_fn(|| frames.next().expect("a good stream")).collect()
}

/// A length as the stream has it.
fn varint(mut len: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while len >= 0x80 {
        bytes.push(u8::try_from(len & 0x7f).unwrap() | 0x80);
        len >>= 7;
    }
    bytes.push(u8::try_from(len).unwrap());
    bytes
}

fn framed(frame: &[u8]) -> Vec<u8> {
    [varint(frame.len() as u64), frame.to_vec()].concat()
}

fn configure() -> Configure {
    Configure {
        interface: "eth0".into(),
        address: [10, 77, 1, 3].into(),
        prefix_length: 24,
        mode: Mode::Multicast,
        group: Some([239, 28, 4, 1].into()),
        port: 12347,
        node_id: NodeId(1),
        incarnation: Incarnation(2),
        cluster: 3,
        heartbeat_interval_ns: 250_000_000,
        sensitivity: 4,
        realtime_priority: 99,
        lock_memory: true,
    }
}

fn body(frame: &[u8]) -> Vec<u8> {
    let mut frames = Frames::new();
    frames.push(frame);
    frames.next().unwrap().unwrap()
}

/// What the other end makes of a configuration.
fn configured(configure: Configure) -> Result<Command, LinkError> {
    decode_command(&body(&encode_command(&Command::Configure(configure))))
}

fn bad(field: &'static str) -> Result<Command, LinkError> {
    Err(LinkError::BadField { field })
}

#[test]
fn longest_frame_is_accepted_and_one_byte_more_refused() {
    let mut frames = Frames::new();
    frames.push(&framed(&vec![7; FRAME_MAX]));
    assert_eq!(frames.next().unwrap().map(|frame| frame.len()), Some(FRAME_MAX));
    let len = FRAME_MAX as u64 + 1;
    frames.push(&varint(len));
    assert_eq!(frames.next(), Err(LinkError::TooLong { len }), "before its bytes have come");
}

#[test]
fn stream_that_lied_has_no_next_frame() {
    let mut frames = Frames::new();
    frames.push(&varint(u64::MAX));
    let error = LinkError::TooLong { len: u64::MAX };
    assert_eq!(frames.next(), Err(error.clone()));
    frames.push(&framed(b"good"));
    assert_eq!(frames.next(), Err(error));
    assert!(!frames.is_between());
}

#[test]
fn length_of_ten_bytes_is_read_and_one_that_does_not_end_refused() {
    let mut long = [0x80; 10];
    long[0] = 0x83;
    long[9] = 0;
    let mut frames = Frames::new();
    frames.push(&long);
    frames.push(b"abc");
    assert_eq!(frames.next(), Ok(Some(b"abc".to_vec())), "leading zeros are no lie");
    frames.push(&[0x80; 10]);
    assert_eq!(frames.next(), Err(LinkError::BadLength));
    let mut frames = Frames::new();
    frames.push(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02]);
    assert_eq!(frames.next(), Err(LinkError::BadLength), "65 bits");
}

#[test]
fn stream_may_end_between_frames_only() {
    let mut frames = Frames::new();
    assert!(frames.is_between());
    frames.push(&framed(b"abc")[..2]);
    assert_eq!(frames.next(), Ok(None));
    assert!(!frames.is_between());
    frames.push(b"bc");
    assert!(!frames.is_between(), "a frame has not been taken yet");
    assert_eq!(frames.next(), Ok(Some(b"abc".to_vec())));
    assert!(frames.is_between());
}

#[test]
fn empty_command_and_report_are_refused_by_name() {
    assert_eq!(decode_command(&[]), bad("command.body"));
    assert_eq!(decode_report(&[]), Err(LinkError::BadField { field: "report.body" }));
    assert_eq!(decode_command(&[0xff]), Err(LinkError::Malformed { expected: "command" }));
    assert_eq!(decode_report(&[0xff]), Err(LinkError::Malformed { expected: "report" }));
}

#[test]
fn impossible_configuration_is_refused_by_field() {
    let good = configure();
    assert_eq!(configured(good.clone()), Ok(Command::Configure(good.clone())));
    let with = |change: fn(&mut Configure)| {
        let mut configure = configure();
        change(&mut configure);
        configured(configure)
    };
    assert!(with(|it| it.prefix_length = 32).is_ok());
    assert_eq!(with(|it| it.prefix_length = 33), bad("configure.prefix_length"));
    assert_eq!(with(|it| it.realtime_priority = 100), bad("configure.realtime_priority"));
    assert_eq!(with(|it| it.heartbeat_interval_ns = 0), bad("configure.heartbeat_interval_ns"));
    assert_eq!(with(|it| it.group = None), bad("configure.group"));
    assert_eq!(with(|it| it.mode = Mode::Unicast), bad("configure.group"));
    assert_eq!(with(|it| it.group = Some([10, 0, 0, 1].into())), bad("configure.group"));
    let v6: fn(&mut Configure) = |it| it.group = Some("ff02::1".parse().unwrap());
    assert_eq!(with(v6), bad("configure.group"), "the address is IPv4");
    let broadcast: fn(&mut Configure) = |it| {
        it.mode = Mode::Broadcast;
        it.group = Some([10, 77, 1, 255].into());
    };
    assert!(with(broadcast).is_ok());
}

#[test]
fn long_prefixes_are_for_ipv6() {
    let of = |prefix_length| Configure {
        address: "fe80::3".parse().unwrap(),
        group: Some("ff02::4841".parse().unwrap()),
        prefix_length,
        ..configure()
    };
    assert!(configured(of(128)).is_ok());
    assert_eq!(configured(of(129)), bad("configure.prefix_length"));
}

#[test]
fn mapped_address_is_refused() {
    let mapped: IpAddr = "::ffff:10.77.1.3".parse().unwrap();
    let probe = StartProbe {
        id: 1,
        case: CaseId(2),
        target: mapped,
        count: 3,
        interval_ns: 4,
        timeout_ns: 5,
        icmp: false,
        icmp_only: false,
        size: 0,
        until_answered: false,
    };
    let frame = body(&encode_command(&Command::StartProbe(probe)));
    assert_eq!(decode_command(&frame), bad("start_probe.target"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_pieces_give_the_same_frames(
        wanted in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..8),
        pieces in prop::collection::vec(1usize..200, 1..40),
    ) {
        let stream: Vec<u8> = wanted.iter().flat_map(|frame| framed(frame)).collect();
        let mut frames = Frames::new();
        let mut found = Vec::new();
        let mut rest = stream.as_slice();
        for len in pieces.iter().cycle() {
            let (piece, after) = rest.split_at((*len).min(rest.len()));
            frames.push(piece);
            found.extend(drain(&mut frames));
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert!(frames.is_between());
        prop_assert_eq!(found, wanted);
    }

    #[test]
    fn commands_and_reports_survive_the_stream(
        instance in any::<u64>(),
        at_ns in any::<u64>(),
        octets in any::<[u8; 4]>(),
        datagram in prop::collection::vec(any::<u8>(), 0..1300),
    ) {
        let from = IpAddr::from(octets);
        let group = GroupId { instance, leader: from };
        let command = Command::Watch { group, feed: vec![from], expect: vec![] };
        prop_assert_eq!(decode_command(&body(&encode_command(&command))), Ok(command));
        let command = Command::Send { to: None, datagram: datagram.clone() };
        prop_assert_eq!(decode_command(&body(&encode_command(&command))), Ok(command));
        let report = Report::Received { at_ns, from, to_group: true, datagram };
        prop_assert_eq!(decode_report(&body(&encode_report(&report))), Ok(report));
    }

    #[test]
    fn random_streams_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let mut frames = Frames::new();
        frames.push(&bytes);
        while let Ok(Some(frame)) = frames.next() {
            let _ = (decode_command(&frame), decode_report(&frame));
        }
        let _ = (decode_command(&bytes), decode_report(&bytes));
    }
}

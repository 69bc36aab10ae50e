//! Datagrams that must be refused, each for one reason, named by it.

use hats_wire::{HEADER_LEN, encode};

use crate::samples;

/// A good datagram of the named sample.
fn good(name: &str) -> Vec<u8> {
    let messages = samples::messages();
    let (_, message) = messages.iter().find(|(sample, _)| *sample == name).expect("a sample");
    encode(&samples::header(), message)
}

/// The named sample with one byte of its header changed.
fn with(at: usize, byte: u8) -> Vec<u8> {
    let mut bytes = good("heartbeat");
    bytes[at] = byte;
    bytes
}

/// A datagram of this type and body, its length right.
fn raw(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = good("heartbeat")[..HEADER_LEN].to_vec();
    bytes[7] = kind;
    bytes.extend_from_slice(body);
    let len = u16::try_from(bytes.len()).expect("short");
    bytes[8..10].copy_from_slice(&len.to_be_bytes());
    bytes
}

/// A field of bytes in protobuf.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    assert!(bytes.len() < 0x80, "a length of one byte");
    let mut all = vec![number << 3 | 2, u8::try_from(bytes.len()).expect("short")];
    all.extend_from_slice(bytes);
    all
}

/// A number's field in protobuf.
fn number(field: u8, value: u8) -> Vec<u8> {
    assert!(value < 0x80, "one byte");
    vec![field << 3, value]
}

fn group(leader: &[u8]) -> Vec<u8> {
    [field(1, leader), number(2, 41)].concat()
}

const HOST: [u8; 4] = [10, 77, 1, 5];
const OTHER: [u8; 4] = [10, 77, 1, 2];
const MAPPED: [u8; 16] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 77, 1, 5];

/// Every datagram, named as its vector.
pub(crate) fn datagrams() -> Vec<(String, Vec<u8>)> {
    let mut all = headers();
    all.extend(addresses());
    all.extend(groups());
    all.extend(chunks());
    all.extend(letters_and_items());
    all.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect()
}

fn headers() -> Vec<(&'static str, Vec<u8>)> {
    let heartbeat = good("heartbeat");
    let mut longer = heartbeat.clone();
    longer.push(0);
    let mut long = heartbeat.clone();
    long.resize(hats_wire::DATAGRAM_MAX + 1, 0);
    vec![
        ("too_short", heartbeat[..HEADER_LEN - 1].to_vec()),
        ("too_short-nothing", Vec::new()),
        ("too_long", long),
        ("not_ours", with(0, b'h')),
        ("not_ours-short", b"HELO".to_vec()),
        ("version-future", [with(5, 2)[..6].to_vec(), with(6, 3)[6..].to_vec()].concat()),
        ("version-past", [with(5, 0)[..6].to_vec(), with(6, 0)[6..].to_vec()].concat()),
        ("version-reversed", with(5, 2)),
        ("length_lies-cut", heartbeat[..heartbeat.len() - 1].to_vec()),
        ("length_lies-longer", longer),
        ("unknown_type", raw(20, &[])),
        ("unknown_type-zero", raw(0, &[])),
        ("unknown_key", with(10, 1)),
        ("malformed", raw(1, &[0xff])),
        ("malformed-text", raw(2, &field(4, &[0xff]))),
        ("malformed-cut", raw(5, &field(1, &HOST)[..4])),
    ]
}

fn addresses() -> Vec<(&'static str, Vec<u8>)> {
    let ack = |leader: &[u8]| raw(5, &field(1, &group(leader)));
    vec![
        ("bad_field-group.leader-none", ack(&[])),
        ("bad_field-group.leader-three_bytes", ack(&HOST[..3])),
        ("bad_field-group.leader-mapped", ack(&MAPPED)),
        ("bad_field-group.leader-unspecified", ack(&[0; 4])),
        ("bad_field-group.leader-unspecified_v6", ack(&[0; 16])),
        ("bad_field-group.leader-multicast", ack(&[239, 28, 4, 1])),
        ("bad_field-group.leader-broadcast", ack(&[255; 4])),
        ("bad_field-relay.from", raw(15, &field(2, &HOST))),
        ("bad_field-relay.to", raw(15, &field(1, &HOST))),
    ]
}

fn groups() -> Vec<(&'static str, Vec<u8>)> {
    let of = field(1, &group(&HOST));
    let path = |low: &[u8], high: &[u8]| {
        raw(8, &[of.clone(), field(3, &[field(1, low), field(2, high)].concat())].concat())
    };
    let removal = |inner: &[u8]| raw(8, &[of.clone(), field(4, inner)].concat());
    let member = field(1, &field(1, &OTHER));
    vec![
        ("bad_field-heartbeat.group", raw(1, &number(1, 3))),
        ("bad_field-proclaim.group", raw(2, &[])),
        ("bad_field-join.group", raw(3, &[])),
        ("bad_field-join.into", raw(3, &of)),
        ("bad_field-prepare.group", raw(4, &[])),
        ("bad_field-prepare_ack.group", raw(5, &[])),
        ("bad_field-commit.group", raw(6, &[])),
        ("bad_field-list_request.have", raw(7, &[])),
        ("bad_field-list.group", raw(8, &[])),
        ("bad_field-expelled.group", raw(9, &[])),
        ("bad_field-expelled.cause", raw(9, &of)),
        ("bad_field-expelled.cause-unknown", raw(9, &[of.clone(), number(2, 99)].concat())),
        ("bad_field-leave.group", raw(10, &[])),
        ("bad_field-leave_ack.group", raw(11, &[])),
        ("bad_field-goodbye.group", raw(12, &[])),
        ("bad_field-member.address", raw(8, &[of.clone(), field(2, &[])].concat())),
        ("bad_field-pair.low", path(&[], &HOST)),
        ("bad_field-pair.high", path(&OTHER, &[])),
        ("bad_field-pair.high-lower", path(&HOST, &OTHER)),
        ("bad_field-pair.high-same", path(&HOST, &HOST)),
        ("bad_field-removal.member", removal(&number(2, 1))),
        ("bad_field-removal.cause", removal(&member)),
    ]
}

fn chunks() -> Vec<(&'static str, Vec<u8>)> {
    let chunk = |index: u8, count: u8, kind: u8, part: &[u8]| {
        raw(16, &[number(2, index), number(3, count), number(4, kind), field(5, part)].concat())
    };
    let many = [vec![3 << 3, 0x81, 0x02], number(4, 8), field(5, &[1])].concat();
    let kind = [number(3, 2), vec![4 << 3, 0x88, 0x02], field(5, &[1])].concat();
    vec![
        ("bad_field-chunk.count-none", chunk(0, 0, 8, &[1])),
        ("bad_field-chunk.count-257", raw(16, &many)),
        ("bad_field-chunk.index", chunk(2, 2, 8, &[1])),
        ("bad_field-chunk.kind-none", chunk(0, 2, 0, &[1])),
        ("bad_field-chunk.kind-chunk", chunk(0, 2, 16, &[1])),
        ("bad_field-chunk.kind-unknown", chunk(0, 2, 20, &[1])),
        ("bad_field-chunk.kind-two_bytes", raw(16, &kind)),
        ("bad_field-chunk.part", chunk(0, 2, 8, &[])),
    ]
}

fn letters_and_items() -> Vec<(&'static str, Vec<u8>)> {
    // Fields above 15 have keys of two bytes; none of these is.
    let letter = |number: u8, body: &[u8]| raw(17, &field(number, body));
    let observed = |body: &[u8]| letter(11, &field(3, body));
    let from = field(2, &HOST);
    let to = field(5, &OTHER);
    let both = [from.clone(), to.clone()].concat();
    let item = |number: u8, body: &[u8]| raw(18, &field(1, &field(number, body)));
    let adapter = |rest: &[u8]| item(3, &field(4, &[field(3, &HOST), rest.to_vec()].concat()));
    let of = field(4, &group(&HOST));
    let kind = number(2, 1);
    let member = field(1, &OTHER);
    let verdict = |parts: &[&[u8]]| item(5, &parts.concat());
    let culprit = field(5, &member);
    let sure = number(9, 1);
    let people = [field(10, &member), field(11, &member)].concat();
    let whole: [&[u8]; 5] = [&kind, &of, &culprit, &sure, &people];
    let also = |more: &[u8]| verdict(&[&whole.concat(), more]);
    vec![
        ("bad_field-envelope.body", raw(17, &[])),
        ("bad_field-probe_request.reporter", letter(10, &[])),
        ("bad_field-probe_request.suspect", letter(10, &field(4, &member))),
        ("bad_field-probe_notice.prober", letter(12, &field(5, &HOST))),
        ("bad_field-probe_notice.target", letter(12, &field(4, &HOST))),
        ("bad_field-probe_seen.prober", letter(13, &field(5, &HOST))),
        ("bad_field-probe_seen.target", letter(13, &field(4, &HOST))),
        (
            "bad_field-probe_seen.fact",
            letter(13, &[field(4, &HOST), field(5, &OTHER), number(7, 99)].concat()),
        ),
        ("bad_field-silent.group", letter(14, &[])),
        ("bad_field-silent.reporter", letter(14, &field(3, &group(&HOST)))),
        (
            "bad_field-silent.suspect",
            letter(14, &[field(3, &group(&HOST)), field(4, &member)].concat()),
        ),
        ("bad_field-observation.prober_address", observed(&to)),
        ("bad_field-observation.target_address", observed(&from)),
        ("bad_field-observation.fact", observed(&[both, number(15, 99)].concat())),
        ("bad_field-item.body", raw(18, &field(1, &[]))),
        ("bad_field-item_version.key", raw(19, &field(1, &[]))),
        ("bad_field-item_key.key", raw(19, &field(1, &field(1, &[])))),
        ("bad_field-item_key.leader", raw(19, &field(1, &field(1, &field(2, &[]))))),
        ("bad_field-adapter.address", item(3, &field(4, &number(4, 1)))),
        ("bad_field-adapter.cause", adapter(&number(5, 99))),
        ("bad_field-adapter.usable-with_cause", adapter(&[number(4, 1), number(5, 4)].concat())),
        ("bad_field-adapter.usable-without_cause", adapter(&[])),
        ("bad_field-group_report.group", item(4, &[])),
        ("bad_field-verdict.kind", verdict(&[&of])),
        ("bad_field-verdict.kind-unknown", verdict(&[&number(2, 8)])),
        ("bad_field-verdict.group", verdict(&[&kind])),
        ("bad_field-verdict.culprit", verdict(&[&kind, &of])),
        ("bad_field-verdict.confidence", verdict(&[&kind, &of, &culprit])),
        ("bad_field-verdict.reporter", verdict(&[&kind, &of, &culprit, &sure])),
        ("bad_field-verdict.suspect", verdict(&[&kind, &of, &culprit, &sure, &field(10, &member)])),
        ("bad_field-verdict.direction", also(&number(7, 9))),
        ("bad_field-verdict.cause", also(&number(8, 99))),
        ("bad_field-side.member", also(&field(15, &field(1, &[])))),
    ]
}

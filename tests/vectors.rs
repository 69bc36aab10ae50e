//! The bytes of the protocols, held still.
//!
//! `vectors/datagrams` and `vectors/link` hold every message as it is sent;
//! `vectors/refused` one datagram or more for every reason to refuse one, named
//! `reason` or `reason-detail`. Other implementations can be tried on them.
//! `HATS_BLESS=1` writes them anew: do so only for an addition, and run once more
//! without, as other tests may read while it writes.

#[path = "vectors/fields.rs"]
mod fields;
#[path = "vectors/link_samples.rs"]
mod link_samples;
#[path = "vectors/refused.rs"]
mod refused;
#[path = "vectors/samples.rs"]
mod samples;

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
};

use hats_wire::{
    Cause, DecodeError, Frame, Header, Message, decode, encode,
    link::{self, Frames},
    message_type,
};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors").join(name)
}

/// The folder's vectors by name.
fn vectors(name: &str) -> Vec<(String, Vec<u8>)> {
    let mut found: Vec<_> = fs::read_dir(folder(name))
        .expect("the folder of vectors")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| {
            let stem = path.file_stem().expect("a name").to_string_lossy().into_owned();
            (stem, from_hex(&fs::read_to_string(&path).expect("a vector")))
        })
        .collect();
    found.sort();
    found
}

fn from_hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| u8::try_from(c.to_digit(16).expect("a hexadecimal digit")).expect("four bits"))
        .collect();
    assert!(digits.len().is_multiple_of(2), "a byte has two digits");
    digits.chunks(2).map(|byte| byte[0] << 4 | byte[1]).collect()
}

fn to_hex(bytes: &[u8]) -> String {
    let line = |line: &[u8]| line.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    bytes.chunks(32).map(|part| line(part) + "\n").collect()
}

/// Writes the vectors when asked to, else compares with those that are there.
fn hold(name: &str, samples: &[(String, Vec<u8>)]) {
    if env::var_os("HATS_BLESS").is_some() {
        fs::create_dir_all(folder(name)).expect("the folder");
        for (sample, bytes) in samples {
            let path = folder(name).join(format!("{sample}.hex"));
            if fs::read_to_string(&path).ok() != Some(to_hex(bytes)) {
                fs::write(path, to_hex(bytes)).expect("the vector");
            }
        }
    }
    let there = vectors(name);
    let names = |all: &[(String, Vec<u8>)]| -> BTreeSet<String> {
        all.iter().map(|(name, _)| name.clone()).collect()
    };
    assert_eq!(names(&there), names(samples), "one vector for each sample in vectors/{name}");
    for (sample, bytes) in samples {
        let (_, vector) = there.iter().find(|(name, _)| name == sample).expect("compared above");
        assert_eq!(to_hex(bytes), to_hex(vector), "the bytes of {name}/{sample} have changed");
    }
}

#[test]
fn datagrams_keep_their_bytes() {
    let samples: Vec<_> = samples::messages()
        .iter()
        .map(|(name, message)| ((*name).to_owned(), encode(&samples::header(), message)))
        .collect();
    hold("datagrams", &samples);
}

#[test]
fn datagrams_keep_their_meaning() {
    let there = vectors("datagrams");
    for (name, message) in samples::messages() {
        let (_, bytes) = there.iter().find(|(there, _)| there == name).expect("a vector");
        assert_eq!(decode(bytes), Ok(Frame { header: samples::header(), message }), "{name}");
    }
}

#[test]
fn every_message_has_a_vector() {
    let types: BTreeSet<u8> =
        samples::messages().iter().map(|(_, message)| message_type(message)).collect();
    assert_eq!(types, (1..=19).collect(), "types 1 (Heartbeat) to 19 (Summary)");
}

#[test]
fn causes_keep_their_numbers() {
    let group = hats_wire::GroupId { instance: 1, leader: [10, 0, 0, 1].into() };
    for (at, cause) in Cause::ALL.into_iter().enumerate() {
        let message =
            Message::Expelled { group, cause, verdict_id: String::new(), members: vec![] };
        let bytes = encode(&samples::header(), &message);
        assert_eq!(usize::from(bytes[bytes.len() - 1]), at + 1, "{cause}");
    }
}

#[test]
fn link_frames_keep_their_bytes() {
    let commands = link_samples::commands()
        .into_iter()
        .map(|(name, command)| (format!("command-{name}"), link::encode_command(&command)));
    let reports = link_samples::reports()
        .into_iter()
        .map(|(name, report)| (format!("report-{name}"), link::encode_report(&report)));
    hold("link", &commands.chain(reports).collect::<Vec<_>>());
}

#[test]
fn link_frames_keep_their_meaning() {
    let there = vectors("link");
    let frame = |wanted: String| {
        let (_, bytes) = there.iter().find(|(name, _)| *name == wanted).expect("a vector");
        let mut frames = Frames::new();
        frames.push(bytes);
        let frame = frames.next().expect("a good length").expect("a whole frame");
        assert!(frames.is_between(), "{wanted}: nothing is left");
        frame
    };
    for (name, command) in link_samples::commands() {
        assert_eq!(link::decode_command(&frame(format!("command-{name}"))), Ok(command));
    }
    for (name, report) in link_samples::reports() {
        assert_eq!(link::decode_report(&frame(format!("report-{name}"))), Ok(report));
    }
}

/// The errors in the order of their declaration: a new one does not compile
/// before it has its place here.
fn after(error: &DecodeError) -> Option<DecodeError> {
    Some(match error {
        DecodeError::TooShort { .. } => DecodeError::TooLong { len: 0 },
        DecodeError::TooLong { .. } => DecodeError::NotOurs,
        DecodeError::NotOurs => DecodeError::Version { min: 0, max: 0 },
        DecodeError::Version { .. } => DecodeError::LengthLies { said: 0, was: 0 },
        DecodeError::LengthLies { .. } => DecodeError::UnknownType { kind: 0 },
        DecodeError::UnknownType { .. } => DecodeError::UnknownKey { key: 0 },
        DecodeError::UnknownKey { .. } => DecodeError::Malformed { kind: 0 },
        DecodeError::Malformed { .. } => DecodeError::BadField { field: "" },
        DecodeError::BadField { .. } => return None,
    })
}

#[test]
fn every_decode_error_has_a_negative_vector() {
    let refused = vectors("refused");
    let mut error = Some(DecodeError::TooShort { len: 0 });
    while let Some(one) = error {
        let reason = one.reason();
        let of = |name: &str| name.split('-').next() == Some(reason);
        assert!(refused.iter().any(|(name, _)| of(name)), "no vector for {reason}");
        error = after(&one);
    }
}

#[test]
fn negative_vectors_keep_their_bytes() {
    hold("refused", &refused::datagrams());
}

#[test]
fn negative_vectors_are_refused_for_their_reason() {
    for (name, bytes) in vectors("refused") {
        let error = decode(&bytes).expect_err(&name);
        let (reason, detail) = name.split_once('-').unwrap_or((&name, ""));
        assert_eq!(error.reason(), reason, "{name}: {error}");
        if let DecodeError::BadField { field } = error {
            let wanted = detail.split('-').next();
            assert_eq!(Some(field), wanted, "{name} names the field");
        }
    }
}

#[test]
fn header_stands_where_it_is_drawn() {
    let header = Header {
        cluster: 0xc1c2_c3c4,
        node_id: hats_wire::NodeId(0xd1d2_d3d4_d5d6_d7d8),
        incarnation: hats_wire::Incarnation(0xe1e2_e3e4_e5e6_e7e8),
    };
    let probe = Message::Probe { case: hats_wire::CaseId(0), sequence: 0, probe: 0, padding: 0 };
    assert_eq!(
        to_hex(&encode(&header, &probe)),
        "48415453010101\
         0d00200000c1c2c3c4d1d2d3d4d5d6d7d8e1e2e3e4e5e6e7e8\n"
    );
}

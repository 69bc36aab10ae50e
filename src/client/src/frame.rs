//! Messages to bytes and back: each is preceded by its length as a varint.

use bytes::{Buf, Bytes, BytesMut};
use hats_proto::ipc::{Reply, Request, reply, request};
use prost::Message;

use crate::Error;

/// The longest request the daemon reads.
pub const REQUEST_MAX: usize = 64 << 10;

/// The longest reply this library reads. A snapshot of 2,000 nodes on two
/// networks is just over half a megabyte without verdicts, so one mebibyte
/// would be too close.
pub const REPLY_MAX: usize = 16 << 20;

/// A varint of 64 bits has at most this many bytes.
const VARINT_MAX: usize = 10;

/// Room asked for at once, so that an announced length alone costs no memory.
const RESERVE_MAX: usize = 256 << 10;

pub(crate) fn encode(body: request::Body) -> Result<Vec<u8>, Error> {
    let request = Request { body: Some(body) };
    let length = request.encoded_len();
    if length > REQUEST_MAX {
        return Err(Error::RequestTooLong { length });
    }
    Ok(request.encode_length_delimited_to_vec())
}

/// Takes the next reply out of `buffer`; none when it is not all there yet.
/// Replies of kinds that this version does not know are skipped.
pub(crate) fn decode(buffer: &mut BytesMut) -> Result<Option<reply::Body>, Error> {
    while let Some(frame) = next_frame(buffer)? {
        let length = frame.len();
        let reply = Reply::decode(frame).map_err(|error| Error::Malformed {
            what: format!("a frame of {length} bytes that is no reply ({error})"),
        })?;
        if reply.body.is_some() {
            return Ok(reply.body);
        }
    }
    Ok(None)
}

fn next_frame(buffer: &mut BytesMut) -> Result<Option<Bytes>, Error> {
    let Some((length, prefix)) = varint(buffer)? else {
        return Ok(None);
    };
    let length = match usize::try_from(length) {
        Ok(fitting) if fitting <= REPLY_MAX => fitting,
        Ok(_) | Err(_) => return Err(Error::TooLong { length }),
    };
    let missing = (prefix + length).saturating_sub(buffer.len());
    if missing > 0 {
        buffer.reserve(missing.min(RESERVE_MAX));
        return Ok(None);
    }
    buffer.advance(prefix);
    Ok(Some(buffer.split_to(length).freeze()))
}

/// The varint at the start of `bytes` and how many bytes it takes.
fn varint(bytes: &[u8]) -> Result<Option<(u64, usize)>, Error> {
    let mut value = 0_u64;
    for (index, byte) in bytes.iter().take(VARINT_MAX).enumerate() {
        // The tenth byte has room for one bit.
        if index == VARINT_MAX - 1 && *byte > 1 {
            break;
        }
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Ok(Some((value, index + 1)));
        }
    }
    if bytes.len() < VARINT_MAX {
        return Ok(None);
    }
    Err(Error::Malformed { what: "a length that does not end within 64 bits".into() })
}

#[cfg(test)]
mod tests {
    use hats_proto::ipc::{Adapter, KeepAlive, Network, Node, Pong, Snapshot};

    use super::*;

    fn bytes_of(body: reply::Body) -> Vec<u8> {
        Reply { body: Some(body) }.encode_length_delimited_to_vec()
    }

    #[test]
    fn frames_that_arrive_byte_by_byte_are_put_together() {
        let first = reply::Body::Pong(Pong { token: 300 });
        let second = reply::Body::KeepAlive(KeepAlive { epoch: 1, next_seq: 2, mono_ns: 3 });
        let mut bytes = bytes_of(first.clone());
        bytes.extend(bytes_of(second.clone()));
        let mut buffer = BytesMut::new();
        let mut decoded = Vec::new();
        for byte in bytes {
            buffer.extend_from_slice(&[byte]);
            decoded.extend(decode(&mut buffer).unwrap());
        }
        assert_eq!(decoded, [first, second]);
        assert!(buffer.is_empty());
    }

    #[test]
    fn the_longest_reply_is_waited_for_and_one_byte_more_is_refused() {
        let mut prefix = Vec::new();
        prost::encode_length_delimiter(REPLY_MAX, &mut prefix).unwrap();
        assert!(matches!(decode(&mut prefix.as_slice().into()), Ok(None)));

        prefix.clear();
        prost::encode_length_delimiter(REPLY_MAX + 1, &mut prefix).unwrap();
        let refused = decode(&mut prefix.as_slice().into());
        assert!(matches!(refused, Err(Error::TooLong { length }) if length == 16_777_217));
    }

    #[test]
    fn an_announced_length_alone_reserves_little() {
        let mut buffer = BytesMut::new();
        prost::encode_length_delimiter(REPLY_MAX, &mut buffer).unwrap();
        decode(&mut buffer).unwrap();
        assert!(buffer.capacity() <= 2 * RESERVE_MAX, "{}", buffer.capacity());
    }

    #[test]
    fn a_length_that_does_not_end_is_malformed_and_a_64_bit_one_too_long() {
        let endless = decode(&mut BytesMut::from([0xff_u8; VARINT_MAX].as_slice()));
        assert!(matches!(endless, Err(Error::Malformed { .. })));
        assert!(matches!(decode(&mut BytesMut::from([0xff_u8; 9].as_slice())), Ok(None)));

        let mut widest = [0xff_u8; VARINT_MAX];
        widest[9] = 1;
        let refused = decode(&mut BytesMut::from(widest.as_slice()));
        assert!(matches!(refused, Err(Error::TooLong { length: u64::MAX })));
    }

    #[test]
    fn replies_of_kinds_of_a_later_version_are_skipped() {
        // Field 99, varint 1: no body of ours.
        let mut buffer = BytesMut::from([3, 0x98, 0x06, 1].as_slice());
        let known = reply::Body::Pong(Pong { token: 7 });
        buffer.extend_from_slice(&bytes_of(known.clone()));
        assert_eq!(decode(&mut buffer).unwrap(), Some(known));
    }

    #[test]
    fn a_request_the_daemon_would_not_read_is_not_sent() {
        let filter = hats_proto::ipc::Filter {
            codes: vec!["x".repeat(REQUEST_MAX)],
            ..hats_proto::ipc::Filter::default()
        };
        let subscribe = hats_proto::ipc::Subscribe {
            filter: Some(filter),
            ..hats_proto::ipc::Subscribe::default()
        };
        let refused = encode(request::Body::Subscribe(subscribe));
        assert!(matches!(refused, Err(Error::RequestTooLong { .. })));
    }

    #[test]
    fn a_snapshot_of_two_thousand_nodes_fits() {
        let mut snapshot = Snapshot::default();
        for number in 0..2_000_u64 {
            let name = format!("compute-rack12-{number:04}");
            snapshot.nodes.push(Node {
                name: name.clone(),
                node_id: format!("{:016x}", u64::MAX - number),
                state: "up".into(),
                incarnation: 1_795_432_000_000_000,
                since_ms: 86_400_000,
                version: Some("0.1.0".into()),
                ..Node::default()
            });
            for network in ["neta", "netb"] {
                snapshot.adapters.push(Adapter {
                    network: network.into(),
                    node: name.clone(),
                    adapter: "enp129s0f0np0".into(),
                    addr: format!("fd00:1234:5678:9abc::{number:x}"),
                    state: "up".into(),
                    role: Some("member".into()),
                    since_ms: 86_400_000,
                    ..Adapter::default()
                });
            }
        }
        for name in ["neta", "netb"] {
            let members = snapshot.nodes.iter().map(|node| node.name.clone()).collect();
            snapshot.networks.push(Network { name: name.into(), members, ..Network::default() });
        }
        let length = snapshot.encoded_len();
        assert!((512 << 10..REPLY_MAX / 8).contains(&length), "{length}");
    }
}

//! What messages are made of: addresses, groups, members, causes.

use alloc::vec::Vec;
use core::net::IpAddr;

use hats_proto::wire as pb;

use crate::{
    Cause, Confidence, DecodeError, Direction, GroupId, Identity, Incarnation, Member, Multicast,
    NodeId, Pair, Removal, VerdictKind, address,
};

/// A value and its protobuf form.
pub(super) trait Body: Sized {
    /// The generated type.
    type Proto;

    /// The protobuf form: every value has one.
    fn put(&self) -> Self::Proto;

    /// The value, when every field is possible.
    fn get(proto: Self::Proto) -> Result<Self, DecodeError>;
}

pub(super) fn put_all<T: Body>(values: &[T]) -> Vec<T::Proto> {
    values.iter().map(Body::put).collect()
}

pub(super) fn all<T: Body>(protos: Vec<T::Proto>) -> Result<Vec<T>, DecodeError> {
    protos.into_iter().map(T::get).collect()
}

pub(super) fn required<T: Body>(
    proto: Option<T::Proto>,
    field: &'static str,
) -> Result<T, DecodeError> {
    proto.ok_or(DecodeError::BadField { field }).and_then(T::get)
}

pub(super) fn optional<T: Body>(proto: Option<T::Proto>) -> Result<Option<T>, DecodeError> {
    proto.map(T::get).transpose()
}

pub(super) fn host(bytes: &[u8], field: &'static str) -> Result<IpAddr, DecodeError> {
    address::host_from_bytes(bytes).ok_or(DecodeError::BadField { field })
}

/// The highest instance taken from others.
const INSTANCE_MAX: u64 = 1 << 62;

impl Body for GroupId {
    type Proto = pb::GroupId;

    fn put(&self) -> pb::GroupId {
        pb::GroupId { leader: address::to_bytes(self.leader), instance: self.instance }
    }

    fn get(proto: pb::GroupId) -> Result<Self, DecodeError> {
        let leader = host(&proto.leader, "group.leader")?;
        // Instances are added to: one near the end of the range would wrap.
        if proto.instance > INSTANCE_MAX {
            return Err(DecodeError::BadField { field: "group.instance" });
        }
        Ok(GroupId { instance: proto.instance, leader })
    }
}

impl Body for Member {
    type Proto = pb::Member;

    fn put(&self) -> pb::Member {
        pb::Member {
            address: address::to_bytes(self.address),
            node_id: self.node_id.0,
            incarnation: self.incarnation.0,
            node: self.node.clone(),
            interface: self.interface.clone(),
        }
    }

    fn get(proto: pb::Member) -> Result<Self, DecodeError> {
        Ok(Member::from(Identity {
            address: host(&proto.address, "member.address")?,
            node_id: NodeId(proto.node_id),
            incarnation: Incarnation(proto.incarnation),
            node: proto.node,
            interface: proto.interface,
        }))
    }
}

impl Body for Pair {
    type Proto = pb::Pair;

    fn put(&self) -> pb::Pair {
        pb::Pair { low: address::to_bytes(self.low()), high: address::to_bytes(self.high()) }
    }

    fn get(proto: pb::Pair) -> Result<Self, DecodeError> {
        let low = host(&proto.low, "pair.low")?;
        let high = host(&proto.high, "pair.high")?;
        if low >= high {
            return Err(DecodeError::BadField { field: "pair.high" });
        }
        Ok(Pair::new(low, high))
    }
}

impl Body for Removal {
    type Proto = pb::Removal;

    fn put(&self) -> pb::Removal {
        pb::Removal {
            member: Some(self.member.put()),
            cause: put_cause(self.cause),
            verdict_id: self.verdict_id.clone(),
        }
    }

    fn get(proto: pb::Removal) -> Result<Self, DecodeError> {
        Ok(Removal {
            member: required(proto.member, "removal.member")?,
            cause: cause(proto.cause, "removal.cause")?,
            verdict_id: proto.verdict_id,
        })
    }
}

pub(super) fn put_cause(cause: Cause) -> i32 {
    let proto = match cause {
        Cause::Transmit => pb::Cause::Transmit,
        Cause::Receive => pb::Cause::Receive,
        Cause::Both => pb::Cause::Both,
        Cause::LinkDown => pb::Cause::LinkDown,
        Cause::AddressLost => pb::Cause::AddressLost,
        Cause::Removed => pb::Cause::Removed,
        Cause::NodeDown => pb::Cause::NodeDown,
        Cause::DaemonDown => pb::Cause::DaemonDown,
        Cause::NimFailed => pb::Cause::NimFailed,
        Cause::Unreachable => pb::Cause::Unreachable,
        Cause::Left => pb::Cause::Left,
        Cause::Maintenance => pb::Cause::Maintenance,
        Cause::Inconclusive => pb::Cause::Inconclusive,
        Cause::TargetsUnreachable => pb::Cause::TargetsUnreachable,
    };
    proto.into()
}

pub(super) fn put_fact(fact: Option<Cause>) -> i32 {
    fact.map_or(pb::Cause::Unspecified.into(), put_cause)
}

pub(super) fn cause(number: i32, field: &'static str) -> Result<Cause, DecodeError> {
    fact(number, field)?.ok_or(DecodeError::BadField { field })
}

/// A cause that may be left out. An unknown number is not left out: to take
/// it for "no fault" would be wrong.
pub(super) fn fact(number: i32, field: &'static str) -> Result<Option<Cause>, DecodeError> {
    let proto = pb::Cause::try_from(number).map_err(|_| DecodeError::BadField { field })?;
    Ok(match proto {
        pb::Cause::Unspecified => None,
        pb::Cause::Transmit => Some(Cause::Transmit),
        pb::Cause::Receive => Some(Cause::Receive),
        pb::Cause::Both => Some(Cause::Both),
        pb::Cause::LinkDown => Some(Cause::LinkDown),
        pb::Cause::AddressLost => Some(Cause::AddressLost),
        pb::Cause::Removed => Some(Cause::Removed),
        pb::Cause::NodeDown => Some(Cause::NodeDown),
        pb::Cause::DaemonDown => Some(Cause::DaemonDown),
        pb::Cause::NimFailed => Some(Cause::NimFailed),
        pb::Cause::Unreachable => Some(Cause::Unreachable),
        pb::Cause::Left => Some(Cause::Left),
        pb::Cause::Maintenance => Some(Cause::Maintenance),
        pb::Cause::Inconclusive => Some(Cause::Inconclusive),
        pb::Cause::TargetsUnreachable => Some(Cause::TargetsUnreachable),
    })
}

pub(super) fn put_multicast(multicast: Multicast) -> i32 {
    let proto = match multicast {
        Multicast::Unknown => pb::Multicast::Unspecified,
        Multicast::Heard => pb::Multicast::Heard,
        Multicast::Doubted => pb::Multicast::Doubted,
        Multicast::Missing => pb::Multicast::Missing,
    };
    proto.into()
}

/// A number that only later versions know says nothing to this one.
pub(super) fn multicast(number: i32) -> Multicast {
    match pb::Multicast::try_from(number) {
        Ok(pb::Multicast::Unspecified) | Err(_) => Multicast::Unknown,
        Ok(pb::Multicast::Heard) => Multicast::Heard,
        Ok(pb::Multicast::Doubted) => Multicast::Doubted,
        Ok(pb::Multicast::Missing) => Multicast::Missing,
    }
}

pub(super) fn put_direction(direction: Option<Direction>) -> i32 {
    let proto = match direction {
        None => pb::Direction::Unspecified,
        Some(Direction::ToPeer) => pb::Direction::ToPeer,
        Some(Direction::FromPeer) => pb::Direction::FromPeer,
        Some(Direction::Both) => pb::Direction::Both,
    };
    proto.into()
}

pub(super) fn direction(
    number: i32,
    field: &'static str,
) -> Result<Option<Direction>, DecodeError> {
    let proto = pb::Direction::try_from(number).map_err(|_| DecodeError::BadField { field })?;
    Ok(match proto {
        pb::Direction::Unspecified => None,
        pb::Direction::ToPeer => Some(Direction::ToPeer),
        pb::Direction::FromPeer => Some(Direction::FromPeer),
        pb::Direction::Both => Some(Direction::Both),
    })
}

pub(super) fn put_confidence(confidence: Confidence) -> i32 {
    let proto = match confidence {
        Confidence::High => pb::Confidence::High,
        Confidence::Medium => pb::Confidence::Medium,
        Confidence::Low => pb::Confidence::Low,
    };
    proto.into()
}

pub(super) fn confidence(number: i32, field: &'static str) -> Result<Confidence, DecodeError> {
    match pb::Confidence::try_from(number) {
        Ok(pb::Confidence::High) => Ok(Confidence::High),
        Ok(pb::Confidence::Medium) => Ok(Confidence::Medium),
        Ok(pb::Confidence::Low) => Ok(Confidence::Low),
        Ok(pb::Confidence::Unspecified) | Err(_) => Err(DecodeError::BadField { field }),
    }
}

pub(super) fn put_verdict_kind(kind: VerdictKind) -> i32 {
    let proto = match kind {
        VerdictKind::Adapter => pb::VerdictKind::Adapter,
        VerdictKind::Path => pb::VerdictKind::Path,
        VerdictKind::Node => pb::VerdictKind::Node,
        VerdictKind::Daemon => pb::VerdictKind::Daemon,
        VerdictKind::Partition => pb::VerdictKind::Partition,
        VerdictKind::Network => pb::VerdictKind::Network,
        VerdictKind::Inconclusive => pb::VerdictKind::Inconclusive,
    };
    proto.into()
}

pub(super) fn verdict_kind(number: i32, field: &'static str) -> Result<VerdictKind, DecodeError> {
    match pb::VerdictKind::try_from(number) {
        Ok(pb::VerdictKind::Adapter) => Ok(VerdictKind::Adapter),
        Ok(pb::VerdictKind::Path) => Ok(VerdictKind::Path),
        Ok(pb::VerdictKind::Node) => Ok(VerdictKind::Node),
        Ok(pb::VerdictKind::Daemon) => Ok(VerdictKind::Daemon),
        Ok(pb::VerdictKind::Partition) => Ok(VerdictKind::Partition),
        Ok(pb::VerdictKind::Network) => Ok(VerdictKind::Network),
        Ok(pb::VerdictKind::Inconclusive) => Ok(VerdictKind::Inconclusive),
        Ok(pb::VerdictKind::Unspecified) | Err(_) => Err(DecodeError::BadField { field }),
    }
}

//! The link-state database's items.

use alloc::vec::Vec;
use core::net::IpAddr;

use hats_proto::wire as pb;

use super::part::{
    Body, all, confidence, direction, fact, host, multicast, optional, put_all, put_confidence,
    put_direction, put_fact, put_multicast, put_verdict_kind, required, verdict_kind,
};
use crate::{
    AdapterReport, DecodeError, GroupReport, Held, Incarnation, Item, ItemBody, ItemKey,
    ItemVersion, Loss, Narrow, NodeId, NodeReport, Overheard, Verdict, address,
};

impl Body for Item {
    type Proto = pb::Item;

    fn put(&self) -> pb::Item {
        pb::Item {
            incarnation: self.incarnation.0,
            sequence: self.sequence,
            body: Some(self.body.put()),
        }
    }

    fn get(proto: pb::Item) -> Result<Self, DecodeError> {
        Ok(Item {
            incarnation: Incarnation(proto.incarnation),
            sequence: proto.sequence,
            body: required(proto.body, "item.body")?,
        })
    }
}

impl Body for ItemBody {
    type Proto = pb::item::Body;

    fn put(&self) -> pb::item::Body {
        match self {
            ItemBody::Node(node) => pb::item::Body::Node(node.put()),
            ItemBody::Group(group) => pb::item::Body::Group(group.put()),
            ItemBody::Verdict(verdict) => pb::item::Body::Verdict(verdict.put()),
        }
    }

    fn get(proto: pb::item::Body) -> Result<Self, DecodeError> {
        Ok(match proto {
            pb::item::Body::Node(node) => ItemBody::Node(Body::get(node)?),
            pb::item::Body::Group(group) => ItemBody::Group(Body::get(group)?),
            pb::item::Body::Verdict(verdict) => ItemBody::Verdict(Body::get(verdict)?),
        })
    }
}

impl Body for ItemKey {
    type Proto = pb::ItemKey;

    fn put(&self) -> pb::ItemKey {
        let key = match self {
            ItemKey::Node(node) => pb::item_key::Key::Node(node.0),
            ItemKey::Group(network, leader) => pb::item_key::Key::Group(pb::GroupKey {
                network: network.clone(),
                leader: address::to_bytes(*leader),
            }),
            ItemKey::Verdict(id) => pb::item_key::Key::Verdict(id.clone()),
        };
        pb::ItemKey { key: Some(key) }
    }

    fn get(proto: pb::ItemKey) -> Result<Self, DecodeError> {
        Ok(match proto.key.ok_or(DecodeError::BadField { field: "item_key.key" })? {
            pb::item_key::Key::Node(node) => ItemKey::Node(NodeId(node)),
            pb::item_key::Key::Group(group) => {
                ItemKey::Group(group.network, host(&group.leader, "item_key.leader")?)
            }
            pb::item_key::Key::Verdict(id) => ItemKey::Verdict(id),
        })
    }
}

impl Body for ItemVersion {
    type Proto = pb::ItemVersion;

    fn put(&self) -> pb::ItemVersion {
        pb::ItemVersion {
            key: Some(self.key.put()),
            incarnation: self.incarnation.0,
            sequence: self.sequence,
        }
    }

    fn get(proto: pb::ItemVersion) -> Result<Self, DecodeError> {
        Ok(ItemVersion {
            key: required(proto.key, "item_version.key")?,
            incarnation: Incarnation(proto.incarnation),
            sequence: proto.sequence,
        })
    }
}

impl Body for NodeReport {
    type Proto = pb::NodeReport;

    fn put(&self) -> pb::NodeReport {
        pb::NodeReport {
            node_id: self.node_id.0,
            node: self.node.clone(),
            version: self.version.clone(),
            adapters: put_all(&self.adapters),
            leaving: self.leaving,
            maintenance: self.maintenance,
        }
    }

    fn get(proto: pb::NodeReport) -> Result<Self, DecodeError> {
        Ok(NodeReport {
            node_id: NodeId(proto.node_id),
            node: proto.node,
            version: proto.version,
            adapters: all(proto.adapters)?,
            leaving: proto.leaving,
            maintenance: proto.maintenance,
        })
    }
}

impl Body for AdapterReport {
    type Proto = pb::AdapterReport;

    fn put(&self) -> pb::AdapterReport {
        pb::AdapterReport {
            network: self.network.clone(),
            interface: self.interface.clone(),
            address: address::to_bytes(self.address),
            usable: self.fault.is_none(),
            cause: put_fact(self.fault),
            group: self.group.as_ref().map(Body::put),
            held_ms: self.held.and_then(|held| held.for_ms),
            losses: self.held.map_or(0, |held| held.losses),
            mac: self.mac.clone(),
            loss: self.loss.map(|loss| pb::Loss {
                inward: loss.inward,
                outward: loss.outward,
                own: loss.own,
            }),
            multicast: put_multicast(self.multicast),
            narrow: put_all(&self.narrow),
            overheard: put_all(&self.overheard),
        }
    }

    fn get(proto: pb::AdapterReport) -> Result<Self, DecodeError> {
        let fault = fact(proto.cause, "adapter.cause")?;
        if proto.usable != fault.is_none() {
            return Err(DecodeError::BadField { field: "adapter.usable" });
        }
        Ok(AdapterReport {
            network: proto.network,
            interface: proto.interface,
            address: host(&proto.address, "adapter.address")?,
            fault,
            group: optional(proto.group)?,
            held: (proto.losses > 0)
                .then_some(Held { for_ms: proto.held_ms, losses: proto.losses }),
            mac: mac(proto.mac)?,
            loss: proto.loss.map(|loss| Loss {
                inward: loss.inward,
                outward: loss.outward,
                own: loss.own,
            }),
            multicast: multicast(proto.multicast),
            narrow: all(proto.narrow)?,
            overheard: all(proto.overheard)?,
        })
    }
}

impl Body for Narrow {
    type Proto = pb::Narrow;

    fn put(&self) -> pb::Narrow {
        pb::Narrow { to: address::to_bytes(self.to), size: self.size }
    }

    fn get(proto: pb::Narrow) -> Result<Self, DecodeError> {
        Ok(Narrow { to: host(&proto.to, "narrow.to")?, size: proto.size })
    }
}

impl Body for Overheard {
    type Proto = pb::Overheard;

    fn put(&self) -> pb::Overheard {
        let address = address::to_bytes(self.address);
        pb::Overheard { network: self.network.clone(), address }
    }

    fn get(proto: pb::Overheard) -> Result<Self, DecodeError> {
        let address = host(&proto.address, "overheard.address")?;
        Ok(Overheard { network: proto.network, address })
    }
}

/// Ethernet has 6 bytes, InfiniBand 20.
fn mac(bytes: Vec<u8>) -> Result<Vec<u8>, DecodeError> {
    if bytes.len() > 20 {
        return Err(DecodeError::BadField { field: "adapter.mac" });
    }
    Ok(bytes)
}

impl Body for GroupReport {
    type Proto = pb::GroupReport;

    fn put(&self) -> pb::GroupReport {
        pb::GroupReport {
            network: self.network.clone(),
            subnet: self.subnet.clone(),
            group: Some(self.group.put()),
            leader_node: self.leader_node.0,
            members: put_all(&self.members),
            failed_paths: put_all(&self.failed_paths),
            removed: put_all(&self.removed),
        }
    }

    fn get(proto: pb::GroupReport) -> Result<Self, DecodeError> {
        Ok(GroupReport {
            network: proto.network,
            subnet: proto.subnet,
            group: required(proto.group, "group_report.group")?,
            leader_node: NodeId(proto.leader_node),
            members: all(proto.members)?,
            failed_paths: all(proto.failed_paths)?,
            removed: all(proto.removed)?,
        })
    }
}

impl Body for Verdict {
    type Proto = pb::Verdict;

    fn put(&self) -> pb::Verdict {
        pb::Verdict {
            id: self.id.clone(),
            kind: put_verdict_kind(self.kind),
            network: self.network.clone(),
            group: Some(self.group.put()),
            culprit: Some(self.culprit.put()),
            peer: self.peer.as_ref().map(Body::put),
            direction: put_direction(self.direction),
            cause: put_fact(self.cause),
            confidence: put_confidence(self.confidence),
            reporter: Some(self.reporter.put()),
            suspect: Some(self.suspect.put()),
            arbiters: self.arbiters.clone(),
            decided_by: self.decided_by.clone(),
            decided_by_node: self.decided_by_node.0,
            observations: put_all(&self.observations),
            sides: self.sides.iter().map(|side| put_side(side)).collect(),
            missing: self.missing.clone(),
            took_us: self.took_us,
        }
    }

    fn get(proto: pb::Verdict) -> Result<Self, DecodeError> {
        Ok(Verdict {
            id: proto.id,
            kind: verdict_kind(proto.kind, "verdict.kind")?,
            network: proto.network,
            group: required(proto.group, "verdict.group")?,
            culprit: required(proto.culprit, "verdict.culprit")?,
            peer: optional(proto.peer)?,
            direction: direction(proto.direction, "verdict.direction")?,
            cause: fact(proto.cause, "verdict.cause")?,
            confidence: confidence(proto.confidence, "verdict.confidence")?,
            reporter: required(proto.reporter, "verdict.reporter")?,
            suspect: required(proto.suspect, "verdict.suspect")?,
            arbiters: proto.arbiters,
            decided_by: proto.decided_by,
            decided_by_node: NodeId(proto.decided_by_node),
            observations: all(proto.observations)?,
            sides: proto.sides.iter().map(side).collect::<Result<_, _>>()?,
            missing: proto.missing,
            took_us: proto.took_us,
        })
    }
}

fn put_side(members: &[IpAddr]) -> pb::Side {
    pb::Side { members: members.iter().copied().map(address::to_bytes).collect() }
}

fn side(proto: &pb::Side) -> Result<Vec<IpAddr>, DecodeError> {
    proto.members.iter().map(|member| host(member, "side.member")).collect()
}

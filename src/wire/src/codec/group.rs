//! The messages that make groups, and chunks.

use hats_proto::wire as pb;

use alloc::vec::Vec;

use super::part::{Body, all, host, optional, put_all, required};
use crate::{
    Chunk, DecodeError, Join, List, Prepare, Proclaim, Summary, TOLD_BYTES_MAX, TOLD_MAX, Told,
    address,
};

impl Body for Proclaim {
    type Proto = pb::Proclaim;

    fn put(&self) -> pb::Proclaim {
        pb::Proclaim {
            group: Some(self.group.put()),
            size: self.size,
            digest: self.digest,
            cluster: self.cluster.clone(),
            network: self.network.clone(),
            node: self.node.clone(),
            interface: self.interface.clone(),
            database: self.database,
        }
    }

    fn get(proto: pb::Proclaim) -> Result<Self, DecodeError> {
        Ok(Proclaim {
            group: required(proto.group, "proclaim.group")?,
            size: proto.size,
            digest: proto.digest,
            cluster: proto.cluster,
            network: proto.network,
            node: proto.node,
            interface: proto.interface,
            database: proto.database,
        })
    }
}

impl Body for Told {
    type Proto = pb::Told;

    fn put(&self) -> pb::Told {
        pb::Told {
            code: self.code,
            network: self.network.clone(),
            node: self.node.clone(),
            interface: self.interface.clone(),
            peer_node: self.peer_node.clone(),
            peer_interface: self.peer_interface.clone(),
            sets: self.sets.clone(),
            instance: self.instance,
        }
    }

    fn get(proto: pb::Told) -> Result<Self, DecodeError> {
        Ok(Told {
            code: proto.code,
            network: proto.network,
            node: proto.node,
            interface: proto.interface,
            peer_node: proto.peer_node,
            peer_interface: proto.peer_interface,
            sets: proto.sets,
            instance: proto.instance,
        })
    }
}

fn told(told: Vec<pb::Told>, field: &'static str) -> Result<Vec<Told>, DecodeError> {
    if told.len() > TOLD_MAX {
        return Err(DecodeError::BadField { field });
    }
    let told: Vec<Told> = all(told)?;
    if told.iter().map(Told::bytes).sum::<usize>() > TOLD_BYTES_MAX {
        return Err(DecodeError::BadField { field });
    }
    Ok(told)
}

impl Body for Join {
    type Proto = pb::Join;

    fn put(&self) -> pb::Join {
        pb::Join {
            group: Some(self.group.put()),
            into: Some(self.into.put()),
            members: put_all(&self.members),
            failed_paths: put_all(&self.failed_paths),
            leaving: self.leaving.iter().copied().map(address::to_bytes).collect(),
            told: put_all(&self.told),
        }
    }

    fn get(proto: pb::Join) -> Result<Self, DecodeError> {
        let leaving = proto.leaving.iter().map(|address| host(address, "join.leaving"));
        Ok(Join {
            group: required(proto.group, "join.group")?,
            into: required(proto.into, "join.into")?,
            members: all(proto.members)?,
            failed_paths: all(proto.failed_paths)?,
            leaving: leaving.collect::<Result<_, _>>()?,
            told: told(proto.told, "join.told")?,
        })
    }
}

impl Body for Prepare {
    type Proto = pb::Prepare;

    fn put(&self) -> pb::Prepare {
        pb::Prepare {
            group: Some(self.group.put()),
            members: put_all(&self.members),
            failed_paths: put_all(&self.failed_paths),
            removed: put_all(&self.removed),
            digest: self.digest,
            base: self.base.as_ref().map(Body::put),
            told: put_all(&self.told),
        }
    }

    fn get(proto: pb::Prepare) -> Result<Self, DecodeError> {
        Ok(Prepare {
            group: required(proto.group, "prepare.group")?,
            members: all(proto.members)?,
            failed_paths: all(proto.failed_paths)?,
            removed: all(proto.removed)?,
            digest: proto.digest,
            base: optional(proto.base)?,
            told: told(proto.told, "prepare.told")?,
        })
    }
}

impl Body for List {
    type Proto = pb::List;

    fn put(&self) -> pb::List {
        pb::List {
            group: Some(self.group.put()),
            members: put_all(&self.members),
            failed_paths: put_all(&self.failed_paths),
            removed: put_all(&self.removed),
            base: self.base.as_ref().map(Body::put),
            told: put_all(&self.told),
        }
    }

    fn get(proto: pb::List) -> Result<Self, DecodeError> {
        Ok(List {
            group: required(proto.group, "list.group")?,
            members: all(proto.members)?,
            failed_paths: all(proto.failed_paths)?,
            removed: all(proto.removed)?,
            base: optional(proto.base)?,
            told: told(proto.told, "list.told")?,
        })
    }
}

impl Body for Chunk {
    type Proto = pb::Chunk;

    fn put(&self) -> pb::Chunk {
        pb::Chunk {
            message_id: self.message_id,
            index: self.index,
            count: self.count,
            kind: self.kind.into(),
            part: self.part.clone(),
        }
    }

    fn get(proto: pb::Chunk) -> Result<Self, DecodeError> {
        let kind = u8::try_from(proto.kind);
        Ok(Chunk {
            message_id: proto.message_id,
            index: proto.index,
            count: proto.count,
            kind: kind.map_err(|_| DecodeError::BadField { field: "chunk.kind" })?,
            part: proto.part,
        })
    }
}

impl Body for Summary {
    type Proto = pb::Summary;

    fn put(&self) -> pb::Summary {
        pb::Summary {
            have: put_all(&self.have),
            answer_wanted: self.answer_wanted,
            buckets: self.buckets.clone(),
            covers: self.covers.clone(),
        }
    }

    fn get(proto: pb::Summary) -> Result<Self, DecodeError> {
        Ok(Summary {
            have: all(proto.have)?,
            answer_wanted: proto.answer_wanted,
            buckets: proto.buckets,
            covers: proto.covers,
        })
    }
}

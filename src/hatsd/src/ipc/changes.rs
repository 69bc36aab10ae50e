//! What is different between two snapshots, for those who keep a view.

use std::collections::BTreeMap;

use hats_proto::ipc;

/// What is different, or nothing.
pub(super) fn between(old: &ipc::Snapshot, new: &ipc::Snapshot) -> Option<ipc::Changes> {
    let (networks, networks_gone) = diff(&old.networks, &new.networks);
    let (nodes, nodes_gone) = diff(&old.nodes, &new.nodes);
    let (adapters, adapters_gone) = diff(&old.adapters, &new.adapters);
    let (paths, paths_gone) = diff(&old.paths, &new.paths);
    let (verdicts, verdicts_gone) = diff(&old.verdicts, &new.verdicts);
    let changes = ipc::Changes {
        epoch: new.epoch,
        next_seq: new.next_seq,
        ts: new.ts.clone(),
        mono_ns: new.mono_ns,
        overall: new.overall.clone(),
        reasons: new.reasons.clone(),
        networks,
        nodes,
        adapters,
        paths,
        verdicts,
        networks_gone,
        nodes_gone,
        adapters_gone,
        paths_gone,
        verdicts_gone,
    };
    let nothing = ipc::Changes {
        epoch: new.epoch,
        next_seq: new.next_seq,
        ts: new.ts.clone(),
        mono_ns: new.mono_ns,
        overall: old.overall.clone(),
        reasons: old.reasons.clone(),
        ..ipc::Changes::default()
    };
    (changes != nothing).then_some(changes)
}

/// A thing of a snapshot that has a key.
trait Thing: Clone + PartialEq {
    /// The thing with nothing but its key.
    fn key(&self) -> Self;
    /// The key's fields.
    fn key_fields(&self) -> [&str; 5];
    /// The thing without what changes all the time.
    fn lasting(&self) -> Self;
}

/// What is new or different, and the keys of what is gone.
fn diff<T: Thing>(old: &[T], new: &[T]) -> (Vec<T>, Vec<T>) {
    let mut before: BTreeMap<[&str; 5], &T> = old.iter().map(|it| (it.key_fields(), it)).collect();
    let mut changed = Vec::new();
    for thing in new {
        let known = before.remove(&thing.key_fields());
        if known.is_none_or(|known| known.lasting() != thing.lasting()) {
            changed.push(thing.clone());
        }
    }
    (changed, before.into_values().map(Thing::key).collect())
}

impl Thing for ipc::Network {
    fn key(&self) -> Self {
        ipc::Network { name: self.name.clone(), ..Self::default() }
    }

    fn key_fields(&self) -> [&str; 5] {
        [&self.name, "", "", "", ""]
    }

    fn lasting(&self) -> Self {
        ipc::Network { since_ms: 0, ..self.clone() }
    }
}

impl Thing for ipc::Node {
    fn key(&self) -> Self {
        ipc::Node { name: self.name.clone(), ..Self::default() }
    }

    fn key_fields(&self) -> [&str; 5] {
        [&self.name, "", "", "", ""]
    }

    fn lasting(&self) -> Self {
        ipc::Node { since_ms: 0, ..self.clone() }
    }
}

impl Thing for ipc::Adapter {
    fn key(&self) -> Self {
        ipc::Adapter {
            network: self.network.clone(),
            node: self.node.clone(),
            adapter: self.adapter.clone(),
            addr: self.addr.clone(),
            ..Self::default()
        }
    }

    fn key_fields(&self) -> [&str; 5] {
        [&self.network, &self.node, &self.adapter, &self.addr, ""]
    }

    fn lasting(&self) -> Self {
        let still = |it: &ipc::Neighbour| ipc::Neighbour {
            last_heard_ms: 0,
            missed: 0,
            gap_max_us: None,
            measured: None,
            ..it.clone()
        };
        let watches = self.watches.iter().map(still).collect();
        // That it is held stays to be seen, not for how much longer.
        let held_ms = self.held_ms.map(|_| 0);
        ipc::Adapter { since_ms: 0, held_ms, watches, ..self.clone() }
    }
}

impl Thing for ipc::Path {
    fn key(&self) -> Self {
        ipc::Path {
            network: self.network.clone(),
            node: self.node.clone(),
            addr: self.addr.clone(),
            peer_node: self.peer_node.clone(),
            peer_addr: self.peer_addr.clone(),
            ..Self::default()
        }
    }

    fn key_fields(&self) -> [&str; 5] {
        [&self.network, &self.node, &self.addr, &self.peer_node, &self.peer_addr]
    }

    fn lasting(&self) -> Self {
        ipc::Path { since_ms: 0, ..self.clone() }
    }
}

impl Thing for ipc::Verdict {
    fn key(&self) -> Self {
        ipc::Verdict { id: self.id.clone(), ..Self::default() }
    }

    fn key_fields(&self) -> [&str; 5] {
        [&self.id, "", "", "", ""]
    }

    fn lasting(&self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, state: &str, since_ms: u64) -> ipc::Node {
        let (name, state) = (name.to_owned(), state.to_owned());
        ipc::Node { name, state, since_ms, ..ipc::Node::default() }
    }

    fn of(nodes: Vec<ipc::Node>) -> ipc::Snapshot {
        ipc::Snapshot { nodes, overall: "OK".to_owned(), ..ipc::Snapshot::default() }
    }

    #[test]
    fn time_that_passes_is_no_change() {
        let (old, mut new) = (of(vec![node("n1", "up", 5)]), of(vec![node("n1", "up", 905)]));
        new.ts = "later".to_owned();
        new.adapters = vec![];
        assert_eq!(between(&old, &new), None);
    }

    #[test]
    fn what_every_heartbeat_changes_is_no_change() {
        let of = |ms: u64, held_ms: Option<u64>| {
            let watched = ipc::Neighbour {
                last_heard_ms: ms,
                missed: ms,
                gap_max_us: Some(ms * 1_000).filter(|_| ms > 3),
                measured: Some(ipc::Measured { beats: ms, ..Default::default() }),
                ..ipc::Neighbour::default()
            };
            let watches = vec![watched];
            let adapter = ipc::Adapter { since_ms: ms, held_ms, watches, ..Default::default() };
            ipc::Snapshot { adapters: vec![adapter], ..of(vec![]) }
        };
        assert_eq!(between(&of(3, None), &of(40, None)), None);
        assert_eq!(between(&of(3, Some(900)), &of(40, Some(100))), None);
        assert!(between(&of(3, None), &of(3, Some(100))).is_some(), "it is held from now on");
    }

    #[test]
    fn what_is_new_different_or_gone_is_told_and_nothing_else() {
        let old = of(vec![node("n1", "up", 5), node("n2", "up", 5), node("n3", "up", 5)]);
        let new = of(vec![node("n1", "up", 6), node("n3", "down", 1), node("n4", "up", 1)]);
        let changes = between(&old, &new).unwrap();
        assert_eq!(changes.nodes, [node("n3", "down", 1), node("n4", "up", 1)]);
        assert_eq!(changes.nodes_gone, [node("n2", "", 0)]);
    }

    #[test]
    fn a_judgement_that_changes_alone_is_told() {
        let new = ipc::Snapshot { overall: "DEGRADED".to_owned(), ..of(vec![]) };
        assert_eq!(between(&of(vec![]), &new).unwrap().overall, "DEGRADED");
    }

    #[test]
    fn adapters_of_one_name_are_told_apart_by_network_and_address() {
        let adapter = |network: &str, addr: &str| ipc::Adapter {
            network: network.to_owned(),
            addr: addr.to_owned(),
            ..ipc::Adapter::default()
        };
        let old = ipc::Snapshot {
            adapters: vec![adapter("a", "1"), adapter("b", "1"), adapter("a", "2")],
            ..of(vec![])
        };
        let new = ipc::Snapshot { adapters: vec![adapter("a", "1")], ..of(vec![]) };
        let changes = between(&old, &new).unwrap();
        assert!(changes.adapters.is_empty());
        assert_eq!(changes.adapters_gone, [adapter("a", "2"), adapter("b", "1")]);
    }
}

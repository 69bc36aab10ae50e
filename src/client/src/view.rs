//! The state of the cluster, kept up to date.

use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
};

use hats_proto::ipc::{Adapter, Changes, Network, Node, Path, Snapshot, Verdict};

/// What the daemon knows, as far as this program has been told: a [`Snapshot`],
/// and every change since.
///
/// Ages and counters (`since_ms`, `held_ms`, `last_heard_ms`, `missed`,
/// `gap_max_us`, `measured`) are as old as the thing they stand in; `daemon`, `detection`,
/// `nims` and `subscribers` as old as the snapshot. [`lasting`](Self::lasting)
/// leaves all of these out, but that an adapter is held.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct View {
    snapshot: Snapshot,
}

impl View {
    /// Begins with a snapshot.
    pub fn new(snapshot: Snapshot) -> Self {
        View { snapshot }
    }

    /// The state.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// A node by its name.
    pub fn node(&self, name: &str) -> Option<&Node> {
        self.snapshot.nodes.iter().find(|node| node.name == name)
    }

    /// A network by its name.
    pub fn network(&self, name: &str) -> Option<&Network> {
        self.snapshot.networks.iter().find(|network| network.name == name)
    }

    /// The adapters of a node.
    pub fn adapters_of<'a>(&'a self, node: &'a str) -> impl Iterator<Item = &'a Adapter> {
        self.snapshot.adapters.iter().filter(move |adapter| adapter.node == node)
    }

    /// Takes what has changed.
    pub fn apply(&mut self, changes: Changes) {
        let state = &mut self.snapshot;
        (state.epoch, state.next_seq) = (changes.epoch, changes.next_seq);
        (state.ts, state.mono_ns) = (changes.ts, changes.mono_ns);
        (state.overall, state.reasons) = (changes.overall, changes.reasons);
        put(&mut state.networks, changes.networks, &changes.networks_gone);
        put(&mut state.nodes, changes.nodes, &changes.nodes_gone);
        put(&mut state.adapters, changes.adapters, &changes.adapters_gone);
        put(&mut state.paths, changes.paths, &changes.paths_gone);
        put(&mut state.verdicts, changes.verdicts, &changes.verdicts_gone);
    }

    /// The state without ages, counters, its place among the events and what concerns
    /// the daemon alone, in the order of keys: equal for two views exactly when nothing
    /// has changed.
    pub fn lasting(&self) -> Snapshot {
        let mut state = self.snapshot.clone();
        (state.ts, state.mono_ns) = (String::new(), 0);
        // Of an event that changes nothing that is shown, no changes are told.
        state.next_seq = 0;
        (state.daemon, state.detection) = (None, None);
        (state.nims, state.subscribers) = (Vec::new(), Vec::new());
        state.networks.iter_mut().for_each(|it| it.since_ms = 0);
        state.nodes.iter_mut().for_each(|it| it.since_ms = 0);
        state.paths.iter_mut().for_each(|it| it.since_ms = 0);
        for adapter in &mut state.adapters {
            adapter.since_ms = 0;
            adapter.held_ms = adapter.held_ms.map(|_| 0);
            for neighbour in &mut adapter.watches {
                (neighbour.last_heard_ms, neighbour.missed) = (0, 0);
                neighbour.gap_max_us = None;
                neighbour.measured = None;
            }
        }
        sort(&mut state.networks);
        sort(&mut state.nodes);
        sort(&mut state.adapters);
        sort(&mut state.paths);
        sort(&mut state.verdicts);
        state
    }
}

/// A thing of which a list has one for each key.
trait Keyed {
    type Key<'a>: Hash + Ord
    where
        Self: 'a;

    fn key(&self) -> Self::Key<'_>;
}

impl Keyed for Network {
    type Key<'a> = &'a str;

    fn key(&self) -> &str {
        &self.name
    }
}

impl Keyed for Node {
    type Key<'a> = &'a str;

    fn key(&self) -> &str {
        &self.name
    }
}

impl Keyed for Adapter {
    type Key<'a> = [&'a str; 4];

    fn key(&self) -> [&str; 4] {
        [&self.network, &self.node, &self.adapter, &self.addr]
    }
}

impl Keyed for Path {
    type Key<'a> = [&'a str; 5];

    fn key(&self) -> [&str; 5] {
        [&self.network, &self.node, &self.addr, &self.peer_node, &self.peer_addr]
    }
}

impl Keyed for Verdict {
    type Key<'a> = &'a str;

    fn key(&self) -> &str {
        &self.id
    }
}

/// Removes what is gone, replaces what is known, adds what is new.
fn put<T: Keyed>(list: &mut Vec<T>, new: Vec<T>, gone: &[T]) {
    if new.is_empty() && gone.is_empty() {
        return;
    }
    let stays: Vec<bool> = {
        let gone: HashSet<T::Key<'_>> = gone.iter().map(Keyed::key).collect();
        list.iter().map(|it| !gone.contains(&it.key())).collect()
    };
    let mut stays = stays.into_iter();
    list.retain(|_| stays.next().unwrap_or(true));
    let known: Vec<Option<usize>> = {
        let places: HashMap<T::Key<'_>, usize> =
            list.iter().enumerate().map(|(place, it)| (it.key(), place)).collect();
        new.iter().map(|it| places.get(&it.key()).copied()).collect()
    };
    for (thing, place) in new.into_iter().zip(known) {
        match place {
            Some(place) => list[place] = thing,
            None => list.push(thing),
        }
    }
}

fn sort<T: Keyed>(list: &mut [T]) {
    list.sort_by(|a, b| a.key().cmp(&b.key()));
}

#[cfg(test)]
mod tests {
    use hats_proto::ipc::Neighbour;

    use super::*;

    fn node(name: &str, state: &str, since_ms: u64) -> Node {
        Node { name: name.into(), state: state.into(), since_ms, ..Node::default() }
    }

    #[test]
    fn changes_replace_add_and_remove_by_key() {
        let nodes = vec![node("n1", "up", 1), node("n2", "up", 1), node("n3", "up", 1)];
        let mut view = View::new(Snapshot { nodes, ..Snapshot::default() });
        view.apply(Changes {
            epoch: 5,
            next_seq: 9,
            overall: "DEGRADED".into(),
            nodes: vec![node("n3", "down", 2), node("n4", "up", 3)],
            nodes_gone: vec![node("n1", "", 0)],
            ..Changes::default()
        });
        let state = view.snapshot();
        assert_eq!((state.epoch, state.next_seq, state.overall.as_str()), (5, 9, "DEGRADED"));
        assert_eq!(state.nodes, [node("n2", "up", 1), node("n3", "down", 2), node("n4", "up", 3)]);
        assert_eq!(view.node("n3").map(|node| node.state.as_str()), Some("down"));
    }

    #[test]
    fn time_and_order_make_no_difference() {
        let view = |nodes| View::new(Snapshot { nodes, ..Snapshot::default() });
        let one = view(vec![node("n1", "up", 1), node("n2", "up", 1)]);
        let other = view(vec![node("n2", "up", 700), node("n1", "up", 3)]);
        assert_eq!(one.lasting(), other.lasting());
        let third = view(vec![node("n2", "up", 700), node("n1", "down", 3)]);
        assert_ne!(one.lasting(), third.lasting());
    }

    #[test]
    fn what_every_heartbeat_changes_makes_no_difference() {
        let view = |gap_max_us, held_ms| {
            let watches = vec![Neighbour { gap_max_us, ..Neighbour::default() }];
            let adapters = vec![Adapter { held_ms, watches, ..Adapter::default() }];
            View::new(Snapshot { adapters, ..Snapshot::default() })
        };
        let one = view(Some(50_100), Some(900));
        assert_eq!(one.lasting(), view(Some(49_900), Some(100)).lasting());
        assert_eq!(one.lasting(), view(None, Some(100)).lasting());
        assert_ne!(one.lasting(), view(None, None).lasting(), "one is held");
    }
}

//! The events of each observer, replayed: told once, and not left standing.

use std::collections::{BTreeMap, BTreeSet};

use hats_core::{
    event::{Event, EventKind},
    view::{AdapterState, NodeState},
};

use super::situation::Situation;
use crate::{summary::Summary, world::World};

/// What one run of one daemon has told.
#[derive(Debug, Default)]
struct Told {
    /// Down or up, by node and network.
    adapters: BTreeMap<(String, String), bool>,
    /// Told to be down before their node was up again: may be told so again,
    /// for another reason.
    again: BTreeSet<(String, String)>,
    /// Down or up.
    nodes: BTreeMap<String, bool>,
    /// The run of each node's daemon that was told to be up.
    runs: BTreeMap<String, u64>,
    paths: BTreeMap<(String, String, String), bool>,
    networks: BTreeMap<String, bool>,
}

/// Replays what was published, by observer and run.
#[derive(Debug, Default)]
pub(crate) struct Audit {
    seen: usize,
    told: BTreeMap<(String, u64), Told>,
    /// Who decided a verdict, by its id and what was said of whom.
    decided: BTreeMap<(String, EventKind, String, String), String>,
    /// Verdicts that two nodes decided: who, and what.
    twice: Vec<(String, String, String)>,
}

impl Audit {
    /// Takes in what is new; an error is something told twice.
    pub(crate) fn listen(&mut self, world: &World) -> Result<(), String> {
        while let Some(said) = world.events().get(self.seen) {
            self.seen += 1;
            let told = self.told.entry((said.observer.clone(), said.run)).or_default();
            if !told.take(&said.event) {
                let event = Summary(world).event(&said.event);
                return Err(format!("told twice: {} at {:?} says {event}", said.observer, said.at));
            }
            let word = |word: &Option<String>| word.clone().unwrap_or_default();
            let Some(id) = said.event.verdict_id.clone().filter(|_| said.event.authority) else {
                continue;
            };
            let key = (id, said.event.kind, word(&said.event.node), word(&said.event.network));
            if let Some(other) = self.decided.insert(key, said.observer.clone()) {
                let event = Summary(world).event(&said.event);
                self.twice.push((other, said.observer.clone(), event));
            }
        }
        Ok(())
    }

    /// Who decided the verdict of this id first, as far as is known.
    pub(crate) fn decider(&self, id: &str) -> Option<&str> {
        let from = (id.to_owned(), EventKind::ALL[0], String::new(), String::new());
        let (key, decider) = self.decided.range(from..).next()?;
        (key.0 == id).then_some(decider.as_str())
    }

    /// Two that hear of each other do not both decide. One that nobody hears, or
    /// whose word is lost, cannot know that another will.
    pub(crate) fn one_decides(&mut self, all: &Situation) -> Result<(), String> {
        for (one, other, event) in std::mem::take(&mut self.twice) {
            let known = all.story.nodes.iter().find(|member| member.name == one);
            let connected = known
                .is_some_and(|member| all.connected(&member.name, None).contains(other.as_str()));
            if connected && all.story.loss == 0.0 {
                return Err(format!("decided by {one} and by {other}: {event}"));
            }
        }
        Ok(())
    }

    /// The running daemons, with what they told.
    fn running<'a>(&'a self, world: &'a World) -> impl Iterator<Item = (&'a str, &'a Told)> {
        self.told.iter().filter_map(|((name, run), told)| {
            let host = &world.hosts[world.host_named(name)];
            let runs = host.is_awake() && host.daemon.is_some();
            (runs && host.config.incarnation.0 == *run).then_some((name.as_str(), told))
        })
    }

    /// The views are what the events add up to.
    pub(crate) fn compare(&self, world: &World) -> Result<(), String> {
        for (observer, told) in self.running(world) {
            let Some(view) = world.view(observer) else { continue };
            for adapter in view.adapters.iter().filter(|adapter| !adapter.is_self) {
                let name = (adapter.node.clone(), adapter.network.clone());
                let told_down = told.adapters.get(&name) == Some(&false);
                let node_told = told.nodes.get(&adapter.node) == Some(&false);
                let wrong = match adapter.state {
                    AdapterState::Up => told_down,
                    AdapterState::Down => !told_down && !node_told,
                    AdapterState::Joining | AdapterState::Left | AdapterState::Unknown => false,
                };
                if wrong {
                    let (node, network, state) = (&name.0, &name.1, adapter.state);
                    return Err(format!(
                        "replay differs: {observer} has {node}/{network} {state:?}, its last \
                         event said {}",
                        if told_down { "down" } else { "up, or nothing" }
                    ));
                }
            }
            for node in view.nodes.iter().filter(|node| !node.is_self) {
                let told_down = told.nodes.get(&node.name) == Some(&false);
                let wrong = match node.state {
                    NodeState::Up => told_down,
                    NodeState::Down | NodeState::Left => !told_down,
                    NodeState::Unknown => false,
                };
                if wrong {
                    return Err(format!(
                        "replay differs: {observer} has {} {:?}, its last event said {}",
                        node.name,
                        node.state,
                        if told_down { "down" } else { "up, or nothing" }
                    ));
                }
            }
        }
        Ok(())
    }

    /// Everything that was told to be down has been told to be up again.
    pub(crate) fn nothing_left(&self, world: &World) -> Result<(), String> {
        for (observer, told) in self.running(world) {
            let mut left: Vec<String> = Vec::new();
            let adapters = told.adapters.iter().filter(|(_, up)| !**up);
            left.extend(adapters.map(|((node, network), _)| format!("adapter {node}/{network}")));
            let nodes = told.nodes.iter().filter(|(_, up)| !**up);
            left.extend(nodes.map(|(node, _)| format!("node {node}")));
            let paths = told.paths.iter().filter(|(_, up)| !**up);
            left.extend(paths.map(|((a, b, network), _)| format!("path {a} - {b} on {network}")));
            let networks = told.networks.iter().filter(|(_, up)| !**up);
            left.extend(networks.map(|(network, _)| format!("network {network}")));
            if !left.is_empty() {
                let left = left.join(", ");
                return Err(format!("never told to be well again by {observer}: {left}"));
            }
        }
        Ok(())
    }
}

impl Told {
    /// False when it was told already.
    #[expect(clippy::wildcard_enum_match_arm, reason = "most kinds of events change no state")]
    fn take(&mut self, event: &Event) -> bool {
        let word = |word: &Option<String>| word.clone().unwrap_or_default();
        let (node, network) = (word(&event.node), word(&event.network));
        let adapter = (node.clone(), network.clone());
        match event.kind {
            EventKind::AdapterDown => {
                let again = self.again.remove(&adapter);
                self.adapters.insert(adapter, false) != Some(false) || again
            }
            EventKind::AdapterUp => self.adapters.insert(adapter, true) != Some(true),
            EventKind::AdapterInconclusive => {
                self.adapters.remove(&adapter);
                true
            }
            EventKind::NodeDown | EventKind::DaemonDown | EventKind::NodeLeft => {
                // They speak for the adapters, too, unless those are named. That
                // it left may be learned when its silence has been judged.
                self.adapters.retain(|(of, _), up| *of != node || !*up);
                let left = event.kind == EventKind::NodeLeft;
                self.nodes.insert(node, false) != Some(false) || left
            }
            EventKind::NodeRestarted => {
                self.adapters.retain(|(of, _), up| *of != node || !*up);
                true
            }
            EventKind::NodeUp => {
                let run = event.incarnation.unwrap_or_default();
                let down = self.adapters.iter().filter(|((of, _), up)| *of == node && !**up);
                self.again.extend(down.map(|(adapter, _)| adapter.clone()));
                let new = self.runs.insert(node.clone(), run) != Some(run);
                self.nodes.insert(node, true) != Some(true) || new
            }
            EventKind::PathFailed | EventKind::PathRestored => {
                let (a, b) = (node.clone().min(word(&event.peer_node)), node);
                let b = b.max(word(&event.peer_node));
                let up = event.kind == EventKind::PathRestored;
                self.paths.insert((a, b, network), up) != Some(up)
            }
            EventKind::NetworkPartitioned | EventKind::NetworkFailed => {
                self.networks.insert(network, false) != Some(false)
            }
            EventKind::NetworkMerged => self.networks.insert(network, true) != Some(true),
            _ => true,
        }
    }
}

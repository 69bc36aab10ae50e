//! Who was said to have failed, and how often.

use std::collections::{BTreeMap, BTreeSet};

use hats_core::event::{Event, EventKind};

use crate::{Blame, Mark, World};

/// The kinds that take something out of a group or the cluster for a fault, or
/// say of a way between two that it is one.
const KINDS: [EventKind; 4] =
    [EventKind::AdapterDown, EventKind::NodeDown, EventKind::DaemonDown, EventKind::PathFailed];

/// What was said of whom, by how many.
#[derive(Debug, Default)]
pub(super) struct Blamed {
    /// By what was said: of how many, how often.
    said: BTreeMap<String, (BTreeSet<String>, u64)>,
}

impl Blamed {
    /// What was said since `mark` by the observers that count, when the event
    /// is not what was `expected`.
    pub(super) fn since(
        world: &World,
        mark: Mark,
        observes: impl Fn(&str) -> bool,
        expected: impl Fn(&Event) -> bool,
    ) -> Self {
        let mut blamed = Blamed::default();
        for said in world.since(mark) {
            let event = &said.event;
            if !is_blame(event) || !observes(&said.observer) || expected(event) {
                continue;
            }
            let cause = event.cause.map_or("", |cause| cause.word());
            let words = format!("{} {cause}", event.kind.name());
            let whom = Blame::of(event).map_or_else(String::new, |blame| blame.to_string());
            let entry = blamed.said.entry(words.trim_end().to_owned()).or_default();
            entry.0.insert(whom);
            entry.1 += 1;
        }
        blamed
    }

    /// How many different things were said.
    pub(super) fn count(&self) -> usize {
        self.said.values().map(|(whom, _)| whom.len()).sum()
    }

    /// For a note: what was said, of whom, how often.
    pub(super) fn words(&self) -> Option<String> {
        let parts = self.said.iter().map(|(what, (whom, often))| {
            let some: Vec<&str> = whom.iter().take(3).map(String::as_str).collect();
            format!("{what}: of {}, {often} times in all ({})", whom.len(), some.join("; "))
        });
        let parts: Vec<String> = parts.collect();
        (!parts.is_empty()).then(|| parts.join(". "))
    }
}

/// Whether the event is one of those that are counted here.
pub(super) fn is_blame(event: &Event) -> bool {
    KINDS.contains(&event.kind)
}

/// Whether the event is about one of these nodes.
pub(super) fn is_about(event: &Event, nodes: &BTreeSet<String>) -> bool {
    event.node.as_ref().is_some_and(|node| nodes.contains(node))
}

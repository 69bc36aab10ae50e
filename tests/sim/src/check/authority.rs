//! One observer speaks with authority, so that an aggregator alerts once.

use std::collections::BTreeMap;

use hats_core::event::EventKind;

use super::{Checker, News};
use crate::{record::Said, summary::Summary, world::World};

/// One thing that a verdict says: its id, the kind of event, node, network.
type Point = (String, EventKind, String, String);

/// Of all that publish what a verdict says, one has the authority, and the
/// others follow it.
#[derive(Debug, Default)]
pub(crate) struct OneAuthority {
    decided: BTreeMap<Point, String>,
}

impl Checker for OneAuthority {
    fn name(&self) -> &'static str {
        "one authority per verdict"
    }

    fn check(&mut self, world: &World, news: &News<'_>) -> Result<(), String> {
        news.said.iter().try_for_each(|said| self.said(world, said))
    }
}

impl OneAuthority {
    fn said(&mut self, world: &World, said: &Said) -> Result<(), String> {
        let word = |word: &Option<String>| word.clone().unwrap_or_default();
        let event = &said.event;
        let Some(id) = event.verdict_id.clone() else { return Ok(()) };
        let point = (id, event.kind, word(&event.node), word(&event.network));
        if !event.authority {
            return Ok(());
        }
        match self.decided.insert(point, said.observer.clone()) {
            None => Ok(()),
            Some(other) => Err(format!(
                "decided by {other} and by {}: {}",
                said.observer,
                Summary(world).event(event)
            )),
        }
    }
}

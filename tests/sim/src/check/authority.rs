//! One observer speaks with authority, so that an aggregator alerts once.

use std::{collections::BTreeMap, time::Duration};

use hats_core::event::EventKind;

use super::{
    Checker, News,
    scene::{Scene, evidence},
};
use crate::{record::Said, summary::Summary, world::World};

/// One thing that a verdict says: its id, the kind of event, node, network.
type Point = (String, EventKind, String, String);

/// What a verdict says is decided once. Two that cannot hear of each other when
/// evidence reaches them may both decide; and so may two where datagrams are
/// lost, unless the rule is strict: one whose word was lost cannot know that
/// another will be asked.
#[derive(Debug, Default)]
pub(crate) struct OneAuthority {
    decided: BTreeMap<Point, (usize, Duration)>,
}

impl Checker for OneAuthority {
    fn name(&self) -> &'static str {
        "one authority per verdict"
    }

    fn check(&mut self, world: &World, news: &News<'_>) -> Result<(), String> {
        let decisions = news.said.iter().filter(|said| said.event.authority);
        decisions.into_iter().try_for_each(|said| self.decided(world, said))
    }
}

impl OneAuthority {
    fn decided(&mut self, world: &World, said: &Said) -> Result<(), String> {
        let word = |word: &Option<String>| word.clone().unwrap_or_default();
        let event = &said.event;
        let Some(id) = event.verdict_id.clone() else { return Ok(()) };
        let point = (id, event.kind, word(&event.node), word(&event.network));
        let observer = world.host_named(&said.observer);
        let Some((other, at)) = self.decided.insert(point, (observer, said.at)) else {
            return Ok(());
        };
        let scene = Scene::new(world, said.at, evidence, (observer, other, None));
        let apart = scene.ever(|moment| !moment.is_connected(observer, other));
        if apart || (world.has_loss() && !world.strict) {
            return Ok(());
        }
        Err(format!(
            "decided by {} at {at:?} and by {}: {}",
            world.hosts[other].name(),
            said.observer,
            Summary(world).event(event)
        ))
    }
}

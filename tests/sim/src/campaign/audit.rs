//! What each observer has told, added up: nothing is left standing in the end.

use std::collections::BTreeMap;

use hats_core::event::EventKind;

use super::situation::Situation;
use crate::{check::Told, summary::Summary, world::World};

/// Adds up what was published, by observer and run.
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
    /// Takes in what is new.
    pub(crate) fn listen(&mut self, world: &World) {
        while let Some(said) = world.events().get(self.seen) {
            self.seen += 1;
            let told = self.told.entry((said.observer.clone(), said.run)).or_default();
            told.take(&said.event);
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
        self.running(world).try_for_each(|(observer, told)| {
            let Some(view) = world.view(observer) else { return Ok(()) };
            match told.differs(&view, world.strict) {
                None => Ok(()),
                Some(how) => Err(format!("replay differs: {observer}: {how}")),
            }
        })
    }

    /// Everything that was told to be down has been told to be up again.
    pub(crate) fn nothing_left(&self, world: &World) -> Result<(), String> {
        self.running(world).try_for_each(|(observer, told)| {
            let left = told.left(world.strict);
            if left.is_empty() {
                return Ok(());
            }
            Err(format!("never told to be well again by {observer}: {}", left.join(", ")))
        })
    }
}

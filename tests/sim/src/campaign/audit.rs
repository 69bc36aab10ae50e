//! What each observer has told, added up: nothing is left standing in the end.

use std::collections::BTreeMap;

use crate::{check::Told, world::World};

/// Adds up what was published, by observer and run.
#[derive(Debug, Default)]
pub(crate) struct Audit {
    seen: usize,
    told: BTreeMap<(String, u64), Told>,
}

impl Audit {
    /// Takes in what is new.
    pub(crate) fn listen(&mut self, world: &World) {
        while let Some(said) = world.events().get(self.seen) {
            self.seen += 1;
            let told = self.told.entry((said.observer.clone(), said.run)).or_default();
            told.take(&said.event);
        }
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

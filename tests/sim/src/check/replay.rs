//! What was told adds up to what is believed, and is told once.

use std::collections::BTreeMap;

use super::{Checker, News, is_looked_at, told::Told};
use crate::{record::Said, summary::Summary, world::World};

/// Who told, in which run.
type Teller = (String, u64);

/// No run of a daemon says twice what has not changed in between.
#[derive(Debug, Default)]
pub(crate) struct ToldOnce {
    told: BTreeMap<Teller, Told>,
}

impl Checker for ToldOnce {
    fn name(&self) -> &'static str {
        "nothing is told twice"
    }

    fn check(&mut self, world: &World, news: &News<'_>) -> Result<(), String> {
        for said in news.said.iter().filter(|said| is_followed(world, said)) {
            for told in self.told.values_mut() {
                told.others_told(&said.event);
            }
            let told = self.told.entry((said.observer.clone(), said.run)).or_default();
            if !told.take(&said.event) {
                let event = Summary(world).event(&said.event);
                return Err(format!("{} at {:?} says {event}", said.observer, said.at));
            }
        }
        Ok(())
    }
}

/// At any moment, a subscriber that adds up the events of a daemon has what
/// the daemon's own view shows.
#[derive(Debug, Default)]
pub(crate) struct EventsReplay {
    told: BTreeMap<Teller, Told>,
}

impl Checker for EventsReplay {
    fn name(&self) -> &'static str {
        "events replay to the view"
    }

    fn check(&mut self, world: &World, news: &News<'_>) -> Result<(), String> {
        let mut tellers: Vec<Teller> = Vec::new();
        for said in news.said.iter().filter(|said| is_followed(world, said)) {
            let teller = (said.observer.clone(), said.run);
            self.told.entry(teller.clone()).or_default().take(&said.event);
            if tellers.last() != Some(&teller) {
                tellers.push(teller);
            }
        }
        // Who adopts a membership has something to tell, and may have forgotten
        // to. What else changes in a view is seen when the next news come.
        for adoption in news.adoptions {
            let host = &world.hosts[adoption.port.host];
            let teller = (host.name().to_owned(), adoption.run);
            if is_looked_at(world, adoption.port.host) && tellers.last() != Some(&teller) {
                tellers.push(teller);
            }
        }
        tellers.iter().try_for_each(|teller| self.compare(world, teller))
    }
}

impl EventsReplay {
    fn compare(&self, world: &World, (observer, run): &Teller) -> Result<(), String> {
        let host = &world.hosts[world.host_named(observer)];
        let Some(daemon) = host.daemon.as_ref().filter(|_| host.config.incarnation.0 == *run)
        else {
            return Ok(());
        };
        let Some(told) = self.told.get(&(observer.clone(), *run)) else { return Ok(()) };
        match told.differs(&daemon.machine.view_without_verdicts(), world.strict) {
            None => Ok(()),
            Some(how) => Err(format!("{observer}: {how}")),
        }
    }
}

fn is_followed(world: &World, said: &Said) -> bool {
    is_looked_at(world, world.host_named(&said.observer))
}

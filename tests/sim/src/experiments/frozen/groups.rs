//! The protocols behind [`Contestant`].

use std::time::Duration;

use hats_core::{
    config::{Detection, Profile},
    event::EventKind,
};

use super::contest::{Blame, Contestant};
use crate::{
    check::NOTHING_HEALTHY_IS_BLAMED,
    experiments::{
        swim::{Event, Settings, Swarm},
        tally::Tally,
    },
    freeze::Freeze,
    world::World,
};

/// Plain SWIM.
pub(crate) struct Swim {
    swarm: Swarm,
    members: u32,
    asked: usize,
}

impl Swim {
    pub(crate) fn new(members: u32, seed: u64) -> Self {
        let swarm = Swarm::new(members as usize, seed, &Settings::default());
        Swim { swarm, members, asked: 0 }
    }
}

impl Contestant for Swim {
    fn members(&self) -> u32 {
        self.members
    }

    fn now(&self) -> Duration {
        self.swarm.now()
    }

    fn run_for(&mut self, span: Duration) -> Result<(), String> {
        self.swarm.run_for(span);
        Ok(())
    }

    fn freeze(&mut self, member: u32, how: Freeze) {
        self.swarm.freeze(member, how);
    }

    fn thaw(&mut self, member: u32, _: Freeze) {
        self.swarm.thaw(member);
    }

    fn crash(&mut self, member: u32) {
        self.swarm.crash(member);
    }

    fn blames(&mut self) -> Vec<Blame> {
        let new = &self.swarm.happened()[self.asked..];
        let blames = new.iter().filter_map(|it| match it.event {
            Event::Failed(member) => Some(Blame {
                at: it.at,
                observer: it.observer,
                member,
                words: "dead",
                is_failure: true,
            }),
            // A suspicion is no statement: memberlist's users do not hear it.
            Event::Suspected(_) | Event::Returned(_) => None,
        });
        let blames = blames.collect();
        self.asked = self.swarm.happened().len();
        blames
    }

    fn tally(&self) -> Tally {
        self.swarm.tally()
    }

    /// Two periods, the suspicion, and all the gossip there may be.
    fn patience(&self) -> Duration {
        Settings::default().suspicion(self.members as usize) * 2 + Duration::from_secs(10)
    }
}

/// hats, on one network.
pub(crate) struct Hats {
    world: World,
    detection: Detection,
    members: u32,
    asked: usize,
}

impl Hats {
    pub(crate) fn new(members: u32, profile: Profile, seed: u64) -> Self {
        let detection = profile.detection();
        let mut world = World::lan(members, 1).seed(seed).detection(detection).build();
        // Blame is to be counted here, not to end the run.
        world.without(NOTHING_HEALTHY_IS_BLAMED);
        let counted = |kind| FAILURES.contains(&kind) || OTHERS.contains(&kind);
        world.keeps = Some(Box::new(move |event| counted(event.kind)));
        Hats { world, detection, members, asked: 0 }
    }
}

fn name(member: u32) -> String {
    format!("n{}", member + 1)
}

fn number(name: &str) -> Option<u32> {
    name.strip_prefix('n')?.parse::<u32>().ok()?.checked_sub(1)
}

/// The words that say that a member, or a part of it, has failed.
const FAILURES: [EventKind; 3] =
    [EventKind::NodeDown, EventKind::DaemonDown, EventKind::AdapterDown];
/// The words that say that something between members has.
const OTHERS: [EventKind; 3] =
    [EventKind::PathFailed, EventKind::NetworkFailed, EventKind::NetworkPartitioned];

impl Contestant for Hats {
    fn members(&self) -> u32 {
        self.members
    }

    fn now(&self) -> Duration {
        self.world.now()
    }

    fn run_for(&mut self, span: Duration) -> Result<(), String> {
        self.world.advance(span)
    }

    fn freeze(&mut self, member: u32, how: Freeze) {
        self.world.freeze(&name(member), how);
    }

    fn thaw(&mut self, member: u32, how: Freeze) {
        self.world.thaw(&name(member), how);
    }

    fn crash(&mut self, member: u32) {
        self.world.crash(&name(member));
    }

    fn blames(&mut self) -> Vec<Blame> {
        let new = &self.world.events()[self.asked..];
        let blames = new.iter().filter_map(|said| {
            let kind = said.event.kind;
            let is_failure = FAILURES.contains(&kind);
            if !is_failure && !OTHERS.contains(&kind) {
                return None;
            }
            let observer = number(&said.observer)?;
            // Of a network, nobody is named: it stands for everybody.
            let member = said.event.node.as_deref().and_then(number).unwrap_or(u32::MAX);
            Some(Blame { at: said.at, observer, member, words: kind.name(), is_failure })
        });
        let blames = blames.collect();
        self.asked = self.world.events().len();
        blames
    }

    fn tally(&self) -> Tally {
        Tally::of_world(&self.world)
    }

    fn patience(&self) -> Duration {
        self.detection.verdict_bound() * 2 + Duration::from_secs(2)
    }
}

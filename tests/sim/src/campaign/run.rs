//! One story, told: faults at their times, and checks in between.

use std::time::Duration;

use hats_core::damping::HELD_MAX;
use hats_core::event::EventKind;
use hats_core::told::INHERITED;
use hats_core::view::{AdapterState, NetworkView};

use super::{
    audit::Audit,
    expected::{CROSSED_FOUND, CROSSED_OVER, Expected, MULTICAST_FOUND, lease, narrow_found},
    fault::{AdapterFault, Fault, NodeFault},
    situation::Situation,
    story::{Episode, Pace, Step, Story},
    weather::Weather,
};
use crate::{
    record::{Mark, Said},
    summary::Summary,
    trace::Trace,
    world::World,
};

/// More that happens for each adapter in a heartbeat interval, on average over
/// ten and more, is a storm.
const STORM: f64 = 1_000.0;

/// What a run was like.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct Figures {
    /// Faults that were held to their exact verdict.
    pub exact: u64,
    /// The kinds of all faults that were injected.
    pub faults: Vec<&'static str>,
    /// Simulated time.
    pub simulated: Duration,
    /// Things that happened.
    pub steps: u64,
    /// The longest time to settle, in parts of the bound.
    pub slowest_settling: f64,
    /// The most that happened in a phase, per node, adapter and interval.
    pub busiest: f64,
}

/// A world on its way through a story.
pub(crate) struct Run<'a> {
    story: &'a Story,
    pub(crate) world: World,
    audit: Audit,
    pub(crate) figures: Figures,
    /// Every fault since the cluster was last well.
    since_well: Vec<&'a Fault>,
    /// Those still in force.
    standing: Vec<&'a Fault>,
}

impl<'a> Run<'a> {
    /// A world that prints `trace`; none: as the environment says.
    pub(crate) fn new(story: &'a Story, trace: Option<Trace>) -> Self {
        let world = story.build(trace);
        Run {
            story,
            world,
            audit: Audit::default(),
            figures: Figures::default(),
            since_well: Vec::new(),
            standing: Vec::new(),
        }
    }

    /// Tells the whole story; an error says what was wrong.
    pub(crate) fn tell(&mut self) -> Result<(), String> {
        let forming = self.story.episodes.first().is_some_and(|it| it.pace == Pace::Forming);
        if !forming {
            self.settles("forms")?;
        }
        for episode in &self.story.episodes {
            self.episode(episode)?;
            self.heal()?;
        }
        self.figures.simulated = self.world.now();
        self.figures.steps = self.world.steps();
        Ok(())
    }

    fn episode(&mut self, episode: &'a Episode) -> Result<(), String> {
        match episode.pace {
            Pace::OneByOne => {
                for step in &episode.steps {
                    self.one_fault(step)?;
                }
            }
            Pace::Overlapping | Pace::Forming => self.overlapping(episode)?,
        }
        self.stand_still(&episode.groups)?;
        self.groups_are(&episode.groups)?;
        self.audit.compare(&self.world)?;
        self.views_are_true()?;
        self.dead_multicast_is_known()
    }

    /// A fault of a cluster that is at rest, and what is said of it.
    fn one_fault(&mut self, step: &'a Step) -> Result<(), String> {
        let detection = self.story.detection();
        self.advance(detection.heartbeat_interval * 12 + step.after)?;
        let late = self.standing.iter().any(|fault| fault.makes_late());
        let on_time = self.story.loss == 0.0 && !late;
        let exact = step.expect.is_some() || on_time || step.fault.is_endured(&detection);
        let expected = match &step.expect {
            Some(said) => Some(said.expected(self.story, &self.standing, &[&step.fault])),
            None => Expected::of(self.story, &self.standing, &step.fault),
        };
        let mark = self.world.mark();
        let begin = self.world.now();
        self.inject(&step.fault);
        let own_end = step.fault.own_end();
        if let Some(end) = own_end {
            // The end is a part of the fault: before it, only time passes.
            let early = matches!(step.fault, Fault::Node(NodeFault::DaemonRestart(_), _));
            match expected.clone().filter(|_| exact && !early) {
                Some(expected) if end > expected.bound => {
                    let quiet = end - expected.bound;
                    self.held_to(mark, expected, quiet)?;
                }
                _ => {}
            }
            self.advance((begin + end).saturating_sub(self.world.now()))?;
            self.end(&step.fault);
        }
        let quiet = detection.detection_time() * 2 + Duration::from_millis(50);
        let late = own_end.unwrap_or_default();
        let pause = step.fault.suspends().is_some_and(|span| span > detection.detection_time());
        match expected.filter(|_| exact && !pause) {
            Some(mut expected) => {
                expected.bound += late;
                self.held_to(mark, expected, quiet)?;
            }
            None => self.rest(&step.fault)?,
        }
        if step.lasts.is_some() && own_end.is_none() {
            self.end(&step.fault);
            self.rest(&step.fault)?;
        }
        Ok(())
    }

    fn held_to(&mut self, mark: Mark, expected: Expected, quiet: Duration) -> Result<(), String> {
        self.figures.exact += 1;
        let live = self.world.live();
        let detection = self.story.detection();
        let hosts = self
            .since_well
            .iter()
            .filter(|fault| matches!(fault, Fault::Node(..)) && !fault.is_endured(&detection));
        let ignored: Vec<&str> = hosts.filter_map(|fault| fault.node()).collect();
        let witnesses: Vec<String> = expected
            .witnesses
            .into_iter()
            .filter(|node| live.contains(node) && !ignored.contains(&node.as_str()))
            .collect();
        if witnesses.is_empty() {
            return self.world.advance(expected.bound + quiet);
        }
        let said = (expected.blames.as_slice(), expected.tolerated.as_slice());
        self.world.check_said(mark, &witnesses, said, expected.bound, quiet).map(drop)
    }

    fn overlapping(&mut self, episode: &'a Episode) -> Result<(), String> {
        let (steps, begin, mark) = (&episode.steps, self.world.now(), self.world.mark());
        let faults: Vec<&Fault> = steps.iter().map(|step| &step.fault).collect();
        let said = episode.expect.as_ref();
        let said = said.map(|said| said.expected(self.story, &self.standing, &faults));
        let mut agenda: Vec<(Duration, bool, &Fault)> = Vec::new();
        for step in steps {
            agenda.push((step.after, true, &step.fault));
            if let Some(lasts) = step.lasts {
                agenda.push((step.after + lasts, false, &step.fault));
            }
        }
        agenda.sort_by_key(|(at, ..)| *at);
        for (at, begins, fault) in agenda {
            self.advance((begin + at).saturating_sub(self.world.now()))?;
            if begins {
                self.inject(fault);
            } else {
                self.end(fault);
            }
        }
        let Some(mut expected) = said else { return Ok(()) };
        expected.bound += self.world.now() - begin;
        self.held_to(mark, expected, self.story.detection().detection_time() * 2)
    }

    /// The groups are those that a directed story names.
    fn groups_are(&self, wanted: &[String]) -> Result<(), String> {
        for groups in wanted {
            let (network, sides) = groups.split_once(": ").expect("read so, or written so");
            for side in sides.split('|') {
                let side: Vec<&str> = side.split_whitespace().collect();
                for node in &side {
                    let group = self.world.group_of(node, network);
                    if group != side {
                        let (group, side) = (group.join(" "), side.join(" "));
                        return Err(format!(
                            "wrong group on {network}: {node} has [{group}], expected [{side}]"
                        ));
                    }
                }
            }
        }
        Ok(())
    }

    fn inject(&mut self, fault: &'a Fault) {
        self.figures.faults.push(fault.kind());
        self.since_well.push(fault);
        // A killed NIM is started again without further ado.
        if !fault.is_momentary() {
            self.standing.push(fault);
        }
        fault.inject(&mut self.world);
    }

    fn end(&mut self, fault: &'a Fault) {
        self.standing.retain(|other| !std::ptr::eq(*other, fault));
        fault.end(&mut self.world);
    }

    /// Ends all faults; everybody is to be well again, and to say so.
    fn heal(&mut self) -> Result<(), String> {
        for fault in std::mem::take(&mut self.standing) {
            fault.end(&mut self.world);
        }
        self.settles("is well again")?;
        // The last one may still have to be told of what is over.
        self.advance(Duration::from_millis(20))?;
        self.since_well.clear();
        let mark = self.world.events().len();
        let quiet = self.story.detection().detection_time() * 4 + Duration::from_millis(300);
        self.advance(quiet)?;
        if !is_well(&self.world) {
            return Err("was well again, and is not any more".to_owned());
        }
        // What an adapter loses is counted over a minute.
        let late = |said: &&Said| {
            said.event.clears.is_some() && said.event.kind != EventKind::AdapterClean
        };
        let late = self.world.events()[mark..].iter().find(late);
        if let Some(said) = late {
            return Err(format!("only after all was well: {}", self.words(said)));
        }
        self.audit.compare(&self.world)?;
        self.audit.nothing_left(&self.world)
    }

    fn settles(&mut self, what: &str) -> Result<(), String> {
        let bound = self.settling();
        let begin = self.world.now();
        let well = self.world.run_until_or(is_well, bound)?;
        self.audit.listen(&self.world);
        let took = (self.world.now() - begin).as_secs_f64() / bound.as_secs_f64();
        self.figures.slowest_settling = self.figures.slowest_settling.max(took);
        if well { Ok(()) } else { Err(format!("not so within {bound:?}: everybody {what}")) }
    }

    fn advance(&mut self, span: Duration) -> Result<(), String> {
        let before = self.world.steps();
        self.world.advance(span)?;
        let adapters: usize = self.story.nodes.iter().map(|node| node.adapters.len()).sum();
        let intervals =
            span.as_secs_f64() / self.story.detection().heartbeat_interval.as_secs_f64();
        if intervals > 10.0 {
            let rate = (self.world.steps() - before) as f64 / adapters as f64 / intervals;
            self.figures.busiest = self.figures.busiest.max(rate);
            if rate > STORM {
                return Err(format!("storm: {rate:.0} steps for each adapter and interval"));
            }
        }
        self.audit.listen(&self.world);
        Ok(())
    }

    fn words(&self, said: &Said) -> String {
        format!(
            "{} at {:?} says {}",
            said.observer,
            said.at,
            Summary(&self.world).event(&said.event)
        )
    }

    /// Lets the faults last until everything is judged that can be: at most until
    /// the last deadline; no longer, once the patrol has come round, than somebody
    /// is busy with a case, or with a membership, or believes what is not so.
    fn stand_still(&mut self, groups: &[String]) -> Result<(), String> {
        let end = self.world.now() + self.freeze();
        self.advance(self.frozen_for(self.patience() - 1))?;
        let step = self.story.detection().heartbeat_interval * 2;
        while self.world.now() < end && !self.is_judged(groups) {
            self.advance(step.min(end - self.world.now()))?;
        }
        Ok(())
    }

    /// What is to be found at the end of a freeze is found, and nobody has
    /// anything under way.
    fn is_judged(&self, groups: &[String]) -> bool {
        let daemons = self.world.hosts.iter().filter_map(|host| host.daemon.as_ref());
        let mut sizes = daemons.flat_map(|daemon| daemon.machine.sizes());
        !sizes.any(|size| size.under_way && size.len > 0)
            && self.until_released().is_zero()
            && self.groups_are(groups).is_ok()
            && self.views_are_true().is_ok()
    }

    /// When everything is judged that can be: the patrol has come round.
    fn freeze(&self) -> Duration {
        self.frozen_for(self.patience())
    }

    /// So often the patrol comes round, and what it finds is judged.
    fn frozen_for(&self, rounds: u32) -> Duration {
        let detection = self.story.detection();
        let every = detection.heartbeat_interval.max(Duration::from_millis(250));
        let members = self.story.networks.iter().map(|network| self.story.on(network).len());
        let others = u32::try_from(members.max().unwrap_or(1)).expect("few nodes");
        let judged = every * others + detection.verdict_bound() * 2;
        judged * rounds
            + detection.heartbeat_interval * 10
            + self.until_found()
            + self.until_released()
    }

    /// A round more than it takes when all goes well, and one more where datagrams
    /// are lost or somebody is late.
    fn patience(&self) -> u32 {
        let rough = self.story.loss > 0.0 || self.since_well.iter().any(|it| it.makes_late());
        if rough { 3 } else { 2 }
    }

    /// Waits until a fault, or its end, has been judged: at once by those who hear
    /// heartbeats, later by a patrol.
    fn rest(&mut self, fault: &Fault) -> Result<(), String> {
        let detection = self.story.detection();
        let patrolled = match fault {
            Fault::Adapter(..) | Fault::Node(..) => self.standing.iter().any(|it| it.is_of_paths()),
            Fault::Path { .. }
            | Fault::Partition { .. }
            | Fault::NetworkDead(_)
            | Fault::MulticastDead(_)
            | Fault::Cross(..)
            | Fault::SwitchOff(_)
            | Fault::Weather(..) => true,
        };
        if patrolled {
            return self.stand_still(&[]);
        }
        let second_thoughts = detection.verdict_bound() * 4 + Duration::from_millis(300);
        let rest = second_thoughts + detection.heartbeat_interval * 10;
        self.advance(rest + self.until_found() + self.until_released())
    }

    /// How long an adapter that came and went may be held.
    fn until_released(&self) -> Duration {
        let flaps = |fault: &&Fault| matches!(fault, Fault::Adapter(AdapterFault::Flap(..), ..));
        if self.since_well.iter().any(flaps) { HELD_MAX } else { Duration::ZERO }
    }

    /// How much longer than a silence it takes to find what is in force.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the others are not of that sort")]
    fn until_found(&self) -> Duration {
        let detection = self.story.detection();
        let longer = self.standing.iter().map(|fault| match fault {
            // Its NIMs beat until its lease has run out twice.
            Fault::Node(NodeFault::DaemonHang, _) => lease(&detection) * 2,
            // Its kernel answers: then silence counts only after a second.
            Fault::Adapter(AdapterFault::NimHang, ..) => Duration::from_secs(1),
            // So it does where nobody can be asked.
            Fault::Adapter(AdapterFault::Cut | AdapterFault::Deaf | AdapterFault::Mute, ..) => {
                Duration::from_secs(1)
            }
            // Proclaims are missed, and then found to come by unicast alone.
            Fault::MulticastDead(_) => detection.heartbeat_interval * MULTICAST_FOUND,
            Fault::Weather(Weather::Mtu(_), _) => narrow_found(self.story),
            Fault::Cross(..) => CROSSED_FOUND,
            _ => Duration::ZERO,
        });
        longer.max().unwrap_or_default()
    }

    /// After this everybody agrees: higher leaders that did not answer are
    /// listened to again, failed paths have been tried.
    fn settling(&self) -> Duration {
        let narrow = |fault: &&&Fault| matches!(fault, Fault::Weather(Weather::Mtu(_), _));
        let narrow = self.since_well.iter().find(narrow).map(|_| narrow_found(self.story));
        let crossed = self.since_well.iter().find(|it| matches!(it, Fault::Cross(..)));
        self.freeze()
            + self.story.detection().heartbeat_interval * 60
            + Duration::from_secs(2)
            + narrow.unwrap_or_default()
            + crossed.map_or(Duration::ZERO, |_| CROSSED_OVER)
    }

    /// Whoever is in sight of two that exchange on a network, and hear no
    /// multicast there, knows so at the end of a freeze.
    fn dead_multicast_is_known(&self) -> Result<(), String> {
        let rough = self.story.loss > 0.0 || self.since_well.iter().any(|it| it.makes_late());
        let now = Situation::new(self.story, self.standing.iter().copied());
        for fault in &self.standing {
            let Fault::MulticastDead(network) = fault else { continue };
            // What comes by way of others says nothing of multicast.
            if rough || now.is_path_touched(network) || now.is_network_touched(network) {
                continue;
            }
            for observer in &self.story.nodes {
                let host = &self.world.hosts[self.world.host_named(&observer.name)];
                if !host.has_working_daemon() || now.peers(&observer.name, network).is_empty() {
                    continue;
                }
                let Some(view) = self.world.view(&observer.name) else { continue };
                let mut shown = view.networks.iter().filter(|it| it.name == *network);
                if !shown.any(|it| it.multicast_broken) {
                    let name = &observer.name;
                    return Err(format!("{name} does not know that {network} has no multicast"));
                }
            }
        }
        Ok(())
    }

    /// What every live node believes of every adapter at the end of a freeze.
    fn views_are_true(&self) -> Result<(), String> {
        let now = Situation::new(self.story, self.standing.iter().copied());
        for observer in &self.story.nodes {
            let host = &self.world.hosts[self.world.host_named(&observer.name)];
            if !host.is_awake() || host.daemon.is_none() || now.of_node(&observer.name).is_some() {
                continue;
            }
            // A daemon does not notice that a NIM says nothing: with no other
            // one that hears anybody it believes what it did.
            let hangs = |network: &str| {
                now.of_adapter(&observer.name, network) == Some(AdapterFault::NimHang)
            };
            let mut networks = observer.adapters.iter().map(|(network, _)| network);
            let hears = |network: &String| !now.peers(&observer.name, network).is_empty();
            if networks.clone().any(|network| hangs(network)) && !networks.any(hears) {
                continue;
            }
            let Some(view) = self.world.view_without_verdicts(&observer.name) else { continue };
            let in_sight = now.connected(&observer.name, None);
            for node in self.story.nodes.iter().filter(|node| node.name != observer.name) {
                for (network, _) in &node.adapters {
                    // The situation knows nothing of the hosts that it must reach.
                    let must_reach = (node.name.clone(), network.clone());
                    if self.story.required.contains(&must_reach) {
                        continue;
                    }
                    let shown = view
                        .adapters
                        .iter()
                        .filter(|a| a.node == node.name && &a.network == network)
                        .map(|a| a.state)
                        // Of an address that was changed, the old one may be listed.
                        .reduce(|a, b| if b == AdapterState::Up { b } else { a });
                    let up = shown == Some(AdapterState::Up);
                    let well = now.is_well(&node.name, network);
                    let company = !now.peers(&node.name, network).is_empty();
                    let seen = in_sight.contains(node.name.as_str());
                    // Who comes to a group whose leader it has no path to
                    // stays outside: only members are relayed to.
                    let outside = now.is_path_touched(network);
                    // A NIM that takes no commands is killed and started again.
                    let hangs = now.of_adapter(&node.name, network) == Some(AdapterFault::NimHang);
                    let told = now.has_third_voice(&node.name, network) && !hangs;
                    let wrong =
                        (!well && up && told) || (well && company && seen && !up && !outside);
                    if wrong {
                        return Err(format!(
                            "wrong belief: {} has {}/{network} {shown:?}",
                            observer.name, node.name
                        ));
                    }
                }
            }
        }
        Ok(())
    }
}

/// Everybody agrees, everything is up, and no path is failed.
pub(crate) fn is_well(world: &World) -> bool {
    world.settled()
        && world.live().len() == world.hosts.iter().filter(|host| !host.plain).count()
        && world.live().iter().all(|node| {
            world.view_without_verdicts(node).is_some_and(|view| {
                let whole = |it: &NetworkView| {
                    it.broken.is_none()
                        && !it.multicast_broken
                        && it.narrow.is_empty()
                        && it.crossed.is_empty()
                };
                view.paths.is_empty() && view.networks.iter().all(whole)
            })
        })
        && world.hosts.iter().filter_map(|host| host.daemon.as_ref()).all(|daemon| {
            // What others told is over, too, and said to be.
            daemon.machine.sizes().all(|size| size.of != INHERITED || size.len == 0)
        })
}

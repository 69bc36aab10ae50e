//! What a seed stands for: a cluster, and what is done to it when.

use std::{fmt, time::Duration};

use hats_core::config::{Detection, Profile};

use super::{
    expectation::Expectation,
    fault::{AdapterFault, Fault, NodeFault},
    span,
};
use crate::{chance::Chance, faults::Way, plan::Plan, trace::Trace, world::World};

/// A cluster and its faults.
#[derive(Clone, PartialEq, Debug)]
pub struct Story {
    /// Where it comes from.
    pub seed: u64,
    /// How fast failures are noticed.
    pub detection: Detection,
    /// Names of the networks.
    pub networks: Vec<String>,
    /// Nodes by name, with their adapters.
    pub nodes: Vec<Member>,
    /// This part of all datagrams is lost.
    pub loss: f64,
    /// One after the other; the cluster is healed and settled in between.
    pub episodes: Vec<Episode>,
}

/// One node on paper.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Network and last number of the address of each adapter.
    pub adapters: Vec<(String, u8)>,
}

impl Member {
    /// Whether it has an adapter on `network`.
    pub fn is_on(&self, network: &str) -> bool {
        self.adapters.iter().any(|(name, _)| name == network)
    }
}

/// How the faults of an episode follow each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pace {
    /// Each waits until the one before has been judged.
    OneByOne,
    /// At their times, whatever the cluster is doing.
    Overlapping,
    /// Overlapping, while the cluster is still forming.
    Forming,
}

impl Pace {
    /// Every pace.
    pub const ALL: [Pace; 3] = [Pace::OneByOne, Pace::Overlapping, Pace::Forming];

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Pace::OneByOne => "one by one",
            Pace::Overlapping => "overlapping",
            Pace::Forming => "forming",
        }
    }
}

/// Some faults, after which everything is healed.
#[derive(Clone, PartialEq, Debug)]
pub struct Episode {
    /// How they follow each other.
    pub pace: Pace,
    /// What is done, in order.
    pub steps: Vec<Step>,
    /// What must be said of all its faults together, after the last of them;
    /// never for [`Pace::OneByOne`].
    pub expect: Option<Expectation>,
    /// What groups there must be before everything is healed, each network's
    /// as `neta: n3 n2 | n1`, highest first.
    pub groups: Vec<String>,
}

/// One fault and its times.
#[derive(Clone, PartialEq, Debug)]
pub struct Step {
    /// What.
    pub fault: Fault,
    /// From the beginning of the episode; for [`Pace::OneByOne`] from the
    /// verdict on the one before.
    pub after: Duration,
    /// None: until everything is healed.
    pub lasts: Option<Duration>,
    /// What must be said of it; none: what follows from the situation. Only
    /// for [`Pace::OneByOne`].
    pub expect: Option<Expectation>,
}

impl Story {
    /// The story of `seed`.
    pub fn of(seed: u64) -> Story {
        let chance = &mut Chance::new(seed ^ 0x5107_0f5e_ed00_0001);
        let profile = pick(chance, &[Profile::Default, Profile::Fast, Profile::Bfd]);
        let count = if chance.happens(0.8) { (3, 8) } else { (2, 12) };
        let count = chance.between(count.0, count.1) as usize;
        let networks = pick(chance, &[1, 2, 2, 2, 3]);
        let networks: Vec<String> =
            ["neta", "netb", "netc"][..networks].iter().map(|name| (*name).to_owned()).collect();
        let nodes = nodes(chance, count, &networks);
        let loss = if chance.happens(0.2) { chance.between(1, 10) as f64 / 100.0 } else { 0.0 };
        let detection = profile.detection();
        let mut story = Story { seed, detection, networks, nodes, loss, episodes: Vec::new() };
        for number in 0..chance.between(1, 2) {
            let episode = story.episode(chance, number == 0);
            story.episodes.push(episode);
        }
        story
    }

    /// How fast failures are noticed.
    pub fn detection(&self) -> Detection {
        self.detection
    }

    /// The cluster, not yet formed.
    pub(crate) fn build(&self, trace: Option<Trace>) -> World {
        let mut plan = Plan::new(self.seed).detection(self.detection);
        for (at, network) in self.networks.iter().enumerate() {
            plan = plan.network(network, &format!("10.77.{}.0/24", at + 1));
        }
        for node in &self.nodes {
            for (at, (network, last)) in node.adapters.iter().enumerate() {
                let number = self.networks.iter().position(|name| name == network);
                let number = number.expect("adapters are on networks of the story") + 1;
                let address = format!("10.77.{number}.{last}");
                plan = plan.adapter(&node.name, network, &format!("eth{at}"), &address);
            }
        }
        let mut world = plan.build();
        if let Some(trace) = trace {
            world.trace = trace;
        }
        if self.loss > 0.0 {
            for network in &self.networks {
                world.loss(network, self.loss);
            }
        }
        world
    }

    /// The names of the nodes on `network`.
    pub fn on(&self, network: &str) -> Vec<&str> {
        let nodes = self.nodes.iter().filter(|node| node.is_on(network));
        nodes.map(|node| node.name.as_str()).collect()
    }

    fn episode(&self, chance: &mut Chance, first: bool) -> Episode {
        let pace = match chance.between(0, 9) {
            0..=4 => Pace::OneByOne,
            5 if first => Pace::Forming,
            _ => Pace::Overlapping,
        };
        let detection = self.detection();
        let spread = match pace {
            Pace::OneByOne => detection.heartbeat_interval,
            Pace::Overlapping => {
                pick(chance, &[1, 2, 6]) * detection.detection_time() + Duration::from_millis(10)
            }
            Pace::Forming => Duration::from_millis(400) + detection.heartbeat_interval * 8,
        };
        let wanted = chance.between(1, 4);
        let mut steps: Vec<Step> = Vec::new();
        while (steps.len() as u64) < wanted {
            let fault = self.fault(chance);
            let after = within(chance, spread);
            let lasts = fault.own_end().or_else(|| {
                chance.happens(0.2).then(|| within(chance, detection.detection_time() * 4))
            });
            if !steps.iter().any(|step| step.fault.collides(&fault)) {
                steps.push(Step { fault, after, lasts, expect: None });
            } else if chance.happens(0.3) {
                break;
            }
        }
        if pace != Pace::OneByOne {
            steps.sort_by_key(|step| step.after);
        }
        Episode { pace, steps, expect: None, groups: Vec::new() }
    }

    fn fault(&self, chance: &mut Chance) -> Fault {
        let node = pick_ref(chance, &self.nodes);
        let (network, _) = pick_ref(chance, &node.adapters).clone();
        let name = node.name.clone();
        let others: Vec<&str> =
            self.on(&network).into_iter().filter(|other| *other != name).collect();
        let detection = self.detection();
        let (interval, detected) = (detection.heartbeat_interval, detection.detection_time());
        let adapter = |what| Fault::Adapter(what, name.clone(), network.clone());
        let host = |what| Fault::Node(what, name.clone());
        match chance.between(0, 17) {
            0 | 1 => adapter(AdapterFault::Cut),
            2 => adapter(AdapterFault::Deaf),
            3 => adapter(AdapterFault::Mute),
            4 => adapter(AdapterFault::Carrier),
            5 => adapter(AdapterFault::Address),
            6 => adapter(AdapterFault::NimKill),
            7 | 8 if !others.is_empty() => {
                let way = if chance.happens(0.5) { Way::Both } else { Way::There };
                let b = (*pick_ref(chance, &others)).to_owned();
                Fault::Path { a: name, b, network, way }
            }
            9 | 10 => host(NodeFault::Crash),
            11 => host(NodeFault::DaemonKill),
            12 => host(NodeFault::DaemonRestart(within(chance, detected))),
            13 => host(NodeFault::Leave),
            14 => host(NodeFault::Pause(interval / 2 + within(chance, detected - interval * 2))),
            15 => host(NodeFault::Pause(detected * 2 + within(chance, detected * 3))),
            16 if !others.is_empty() => {
                let (mut low, mut high) = (vec![name], Vec::new());
                for other in others {
                    let side = if chance.happens(0.5) { &mut low } else { &mut high };
                    side.push(other.to_owned());
                }
                if high.is_empty() {
                    high.extend(low.pop());
                }
                Fault::Partition { network, low, high }
            }
            17 => Fault::NetworkDead(network),
            _ => adapter(AdapterFault::Cut),
        }
    }
}

fn nodes(chance: &mut Chance, count: usize, networks: &[String]) -> Vec<Member> {
    let everywhere = networks.len() == 1 || chance.happens(0.6);
    let mut order: Vec<Vec<u8>> = Vec::new();
    for _ in networks {
        let mut last: Vec<u8> = (1..=count as u8).collect();
        for at in (1..last.len()).rev() {
            last.swap(at, chance.between(0, at as u64) as usize);
        }
        order.push(last);
    }
    let same = chance.happens(0.3);
    (0..count)
        .map(|at| {
            // The first is on all networks, so that they are one cluster.
            let mut adapters: Vec<(String, u8)> = Vec::new();
            let sole = chance.between(0, networks.len() as u64 - 1) as usize;
            for (number, network) in networks.iter().enumerate() {
                let member = everywhere || at == 0 || number == sole || chance.happens(0.6);
                let last = if same { at as u8 + 1 } else { order[number][at] };
                if member {
                    adapters.push((network.clone(), last));
                }
            }
            Member { name: format!("n{}", at + 1), adapters }
        })
        .collect()
}

fn pick<T: Copy>(chance: &mut Chance, from: &[T]) -> T {
    *pick_ref(chance, from)
}

fn pick_ref<'a, T>(chance: &mut Chance, from: &'a [T]) -> &'a T {
    &from[chance.between(0, from.len() as u64 - 1) as usize]
}

fn within(chance: &mut Chance, span: Duration) -> Duration {
    Duration::from_micros(chance.between(0, span.as_micros() as u64))
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (interval, sensitivity) =
            (self.detection.heartbeat_interval, self.detection.sensitivity);
        write!(f, "seed {}: {} nodes, {interval:?} x {sensitivity}", self.seed, self.nodes.len())?;
        if self.loss > 0.0 {
            write!(f, ", {} % of datagrams lost", self.loss * 100.0)?;
        }
        writeln!(f)?;
        for network in &self.networks {
            let mut members: Vec<(u8, &str)> = Vec::new();
            for node in &self.nodes {
                let adapters = node.adapters.iter().filter(|(name, _)| name == network);
                members.extend(adapters.map(|(_, last)| (*last, node.name.as_str())));
            }
            members.sort_unstable_by(|a, b| b.cmp(a));
            let members: Vec<&str> = members.into_iter().map(|(_, name)| name).collect();
            writeln!(f, "  {network}, highest first: {}", members.join(" "))?;
        }
        for (number, episode) in self.episodes.iter().enumerate() {
            writeln!(f, "  episode {}, {}:", number + 1, episode.pace.words())?;
            for step in &episode.steps {
                write!(f, "    after {}: {}", span::words(step.after), step.fault.words())?;
                match step.lasts {
                    Some(lasts) => writeln!(f, ", for {}", span::words(lasts))?,
                    None => writeln!(f)?,
                }
            }
        }
        Ok(())
    }
}

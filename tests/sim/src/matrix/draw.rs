//! What a seed stands for: a cluster, and the faults that befall it in turn.

use std::{collections::BTreeMap, time::Duration};

use hats_core::config::Profile;

use super::class::Class;
use crate::{
    campaign::{AdapterFault, Fault, Member, NodeFault, Story, Ways, Weather},
    chance::Chance,
    faults::Way,
};

/// So many faults befall one world, if nothing else is said.
const FAULTS: u64 = 24;

/// More than this is lost nowhere, background and fault together: from 50 % on it
/// is a fault that is to be found out.
const LOSS_MAX: f64 = 0.4;

/// Sizes of clusters with their weights: most are small, so that many are payable.
const SIZES: [((u64, u64), u64); 6] =
    [((2, 2), 8), ((3, 5), 52), ((6, 8), 25), ((9, 16), 11), ((17, 32), 3), ((33, 64), 1)];

/// Which worlds are drawn.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Limits {
    /// How many nodes at least and at most.
    pub nodes: (u64, u64),
    /// How many of a hundred datagrams are lost at least and at most.
    pub loss: (u64, u64),
    /// Only faults of this class.
    pub only: Option<Class>,
    /// So many faults befall one world, a third of it if it is a large one.
    pub faults: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { nodes: (2, 64), loss: (0, 30), only: None, faults: FAULTS }
    }
}

/// One fault on paper.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Planned {
    pub(crate) class: Class,
    pub(crate) fault: Fault,
    /// How long all is well before it.
    pub(crate) rest: Duration,
}

/// A cluster and its faults.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Course {
    /// The cluster; it has no episodes.
    pub(crate) story: Story,
    pub(crate) faults: Vec<Planned>,
}

impl Course {
    /// What `seed` stands for.
    pub(crate) fn of(seed: u64, limits: &Limits) -> Course {
        let chance = Chance::new(seed ^ 0x5107_0f5e_ed00_0005);
        let mut draw = Draw { chance, harmed: BTreeMap::new() };
        let story = draw.story(seed, limits);
        let faults = draw.faults(&story, limits);
        Course { story, faults }
    }
}

struct Draw {
    chance: Chance,
    /// How often the link of an adapter was lost, or its NIM: one that comes and
    /// goes is held, and that is a fault of its own.
    harmed: BTreeMap<(String, String), u32>,
}

impl Draw {
    fn story(&mut self, seed: u64, limits: &Limits) -> Story {
        let (default, fast) = (Profile::Default, Profile::Fast);
        let profile = match self.chance.between(0, 19) {
            0..=13 => default,
            14..=17 => fast,
            18 => Profile::Bfd,
            _ => Profile::Wan,
        };
        let count = self.size(limits.nodes);
        let networks = [1, 2, 2, 2, 3][self.chance.between(0, 4) as usize];
        let networks: Vec<String> =
            ["neta", "netb", "netc"][..networks].iter().map(|name| (*name).to_owned()).collect();
        let nodes = self.members(count, &networks);
        let (low, high) = limits.loss;
        let none = low == 0 && self.chance.happens(0.25);
        let percent = if none { 0 } else { self.chance.between(low.max(1).min(high), high) };
        let (hosts, references, required) = (Vec::new(), false, Vec::new());
        Story {
            seed,
            detection: profile.detection(),
            networks,
            nodes,
            hosts,
            references,
            required,
            ipv6: self.chance.happens(0.2),
            loss: percent as f64 / 100.0,
            episodes: Vec::new(),
        }
    }

    fn size(&mut self, (least, most): (u64, u64)) -> u64 {
        let within = SIZES.iter().filter(|((low, high), _)| *low <= most && *high >= least);
        let mut at = self.chance.between(1, within.clone().map(|(_, weight)| weight).sum());
        let range = within.clone().find(|(_, weight)| {
            let this = at <= *weight;
            at = at.saturating_sub(*weight);
            this
        });
        let (low, high) = range.map_or((least, most), |(range, _)| *range);
        self.chance.between(low.max(least), high.min(most))
    }

    fn members(&mut self, count: u64, networks: &[String]) -> Vec<Member> {
        let mut order: Vec<Vec<u8>> = Vec::new();
        for _ in networks {
            let mut last: Vec<u8> = (1..=count as u8).collect();
            for at in (1..last.len()).rev() {
                last.swap(at, self.chance.between(0, at as u64) as usize);
            }
            order.push(last);
        }
        let everywhere = networks.len() == 1 || self.chance.happens(0.7);
        let mut members = Vec::new();
        for at in 0..count {
            // The first is on all networks, so that they are one cluster.
            let sole = self.chance.between(0, networks.len() as u64 - 1) as usize;
            let mut adapters: Vec<(String, u8)> = Vec::new();
            for (number, (network, order)) in networks.iter().zip(&order).enumerate() {
                let member = everywhere || at == 0 || number == sole || self.chance.happens(0.6);
                if member {
                    adapters.push((network.clone(), order[at as usize]));
                }
            }
            members.push(Member { name: format!("n{}", at + 1), adapters });
        }
        members
    }

    fn faults(&mut self, story: &Story, limits: &Limits) -> Vec<Planned> {
        // A large world costs more than it shows anew with each fault.
        let count = if story.nodes.len() > 16 { limits.faults / 3 } else { limits.faults };
        let interval = story.detection().heartbeat_interval;
        let mut faults = Vec::new();
        let mut attempts = 0;
        while (faults.len() as u64) < count && attempts < count * 20 {
            attempts += 1;
            let class = limits.only.unwrap_or_else(|| self.class());
            if let Some(fault) = self.fault(class, story) {
                let rest = interval + self.within(interval * 3);
                faults.push(Planned { class, fault, rest });
            }
        }
        faults
    }

    fn class(&mut self) -> Class {
        let mut at = self.chance.between(1, Class::all().map(Class::weight).sum());
        for class in Class::all() {
            if at <= class.weight() {
                return class;
            }
            at -= class.weight();
        }
        Class::Cut
    }

    /// A fault of that class; none if the one that chance meets here cannot have it.
    fn fault(&mut self, class: Class, story: &Story) -> Option<Fault> {
        let at = self.chance.between(0, story.nodes.len() as u64 - 1) as usize;
        let node = story.nodes[at].name.clone();
        let adapters = &story.nodes[at].adapters;
        let which = self.chance.between(0, adapters.len() as u64 - 1) as usize;
        let network = adapters[which].0.clone();
        let detection = story.detection();
        let (interval, detected) = (detection.heartbeat_interval, detection.detection_time());
        let little = detection.probe_timeout / 4;
        let adapter = |what| Some(Fault::Adapter(what, node.clone(), network.clone()));
        let host = |what| Some(Fault::Node(what, node.clone()));
        match class {
            Class::Cut => adapter(AdapterFault::Cut),
            Class::Deaf => adapter(AdapterFault::Deaf),
            Class::Mute => adapter(AdapterFault::Mute),
            Class::Carrier if self.may_harm(&node, &network, 2) => adapter(AdapterFault::Carrier),
            Class::Address if self.may_harm(&node, &network, 2) => adapter(AdapterFault::Address),
            Class::AddressChange if self.may_harm(&node, &network, 1) => {
                adapter(AdapterFault::AddressChange)
            }
            Class::NimKill if self.may_harm(&node, &network, 1) => adapter(AdapterFault::NimKill),
            Class::NimHang if self.may_harm(&node, &network, 1) => adapter(AdapterFault::NimHang),
            Class::Flap if self.may_harm(&node, &network, 1) => {
                let (down, up) = (self.within(detected / 2), self.within(detected / 2));
                adapter(AdapterFault::Flap(self.chance.between(2, 5) as u8, down, up))
            }
            Class::Carrier
            | Class::Address
            | Class::AddressChange
            | Class::NimKill
            | Class::NimHang
            | Class::Flap => None,
            Class::Crash => host(NodeFault::Crash),
            Class::DaemonKill => host(NodeFault::DaemonKill),
            Class::DaemonHang => host(NodeFault::DaemonHang),
            Class::DaemonRestart => host(NodeFault::DaemonRestart(self.within(detected))),
            Class::PauseShort => {
                let span = interval / 2 + self.within(detected.saturating_sub(interval * 2));
                host(self.paused(span))
            }
            Class::PauseLong => {
                let span = detected * 3 + self.within(detected);
                host(self.paused(span))
            }
            Class::Starve => host(NodeFault::Starve(self.within(little))),
            Class::ClockRate => {
                host(NodeFault::ClockRate(self.chance.between(0, 400) as i32 - 200))
            }
            Class::WallClock => {
                let step = self.chance.between(0, 7_200_000) as i64 - 3_600_000;
                host(NodeFault::WallClock(step))
            }
            Class::Path | Class::PathOneWay => {
                let b = self.other(story, &node, &network)?;
                let way = if class == Class::Path { Way::Both } else { Way::There };
                Some(Fault::Path { a: node, b, network, way })
            }
            Class::Partition => self.partition(story, network),
            Class::NetworkDead => Some(Fault::NetworkDead(network)),
            Class::Multicast => Some(Fault::MulticastDead(network)),
            Class::LossAdapter | Class::LossPath => {
                let most = 1.0 - (1.0 - LOSS_MAX) / (1.0 - story.loss);
                let loss = Weather::Loss(self.chance.between(5, (most * 100.0) as u64) as u8);
                let ways = if class == Class::LossPath {
                    let b = self.other(story, &node, &network)?;
                    Ways::Path(node, b, network, self.way())
                } else {
                    self.ways(node, network)
                };
                Some(Fault::Weather(loss, ways))
            }
            Class::Delay => {
                let (one, other) = (self.within(little), self.within(little));
                let delay = Weather::Delay(one.min(other), one.max(other));
                Some(Fault::Weather(delay, self.ways(node, network)))
            }
            Class::Duplication => {
                let twice = Weather::Duplication(self.chance.between(1, 50) as u8);
                Some(Fault::Weather(twice, self.ways(node, network)))
            }
            Class::Reordering => {
                let (part, most) = (self.chance.between(1, 50) as u8, self.within(little));
                Some(Fault::Weather(Weather::Reordering(part, most), self.ways(node, network)))
            }
            Class::Mtu => {
                // It takes as many visits of the patrol as there are members.
                let bytes = Weather::Mtu(self.chance.between(576, 1_400) as u16);
                let few = (2..=8).contains(&story.on(&network).len());
                few.then_some(Fault::Weather(bytes, Ways::To(node, network)))
            }
        }
    }

    fn may_harm(&mut self, node: &str, network: &str, most: u32) -> bool {
        let times = self.harmed.entry((node.to_owned(), network.to_owned())).or_default();
        let may = *times < most;
        // Only so often of any sort: it is the one link.
        *times += u32::from(may) * (3 - most);
        may
    }

    fn other(&mut self, story: &Story, node: &str, network: &str) -> Option<String> {
        let mut others = story.on(network);
        others.retain(|other| *other != node);
        let most = others.len().checked_sub(1)?;
        Some(others[self.chance.between(0, most as u64) as usize].to_owned())
    }

    /// Two sides of at least two each: one alone is not told from one that is cut.
    fn partition(&mut self, story: &Story, network: String) -> Option<Fault> {
        let mut members: Vec<String> = story.on(&network).into_iter().map(str::to_owned).collect();
        if members.len() < 4 {
            return None;
        }
        for at in (1..members.len()).rev() {
            members.swap(at, self.chance.between(0, at as u64) as usize);
        }
        let rest = members.split_off(self.chance.between(2, members.len() as u64 - 2) as usize);
        Some(Fault::Partition { network, sides: vec![members, rest] })
    }

    fn paused(&mut self, span: Duration) -> NodeFault {
        match self.chance.between(0, 3) {
            0 => NodeFault::PauseQueueing(span),
            1 => NodeFault::Sleep(span),
            _ => NodeFault::Pause(span),
        }
    }

    fn ways(&mut self, node: String, network: String) -> Ways {
        if self.chance.happens(0.5) { Ways::To(node, network) } else { Ways::From(node, network) }
    }

    fn way(&mut self) -> Way {
        if self.chance.happens(0.5) { Way::Both } else { Way::There }
    }

    /// At least one microsecond, at most `most`.
    fn within(&mut self, most: Duration) -> Duration {
        Duration::from_micros(self.chance.between(1, (most.as_micros() as u64).max(1)))
    }
}

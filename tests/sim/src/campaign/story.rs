//! What a seed stands for: a cluster, and what is done to it when.

use std::{fmt, time::Duration};

use hats_core::config::Detection;

use super::{expectation::Expectation, fault::Fault, span};
use crate::{plan::Plan, trace::Trace, world::World};

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
    /// Hosts without hats that answer ICMP echo.
    pub hosts: Vec<Member>,
    /// Those hosts are the reference targets of their networks.
    pub references: bool,
    /// Nodes and networks: an adapter that is up only if one of those hosts
    /// on its network answers.
    pub required: Vec<(String, String)>,
    /// Addresses are of IPv6 instead of IPv4.
    pub ipv6: bool,
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
    /// How fast failures are noticed.
    pub fn detection(&self) -> Detection {
        self.detection
    }

    /// The cluster, not yet formed.
    pub(crate) fn build(&self, trace: Option<Trace>) -> World {
        let mut plan = Plan::new(self.seed).detection(self.detection);
        for (at, network) in self.networks.iter().enumerate() {
            let number = at + 1;
            let subnet = if self.ipv6 {
                format!("fd77:{number:x}::/64")
            } else {
                format!("10.77.{number}.0/24")
            };
            plan = plan.network(network, &subnet);
        }
        for node in &self.nodes {
            for (at, (network, last)) in node.adapters.iter().enumerate() {
                let address = self.address(network, *last);
                plan = plan.adapter(&node.name, network, &format!("eth{at}"), &address);
            }
        }
        for host in &self.hosts {
            for (at, (network, last)) in host.adapters.iter().enumerate() {
                let address = self.address(network, *last);
                plan = if self.references {
                    plan.reference_target(&host.name, network, &address)
                } else {
                    plan.bystander(&host.name, network, &format!("eth{at}"), &address)
                };
            }
        }
        for (node, network) in &self.required {
            let adapters = self.hosts.iter().flat_map(|host| &host.adapters);
            let its = adapters.filter(|(name, _)| name == network);
            let targets: Vec<String> = its.map(|(_, last)| self.address(network, *last)).collect();
            let targets: Vec<&str> = targets.iter().map(String::as_str).collect();
            plan = plan.required_targets(node, network, &targets);
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

    fn address(&self, network: &str, last: u8) -> String {
        let number = self.networks.iter().position(|name| name == network);
        let number = number.expect("adapters are on networks of the story") + 1;
        if self.ipv6 {
            format!("fd77:{number:x}::{last:x}")
        } else {
            format!("10.77.{number}.{last}")
        }
    }

    /// Everybody by name, with or without hats.
    pub(crate) fn everybody(&self) -> impl Iterator<Item = &Member> {
        self.nodes.iter().chain(&self.hosts)
    }

    /// The names of the nodes on `network`.
    pub fn on(&self, network: &str) -> Vec<&str> {
        let nodes = self.nodes.iter().filter(|node| node.is_on(network));
        nodes.map(|node| node.name.as_str()).collect()
    }
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (interval, sensitivity) =
            (self.detection.heartbeat_interval, self.detection.sensitivity);
        write!(f, "seed {}: {} nodes, {interval:?} x {sensitivity}", self.seed, self.nodes.len())?;
        if self.ipv6 {
            f.write_str(", IPv6")?;
        }
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

//! One fault, what must be said about it, and what was said. Pure but for
//! waiting.

use std::time::Duration;

use crate::{
    control::Request,
    events::{Event, Watch},
    plan::{Plan, Port},
};

/// A fault and the events that are right for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trial {
    /// What is done.
    pub request: Request,
    /// In words: `n3 eth0 cut`.
    pub title: String,
    /// The node it is done to: for the classes "same node" and "others".
    pub node: usize,
    /// What every observer must say.
    pub must: Said,
    /// What may be said as well.
    pub may: Vec<Said>,
    /// Who must say it.
    pub observers: Vec<usize>,
}

/// A pattern of events; empty parts match everything.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Said {
    /// As `adapter.down`.
    pub event: &'static str,
    /// About these nodes: one, or the two ends of a path in any order.
    pub nodes: Vec<String>,
    /// The interface.
    pub adapter: String,
    /// One of these causes.
    pub causes: Vec<&'static str>,
    /// The network.
    pub network: String,
    /// Which way a path fails, seen from the first of the nodes: `to_peer`,
    /// `from_peer` or `both`.
    pub direction: &'static str,
    /// The longest packet that arrives; 0: whatever.
    pub mtu: u64,
}

impl Said {
    /// Whether an event says this.
    pub fn fits(&self, event: &Event) -> bool {
        let about = match self.nodes.as_slice() {
            [] => true,
            [node] => *node == event.node,
            ends => ends.contains(&event.node) && ends.contains(&event.peer_node),
        };
        self.event == event.event
            && about
            && (self.adapter.is_empty() || self.adapter == event.adapter)
            && (self.causes.is_empty() || self.causes.contains(&event.cause.as_str()))
            && (self.network.is_empty() || self.network == event.network)
            && (self.mtu == 0 || self.mtu == event.mtu)
            && (self.direction.is_empty() || self.direction == self.direction_of(event))
    }

    /// An event may name the ends of a path in the other order.
    fn direction_of<'a>(&self, event: &'a Event) -> &'a str {
        let same = self.nodes.first().is_none_or(|first| *first == event.node);
        match event.direction.as_str() {
            "to_peer" if !same => "from_peer",
            "from_peer" if !same => "to_peer",
            as_said => as_said,
        }
    }

    /// In words: `adapter.down n3 eth0 both`.
    pub fn words(&self) -> String {
        let mut words = vec![self.event.to_owned(), self.nodes.join(" "), self.adapter.clone()];
        words.push(self.causes.join("|"));
        words.push(self.network.clone());
        words.push(self.direction.to_owned());
        words.extend((self.mtu > 0).then(|| self.mtu.to_string()));
        words.retain(|word| !word.is_empty());
        words.join(" ")
    }
}

/// What came of a trial.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// Nanoseconds from the fault to each observer's event; `None`: never said.
    pub took_ns: Vec<(usize, Option<u64>)>,
    /// Judgements that are wrong, each with its observer.
    pub wrong: Vec<(usize, Event)>,
    /// Each observer's event.
    pub said: Vec<(usize, Event)>,
}

impl Outcome {
    /// Whether everyone said what was right, and nobody anything else.
    pub fn is_right(&self) -> bool {
        self.wrong.is_empty() && self.took_ns.iter().all(|(_, took)| took.is_some())
    }

    /// What was not right, in words.
    pub fn complaints(&self, trial: &Trial) -> Vec<String> {
        let mut words = Vec::new();
        for (observer, took) in &self.took_ns {
            if took.is_none() {
                words.push(format!("{} never said {}", name(*observer), trial.must.words()));
            }
        }
        for (observer, event) in &self.wrong {
            words.push(format!("{} said {}: {}", name(*observer), event.words(), event.msg));
        }
        words
    }
}

impl Trial {
    /// An adapter's cable is broken.
    pub fn adapter(plan: &Plan, port: Port, fault: &'static str) -> Trial {
        let node = name(port.node);
        let adapter = Plan::interface_name(port.network);
        let cause = match fault {
            "carrier" => "link_down",
            "deaf" => "receive",
            "mute" => "transmit",
            _ => "both",
        };
        Trial {
            title: format!("{node} {adapter} {fault}"),
            request: Request::Fault {
                node: node.clone(),
                adapter: adapter.clone(),
                fault: fault.to_owned(),
            },
            node: port.node,
            must: Said {
                event: "adapter.down",
                nodes: vec![node],
                adapter,
                causes: vec![cause],
                ..Said::default()
            },
            may: Vec::new(),
            observers: (0..plan.nodes).collect(),
        }
    }

    /// The path between two nodes fails on one network.
    pub fn path(plan: &Plan, from: usize, to: usize, network: usize) -> Trial {
        let adapter = Plan::interface_name(network);
        let ends = vec![name(from), name(to)];
        Trial {
            title: format!("path {} {} on {adapter}", ends[0], ends[1]),
            request: Request::Path {
                from: ends[0].clone(),
                to: ends[1].clone(),
                network: Some(adapter.clone()),
                one_way: false,
                fault: "cut".into(),
            },
            node: from,
            must: Said { event: "path.failed", nodes: ends, adapter, ..Said::default() },
            may: Vec::new(),
            observers: (0..plan.nodes).collect(),
        }
    }

    /// A node ends as by a power failure.
    pub fn crash(plan: &Plan, node: usize) -> Trial {
        let gone = vec![name(node)];
        Trial {
            title: format!("{} crashes", gone[0]),
            request: Request::Crash { node: gone[0].clone() },
            node,
            must: Said { event: "node.down", nodes: gone.clone(), ..Said::default() },
            may: vec![Said {
                event: "adapter.down",
                nodes: gone,
                causes: vec!["node_down", "unreachable"],
                ..Said::default()
            }],
            observers: (0..plan.nodes).filter(|other| *other != node).collect(),
        }
    }

    /// A node's hatsd is killed; its host lives on.
    pub fn kill_daemon(plan: &Plan, node: usize) -> Trial {
        let gone = vec![name(node)];
        Trial {
            title: format!("hatsd of {} is killed", gone[0]),
            request: Request::KillDaemon { node: gone[0].clone() },
            node,
            must: Said { event: "daemon.down", nodes: gone.clone(), ..Said::default() },
            may: vec![Said {
                event: "adapter.down",
                nodes: gone,
                causes: vec!["daemon_down"],
                ..Said::default()
            }],
            observers: (0..plan.nodes).filter(|other| *other != node).collect(),
        }
    }

    /// Whether every observer has said it, in what came after the marks.
    pub fn is_said(&self, watch: &Watch, marks: &[usize]) -> bool {
        self.observers.iter().all(|observer| {
            watch.said[*observer][marks[*observer]..].iter().any(|event| self.must.fits(event))
        })
    }

    /// Judges what was said after the marks about a fault of that time.
    pub fn judge(&self, watch: &Watch, marks: &[usize], injected_ns: u64) -> Outcome {
        let mut outcome = Outcome { took_ns: Vec::new(), wrong: Vec::new(), said: Vec::new() };
        for (observer, events) in watch.said.iter().enumerate() {
            let events = &events[marks[observer]..];
            if self.observers.contains(&observer) {
                let first = events.iter().find(|event| self.must.fits(event));
                let took = first.map(|event| event.mono_ns.saturating_sub(injected_ns));
                outcome.took_ns.push((observer, took));
                outcome.said.extend(first.map(|event| (observer, event.clone())));
            }
            let mut musts = 0;
            for event in events.iter().filter(|event| event.is_judgement()) {
                let must = self.must.fits(event);
                musts += usize::from(must);
                // The same verdict twice is one too many.
                let right = (must && musts == 1) || self.may.iter().any(|said| said.fits(event));
                if !right {
                    outcome.wrong.push((observer, event.clone()));
                }
            }
        }
        outcome
    }
}

/// How long the daemons may take, by the profile's own figures.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Times {
    /// Heartbeat interval times sensitivity.
    pub detection: Duration,
    /// Detection time plus twice the probe time-out.
    pub bound: Duration,
}

impl Times {
    /// The figures of a profile.
    pub fn of(profile: &str) -> Times {
        let detection = Duration::from_millis(match profile {
            "bfd" => 30,
            "fast" => 150,
            "wan" => 8_000,
            _ => 1_000,
        });
        let probe = (detection / 4).clamp(Duration::from_millis(5), Duration::from_millis(100));
        Times { detection, bound: detection + 2 * probe }
    }

    /// After this a verdict counts as missing.
    pub fn patience(self) -> Duration {
        3 * self.bound + Duration::from_secs(5)
    }

    /// How long to listen for wrong verdicts after the right one.
    pub fn settle(self) -> Duration {
        2 * self.bound + Duration::from_millis(200)
    }

    /// How long heartbeats must have come without a loss until the first round of an
    /// arbitration is a brief one, as in a cluster that has been up for a while: 64
    /// intervals; but no more than some seconds, so not with slow profiles.
    pub fn steady(self) -> Duration {
        (22 * self.detection + Duration::from_millis(100)).min(Duration::from_secs(4))
    }

    /// How long a cluster may take to become whole again.
    pub fn recovery(self) -> Duration {
        10 * self.bound + Duration::from_secs(20)
    }
}

fn name(node: usize) -> String {
    Plan::node_name(node)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Links;

    fn plan() -> Plan {
        Plan {
            nodes: 3,
            networks: Plan::networks(3, 2, false, &[]).unwrap(),
            links: Links::Tap,
            default_route: None,
            gateway: false,
            profile: "default".into(),
            name_networks: true,
            daemons: true,
            config_extra: String::new(),
            seed: 1,
        }
    }

    fn down(node: &str, adapter: &str, cause: &str, at: u64) -> Event {
        Event {
            event: "adapter.down".into(),
            node: node.into(),
            adapter: adapter.into(),
            cause: cause.into(),
            mono_ns: at,
            ..Event::default()
        }
    }

    fn judge(said: [Vec<Event>; 3]) -> Outcome {
        let mut watch = Watch::new([].into_iter());
        watch.said = said.to_vec();
        let trial = Trial::adapter(&plan(), Port { node: 2, network: 0 }, "cut");
        trial.judge(&watch, &[0, 0, 0], 100)
    }

    #[test]
    fn right_when_every_observer_says_it_and_nothing_else() {
        let right = |at| vec![down("n3", "eth0", "both", at)];
        let outcome = judge([right(150), right(160), right(170)]);
        assert!(outcome.is_right());
        assert_eq!(outcome.took_ns, [(0, Some(50)), (1, Some(60)), (2, Some(70))]);
    }

    #[test]
    fn wrong_when_one_observer_is_silent_or_blames_another() {
        let right = || vec![down("n3", "eth0", "both", 150)];
        assert!(!judge([right(), right(), vec![]]).is_right());
        let mut blames = right();
        blames.push(down("n1", "eth0", "both", 151));
        let outcome = judge([right(), right(), blames]);
        assert!(!outcome.is_right());
        assert_eq!(outcome.wrong.len(), 1);
        assert!(!judge([right(), right(), vec![down("n3", "eth0", "receive", 150)]]).is_right());
        assert!(!judge([right(), right(), vec![down("n3", "eth1", "both", 150)]]).is_right());
    }

    #[test]
    fn the_same_verdict_twice_is_wrong() {
        let right = || vec![down("n3", "eth0", "both", 150)];
        let twice = vec![down("n3", "eth0", "both", 150), down("n3", "eth0", "both", 160)];
        assert!(!judge([right(), right(), twice]).is_right());
    }

    #[test]
    fn a_path_is_the_same_from_either_end() {
        let trial = Trial::path(&plan(), 0, 1, 0);
        let event = |node: &str, peer: &str| Event {
            event: "path.failed".into(),
            node: node.into(),
            peer_node: peer.into(),
            adapter: "eth0".into(),
            ..Event::default()
        };
        assert!(trial.must.fits(&event("n1", "n2")));
        assert!(trial.must.fits(&event("n2", "n1")));
        assert!(!trial.must.fits(&event("n1", "n3")));
    }

    #[test]
    fn a_crash_may_take_the_adapters_along() {
        let trial = Trial::crash(&plan(), 2);
        assert_eq!(trial.observers, [0, 1]);
        assert!(trial.may[0].fits(&down("n3", "eth1", "node_down", 1)));
        assert!(!trial.may[0].fits(&down("n2", "eth1", "node_down", 1)));
    }

    #[test]
    fn bounds_follow_from_the_profile() {
        assert_eq!(Times::of("default").bound, Duration::from_millis(1_200));
        assert_eq!(Times::of("bfd").bound, Duration::from_micros(45_000));
    }
}

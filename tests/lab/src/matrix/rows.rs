//! The catalogue: each row is a fault, what must be said of it, and how soon,
//! on a cluster of a given shape. Pure.

mod adapters;
mod networks;
mod nodes;
mod targets;
mod twins;

use std::time::Duration;

use super::case::{Case, Must, Step};
use crate::{
    control::Request,
    plan::{Plan, Port},
    trial::{Said, Times},
};

/// A fact is known without waiting for silence: from the kernel to every node.
const FACT: Duration = Duration::from_millis(100);
/// How long what must be endured is endured.
const ENDURED: Duration = Duration::from_secs(10);
/// Loss is measured over so long a time.
const MEASURED: Duration = Duration::from_secs(90);
/// A daemon is not trusted any more when its lease has run out twice.
const LEASE_MIN: Duration = Duration::from_secs(2);
/// Below so much silence nothing on a host that answers ICMP echo has failed.
const ECHO_PATIENCE: Duration = Duration::from_secs(1);
/// A NIM that takes no commands for so long is killed; a new one starts.
const STUCK: Duration = Duration::from_secs(2);
/// So many intervals without multicast are told: 13 until it is doubted, 8 until
/// it is sure, and what leaders take to proclaim.
const MULTICAST_FOUND: u32 = 30;
/// An address is asked for at least once a minute, and a rival for two seconds.
const STRANGER_FOUND: Duration = Duration::from_secs(70);
/// Leaders make themselves known each five seconds, and are heard twice.
const CROSSED_FOUND: Duration = Duration::from_secs(12);
/// Another network is not heard any more after half a minute.
const CROSSED_OVER: Duration = Duration::from_secs(32);
/// A frame of the largest packet that gets through in the rows where longer ones get
/// lost: an IP packet of 586 bytes.
const MAX_FRAME: u64 = 600;
/// An Ethernet header.
const FRAME_HEADER: u64 = 14;
/// Time between two visits of a patrol, unless the heartbeat interval is longer.
const PATROL_EVERY: Duration = Duration::from_millis(250);

/// One row.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    /// Its number in the catalogue, with a letter where it has several forms.
    pub(crate) number: &'static str,
    /// The fault, in words.
    pub(crate) name: &'static str,
    /// The case for a cluster, if it can be told there.
    pub(crate) case: fn(&Stage) -> Option<Case>,
}

/// Every row that the lab can inject.
pub(crate) const ROWS: [Row; 35] = [
    Row { number: "1a", name: "carrier lost", case: adapters::carrier },
    Row { number: "1b", name: "interface set down", case: adapters::link_down },
    Row { number: "2", name: "silent cut", case: adapters::cut },
    Row { number: "3", name: "receives nothing", case: adapters::deaf },
    Row { number: "4", name: "sends nothing", case: adapters::mute },
    Row { number: "5a", name: "path cut", case: networks::path },
    Row { number: "5b", name: "path cut one way", case: networks::path_one_way },
    Row { number: "6", name: "switch in two", case: networks::partition },
    Row { number: "7", name: "network dead", case: networks::network_dead },
    Row { number: "8", name: "node crash", case: nodes::crash },
    Row { number: "9a", name: "hatsd killed", case: nodes::daemon_killed },
    Row { number: "9b", name: "hatsd hung", case: nodes::daemon_hung },
    Row { number: "10a", name: "NIM killed", case: adapters::nim_killed },
    Row { number: "10b", name: "NIM hung", case: adapters::nim_hung },
    Row { number: "11a", name: "address removed", case: adapters::address_removed },
    Row { number: "11b", name: "address changed", case: adapters::address_changed },
    Row { number: "12a", name: "two nodes with one address", case: twins::address },
    Row { number: "12b", name: "two networks on one wire", case: twins::crossed },
    Row { number: "12c", name: "address of a host without hats", case: twins::stranger },
    Row { number: "13a", name: "3 % loss on one adapter", case: adapters::loss_adapter },
    Row { number: "13b", name: "3 % loss everywhere", case: networks::loss_everywhere },
    Row { number: "13c", name: "10 % loss on one adapter", case: adapters::lossy_adapter },
    Row { number: "15a", name: "node paused, short", case: nodes::pause_short },
    Row { number: "15b", name: "node paused, long", case: nodes::pause_long },
    Row { number: "16", name: "16 busy loops", case: nodes::starved },
    Row { number: "18a", name: "multicast dead", case: networks::multicast_dead },
    Row { number: "18b", name: "without multicast from the start", case: networks::no_multicast },
    Row { number: "19a", name: "long packets lost between two", case: networks::narrow_path },
    Row { number: "19b", name: "long packets lost from the start", case: networks::narrow },
    Row { number: "20a", name: "peer crashes, gateway answers", case: targets::peer_crash },
    Row { number: "20b", name: "adapter cut, gateway answers", case: targets::adapter_cut },
    Row { number: "21a", name: "one adapter's uplink dead", case: targets::uplink_of_one },
    Row { number: "21b", name: "network's uplink dead", case: targets::uplink_of_all },
    Row { number: "22a", name: "cuts on two networks", case: adapters::two_cuts },
    Row { number: "22b", name: "crash beside a cut", case: nodes::crash_and_cut },
];

impl Row {
    /// The cluster as this row needs it.
    pub(crate) fn setting(&self, plan: &Plan) -> Plan {
        targets::setting(self, plan)
    }
}

/// A cluster, and which of its nodes and adapters is to suffer.
#[derive(Clone, Debug)]
pub(crate) struct Stage {
    /// The cluster.
    pub(crate) plan: Plan,
    /// Its times.
    pub(crate) times: Times,
    /// Heartbeat interval of its profile.
    pub(crate) interval: Duration,
    /// Counts the repetitions: each takes another victim.
    pub(crate) round: usize,
}

impl Stage {
    fn victim(&self) -> Port {
        let node = self.round % self.plan.nodes;
        Port { node, network: self.round / self.plan.nodes % self.networks() }
    }

    fn networks(&self) -> usize {
        self.plan.networks.len()
    }

    fn everyone(&self) -> Vec<usize> {
        (0..self.plan.nodes).collect()
    }

    fn but(&self, node: usize) -> Vec<usize> {
        (0..self.plan.nodes).filter(|other| *other != node).collect()
    }

    /// A third node that can be asked, over another network than the one in
    /// question.
    fn has_third_voice_elsewhere(&self) -> bool {
        self.plan.nodes >= 3 && self.networks() >= 2
    }

    /// When long probes have found that all long packets get lost, and how long those
    /// are that do not.
    fn found_narrow(&self) -> Duration {
        let every = self.interval.max(PATROL_EVERY);
        let others = (self.plan.nodes - 1) as u32;
        every * (8 * others + 12) + self.times.bound * 3 + Duration::from_secs(6)
    }

    /// When a patrol has visited every member twice, and a verdict followed.
    fn patrolled(&self) -> Duration {
        let every = self.interval.max(PATROL_EVERY);
        every * (2 * self.plan.nodes) as u32 + self.times.bound
    }
}

fn name(node: usize) -> String {
    Plan::node_name(node)
}

fn interface(network: usize) -> String {
    Plan::interface_name(network)
}

fn must(said: Said, observers: Vec<usize>, within: Duration) -> Must {
    Must { said, observers, within, since: 0 }
}

fn case(title: String, steps: Vec<Step>, must: Vec<Must>) -> Case {
    Case { title, steps, must, may: Vec::new(), repaired: Vec::new() }
}

fn adapter_down(port: Port, cause: &'static str) -> Said {
    Said {
        event: "adapter.down",
        nodes: vec![name(port.node)],
        adapter: interface(port.network),
        causes: vec![cause],
        ..Said::default()
    }
}

fn of_network(stage: &Stage, event: &'static str, network: usize) -> Said {
    let network = stage.plan.networks[network].name.clone();
    Said { event, network, ..Said::default() }
}

fn broken(port: Port, fault: &str) -> Step {
    let (node, adapter) = (name(port.node), interface(port.network));
    Step::Ask(Request::Fault { node, adapter, fault: fault.to_owned() })
}

fn titled(port: Port, what: &str) -> String {
    format!("{} {} {what}", name(port.node), interface(port.network))
}

/// Whoever is cut off cannot be told from a dead node by those that share one
/// network with it; what it says of itself is its own.
fn unreachable(stage: &Stage, port: Port, title: String, steps: Vec<Step>) -> Case {
    let node = vec![name(port.node)];
    let down = Said {
        event: "node.down",
        nodes: node.clone(),
        causes: vec!["unreachable"],
        ..Said::default()
    };
    let mut this = case(title, steps, vec![must(down, stage.but(port.node), stage.times.bound)]);
    this.may = vec![
        Said { causes: vec!["node_down"], ..adapter_down(port, "node_down") },
        Said { event: "adapter.down", nodes: node, ..Said::default() },
        of_network(stage, "adapter.inconclusive", port.network),
    ];
    this
}

/// Two nodes say that they cannot tell, and nothing else, on each network that
/// is silent.
fn inconclusive(stage: &Stage, networks: &[usize], title: String, steps: Vec<Step>) -> Case {
    let said = |network: &usize| of_network(stage, "adapter.inconclusive", *network);
    let within = stage.times.bound;
    let musts = networks.iter().map(|network| must(said(network), vec![0], within));
    case(title, steps, musts.collect())
}

fn node_down(stage: &Stage, node: usize) -> Said {
    let cause = if stage.networks() >= 2 { "node_down" } else { "unreachable" };
    Said { event: "node.down", nodes: vec![name(node)], causes: vec![cause], ..Said::default() }
}

fn its_adapters(node: usize, causes: Vec<&'static str>) -> Said {
    Said { event: "adapter.down", nodes: vec![name(node)], causes, ..Said::default() }
}

fn endured(title: String, mut steps: Vec<Step>) -> Case {
    if !steps.iter().any(|step| matches!(step, Step::Load(..))) {
        steps.push(Step::Wait(ENDURED));
    }
    case(title, steps, Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Links;

    fn stage(nodes: usize, networks: usize, round: usize) -> Stage {
        let plan = Plan {
            nodes,
            networks: Plan::networks(nodes, networks, false, &[]).unwrap(),
            links: Links::Tap,
            default_route: None,
            gateway: false,
            profile: "default".into(),
            name_networks: true,
            daemons: true,
            config_extra: String::new(),
            seed: 1,
        };
        Stage { plan, times: Times::of("default"), interval: Duration::from_millis(250), round }
    }

    #[test]
    fn numbers_of_rows_are_given_once() {
        let mut numbers: Vec<&str> = ROWS.iter().map(|row| row.number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), ROWS.len());
    }

    #[test]
    fn every_row_can_be_told_on_two_networks() {
        for row in ROWS {
            let nodes = if row.number.starts_with("20") { 2 } else { 8 };
            let mut stage = stage(nodes, 2, 3);
            stage.plan = row.setting(&stage.plan);
            let case = (row.case)(&stage);
            let case = case.unwrap_or_else(|| panic!("row {}", row.number));
            assert!(!case.steps.is_empty(), "row {}", row.number);
            let steps = case.steps.len();
            assert!(case.must.iter().all(|must| must.since < steps), "row {}", row.number);
        }
    }

    #[test]
    fn two_nodes_without_a_target_are_never_asked_who_is_to_blame() {
        for row in ROWS.iter().filter(|row| !row.setting(&stage(2, 1, 0).plan).gateway) {
            let Some(case) = (row.case)(&stage(2, 1, 0)) else { continue };
            let blames = case.must.iter().any(|must| {
                matches!(must.said.event, "node.down" | "path.failed" | "network.partitioned")
            });
            assert!(!blames, "row {}", row.number);
        }
    }

    #[test]
    fn each_round_takes_another_victim() {
        let victims: Vec<Port> = (0..6).map(|round| stage(3, 2, round).victim()).collect();
        let mut distinct = victims.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), victims.len());
    }
}

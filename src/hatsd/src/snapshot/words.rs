//! States, causes and verdicts in words.

use std::{net::IpAddr, time::Duration};

use hats_core::view::{AdapterState, NodeState, VerdictView};
use hats_proto::ipc;
use hats_wire::{Cause, Direction, Observation, Verdict, VerdictKind, link::Link};

use super::Sources;
use crate::publish::wall_clock;

/// With which networks one shares its wire; nothing where it does not.
pub(super) fn crossed(networks: &[String]) -> Option<String> {
    let others = networks.join(", ");
    (!networks.is_empty()).then(|| format!("shares a wire with {others}"))
}

/// Where long packets get lost; nothing where they do not.
pub(super) fn narrow(ways: &[ipc::Narrow]) -> Option<String> {
    let first = ways.first()?;
    let more = match ways.len() - 1 {
        0 => String::new(),
        1 => ", and on 1 more way".to_owned(),
        more => format!(", and on {more} more ways"),
    };
    let ipc::Narrow { mtu, node, peer_node, .. } = first;
    Some(format!("packets of more than {mtu} bytes from {node} to {peer_node} get lost{more}"))
}

pub(super) fn node_state(state: NodeState) -> &'static str {
    match state {
        NodeState::Up => "up",
        NodeState::Down => "down",
        NodeState::Left => "left",
        NodeState::Unknown => "unknown",
    }
}

pub(super) fn adapter_state(state: AdapterState) -> &'static str {
    match state {
        AdapterState::Up => "up",
        AdapterState::Joining => "joining",
        AdapterState::Down => "down",
        AdapterState::Left => "left",
        AdapterState::Unknown => "unknown",
    }
}

pub(super) fn node_reason(state: NodeState, cause: Option<Cause>) -> Option<String> {
    match (state, cause) {
        (NodeState::Up, _) => None,
        (NodeState::Left, _) => Some("left on purpose".to_owned()),
        (NodeState::Down | NodeState::Unknown, Some(cause)) => Some(because(cause).to_owned()),
        (NodeState::Down, None) => Some("none of its adapters is up".to_owned()),
        (NodeState::Unknown, None) => Some("no working path leads to it".to_owned()),
    }
}

/// Why an adapter is down that came and went too often.
pub(super) fn held(span: Duration, losses: u64) -> String {
    let seconds = span.as_millis().div_ceil(1_000);
    format!(
        "comes and goes: lost {losses} times, held down until it has been quiet for {seconds} s"
    )
}

pub(super) fn adapter_reason(
    state: AdapterState,
    cause: Option<Cause>,
    link: Option<&Link>,
) -> Option<String> {
    match state {
        AdapterState::Up => None,
        AdapterState::Joining => {
            let error = link.map(|link| link.error.clone()).filter(|error| !error.is_empty());
            Some(error.unwrap_or_else(|| "not in a group with others yet".to_owned()))
        }
        AdapterState::Left => Some("left on purpose".to_owned()),
        AdapterState::Down | AdapterState::Unknown => {
            let words = cause.map_or("nothing is heard of it", because);
            let link = link.filter(|link| !link.admin_up && cause == Some(Cause::LinkDown));
            Some(match link {
                Some(link) if link.present => "set down by its administrator".to_owned(),
                Some(_) | None => words.to_owned(),
            })
        }
    }
}

/// Why, as it follows the name of what is down.
pub(super) fn because(cause: Cause) -> &'static str {
    match cause {
        Cause::Transmit => "silent: sends nothing that others hear, still receives (transmit)",
        Cause::Receive => "deaf: receives nothing, is still heard (receive)",
        Cause::Both => "silent; hears nothing and is not heard (both)",
        Cause::LinkDown => "no carrier",
        Cause::AddressLost => "its address went away",
        Cause::Removed => "its interface went away",
        Cause::NodeDown => "no answer on any network, not even to ping",
        Cause::DaemonDown => "the host answers, its daemon does not",
        Cause::NimFailed => "its NIM process does not run",
        Cause::TargetsUnreachable => "none of its required targets answers",
        Cause::Unreachable => {
            "nothing answers; with one network, node and adapter cannot be told apart"
        }
        Cause::Left => "left on purpose",
        Cause::Maintenance => "taken out for maintenance",
        Cause::Inconclusive => "silent, and it cannot be told whose fault it is",
    }
}

pub(super) fn seen_from_low(direction: Direction, turned: bool) -> &'static str {
    match (direction, turned) {
        (Direction::ToPeer, true) => Direction::FromPeer.word(),
        (Direction::FromPeer, true) => Direction::ToPeer.word(),
        (other, _) => other.word(),
    }
}

pub(super) fn addresses(list: &[IpAddr]) -> Vec<String> {
    list.iter().map(IpAddr::to_string).collect()
}

pub(super) fn mac(bytes: &[u8]) -> Option<String> {
    let parts: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    (!parts.is_empty()).then(|| parts.join(":"))
}

impl Sources<'_> {
    pub(super) fn verdict(&self, shown: &VerdictView) -> ipc::Verdict {
        let verdict = &shown.verdict;
        let ago = self.place.now.since(shown.at);
        let culprit = || Some(&verdict.culprit).filter(|_| names_culprit(verdict.kind));
        let peer = verdict.peer.as_ref();
        let optional = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        ipc::Verdict {
            id: verdict.id.clone(),
            ts: wall_clock(self.wall.checked_sub(ago).unwrap_or(self.wall)),
            kind: verdict.kind.word().to_owned(),
            network: verdict.network.clone(),
            node: culprit().map(|it| it.node.clone()),
            adapter: culprit().map(|it| it.interface.clone()),
            addr: culprit().map(|it| it.address.to_string()),
            cause: verdict.cause.map(|cause| cause.word().to_owned()),
            confidence: verdict.confidence.word().to_owned(),
            reporter: verdict.reporter.node.clone(),
            suspect: verdict.suspect.node.clone(),
            arbiters: verdict.arbiters.clone(),
            decided_by: verdict.decided_by.clone(),
            summary: self.summary(verdict),
            hint: None,
            evidence: verdict
                .observations
                .iter()
                .map(|it| observation(it, &verdict.suspect.node))
                .collect(),
            peer_node: peer.map(|it| it.node.clone()),
            peer_addr: peer.map(|it| it.address.to_string()),
            direction: verdict.direction.map(|direction| direction.word().to_owned()),
            sets: self.sets(verdict),
            missing: optional(&verdict.missing),
            took_ms: verdict.took_us / 1_000,
        }
    }

    fn sets(&self, verdict: &Verdict) -> Vec<String> {
        let name = |address: &std::net::IpAddr| {
            let name = self.node_at(&verdict.network, *address);
            if name.is_empty() { address.to_string() } else { name }
        };
        let side = |side: &Vec<_>| side.iter().map(name).collect::<Vec<_>>().join(",");
        verdict.sides.iter().map(side).collect()
    }

    fn summary(&self, verdict: &Verdict) -> String {
        let network = &verdict.network;
        let (culprit, suspect) = (&verdict.culprit, &verdict.suspect);
        let cause = verdict.cause.map_or("down", because);
        match verdict.kind {
            VerdictKind::Adapter => {
                format!("{network}: adapter {} of {} is {cause}", culprit.interface, culprit.node)
            }
            VerdictKind::Path => {
                let peer = verdict.peer.as_ref().map_or("?", |peer| peer.node.as_str());
                let way = match verdict.direction {
                    Some(Direction::ToPeer) => {
                        format!("nothing gets from {} to {peer}", culprit.node)
                    }
                    Some(Direction::FromPeer) => {
                        format!("nothing gets from {peer} to {}", culprit.node)
                    }
                    Some(Direction::Both) | None => "they do not reach each other".to_owned(),
                };
                format!(
                    "{network}: the path between {} and {peer} has failed: {way}; \
                     both adapters are well",
                    culprit.node
                )
            }
            VerdictKind::Node => format!("node {} has failed: {cause}", culprit.node),
            VerdictKind::Daemon => {
                format!("the daemon of {} has failed, its host answers", culprit.node)
            }
            VerdictKind::Partition => {
                format!("{network} has fallen apart: {}", self.sets(verdict).join(" | "))
            }
            VerdictKind::Network => {
                format!("{network} has failed: nobody reaches anybody on it, the nodes live")
            }
            VerdictKind::Inconclusive => format!(
                "{network}: {} of {} is silent, and it cannot be told whose fault that is",
                suspect.interface, suspect.node
            ),
        }
    }
}

fn names_culprit(kind: VerdictKind) -> bool {
    match kind {
        VerdictKind::Adapter
        | VerdictKind::Path
        | VerdictKind::Node
        | VerdictKind::Daemon
        | VerdictKind::Inconclusive => true,
        VerdictKind::Partition | VerdictKind::Network => false,
    }
}

fn observation(it: &Observation, suspect: &str) -> ipc::Observation {
    let part = match (it.prober_is_reporter, it.prober == suspect) {
        (true, _) => "reporter",
        (false, true) => "suspect",
        (false, false) => "arbiter",
    };
    ipc::Observation {
        prober: it.prober.clone(),
        prober_addr: it.prober_address.to_string(),
        part: part.to_owned(),
        target: it.target.clone(),
        target_addr: it.target_address.to_string(),
        network: it.network.clone(),
        sent: it.sent,
        received: it.received,
        rtt_us: it.rtt_us,
        seen_by_target: it.seen_by_target,
        heard_from_target: it.heard_from_target,
        icmp: it.icmp,
        elsewhere: it.elsewhere,
    }
}

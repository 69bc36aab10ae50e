//! What may be said while faults are in force that overlap.
//!
//! A single fault of a settled cluster is held to the letter by
//! [`expected`](super::expected). Here is the allowance for all other times:
//! whatever is said must be about something that was touched, or that the
//! observations cannot tell from something that was.

use hats_core::event::{Event, EventKind};
use hats_wire::Cause;

use super::{
    fault::{Fault, NodeFault},
    situation::Situation,
};

/// Why `event`, published by `observer`, is unfair; none when it is fair.
/// `all` has every fault since the cluster was last well.
#[expect(clippy::wildcard_enum_match_arm, reason = "most kinds of events blame nobody")]
pub(crate) fn unfair(all: &Situation, observer: &str, event: &Event) -> Option<&'static str> {
    let node = event.node.as_deref().unwrap_or("");
    let network = event.network.as_deref().unwrap_or("");
    let why = "nothing was done to it";
    let fair = match event.kind {
        EventKind::AdapterDown => adapter(all, observer, node, network, event.cause),
        EventKind::AdapterSuspect => {
            may_be_silent(all, node, network) || !in_sight(all, observer, node)
        }
        EventKind::AdapterInconclusive => {
            let peer = event.peer_node.as_deref().unwrap_or("");
            may_be_silent(all, node, network)
                || may_be_silent(all, peer, network)
                || all.is_pair_touched(node, peer, network)
        }
        EventKind::NodeDown => host_may_be_gone(all, node) || !in_sight(all, observer, node),
        EventKind::DaemonDown => daemon_may_be_gone(all, node),
        EventKind::NodeLeft => all.of_node(node) == Some(NodeFault::Leave),
        EventKind::PathFailed => {
            let peer = event.peer_node.as_deref().unwrap_or("");
            all.is_pair_touched(node, peer, network)
        }
        // Two silent adapters of a small network, or one on each side of a
        // cut path, look like two sides that do not hear each other.
        EventKind::NetworkPartitioned | EventKind::NetworkFailed => {
            all.is_network_touched(network) || touched_on(all, network) >= 2
        }
        _ => true,
    };
    (!fair).then_some(why)
}

fn adapter(
    all: &Situation,
    observer: &str,
    node: &str,
    network: &str,
    cause: Option<Cause>,
) -> bool {
    use super::fault::AdapterFault as Is;
    let done = all.of_adapter(node, network);
    match cause {
        Some(Cause::LinkDown) => matches!(done, Some(Is::Carrier | Is::Flap(..))),
        Some(Cause::AddressLost) => matches!(done, Some(Is::Address | Is::AddressChange)),
        Some(Cause::NimFailed) => matches!(done, Some(Is::NimKill | Is::NimHang)),
        Some(Cause::Transmit | Cause::Receive | Cause::Both) => may_be_silent(all, node, network),
        Some(Cause::NodeDown) => host_may_be_gone(all, node) || !in_sight(all, observer, node),
        Some(Cause::Unreachable) => {
            may_be_silent(all, node, network) || !in_sight(all, observer, node)
        }
        Some(Cause::DaemonDown) => daemon_may_be_gone(all, node),
        Some(Cause::Left) => {
            all.of_node(node) == Some(NodeFault::Leave) || done == Some(Is::AddressChange)
        }
        Some(Cause::Removed | Cause::Maintenance | Cause::Inconclusive) | None => false,
    }
}

/// The adapter or its node was touched, or it exchanges datagrams with nobody
/// on its network while all faults are in force: alone on its side of a
/// partition, all its paths cut, or all others gone.
fn may_be_silent(all: &Situation, node: &str, network: &str) -> bool {
    !all.is_well(node, network) || all.peers(node, network).is_empty()
}

/// The node died, or was asleep, or none of its adapters could be heard.
fn host_may_be_gone(all: &Situation, node: &str) -> bool {
    // The host of a daemon that hangs answers.
    let hangs =
        matches!(all.of_node(node), Some(NodeFault::DaemonHang | NodeFault::DaemonStarve(_)));
    let all = &all.without(|fault| hangs && matches!(fault, Fault::Node(_, name) if name == node));
    all.of_node(node).is_some()
        || all.networks_of(node).iter().all(|network| may_be_silent(all, node, network))
}

/// Whoever cannot reach any NIM of a host that answers cannot tell the two apart.
fn daemon_may_be_gone(all: &Situation, node: &str) -> bool {
    use super::fault::AdapterFault as Is;
    let stopped = |network: &&str| all.of_adapter(node, network) == Some(Is::NimHang);
    all.of_node(node).is_some()
        || all.networks_of(node).iter().any(stopped)
            && all.networks_of(node).iter().all(|network| may_be_silent(all, node, network))
}

/// Groups connect the two, whatever else is broken: not to see the other is
/// no excuse.
fn in_sight(all: &Situation, observer: &str, node: &str) -> bool {
    let known = all.story.nodes.iter().find(|member| member.name == observer);
    known.is_some_and(|member| all.connected(&member.name, None).contains(node))
}

/// How many adapters on the network something was done to.
fn touched_on(all: &Situation, network: &str) -> usize {
    let members = all.story.on(network);
    let pairs = all.faults.iter().filter(|fault| fault.network() == Some(network)).count();
    let hosts = members.iter().filter(|node| all.of_node(node).is_some()).count();
    pairs + hosts
}

//! Events in words: what each kind carries and how it reads.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::{net::IpAddr, time::Duration};

use hats_wire::{
    Cause, Confidence, Direction, GroupId, Identity, Incarnation, Loss, Member, Verdict,
    VerdictKind,
};

use crate::{
    election::Roles,
    event::{Event, EventKind},
    members::Members,
};

/// "a", "a and b", "a, b and c".
pub(crate) fn list(names: &[String]) -> String {
    match names {
        [] => "nobody".to_string(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// An event about one adapter.
pub(crate) fn about_adapter(kind: EventKind, network: &str, member: &Member, rest: &str) -> Event {
    let Identity { address, node, interface, .. } = &**member;
    let mut event =
        Event::new(kind, format!("{network}: {interface} of {node} ({address}) {rest}"));
    event.node = Some(node.clone());
    event.network = Some(network.into());
    event.adapter = Some(interface.clone());
    event.addr = Some(*address);
    event
}

/// Multicast does not get to `missing` of `followers`.
pub(crate) fn multicast_broken(network: &str, missing: usize, followers: usize) -> Event {
    let whom = match (missing, followers) {
        (1, 1) => "the leader's one follower hears no multicast".to_string(),
        (missing, all) if missing == all => format!("none of {all} followers hears multicast"),
        (missing, all) => format!("{missing} of {all} followers hear no multicast"),
    };
    let text = format!("{network}: {whom} of their leader; the group holds by unicast");
    let mut event = Event::new(EventKind::NetworkMulticastBroken, text);
    event.network = Some(network.into());
    event.count = u64::try_from(missing).ok();
    event
}

pub(crate) fn multicast_restored(network: &str) -> Event {
    let text = format!("{network}: multicast works again");
    let mut event = Event::new(EventKind::NetworkMulticastRestored, text);
    event.network = Some(network.into());
    event.clears = Some(EventKind::NetworkMulticastBroken);
    event
}

/// Packets of more bytes than each says get lost on these ways.
pub(crate) fn mtu(network: &str, ways: &[(Member, Member, u32)]) -> Option<Event> {
    let (from, to, _) = ways.first()?;
    let mtu = ways.iter().map(|(.., mtu)| *mtu).min()?;
    let mut pairs: Vec<[&Member; 2]> =
        ways.iter().map(|(from, to, _)| if from < to { [from, to] } else { [to, from] }).collect();
    pairs.sort_unstable();
    pairs.dedup();
    let name = |it: &Member| format!("{} of {} ({})", it.interface, it.node, it.address);
    let common = |it: &&&Member| pairs.iter().all(|pair| pair.contains(*it));
    let common = pairs[0].iter().find(common).filter(|_| pairs.len() > 1);
    let where_ = match (common, ways.len()) {
        (Some(one), _) => format!("between {} and {} others", name(one), pairs.len()),
        (None, 1) => format!("from {} to {}", name(from), name(to)),
        (None, _) => format!("between {} and {}", name(pairs[0][0]), name(pairs[0][1])),
    };
    let more = match pairs.len() {
        2 if common.is_none() => " and 1 more pair".to_string(),
        count if count > 2 && common.is_none() => format!(" and {} more pairs", count - 1),
        _ => String::new(),
    };
    let text = format!(
        "{network}: packets of more than {mtu} bytes get lost {where_}{more}; shorter ones arrive"
    );
    let mut event = Event::new(EventKind::NetworkMtu, text);
    event.network = Some(network.into());
    let other = |one: &Member| if from == one { to } else { from };
    let (me, peer) = common.map_or((from, to), |one| (*one, other(one)));
    event.node = Some(me.node.clone());
    event.adapter = Some(me.interface.clone());
    event.addr = Some(me.address);
    event.peer_node = Some(peer.node.clone());
    event.peer_adapter = Some(peer.interface.clone());
    event.peer_addr = Some(peer.address);
    event.mtu = Some(mtu.into());
    event.count = u64::try_from(pairs.len()).ok();
    Some(event)
}

pub(crate) fn mtu_restored(network: &str) -> Event {
    let text = format!("{network}: long packets arrive again");
    let mut event = Event::new(EventKind::NetworkMtuRestored, text);
    event.network = Some(network.into());
    event.clears = Some(EventKind::NetworkMtu);
    event
}

/// The one adapter hears the other on its own wire, though that is of another
/// network.
pub(crate) fn crossed(
    (network, (me, mac_of_me)): &(&str, (Member, Vec<u8>)),
    (other, (peer, mac_of_peer)): &(&str, (Member, Vec<u8>)),
) -> Event {
    let name = |it: &Member, bytes: &[u8]| {
        let mac = mac(bytes).map_or_else(String::new, |mac| format!(", {mac}"));
        format!("{} of {} ({}{mac})", it.interface, it.node, it.address)
    };
    let text = format!(
        "{} and {} share a wire: on {network} {} hears {}, which is on {other}",
        network.min(other),
        network.max(other),
        name(me, mac_of_me),
        name(peer, mac_of_peer)
    );
    let mut event = Event::new(EventKind::NetworkCrossed, text);
    // Whoever hears whom: what ends it names them in the same order.
    let mut ends = [(network, me, mac_of_me), (other, peer, mac_of_peer)];
    ends.sort_unstable_by_key(|(network, ..)| **network);
    let [(network, me, mac_of_me), (other, peer, mac_of_peer)] = ends;
    event.network = Some((*network).into());
    event.node = Some(me.node.clone());
    event.adapter = Some(me.interface.clone());
    event.addr = Some(me.address);
    event.mac = mac(mac_of_me);
    event.peer_network = Some((*other).into());
    event.peer_node = Some(peer.node.clone());
    event.peer_adapter = Some(peer.interface.clone());
    event.peer_addr = Some(peer.address);
    event.peer_mac = mac(mac_of_peer);
    event
}

pub(crate) fn separated((network, other): &(String, String)) -> Event {
    let text = format!("{network} and {other} share no wire any more");
    let mut event = Event::new(EventKind::NetworkSeparated, text);
    event.network = Some(network.clone());
    event.peer_network = Some(other.clone());
    event.clears = Some(EventKind::NetworkCrossed);
    event
}

pub(crate) fn adapter_up(network: &str, member: &Member, clears: Option<EventKind>) -> Event {
    let mut event = about_adapter(EventKind::AdapterUp, network, member, "up");
    event.clears = clears;
    event
}

pub(crate) fn adapter_damped(network: &str, member: &Member, losses: u64, span: Duration) -> Event {
    let seconds = span.as_millis().div_ceil(1_000);
    let text = format!("lost {losses} times: held down until it has been quiet for {seconds} s");
    let mut event = about_adapter(EventKind::AdapterDamped, network, member, &text);
    event.count = Some(losses);
    event
}

pub(crate) fn adapter_released(network: &str, member: &Member, losses: u64) -> Event {
    let text = format!("held no more, after {losses} losses");
    let mut event = about_adapter(EventKind::AdapterReleased, network, member, &text);
    event.count = Some(losses);
    event.clears = Some(EventKind::AdapterDamped);
    event
}

/// A hardware address as people write it; none when it is not known.
pub(crate) fn mac(bytes: &[u8]) -> Option<String> {
    let parts: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    (!parts.is_empty()).then(|| parts.join(":"))
}

pub(crate) fn adapter_lossy(network: &str, member: &Member, loss: Loss) -> Event {
    let percent = |permille: u32| (permille + 5) / 10;
    let (inward, outward) = (percent(loss.inward), percent(loss.outward));
    let text = format!(
        "loses {inward} % of what is sent to it and {outward} % of what it sends; others lose less"
    );
    let mut event = about_adapter(EventKind::AdapterLossy, network, member, &text);
    event.loss_in = Some(inward.into());
    event.loss_out = Some(outward.into());
    event
}

pub(crate) fn adapter_clean(network: &str, member: &Member) -> Event {
    let text = "loses no more than others";
    let mut event = about_adapter(EventKind::AdapterClean, network, member, text);
    event.clears = Some(EventKind::AdapterLossy);
    event
}

/// Why an adapter is down, in words.
pub fn cause_in_words(cause: Cause) -> &'static str {
    match cause {
        Cause::Transmit => "sends nothing that others hear, still receives",
        Cause::Receive => "receives nothing, still sends",
        Cause::Both => "neither sends nor receives, carrier up",
        Cause::LinkDown => "no link",
        Cause::AddressLost => "its address went away",
        Cause::Removed => "its interface went away",
        Cause::NodeDown => "its node is down",
        Cause::DaemonDown => "its daemon is down",
        Cause::NimFailed => "its NIM does not run",
        Cause::TargetsUnreachable => "none of its required targets answers",
        Cause::Unreachable => "does not answer",
        Cause::Left => "left on purpose",
        Cause::Maintenance => "under maintenance",
        Cause::Inconclusive => "silent, and it cannot be told whose fault it is",
    }
}

pub(crate) fn adapter_down(
    network: &str,
    member: &Member,
    cause: Cause,
    verdict: Option<&Verdict>,
) -> Event {
    let words = match verdict {
        Some(verdict) if !verdict.arbiters.is_empty() => adapter_words(cause, verdict),
        Some(_) | None => cause_in_words(cause).to_string(),
    };
    let kind = EventKind::AdapterDown;
    let mut event = about_adapter(kind, network, member, &format!("down: {words}"));
    event.cause = Some(cause);
    match verdict {
        Some(verdict) => with_verdict(&mut event, verdict),
        None => event.confidence = Some(Confidence::High),
    }
    event
}

fn adapter_words(cause: Cause, verdict: &Verdict) -> String {
    let mut witnesses = verdict.arbiters.clone();
    if verdict.reporter.node != verdict.culprit.node {
        witnesses.insert(0, verdict.reporter.node.clone());
    }
    let witnesses = list(&witnesses);
    if cause == Cause::Transmit {
        format!("sends nothing that {witnesses} hear, still receives; carrier up")
    } else if cause == Cause::Receive {
        format!("receives nothing from {witnesses}, still sends; carrier up")
    } else if cause == Cause::Both {
        format!("no exchange with {witnesses} either way; carrier up")
    } else {
        cause_in_words(cause).to_string()
    }
}

fn with_verdict(event: &mut Event, verdict: &Verdict) {
    event.confidence = Some(verdict.confidence);
    event.verdict_id = Some(verdict.id.clone());
    event.reporter = Some(verdict.reporter.node.clone());
    event.arbiters = verdict.arbiters.clone();
}

pub(crate) fn suspect(network: &str, member: &Member, silent_ms: u64) -> Event {
    let rest = format!("silent for {silent_ms} ms, arbitration under way");
    about_adapter(EventKind::AdapterSuspect, network, member, &rest)
}

pub(crate) fn inconclusive(network: &str, verdict: &Verdict) -> Event {
    let suspect = &verdict.suspect;
    let rest = format!(
        "silent, and it cannot be told whether it or {} of {} has failed; missing: {}",
        verdict.reporter.interface, verdict.reporter.node, verdict.missing
    );
    let mut event = about_adapter(EventKind::AdapterInconclusive, network, suspect, &rest);
    event.peer_node = Some(verdict.reporter.node.clone());
    event.peer_adapter = Some(verdict.reporter.interface.clone());
    event.peer_addr = Some(verdict.reporter.address);
    event.missing = Some(verdict.missing.clone());
    with_verdict(&mut event, verdict);
    event
}

pub(crate) fn path_failed(verdict: &Verdict) -> Event {
    let direction = verdict.direction.unwrap_or(Direction::Both);
    let peer = verdict.peer.as_ref().unwrap_or(&verdict.suspect);
    let words = match direction {
        Direction::ToPeer => "cannot reach",
        Direction::FromPeer => "hears nothing from",
        Direction::Both => "has no path to or from",
    };
    let shown = match verdict.arbiters.as_slice() {
        [] => "both reach a reference target".to_string(),
        arbiters => format!("{} can reach both", list(arbiters)),
    };
    let rest = format!(
        "{words} {} of {} ({}); {shown}: no adapter is at fault",
        peer.interface, peer.node, peer.address
    );
    let kind = EventKind::PathFailed;
    let mut event = about_adapter(kind, &verdict.network, &verdict.culprit, &rest);
    event.peer_node = Some(peer.node.clone());
    event.peer_adapter = Some(peer.interface.clone());
    event.peer_addr = Some(peer.address);
    event.direction = Some(direction);
    with_verdict(&mut event, verdict);
    event
}

pub(crate) fn path_restored(network: &str, member: &Member, peer: &Member) -> Event {
    let rest = format!("reaches {} of {} ({}) again", peer.interface, peer.node, peer.address);
    let mut event = about_adapter(EventKind::PathRestored, network, member, &rest);
    event.peer_node = Some(peer.node.clone());
    event.peer_adapter = Some(peer.interface.clone());
    event.peer_addr = Some(peer.address);
    event.clears = Some(EventKind::PathFailed);
    event
}

pub(crate) fn about_node(kind: EventKind, node: &str, rest: &str) -> Event {
    let mut event = Event::new(kind, format!("{node} {rest}"));
    event.node = Some(node.into());
    event
}

pub(crate) fn node_up(node: &str, run: Incarnation, clears: Option<EventKind>) -> Event {
    let mut event = about_node(EventKind::NodeUp, node, "up");
    event.incarnation = Some(run.0);
    event.clears = clears;
    event
}

pub(crate) fn node_down(verdict: &Verdict) -> Event {
    let cause = verdict.cause.unwrap_or(Cause::NodeDown);
    let words = if cause == Cause::Unreachable {
        "down: nothing answers on its only network"
    } else {
        "down: answers on no network, not even ping"
    };
    let mut event = about_node(EventKind::NodeDown, &verdict.culprit.node, words);
    event.cause = Some(cause);
    with_verdict(&mut event, verdict);
    event
}

/// A node is down, says a group's leader; the verdict is not known here.
pub(crate) fn node_removed(node: &str) -> Event {
    let mut event = about_node(EventKind::NodeDown, node, "down");
    event.cause = Some(Cause::NodeDown);
    event.confidence = Some(Confidence::Medium);
    event
}

pub(crate) fn daemon_down(node: &str, verdict: Option<&Verdict>) -> Event {
    let words = match verdict {
        Some(verdict) if verdict.observations.iter().any(|o| o.stalled) => {
            "hatsd stalled: its NIMs answer for it, it does not"
        }
        Some(_) => "hatsd down: the host answers ping, no hatsd answers",
        None => "hatsd down: it has been started anew",
    };
    let mut event = about_node(EventKind::DaemonDown, node, words);
    event.cause = Some(Cause::DaemonDown);
    if let Some(verdict) = verdict {
        with_verdict(&mut event, verdict);
    }
    event
}

/// The event of a verdict about a whole network.
pub(crate) fn about_network(verdict: &Verdict, name: impl Fn(&IpAddr) -> String) -> Event {
    let network = &verdict.network;
    let sets: Vec<String> = verdict
        .sides
        .iter()
        .map(|side| side.iter().map(&name).collect::<Vec<_>>().join(","))
        .collect();
    let (kind, words) = if verdict.kind == VerdictKind::Partition {
        (EventKind::NetworkPartitioned, format!("partitioned: {}", sets.join(" | ")))
    } else {
        (EventKind::NetworkFailed, "failed: nobody reaches anybody, the nodes live".to_string())
    };
    let mut event = Event::new(kind, format!("{network}: {words}"));
    event.network = Some(network.clone());
    event.sets = sets;
    with_verdict(&mut event, verdict);
    event
}

pub(crate) fn leader(network: &str, group: GroupId, members: &Members, roles: Roles) -> Event {
    let name = |address: IpAddr| members.get(address).map_or("", |m| m.node.as_str()).to_string();
    let leader = name(roles.leader);
    let successor = match roles.successor {
        Some(address) => format!("{} ({address}) succeeds", name(address)),
        None => "nobody succeeds".to_string(),
    };
    let text = format!("{network}: {leader} ({}) leads, {successor}", roles.leader);
    let mut event = Event::new(EventKind::NetworkLeader, text);
    event.network = Some(network.into());
    event.node = Some(leader.clone());
    event.adapter = members.get(roles.leader).map(|m| m.interface.clone());
    event.addr = Some(roles.leader);
    event.leader = Some((leader, roles.leader));
    event.successor = roles.successor.map(|address| (name(address), address));
    event.members = u32::try_from(members.len()).ok();
    event.instance = Some(group.instance);
    event
}

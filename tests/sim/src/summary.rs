//! Messages, commands, reports and events in a few words each.

use std::net::IpAddr;

use hats_core::event::Event;
use hats_wire::{
    CaseId, GroupId, Item, ItemBody, ItemKey, ItemVersion, Letter, Member, Message, Observation,
    Pair, Removal, decode,
    link::{Command, Report},
};

use crate::{host::Host, world::World};

/// Puts names where values have addresses.
pub(crate) struct Summary<'a>(pub(crate) &'a World);

impl Summary<'_> {
    pub(crate) fn datagram(&self, bytes: &[u8]) -> String {
        match decode(bytes) {
            Ok(frame) => self.message(&frame.message),
            Err(error) => format!("?? {} ({} bytes)", error.reason(), bytes.len()),
        }
    }

    pub(crate) fn message(&self, message: &Message) -> String {
        match message {
            Message::Heartbeat { sequence, group, stalled } => {
                format!(
                    "Heartbeat {sequence} in {}{}",
                    self.group(group),
                    flag(*stalled, " stalled")
                )
            }
            Message::Proclaim(it) => {
                format!(
                    "Proclaim {} size {} db {:04x}",
                    self.group(&it.group),
                    it.size,
                    it.database as u16
                )
            }
            Message::Join(it) => format!(
                "Join {} into {} [{}]{}",
                self.group(&it.group),
                self.group(&it.into),
                self.members(&it.members),
                self.pairs(&it.failed_paths)
            ),
            Message::Prepare(it) => format!(
                "Prepare {}{} [{}]{}{}",
                self.group(&it.group),
                it.base.map_or(String::new(), |base| format!(" after {}", self.group(&base))),
                self.members(&it.members),
                self.removed(&it.removed),
                self.pairs(&it.failed_paths)
            ),
            Message::PrepareAck { group, have } => {
                let have =
                    have.map_or(String::new(), |have| format!(" from {}", self.group(&have)));
                format!("PrepareAck {}{have}", self.group(group))
            }
            Message::Commit { group, absent, .. } => {
                let without = if absent.is_empty() { "" } else { " without " };
                format!("Commit {}{without}{}", self.group(group), self.names(absent))
            }
            Message::ListRequest { have } => format!("ListRequest have {}", self.group(have)),
            Message::List(it) => format!(
                "List {} [{}]{}{}",
                self.group(&it.group),
                self.members(&it.members),
                self.removed(&it.removed),
                self.pairs(&it.failed_paths)
            ),
            Message::Expelled { group, cause, verdict_id, members } => {
                let group = self.group(group);
                format!("Expelled from {group} [{}]: {cause} {verdict_id}", self.names(members))
            }
            Message::Leave { group } => format!("Leave {}", self.group(group)),
            Message::LeaveAck { group } => format!("LeaveAck {}", self.group(group)),
            Message::Goodbye { group } => format!("Goodbye {}", self.group(group)),
            Message::Probe { case, sequence, probe, .. } => {
                format!("Probe {}.{sequence} {}", probe_id(*probe), self.case(*case))
            }
            Message::ProbeReply { case, sequence, probe, stalled } => {
                format!(
                    "ProbeReply {}.{sequence} {}{}",
                    probe_id(*probe),
                    self.case(*case),
                    flag(*stalled, " stalled")
                )
            }
            Message::Relay { from, to, datagram } => format!(
                "Relay {} to {}: {}",
                self.0.name_of(*from),
                self.0.name_of(*to),
                self.datagram(datagram)
            ),
            Message::Chunk(it) => {
                format!("Chunk {}/{} of {} type {}", it.index + 1, it.count, it.message_id, it.kind)
            }
            Message::Envelope(it) => format!(
                "Envelope {} to {} about {} hops {}: {}",
                self.node(it.from.0),
                self.node(it.to.0),
                it.about,
                it.hops_left,
                self.letter(&it.letter)
            ),
            Message::Flood { items } => format!("Flood {}", join(items, |item| self.item(item))),
            Message::Summary(it) => format!(
                "Summary {}{}{}{}",
                join(&it.have, |version| self.version(version)),
                flag(!it.buckets.is_empty(), " by buckets"),
                flag(!it.covers.is_empty(), " of some buckets"),
                flag(it.answer_wanted, " answer wanted")
            ),
        }
    }

    fn letter(&self, letter: &Letter) -> String {
        match letter {
            Letter::ProbeRequest(it) => format!(
                "ProbeRequest {} {} misses {}",
                self.case(it.case.in_round(it.round)),
                it.reporter.node,
                it.suspect.node
            ),
            Letter::ProbeResult(it) => format!(
                "ProbeResult {}{} {}",
                self.case(it.case.in_round(it.round)),
                flag(it.abstains, " abstains"),
                join(&it.observations, observation)
            ),
            Letter::ProbeNotice(it) => format!(
                "ProbeNotice {} {} probes {}",
                self.case(it.case.in_round(it.round)),
                self.0.name_of(it.prober),
                self.0.name_of(it.target)
            ),
            Letter::ProbeSeen(it) => format!(
                "ProbeSeen {} {} saw {} of {}{}",
                self.case(it.case.in_round(it.round)),
                self.0.name_of(it.target),
                it.count,
                self.0.name_of(it.prober),
                it.fact.map_or(String::new(), |fact| format!(" fact {fact}"))
            ),
            Letter::Silent(it) => format!(
                "Silent {} {} misses {} in {} asked [{}] {}",
                it.case_name,
                it.reporter.node,
                it.suspect.node,
                self.group(&it.group),
                it.arbiters.join(" "),
                join(&it.observations, observation)
            ),
            Letter::SilentAck { case_name, verdict: None } => format!("SilentAck {case_name}"),
            Letter::SilentAck { case_name, verdict: Some(_) } => {
                format!("SilentAck {case_name} decided already")
            }
            Letter::PathRestored { network, .. } => format!("PathRestored {network}"),
        }
    }

    fn item(&self, item: &Item) -> String {
        let what = match &item.body {
            ItemBody::Node(it) => format!(
                "node {}{} [{}]",
                it.node,
                flag(it.leaving, " leaving"),
                join(&it.adapters, |adapter| {
                    let state = adapter.fault.map_or_else(
                        || adapter.group.map_or("-".to_owned(), |group| self.group(&group)),
                        |fault| fault.to_string(),
                    );
                    format!("{} {state}", adapter.network)
                })
            ),
            ItemBody::Group(it) => format!(
                "group {} {} [{}]{}",
                it.network,
                self.group(&it.group),
                self.members(&it.members),
                self.removed(&it.removed)
            ),
            ItemBody::Verdict(it) => format!(
                "verdict {} {} {} {}",
                it.id,
                it.kind.word(),
                it.culprit.node,
                it.cause.map_or("", |cause| cause.word())
            ),
        };
        format!("{what} v{}.{}", item.incarnation.0, item.sequence)
    }

    fn version(&self, version: &ItemVersion) -> String {
        let key = match &version.key {
            ItemKey::Node(id) => self.node(id.0),
            ItemKey::Group(network, leader) => format!("{network}:{}", self.0.name_of(*leader)),
            ItemKey::Verdict(id) => id.clone(),
        };
        format!("{key} v{}.{}", version.incarnation.0, version.sequence)
    }

    pub(crate) fn command(&self, command: &Command) -> String {
        match command {
            Command::Configure(it) => format!("Configure {} {}", it.interface, it.address),
            Command::Watch { group, feed, expect } => format!(
                "Watch {} feed [{}] expect [{}]",
                self.group(group),
                self.names(feed),
                self.names(expect)
            ),
            Command::Send { to, datagram } => format!(
                "Send {}: {}",
                to.map_or("all".to_owned(), |to| self.0.name_of(to)),
                self.datagram(datagram)
            ),
            Command::StartProbe(it) => format!(
                "StartProbe {} {} {} x{}{}{}{}",
                probe_id(it.id),
                self.case(it.case),
                self.0.name_of(it.target),
                it.count,
                flag(it.icmp, " icmp"),
                flag(it.icmp_only, " only"),
                flag(it.until_answered, " until answered")
            ),
            Command::Lease { duration_ns } => format!("Lease {} ms", duration_ns / 1_000_000),
            Command::Shutdown => "Shutdown".to_owned(),
        }
    }

    pub(crate) fn report(&self, report: &Report) -> String {
        match report {
            Report::Ready { pid, .. } => format!("Ready pid {pid}"),
            Report::Link(it) => {
                format!("Link carrier {} address {} open {}", it.carrier, it.address, it.open)
            }
            Report::Received { from, to_group, datagram, .. } => format!(
                "Received {}{}: {}",
                self.0.name_of(*from),
                flag(*to_group, " to all"),
                self.datagram(datagram)
            ),
            Report::Neighbour(it) => format!(
                "Neighbour {} {} missed {}{}{}",
                self.0.name_of(it.address),
                it.state.word(),
                it.missed,
                flag(it.stalled, " stalled"),
                flag(it.steady, " steady")
            ),
            Report::Stranger { from, group, incarnation, .. } => format!(
                "Stranger {} in {} run {}",
                self.0.name_of(*from),
                self.group(group),
                incarnation.0
            ),
            Report::ProbeSeen { from, case, sequence, .. } => {
                format!("ProbeSeen {} {} .{sequence}", self.0.name_of(*from), self.case(*case))
            }
            Report::ProbeDone(it) => format!(
                "ProbeDone {} {}/{} icmp {}/{} heard {} rtt {} us",
                probe_id(it.id),
                it.received,
                it.sent,
                it.icmp_received,
                it.icmp_sent,
                it.heard,
                it.rtt_ns / 1_000
            ),
            Report::Statistics(it) => format!("Statistics sent {} got {}", it.sent, it.received),
            Report::Taken { mac, .. } => format!("Taken {mac:02x?}"),
            Report::Overheard { address, .. } => {
                format!("Overheard {}", self.0.name_of(*address))
            }
            Report::Late { lateness_ns, .. } => format!("Late {} ms", lateness_ns / 1_000_000),
        }
    }

    pub(crate) fn event(&self, event: &Event) -> String {
        let mut words = vec![event.kind.name().to_owned()];
        words.extend(event.node.as_ref().map(|node| match &event.network {
            Some(network) => format!("{node}/{network}"),
            None => node.clone(),
        }));
        if event.node.is_none() {
            words.extend(event.network.clone());
        }
        words.extend(event.peer_node.as_ref().map(|peer| format!("- {peer}")));
        words.extend(event.cause.map(|cause| cause.to_string()));
        words.extend(event.direction.map(|direction| direction.word().to_owned()));
        words.extend(event.clears.map(|kind| format!("clears {}", kind.name())));
        if event.authority {
            words.push("(authority)".to_owned());
        }
        format!("{}: {}", words.join(" "), event.msg)
    }

    /// `n5#9`: instance 9 of the group that n5 leads.
    pub(crate) fn group(&self, group: &GroupId) -> String {
        format!("{}#{}", self.0.name_of(group.leader), group.instance)
    }

    /// `n1:3.2`: the third case of the reporter n1, in its second round; the
    /// patrol's probes belong to none.
    fn case(&self, case: CaseId) -> String {
        if case.0 == 0 {
            return "patrol".to_owned();
        }
        let of_reporter =
            |host: &&Host| CaseId::new(host.config.node_id, 0).0 >> 32 == case.0 >> 32;
        let reporter = self.0.hosts.iter().find(of_reporter);
        let reporter = reporter.map_or("?", |host| host.name());
        // The upper bits of the number tell runs of the daemon apart.
        format!("{reporter}:{}.{}", case.0 >> 8 & 0x3ff, case.0 & 0xff)
    }

    pub(crate) fn names(&self, addresses: &[IpAddr]) -> String {
        join(addresses, |address| self.0.name_of(*address))
    }

    fn members(&self, members: &[Member]) -> String {
        join(members, |member| member.node.clone())
    }

    fn removed(&self, removed: &[Removal]) -> String {
        if removed.is_empty() {
            return String::new();
        }
        let list = join(removed, |removal| format!("{} {}", removal.member.node, removal.cause));
        format!(" removed [{list}]")
    }

    fn pairs(&self, pairs: &[Pair]) -> String {
        if pairs.is_empty() {
            return String::new();
        }
        let name = |address| self.0.name_of(address);
        format!(
            " around [{}]",
            join(pairs, |pair| format!("{}-{}", name(pair.low()), name(pair.high())))
        )
    }

    fn node(&self, id: u64) -> String {
        let named = self.0.hosts.iter().find(|host| host.config.node_id.0 == id);
        named.map_or_else(|| format!("{id:x}"), |host| host.name().to_owned())
    }
}

/// The evidence of a verdict.
pub(crate) fn observations(all: &[Observation]) -> String {
    join(all, |it| format!("{}{}", it.network, observation(it)))
}

/// `n1>n3 3/3`: n1 asked n3 thrice and got three answers.
fn observation(it: &Observation) -> String {
    let some = |what: &str, value: Option<String>| {
        value.map_or(String::new(), |value| format!(" {what} {value}"))
    };
    format!(
        "({}>{} {}/{} heard {}{}{}{}{})",
        it.prober,
        it.target,
        it.received,
        it.sent,
        it.heard_from_target,
        some("seen", it.seen_by_target.map(|seen| seen.to_string())),
        some("icmp", it.icmp.map(|icmp| icmp.to_string())),
        some("elsewhere", it.elsewhere.map(|elsewhere| elsewhere.to_string())),
        some("fact", it.fact.map(|fact| fact.to_string())),
    )
}

/// Probes of a round are counted from 1, those of the patrol from `p0`.
fn probe_id(id: u64) -> String {
    const PATROL: u64 = 1 << 62;
    if id < PATROL { id.to_string() } else { format!("p{}", id - PATROL) }
}

fn flag(on: bool, word: &str) -> &str {
    if on { word } else { "" }
}

fn join<T>(items: &[T], word: impl Fn(&T) -> String) -> String {
    items.iter().map(word).collect::<Vec<_>>().join(" ")
}

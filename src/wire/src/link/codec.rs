//! Commands and reports to frames and back.

use alloc::vec::Vec;
use core::net::IpAddr;

use hats_proto::nim as pb;
use prost::Message as _;

use super::{
    Command, Configure, Heard, Link, LinkError, Measured, Mode, Neighbour, NeighbourState,
    ProbeDone, Report, StartProbe, Statistics,
};
use crate::{CaseId, GroupId, Incarnation, NodeId, address};

/// One command as a frame, its length in front.
pub fn encode_command(command: &Command) -> Vec<u8> {
    let body = match command {
        Command::Configure(configure) => pb::command::Body::Configure(put_configure(configure)),
        Command::Watch { group, feed, expect } => pb::command::Body::Watch(pb::Watch {
            group: Some(put_group(group)),
            feed: feed.iter().copied().map(address::to_bytes).collect(),
            expect: expect.iter().copied().map(address::to_bytes).collect(),
        }),
        Command::Send { to, datagram } => {
            pb::command::Body::Send(pb::Send { to: put_optional(*to), datagram: datagram.clone() })
        }
        Command::StartProbe(probe) => pb::command::Body::StartProbe(pb::StartProbe {
            id: probe.id,
            case_id: probe.case.0,
            target: address::to_bytes(probe.target),
            count: probe.count,
            interval_ns: probe.interval_ns,
            timeout_ns: probe.timeout_ns,
            icmp: probe.icmp,
            icmp_only: probe.icmp_only,
            size: probe.size,
            until_answered: probe.until_answered,
        }),
        Command::Lease { duration_ns } => {
            pb::command::Body::Lease(pb::Lease { duration_ns: *duration_ns })
        }
        Command::Shutdown => pb::command::Body::Shutdown(pb::Shutdown {}),
    };
    pb::Command { body: Some(body) }.encode_length_delimited_to_vec()
}

/// The command in one frame of [`Frames`](super::Frames).
pub fn decode_command(frame: &[u8]) -> Result<Command, LinkError> {
    let command =
        pb::Command::decode(frame).map_err(|_| LinkError::Malformed { expected: "command" })?;
    Ok(match required(command.body, "command.body")? {
        pb::command::Body::Configure(configure) => Command::Configure(get_configure(configure)?),
        pb::command::Body::Watch(watch) => Command::Watch {
            group: get_group(watch.group, "watch.group")?,
            feed: get_addresses(&watch.feed, "watch.feed")?,
            expect: get_addresses(&watch.expect, "watch.expect")?,
        },
        pb::command::Body::Send(send) => {
            Command::Send { to: get_optional(&send.to, "send.to")?, datagram: send.datagram }
        }
        pb::command::Body::StartProbe(probe) => Command::StartProbe(StartProbe {
            id: probe.id,
            case: CaseId(probe.case_id),
            target: get_address(&probe.target, "start_probe.target")?,
            count: probe.count,
            interval_ns: probe.interval_ns,
            timeout_ns: probe.timeout_ns,
            icmp: probe.icmp,
            icmp_only: probe.icmp_only,
            size: probe.size,
            until_answered: probe.until_answered,
        }),
        pb::command::Body::Lease(lease) => Command::Lease { duration_ns: lease.duration_ns },
        pb::command::Body::Shutdown(pb::Shutdown {}) => Command::Shutdown,
    })
}

/// One report as a frame, its length in front.
pub fn encode_report(report: &Report) -> Vec<u8> {
    pb::Report { body: Some(put_report(report)) }.encode_length_delimited_to_vec()
}

fn put_report(report: &Report) -> pb::report::Body {
    match report {
        Report::Ready { pid, version, realtime, memory_locked, icmp, warnings } => {
            pb::report::Body::Ready(pb::Ready {
                pid: *pid,
                version: version.clone(),
                realtime: *realtime,
                memory_locked: *memory_locked,
                icmp: *icmp,
                warnings: warnings.clone(),
            })
        }
        Report::Link(link) => pb::report::Body::Link(put_link(link)),
        Report::Received { at_ns, from, to_group, datagram } => {
            pb::report::Body::Received(pb::Received {
                at_ns: *at_ns,
                from: address::to_bytes(*from),
                to_group: *to_group,
                datagram: datagram.clone(),
            })
        }
        Report::Taken { at_ns, mac } => {
            pb::report::Body::Taken(pb::Taken { at_ns: *at_ns, mac: mac.clone() })
        }
        Report::Overheard { at_ns, address, mac } => pb::report::Body::Overheard(pb::Overheard {
            at_ns: *at_ns,
            address: address::to_bytes(*address),
            mac: mac.clone(),
        }),
        Report::Neighbour(neighbour) => pb::report::Body::Neighbour(pb::Neighbour {
            at_ns: neighbour.at_ns,
            address: address::to_bytes(neighbour.address),
            state: put_state(neighbour.state).into(),
            last_heard_ns: neighbour.last_heard_ns,
            missed: neighbour.missed,
            stalled: neighbour.stalled,
            steady: neighbour.steady,
        }),
        Report::Stranger { at_ns, from, group, node_id, incarnation, stalled } => {
            pb::report::Body::Stranger(pb::Stranger {
                at_ns: *at_ns,
                from: address::to_bytes(*from),
                group: Some(put_group(group)),
                node_id: node_id.0,
                incarnation: incarnation.0,
                stalled: *stalled,
            })
        }
        Report::ProbeSeen { at_ns, from, case, sequence, node_id } => {
            pb::report::Body::ProbeSeen(pb::ProbeSeen {
                at_ns: *at_ns,
                from: address::to_bytes(*from),
                case_id: case.0,
                sequence: *sequence,
                node_id: node_id.0,
            })
        }
        Report::ProbeDone(done) => pb::report::Body::ProbeDone(put_probe_done(done)),
        Report::Statistics(statistics) => pb::report::Body::Statistics(put_statistics(statistics)),
        Report::Late { at_ns, lateness_ns } => {
            pb::report::Body::Late(pb::Late { at_ns: *at_ns, lateness_ns: *lateness_ns })
        }
    }
}

/// The report in one frame of [`Frames`](super::Frames).
pub fn decode_report(frame: &[u8]) -> Result<Report, LinkError> {
    let report =
        pb::Report::decode(frame).map_err(|_| LinkError::Malformed { expected: "report" })?;
    Ok(match required(report.body, "report.body")? {
        pb::report::Body::Ready(ready) => Report::Ready {
            pid: ready.pid,
            version: ready.version,
            realtime: ready.realtime,
            memory_locked: ready.memory_locked,
            icmp: ready.icmp,
            warnings: ready.warnings,
        },
        pb::report::Body::Link(link) => Report::Link(get_link(link)),
        pb::report::Body::Received(received) => Report::Received {
            at_ns: received.at_ns,
            from: get_address(&received.from, "received.from")?,
            to_group: received.to_group,
            datagram: received.datagram,
        },
        pb::report::Body::Taken(taken) => Report::Taken { at_ns: taken.at_ns, mac: taken.mac },
        pb::report::Body::Overheard(overheard) => Report::Overheard {
            at_ns: overheard.at_ns,
            address: get_address(&overheard.address, "overheard.address")?,
            mac: overheard.mac,
        },
        pb::report::Body::Neighbour(neighbour) => Report::Neighbour(Neighbour {
            at_ns: neighbour.at_ns,
            address: get_address(&neighbour.address, "neighbour.address")?,
            state: get_state(neighbour.state, "neighbour.state")?,
            last_heard_ns: neighbour.last_heard_ns,
            missed: neighbour.missed,
            stalled: neighbour.stalled,
            steady: neighbour.steady,
        }),
        pb::report::Body::Stranger(stranger) => Report::Stranger {
            at_ns: stranger.at_ns,
            from: get_address(&stranger.from, "stranger.from")?,
            group: get_group(stranger.group, "stranger.group")?,
            node_id: NodeId(stranger.node_id),
            incarnation: Incarnation(stranger.incarnation),
            stalled: stranger.stalled,
        },
        pb::report::Body::ProbeSeen(seen) => Report::ProbeSeen {
            at_ns: seen.at_ns,
            from: get_address(&seen.from, "probe_seen.from")?,
            case: CaseId(seen.case_id),
            sequence: seen.sequence,
            node_id: NodeId(seen.node_id),
        },
        pb::report::Body::ProbeDone(done) => Report::ProbeDone(get_probe_done(&done)),
        pb::report::Body::Statistics(statistics) => Report::Statistics(get_statistics(statistics)?),
        pb::report::Body::Late(late) => {
            Report::Late { at_ns: late.at_ns, lateness_ns: late.lateness_ns }
        }
    })
}

fn put_configure(configure: &Configure) -> pb::Configure {
    let mode = match configure.mode {
        Mode::Multicast => pb::Mode::Multicast,
        Mode::Broadcast => pb::Mode::Broadcast,
        Mode::Unicast => pb::Mode::Unicast,
    };
    pb::Configure {
        interface: configure.interface.clone(),
        address: address::to_bytes(configure.address),
        prefix_length: configure.prefix_length.into(),
        mode: mode.into(),
        group: put_optional(configure.group),
        port: configure.port.into(),
        node_id: configure.node_id.0,
        incarnation: configure.incarnation.0,
        cluster_tag: configure.cluster,
        heartbeat_interval_ns: configure.heartbeat_interval_ns,
        sensitivity: configure.sensitivity,
        realtime_priority: configure.realtime_priority.into(),
        lock_memory: configure.lock_memory,
    }
}

fn get_configure(configure: pb::Configure) -> Result<Configure, LinkError> {
    let bad = |field| LinkError::BadField { field };
    let mode = match pb::Mode::try_from(configure.mode) {
        Ok(pb::Mode::Multicast) => Mode::Multicast,
        Ok(pb::Mode::Broadcast) => Mode::Broadcast,
        Ok(pb::Mode::Unicast) => Mode::Unicast,
        Ok(pb::Mode::Unspecified) | Err(_) => return Err(bad("configure.mode")),
    };
    let address = get_address(&configure.address, "configure.address")?;
    let prefix_max = if address.is_ipv4() { 32 } else { 128 };
    let group = get_optional(&configure.group, "configure.group")?;
    let group_fits = match (mode, group) {
        (Mode::Multicast, Some(to)) => to.is_multicast() && to.is_ipv4() == address.is_ipv4(),
        (Mode::Broadcast, Some(to)) => to.is_ipv4() && address.is_ipv4(),
        (Mode::Unicast, None) => true,
        (Mode::Multicast | Mode::Broadcast, None) | (Mode::Unicast, Some(_)) => false,
    };
    if !group_fits {
        return Err(bad("configure.group"));
    }
    let prefix_length = u8::try_from(configure.prefix_length).ok().filter(|len| *len <= prefix_max);
    let priority = u8::try_from(configure.realtime_priority).ok().filter(|at| *at <= 99);
    if configure.heartbeat_interval_ns == 0 {
        return Err(bad("configure.heartbeat_interval_ns"));
    }
    Ok(Configure {
        interface: configure.interface,
        address,
        prefix_length: required(prefix_length, "configure.prefix_length")?,
        mode,
        group,
        port: u16::try_from(configure.port).map_err(|_| bad("configure.port"))?,
        node_id: NodeId(configure.node_id),
        incarnation: Incarnation(configure.incarnation),
        cluster: configure.cluster_tag,
        heartbeat_interval_ns: configure.heartbeat_interval_ns,
        sensitivity: configure.sensitivity,
        realtime_priority: required(priority, "configure.realtime_priority")?,
        lock_memory: configure.lock_memory,
    })
}

fn put_link(link: &Link) -> pb::Link {
    pb::Link {
        at_ns: link.at_ns,
        present: link.present,
        ifindex: link.ifindex,
        admin_up: link.admin_up,
        carrier: link.carrier,
        address: link.address,
        address_duplicate: link.address_duplicate,
        open: link.open,
        mac: link.mac.clone(),
        mtu: link.mtu,
        error: link.error.clone(),
    }
}

fn get_link(link: pb::Link) -> Link {
    Link {
        at_ns: link.at_ns,
        present: link.present,
        ifindex: link.ifindex,
        admin_up: link.admin_up,
        carrier: link.carrier,
        address: link.address,
        address_duplicate: link.address_duplicate,
        open: link.open,
        mac: link.mac,
        mtu: link.mtu,
        error: link.error,
    }
}

fn put_probe_done(done: &ProbeDone) -> pb::ProbeDone {
    pb::ProbeDone {
        id: done.id,
        at_ns: done.at_ns,
        sent: done.sent,
        received: done.received,
        rtt_ns: done.rtt_ns,
        icmp_sent: done.icmp_sent,
        icmp_received: done.icmp_received,
        stalled: done.stalled,
        heard: done.heard,
    }
}

fn get_probe_done(done: &pb::ProbeDone) -> ProbeDone {
    ProbeDone {
        id: done.id,
        at_ns: done.at_ns,
        sent: done.sent,
        received: done.received,
        rtt_ns: done.rtt_ns,
        icmp_sent: done.icmp_sent,
        icmp_received: done.icmp_received,
        stalled: done.stalled,
        heard: done.heard,
    }
}

fn put_statistics(statistics: &Statistics) -> pb::Statistics {
    pb::Statistics {
        sent: statistics.sent,
        received: statistics.received,
        send_errors: statistics.send_errors,
        heartbeats_sent: statistics.heartbeats_sent,
        heartbeats_received: statistics.heartbeats_received,
        heartbeats_missed: statistics.heartbeats_missed,
        rejected: statistics
            .rejected
            .iter()
            .map(|(reason, count)| pb::Rejected { reason: reason.clone(), count: *count })
            .collect(),
        lateness_max_ns: statistics.lateness_max_ns,
        heard: statistics
            .heard
            .iter()
            .map(|heard| pb::Heard {
                address: address::to_bytes(heard.address),
                last_heard_ns: heard.last_heard_ns,
                gap_max_ns: heard.gap_max_ns,
                missed: heard.missed,
                state: put_state(heard.state).into(),
                since_ns: heard.measured.since_ns,
                beats: heard.measured.beats,
                lost: heard.measured.lost,
                lost_run_max: heard.measured.lost_run_max,
                late_max_ns: heard.measured.late_max_ns,
                late: heard.measured.late.clone(),
            })
            .collect(),
    }
}

fn get_statistics(statistics: pb::Statistics) -> Result<Statistics, LinkError> {
    let heard = |heard: pb::Heard| {
        Ok(Heard {
            address: get_address(&heard.address, "heard.address")?,
            last_heard_ns: heard.last_heard_ns,
            gap_max_ns: heard.gap_max_ns,
            missed: heard.missed,
            state: get_state(heard.state, "heard.state")?,
            measured: Measured {
                since_ns: heard.since_ns,
                beats: heard.beats,
                lost: heard.lost,
                lost_run_max: heard.lost_run_max,
                late_max_ns: heard.late_max_ns,
                late: heard.late,
            },
        })
    };
    Ok(Statistics {
        sent: statistics.sent,
        received: statistics.received,
        send_errors: statistics.send_errors,
        heartbeats_sent: statistics.heartbeats_sent,
        heartbeats_received: statistics.heartbeats_received,
        heartbeats_missed: statistics.heartbeats_missed,
        rejected: statistics.rejected.into_iter().map(|one| (one.reason, one.count)).collect(),
        lateness_max_ns: statistics.lateness_max_ns,
        heard: statistics.heard.into_iter().map(heard).collect::<Result<_, _>>()?,
    })
}

fn put_state(state: NeighbourState) -> pb::NeighbourState {
    match state {
        NeighbourState::Waiting => pb::NeighbourState::Waiting,
        NeighbourState::Fresh => pb::NeighbourState::Fresh,
        NeighbourState::Late => pb::NeighbourState::Late,
        NeighbourState::Silent => pb::NeighbourState::Silent,
    }
}

fn get_state(number: i32, field: &'static str) -> Result<NeighbourState, LinkError> {
    match pb::NeighbourState::try_from(number) {
        Ok(pb::NeighbourState::Waiting) => Ok(NeighbourState::Waiting),
        Ok(pb::NeighbourState::Fresh) => Ok(NeighbourState::Fresh),
        Ok(pb::NeighbourState::Late) => Ok(NeighbourState::Late),
        Ok(pb::NeighbourState::Silent) => Ok(NeighbourState::Silent),
        Ok(pb::NeighbourState::Unspecified) | Err(_) => Err(LinkError::BadField { field }),
    }
}

fn put_group(group: &GroupId) -> pb::GroupId {
    pb::GroupId { leader: address::to_bytes(group.leader), instance: group.instance }
}

fn get_group(group: Option<pb::GroupId>, field: &'static str) -> Result<GroupId, LinkError> {
    let group = required(group, field)?;
    Ok(GroupId { instance: group.instance, leader: get_address(&group.leader, field)? })
}

fn get_address(bytes: &[u8], field: &'static str) -> Result<IpAddr, LinkError> {
    required(address::from_bytes(bytes), field)
}

fn get_addresses(all: &[Vec<u8>], field: &'static str) -> Result<Vec<IpAddr>, LinkError> {
    all.iter().map(|bytes| get_address(bytes, field)).collect()
}

fn put_optional(address: Option<IpAddr>) -> Vec<u8> {
    address.map(address::to_bytes).unwrap_or_default()
}

fn get_optional(bytes: &[u8], field: &'static str) -> Result<Option<IpAddr>, LinkError> {
    if bytes.is_empty() { Ok(None) } else { get_address(bytes, field).map(Some) }
}

fn required<T>(value: Option<T>, field: &'static str) -> Result<T, LinkError> {
    value.ok_or(LinkError::BadField { field })
}

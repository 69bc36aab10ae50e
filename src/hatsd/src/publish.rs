//! From what the core says to what the log and the subscribers get: time,
//! order and observer are added here, nothing else.

use std::net::IpAddr;

use hats_core::{event::Event, time::Timestamp};
use hats_proto::ipc;

/// Numbers and stamps events: one per daemon, so that the numbers have no gaps.
#[derive(Debug)]
pub(crate) struct Publisher {
    cluster: String,
    observer: String,
    epoch: u64,
    next_seq: u64,
}

impl Publisher {
    /// For this run of this node's daemon.
    pub(crate) fn new(cluster: &str, observer: &str, epoch: u64) -> Self {
        Publisher { cluster: cluster.to_owned(), observer: observer.to_owned(), epoch, next_seq: 1 }
    }

    /// Identifies this run; sequence numbers are valid within it.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The number the next event will have.
    pub(crate) fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// The event as the world gets it.
    pub(crate) fn stamp(&mut self, event: Event, now: Timestamp, wall: &str) -> ipc::Event {
        let seq = self.next_seq;
        self.next_seq += 1;
        let text = |address: IpAddr| address.to_string();
        let (leader, leader_addr) = event.leader.unzip();
        let (successor, successor_addr) = event.successor.unzip();
        ipc::Event {
            ts: wall.to_owned(),
            mono_ns: now.0,
            level: event.kind.level().word().to_owned(),
            code: event.kind.code().to_owned(),
            event: event.kind.name().to_owned(),
            cluster: self.cluster.clone(),
            node: event.node,
            network: event.network,
            adapter: event.adapter,
            addr: event.addr.map(text),
            cause: event.cause.map(|cause| cause.word().to_owned()),
            confidence: event.confidence.map(|confidence| confidence.word().to_owned()),
            verdict_id: event.verdict_id,
            reporter: event.reporter,
            arbiters: event.arbiters,
            peer_node: event.peer_node,
            peer_network: event.peer_network,
            peer_adapter: event.peer_adapter,
            peer_addr: event.peer_addr.map(text),
            mac: event.mac,
            peer_mac: event.peer_mac,
            loss_in: event.loss_in,
            loss_out: event.loss_out,
            mtu: event.mtu,
            direction: event.direction.map(|direction| direction.word().to_owned()),
            leader,
            leader_addr: leader_addr.map(text),
            successor,
            successor_addr: successor_addr.map(text),
            members: event.members,
            instance: event.instance,
            sets: event.sets,
            clears: event.clears.map(|kind| kind.code().to_owned()),
            missing: event.missing,
            hint: event.hint,
            late_ms: event.late_ms,
            count: event.count,
            pid: event.pid,
            incarnation: event.incarnation,
            version: event.version,
            authority: event.authority,
            maintenance: false,
            observer: self.observer.clone(),
            epoch: self.epoch,
            seq,
            msg: event.msg,
        }
    }
}

/// RFC 3339 in UTC with milliseconds.
pub(crate) fn wall_clock(at: jiff::Timestamp) -> String {
    format!("{at:.3}")
}

#[cfg(test)]
mod tests {
    use hats_core::event::EventKind;

    use super::*;

    #[test]
    fn events_are_numbered_from_one_without_gaps() {
        let mut publisher = Publisher::new("atc", "n1", 77);
        for seq in 1..=3 {
            assert_eq!(publisher.next_seq(), seq);
            let event = Event::new(EventKind::Alive, "alive".to_owned());
            let stamped = publisher.stamp(event, Timestamp(5), "2026-11-22T12:04:07.331Z");
            assert_eq!((stamped.epoch, stamped.seq, stamped.mono_ns), (77, seq, 5));
        }
    }

    #[test]
    fn the_json_line_has_the_names_of_the_protocol_and_no_absent_fields() {
        let mut publisher = Publisher::new("atc", "n2", 9);
        let mut event = Event::new(EventKind::AdapterDown, "neta: eth0 of n3 down".to_owned());
        event.node = Some("n3".to_owned());
        event.addr = Some("10.77.1.3".parse().unwrap());
        event.cause = Some(hats_wire::Cause::Transmit);
        let stamped = publisher.stamp(event, Timestamp(1), "2026-11-22T12:04:07.331Z");
        let line = serde_json::to_string(&stamped).unwrap();
        for part in [
            r#""ts":"2026-11-22T12:04:07.331Z""#,
            r#""level":"error","code":"HATS-2103","event":"adapter.down""#,
            r#""addr":"10.77.1.3","cause":"transmit""#,
            r#""authority":false"#,
            r#""observer":"n2","epoch":9,"seq":1"#,
        ] {
            assert!(line.contains(part), "{part} not in {line}");
        }
        assert!(!line.contains("null") && !line.contains("peer_node"), "{line}");
    }

    #[test]
    fn wall_clock_has_milliseconds_in_utc() {
        let at = jiff::Timestamp::from_millisecond(1_795_432_000_007).unwrap();
        assert_eq!(wall_clock(at), "2026-11-23T11:06:40.007Z");
    }
}

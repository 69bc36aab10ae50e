//! What a NIM does with a datagram.

use alloc::vec::Vec;
use core::net::IpAddr;

use hats_wire::{Frame, Header, Message, decode, encode, link::Report};

use super::{
    Machine,
    probes::Answer,
    strangers::{Judgement, Said},
};

impl Machine {
    /// Sorts one datagram: heartbeats and probes are ours, the rest is the
    /// daemon's. Whatever is refused is counted by reason.
    pub(super) fn datagram(&mut self, from: IpAddr, to_group: bool, bytes: Vec<u8>) {
        self.counters.total.received += 1;
        let Frame { header, message } = match decode(&bytes) {
            Ok(frame) => frame,
            Err(error) => return self.counters.reject(error.reason(), 1),
        };
        if header.cluster != self.config.cluster {
            self.counters.reject("foreign_cluster", 1);
            // Its Proclaim lets the daemon name it; its heartbeats would only be noise.
            if !is_nims(&message) {
                self.ask_for(from);
                self.pass_on(from, to_group, bytes);
            }
            return;
        }
        if from == self.config.address && header.node_id == self.config.node_id {
            return self.counters.reject("own", 1);
        }
        self.probes.heard(from);
        // A NIM answers probes for as long as it runs: with its daemon hung it sends no
        // heartbeats to neighbours that it has not been told of, and answers must not
        // make up for them.
        if !matches!(message, Message::ProbeReply { stalled: true, .. }) {
            self.neighbour_heard(from);
        }
        match message {
            Message::Heartbeat { sequence, group, stalled } => {
                let Header { node_id, incarnation, .. } = header;
                let interval = self.interval();
                self.neighbours.beat(from, (incarnation, sequence), interval, self.now);
                self.heartbeat(from, Said { group, node_id, incarnation, stalled });
            }
            Message::Probe { case, sequence, probe, .. } => {
                let stalled = self.lease.is_stalled(self.now);
                let reply = Message::ProbeReply { case, sequence, probe, stalled };
                let bytes = encode(&self.header(), &reply);
                self.transmit(Some(from), bytes);
                let (at_ns, node_id) = (self.now.0, header.node_id);
                self.report(Report::ProbeSeen { at_ns, from, case, sequence, node_id });
            }
            Message::ProbeReply { sequence, probe, stalled, .. } => {
                let (answer, linger) = ((probe, sequence), self.linger());
                match self.probes.reply(from, answer, stalled, self.now, linger) {
                    Answer::Counts => {}
                    Answer::Late(done) => self.report(Report::ProbeDone(done)),
                    Answer::Unasked => self.counters.reject("probe_reply_unasked", 1),
                }
            }
            Message::Proclaim(_)
            | Message::Join(_)
            | Message::Prepare(_)
            | Message::PrepareAck { .. }
            | Message::Commit { .. }
            | Message::ListRequest { .. }
            | Message::List(_)
            | Message::Expelled { .. }
            | Message::Leave { .. }
            | Message::LeaveAck { .. }
            | Message::Goodbye { .. }
            | Message::Relay { .. }
            | Message::Chunk(_)
            | Message::Envelope(_)
            | Message::Flood { .. }
            | Message::Summary(_) => self.pass_on(from, to_group, bytes),
        }
    }

    /// A leader made itself known to everybody on the wire. Those of this network
    /// have said so to its group.
    pub(super) fn announced(&mut self, from: IpAddr, bytes: &[u8]) {
        let subnet = (self.config.address, self.config.prefix_length);
        match decode(bytes) {
            Ok(Frame { header, message: Message::Proclaim(_) }) => {
                if header.cluster == self.config.cluster && !is_within(from, subnet) {
                    let at_ns = self.now.0;
                    self.report(Report::Overheard { at_ns, address: from, mac: Vec::new() });
                }
            }
            // Nothing else is said to everybody.
            Ok(_) => self.counters.reject("announced", 1),
            Err(error) => self.counters.reject(error.reason(), 1),
        }
    }

    fn neighbour_heard(&mut self, from: IpAddr) {
        if let Some(report) = self.neighbours.heard(from, self.now) {
            self.counters.total.heartbeats_missed += report.missed;
            self.report(Report::Neighbour(report));
        }
    }

    fn pass_on(&mut self, from: IpAddr, to_group: bool, datagram: Vec<u8>) {
        self.report(Report::Received { at_ns: self.now.0, from, to_group, datagram });
    }

    fn heartbeat(&mut self, from: IpAddr, said: Said) {
        self.counters.total.heartbeats_received += 1;
        self.neighbours.set_stalled(from, said.stalled);
        let fits = self.neighbours.is_watched(from) && self.group == Some(said.group);
        match self.strangers.judge(from, said, fits, self.now) {
            Judgement::Known => {}
            Judgement::TooMany => self.counters.reject("strangers", 1),
            Judgement::Tell => {
                let Said { group, node_id, incarnation, stalled } = said;
                let at_ns = self.now.0;
                self.report(Report::Stranger { at_ns, from, group, node_id, incarnation, stalled });
            }
        }
    }
}

/// Whether an address belongs to the subnet of another one.
pub(crate) fn is_within(address: IpAddr, (other, length): (IpAddr, u8)) -> bool {
    let shift = |bits: u32| bits.saturating_sub(length.into());
    let above = |a: u128, b: u128, shift: u32| a.checked_shr(shift) == b.checked_shr(shift);
    match (address, other) {
        (IpAddr::V4(a), IpAddr::V4(b)) => {
            above(u32::from(a).into(), u32::from(b).into(), shift(32))
        }
        (IpAddr::V6(a), IpAddr::V6(b)) => above(a.into(), b.into(), shift(128)),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
    }
}

/// Whether a message is between NIMs only.
fn is_nims(message: &Message) -> bool {
    matches!(
        message,
        Message::Heartbeat { .. } | Message::Probe { .. } | Message::ProbeReply { .. }
    )
}

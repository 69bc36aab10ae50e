//! The decisions of a NIM: when to beat, who is late, what to answer, what the
//! daemon is told.
//!
//! Owns the clockwork of one adapter. It opens no socket and reads no clock: the
//! shell (hats-nim, or the simulator) feeds it [`Input`]s with one `now` per
//! wake-up, does the [`Effect`]s, and wakes it at [`Machine::next_deadline`].
//! What the daemon is for (groups, verdicts) passes through uninspected.

mod claims;
mod counters;
mod inbound;
mod lease;
mod neighbours;
mod probes;
mod strangers;

use alloc::{
    collections::{BTreeSet, VecDeque},
    vec::Vec,
};
use core::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use hats_wire::{
    GroupId, Header, Message, encode,
    link::{Command, Configure, Link, Report, everybody},
};

pub use self::claims::Mac;
pub(crate) use self::inbound::is_within;
use self::{
    counters::Counters, lease::Lease, neighbours::Neighbours, probes::Probes, strangers::Strangers,
};
use crate::{
    sizes::{Each, MEMBERS_MAX, Size},
    time::{Timestamp, nanos},
};

/// What a timer is late by is no lateness.
const TIMER_SLACK: Duration = Duration::from_millis(1);
/// Lateness that the daemon is told about, if it is more than half an interval.
const LATENESS_TOLD: Duration = Duration::from_millis(20);

/// What happened to a NIM.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Input {
    /// hatsd said something.
    Command(Command),
    /// A datagram arrived on the adapter.
    Datagram {
        /// From whom.
        from: IpAddr,
        /// It came to the multicast group or broadcast address.
        to_group: bool,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// A datagram arrived that was sent to all hosts on the wire.
    Announced {
        /// From whom.
        from: IpAddr,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// An answer to an [`Effect::Echo`].
    EchoReply {
        /// From whom.
        from: IpAddr,
        /// The number in it.
        sequence: u16,
    },
    /// A host said by ARP that it has an address, or asked for one.
    Arp {
        /// Its hardware address.
        mac: Mac,
        /// Its address; 0.0.0.0 of one that asks whether it can have `target`.
        sender: Ipv4Addr,
        /// Whom it asks for, or answers.
        target: Ipv4Addr,
        /// It asks.
        asks: bool,
    },
    /// Whether ARP can be heard and sent; no until said otherwise.
    ArpAvailable(bool),
    /// Whether ICMP echoes can be sent; yes until said otherwise.
    EchoAvailable(bool),
    /// The adapter's state, at start and after each change.
    LinkChanged(Link),
    /// The kernel refused a datagram.
    SendFailed,
    /// The shell refused this many datagrams, for this reason.
    Rejected(&'static str, u64),
    /// A deadline may have passed.
    Wake,
    /// The link to hatsd is closed.
    DaemonGone,
}

/// What a NIM's shell must do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Send a datagram on the adapter.
    Transmit {
        /// To whom; to the multicast group or broadcast address when nobody is named.
        to: Option<IpAddr>,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// Send a datagram to one, in one piece or not at all.
    TransmitWhole {
        /// To whom.
        to: IpAddr,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// Send an ICMP echo request.
    Echo {
        /// To whom.
        to: IpAddr,
        /// Comes back in [`Input::EchoReply`].
        sequence: u16,
    },
    /// Ask everybody on the wire by ARP.
    Arp {
        /// The adapter's hardware address.
        mac: Mac,
        /// Who asks.
        sender: Ipv4Addr,
        /// For whom.
        target: Ipv4Addr,
    },
    /// Tell hatsd.
    Report(Report),
    /// There is nothing left to do: end the process.
    Exit,
}

/// Why a NIM wants to be woken.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Deadline {
    /// The next heartbeats are due.
    Beat,
    /// A neighbour becomes late or silent.
    Neighbour(IpAddr),
    /// A probe has to ask again, or is over.
    Probe(u64),
    /// Changed counters are reported.
    Statistics,
    /// The adapter's own address is asked for by ARP.
    Claim,
}

/// One adapter's NIM.
#[derive(Clone, Debug)]
pub struct Machine {
    config: Configure,
    /// As last reported.
    link: Option<Link>,
    group: Option<GroupId>,
    feed: BTreeSet<IpAddr>,
    sequence: u64,
    next_beat: Timestamp,
    neighbours: Neighbours,
    strangers: Strangers,
    probes: Probes,
    lease: Lease,
    claims: claims::Claims,
    counters: Counters,
    effects: VecDeque<Effect>,
    /// The latest `now`, and when and why the shell promised to wake us after it.
    now: Timestamp,
    due: Option<(Timestamp, Deadline)>,
    over: bool,
}

impl Machine {
    /// A NIM that knows its adapter and nobody else.
    pub fn new(config: Configure, now: Timestamp) -> Self {
        Machine {
            neighbours: Neighbours::default(),
            strangers: Strangers::default(),
            probes: Probes::default(),
            lease: Lease::default(),
            claims: claims::Claims::default(),
            counters: Counters::default(),
            config,
            link: None,
            group: None,
            feed: BTreeSet::new(),
            sequence: 0,
            next_beat: now,
            effects: VecDeque::new(),
            now,
            due: None,
            over: false,
        }
    }

    /// Takes one input. After the last one of a wake-up give [`Input::Wake`],
    /// so that what has arrived counts before what has not. Draw the effects
    /// with [`next_effect`](Self::next_effect).
    pub fn handle(&mut self, now: Timestamp, input: Input) {
        if self.over {
            return;
        }
        self.notice_lateness(now);
        let all_in = matches!(input, Input::Wake);
        match input {
            Input::Command(command) => self.command(command),
            Input::Datagram { from, to_group, bytes } => self.datagram(from, to_group, bytes),
            Input::Announced { from, bytes } => self.announced(from, &bytes),
            Input::EchoReply { from, sequence } => {
                self.probes.echo_reply(from, sequence, self.now);
            }
            Input::Arp { mac, sender, target, asks } => self.arp_heard(mac, sender, target, asks),
            Input::ArpAvailable(available) => self.arp_available(available),
            Input::EchoAvailable(available) => self.probes.echo_available(available),
            Input::LinkChanged(link) => self.link_changed(link),
            Input::SendFailed => self.counters.total.send_errors += 1,
            Input::Rejected(reason, count) => self.counters.reject(reason, count),
            Input::Wake => self.wake(),
            Input::DaemonGone => self.daemon_gone(),
        }
        self.finish_probes(all_in);
        self.counters.schedule(self.now);
        self.due = self.find_deadline();
    }

    /// What the shell must do next, in order.
    pub fn next_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// When [`Input::Wake`] is wanted next, and why.
    pub fn next_deadline(&self) -> Option<(Timestamp, Deadline)> {
        self.due
    }

    /// Only inputs change it: shells ask for it more often than they give one.
    fn find_deadline(&self) -> Option<(Timestamp, Deadline)> {
        if self.over {
            return None;
        }
        let beat = (!self.feed.is_empty()).then_some((self.next_beat, Deadline::Beat));
        let neighbour = self.neighbours.deadline().map(|(at, who)| (at, Deadline::Neighbour(who)));
        let probe = self.probes.deadline().map(|(at, id)| (at, Deadline::Probe(id)));
        let statistics = self.counters.due().map(|at| (at, Deadline::Statistics));
        let claim = self.claims.due().map(|at| (at, Deadline::Claim));
        [beat, neighbour, probe, statistics, claim].into_iter().flatten().min()
    }

    /// What it was configured with last.
    pub fn config(&self) -> &Configure {
        &self.config
    }

    /// Waking late is our own fault: nobody else is blamed for that time.
    fn notice_lateness(&mut self, now: Timestamp) {
        let from = self.due.map_or(now, |(at, _)| at).max(self.now);
        self.now = self.now.max(now);
        let lateness = now.since(from);
        self.counters.lateness(lateness);
        if lateness > TIMER_SLACK {
            self.probes.excuse(lateness);
            self.neighbours.slept(lateness);
        }
        let half = self.interval() / 2;
        if lateness <= half {
            return;
        }
        self.neighbours.excuse(lateness, self.now);
        if lateness > LATENESS_TOLD {
            let at_ns = self.now.0;
            self.report(Report::Late { at_ns, lateness_ns: nanos(lateness) });
        }
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Configure(config) => self.reconfigure(config),
            Command::Watch { group, feed, expect } => self.watch(group, feed, &expect),
            Command::Send { to, datagram } => {
                if to == Some(everybody(self.config.address)) {
                    // Where the kernel drops what is of another subnet, ARP is heard.
                    self.ask_for_own();
                }
                if !self.transmit(to, datagram) {
                    self.counters.total.send_errors += 1;
                }
            }
            Command::StartProbe(spec) => {
                let open = self.is_open();
                for refused in self.probes.start(spec, open, self.now) {
                    self.effects.push_back(Effect::Report(Report::ProbeDone(refused)));
                }
                self.run_probes();
            }
            Command::Lease { duration_ns } => {
                self.lease.renew(Duration::from_nanos(duration_ns), self.now);
                // The daemon is to hear that this process is not stuck.
                self.counters.schedule_anyway(self.now);
            }
            Command::Shutdown => self.exit(),
        }
    }

    fn reconfigure(&mut self, config: Configure) {
        self.config = config;
        let interval = self.interval();
        self.neighbours.retune(interval, self.config.sensitivity);
        self.next_beat = self.next_beat.min(self.now + interval);
    }

    fn watch(&mut self, group: GroupId, feed: Vec<IpAddr>, expect: &[IpAddr]) {
        self.group = Some(group);
        let (interval, sensitivity) = (self.interval(), self.config.sensitivity);
        self.counters.total.heartbeats_missed +=
            self.neighbours.replace(expect, interval, sensitivity, self.now);
        let before = core::mem::replace(&mut self.feed, feed.into_iter().collect());
        if before.is_empty() {
            self.next_beat = self.now + interval;
        }
        let fresh: Vec<IpAddr> = self.feed.difference(&before).copied().collect();
        self.beat(&fresh);
    }

    fn link_changed(&mut self, link: Link) {
        let was_open = self.is_open();
        let same = self
            .link
            .as_ref()
            .is_some_and(|last| Link { at_ns: link.at_ns, ..last.clone() } == link);
        if same {
            return;
        }
        self.link = Some(link.clone());
        self.report(Report::Link(link));
        if self.is_open() != was_open {
            self.claims_begin(!was_open);
        }
        if self.is_open() && !was_open && !self.feed.is_empty() {
            let feed: Vec<IpAddr> = self.feed.iter().copied().collect();
            self.beat(&feed);
            self.next_beat = self.now + self.interval();
        }
    }

    fn wake(&mut self) {
        if !self.feed.is_empty() && self.now >= self.next_beat {
            let feed: Vec<IpAddr> = self.feed.iter().copied().collect();
            self.beat(&feed);
            self.skip_to_next_beat();
        }
        for report in self.neighbours.wake(self.now) {
            self.report(Report::Neighbour(report));
        }
        self.run_probes();
        self.wake_claims();
        if self.counters.due().is_some_and(|due| self.now >= due) {
            let missed_now = self.neighbours.missed(self.now);
            let heard = self.neighbours.heard_list(self.now);
            let statistics = self.counters.report(missed_now, heard, self.now);
            self.report(Report::Statistics(statistics));
        }
    }

    /// The schedule is absolute: being late once makes no later beat late, and
    /// beats that were slept through are not made up for.
    fn skip_to_next_beat(&mut self) {
        let interval = nanos(self.interval());
        let steps = nanos(self.now.since(self.next_beat)) / interval + 1;
        self.next_beat = Timestamp(self.next_beat.0.saturating_add(steps.saturating_mul(interval)));
    }

    fn beat(&mut self, to: &[IpAddr]) {
        let Some(group) = self.group else { return };
        if to.is_empty() || !self.is_open() || self.lease.is_lost(self.now) {
            return;
        }
        self.sequence += 1;
        let stalled = self.lease.is_stalled(self.now);
        let message = Message::Heartbeat { sequence: self.sequence, group, stalled };
        let bytes = encode(&self.header(), &message);
        for address in to {
            self.transmit(Some(*address), bytes.clone());
            self.counters.total.heartbeats_sent += 1;
        }
    }

    fn run_probes(&mut self) {
        let (header, open) = (self.header(), self.is_open());
        for effect in self.probes.run(&header, self.now) {
            // Without a socket a question is lost, and due all the same.
            if !open {
                continue;
            }
            if matches!(effect, Effect::Transmit { .. } | Effect::TransmitWhole { .. }) {
                self.counters.total.sent += 1;
            }
            self.effects.push_back(effect);
        }
    }

    /// A probe whose time is over waits until all that has arrived is in.
    fn finish_probes(&mut self, all_in: bool) {
        for done in self.probes.finish(self.now, all_in, self.linger()) {
            self.report(Report::ProbeDone(done));
        }
    }

    /// How long after its time an answer still tells one that is late: the
    /// detection time.
    fn linger(&self) -> Duration {
        self.interval().saturating_mul(self.config.sensitivity)
    }

    /// The daemon ended without a word: the others shall hear it from us rather
    /// than find out.
    fn daemon_gone(&mut self) {
        if let (Some(group), true) = (self.group, self.is_open()) {
            let bytes = encode(&self.header(), &Message::Goodbye { group });
            self.transmit(None, bytes.clone());
            let feed: Vec<IpAddr> = self.feed.iter().copied().collect();
            for address in feed {
                self.transmit(Some(address), bytes.clone());
            }
        }
        self.exit();
    }

    fn exit(&mut self) {
        self.over = true;
        self.effects.push_back(Effect::Exit);
    }

    /// Whether it could be sent: nothing is on a closed adapter, or to the group
    /// in a network without one.
    fn transmit(&mut self, to: Option<IpAddr>, bytes: Vec<u8>) -> bool {
        if !self.is_open() || (to.is_none() && self.config.group.is_none()) {
            return false;
        }
        self.counters.total.sent += 1;
        self.effects.push_back(Effect::Transmit { to, bytes });
        true
    }

    fn report(&mut self, report: Report) {
        self.effects.push_back(Effect::Report(report));
    }

    /// How full everything is that it keeps, between two inputs.
    pub fn sizes(&self) -> impl Iterator<Item = Size> {
        let own = [
            // The shell empties it after every input.
            Size::new("effects of a NIM", self.effects.len(), 0),
            Size::new("neighbours fed", self.feed.len(), MEMBERS_MAX).each(Each::Adapter),
            Size::new("strangers", self.strangers.len(), strangers::ADDRESSES_MAX),
            Size::new("neighbours watched", self.neighbours.len(), MEMBERS_MAX).each(Each::Adapter),
        ];
        own.into_iter().chain(self.probes.sizes()).chain(self.claims.sizes())
    }

    fn is_open(&self) -> bool {
        self.link.as_ref().is_some_and(|link| link.open)
    }

    fn interval(&self) -> Duration {
        Duration::from_nanos(self.config.heartbeat_interval_ns.max(1))
    }

    fn header(&self) -> Header {
        Header {
            cluster: self.config.cluster,
            node_id: self.config.node_id,
            incarnation: self.config.incarnation,
        }
    }
}

#[cfg(test)]
mod tests;

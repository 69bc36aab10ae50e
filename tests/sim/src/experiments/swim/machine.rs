//! One member of plain SWIM, without clock, socket or thread.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use hats_core::time::Timestamp;

use super::{
    Id, Settings,
    gossip::Gossip,
    message::{DATAGRAM_MAX, Datagram, Message, Status, Update},
};
use crate::chance::Chance;

/// What happened.
#[derive(Debug)]
pub(crate) enum Input {
    /// A datagram came.
    Received { from: Id, datagram: Rc<Datagram> },
    /// A deadline may have come.
    Wake,
    /// Whatever is sent from now on waits, and nothing is received: loops that
    /// send wait with it, timers that do not send go on. Or that is over.
    Blocked(bool),
}

/// What the shell must do.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Send a datagram.
    Send { to: Id, datagram: Rc<Datagram> },
    /// Tell the world.
    Publish(Event),
}

/// What the world is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Event {
    /// A member did not answer this member's own probe.
    Suspected(Id),
    /// A member is dead: memberlist's leave event.
    Failed(Id),
    /// One that was said to be dead lives.
    Returned(Id),
}

/// Why a machine is to be woken.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Deadline {
    /// A suspect has not refuted in time.
    Suspicion,
    /// The direct ping was not answered in time.
    ProbeTimeout,
    /// The next probe.
    Probe,
    /// The next gossip.
    Gossip,
    /// The next full exchange.
    Exchange,
}

#[derive(Clone, Copy, Debug)]
struct Peer {
    status: Status,
    incarnation: u32,
    /// When it came to be what it is.
    since: Timestamp,
}

#[derive(Debug)]
struct Probe {
    target: Id,
    sequence: u32,
    timeout: Timestamp,
    asked_others: bool,
}

/// Somebody waits for this ack.
#[derive(Debug)]
struct Relay {
    for_member: Id,
    sequence: u32,
    until: Timestamp,
}

/// One member.
#[derive(Debug)]
pub(crate) struct Machine {
    me: Id,
    settings: Settings,
    chance: Chance,
    peers: Vec<Peer>,
    /// In which order members are probed, and how far that has got.
    order: Vec<Id>,
    next: usize,
    sequence: u32,
    probe: Option<Probe>,
    relays: BTreeMap<u32, Relay>,
    suspicions: BTreeSet<(Timestamp, Id)>,
    gossip: Gossip,
    probe_at: Timestamp,
    gossip_at: Timestamp,
    exchange_at: Timestamp,
    blocked: bool,
    effects: Vec<Effect>,
}

impl Machine {
    /// Member `me` of `members` that all know each other; `seed` is for its
    /// choices.
    pub(crate) fn new(
        me: Id,
        members: usize,
        settings: Settings,
        seed: u64,
        now: Timestamp,
    ) -> Self {
        let mut chance = Chance::new(seed);
        let mut phase = |every: std::time::Duration| {
            let every = every.as_nanos() as u64;
            Timestamp(now.0 + if settings.staggered { chance.between(0, every - 1) } else { 0 })
        };
        let probe_at = phase(settings.probe_interval);
        let gossip_at = phase(settings.gossip_interval);
        let exchange_at = phase(settings.exchange_every(members));
        let peer = Peer { status: Status::Alive, incarnation: 0, since: now };
        Machine {
            me,
            chance,
            peers: vec![peer; members],
            order: Vec::new(),
            next: 0,
            sequence: 0,
            probe: None,
            relays: BTreeMap::new(),
            suspicions: BTreeSet::new(),
            gossip: Gossip::default(),
            probe_at,
            gossip_at,
            exchange_at,
            blocked: false,
            effects: Vec::new(),
            settings,
        }
    }

    /// Takes one input.
    pub(crate) fn handle(&mut self, now: Timestamp, input: Input) {
        match input {
            Input::Received { from, datagram } => self.received(now, from, &datagram),
            Input::Wake => self.wake(now),
            Input::Blocked(blocked) => self.blocked = blocked,
        }
    }

    /// What is to be done, in order.
    pub(crate) fn drain(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// When it is to be woken, and why.
    pub(crate) fn next_deadline(&self) -> Option<(Timestamp, Deadline)> {
        // A loop whose last message waits to be sent does not come round; that
        // of the probes still sends one ping, and its time runs.
        let free = !self.blocked;
        let open = self.probe.as_ref();
        [
            self.suspicions.first().map(|(at, _)| (*at, Deadline::Suspicion)),
            open.filter(|probe| free && !probe.asked_others)
                .map(|probe| (probe.timeout, Deadline::ProbeTimeout)),
            (free || open.is_none()).then_some((self.probe_at, Deadline::Probe)),
            free.then_some((self.gossip_at, Deadline::Gossip)),
            free.then_some((self.exchange_at, Deadline::Exchange)),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// What is believed of a member, by the incarnation it was told with.
    pub(crate) fn belief(&self, member: Id) -> (Status, u32) {
        let peer = self.peers[member as usize];
        (peer.status, peer.incarnation)
    }

    /// Does what is due, in the order in which it was; what is overdue more
    /// than once is done once.
    fn wake(&mut self, now: Timestamp) {
        while let Some((at, why)) = self.next_deadline().filter(|(at, _)| *at <= now) {
            match why {
                Deadline::Suspicion => {
                    if let Some((_, member)) = self.suspicions.pop_first() {
                        let (_, incarnation) = self.belief(member);
                        self.learn(now, Update { member, incarnation, status: Status::Dead });
                    }
                }
                Deadline::ProbeTimeout => self.ask_others(),
                Deadline::Probe => {
                    self.probe_at = after(at, self.settings.probe_interval, now);
                    self.probe_ends(now);
                    self.probe_begins(now);
                }
                Deadline::Gossip => {
                    self.gossip_at = after(at, self.settings.gossip_interval, now);
                    self.gossips(now);
                }
                Deadline::Exchange => {
                    let every = self.settings.exchange_every(self.peers.len());
                    self.exchange_at = after(at, every, now);
                    self.exchanges();
                }
            }
        }
    }

    /// The probe of the last interval, if it is still open, has failed.
    fn probe_ends(&mut self, now: Timestamp) {
        if let Some(probe) = self.probe.take() {
            let (status, incarnation) = self.belief(probe.target);
            if status == Status::Alive {
                self.effects.push(Effect::Publish(Event::Suspected(probe.target)));
            }
            let member = probe.target;
            self.learn(now, Update { member, incarnation, status: Status::Suspect });
        }
    }

    fn probe_begins(&mut self, now: Timestamp) {
        let Some(target) = self.next_target() else { return };
        self.sequence += 1;
        let sequence = self.sequence;
        let timeout = now + self.settings.probe_timeout;
        self.probe = Some(Probe { target, sequence, timeout, asked_others: false });
        self.send(target, Message::Ping { sequence });
        self.relays.retain(|_, relay| relay.until > now);
    }

    /// The next member that is not dead, round robin; each round in an order of
    /// its own.
    fn next_target(&mut self) -> Option<Id> {
        for _ in 0..2 {
            while let Some(&target) = self.order.get(self.next) {
                self.next += 1;
                if self.peers[target as usize].status != Status::Dead {
                    return Some(target);
                }
            }
            let living = |id: &Id| self.peers[*id as usize].status != Status::Dead;
            let others = (0..self.peers.len() as Id).filter(|id| *id != self.me);
            self.order = others.filter(living).collect();
            for last in (1..self.order.len()).rev() {
                let with = self.chance.between(0, last as u64) as usize;
                self.order.swap(last, with);
            }
            self.next = 0;
        }
        None
    }

    fn ask_others(&mut self) {
        let Some(probe) = &mut self.probe else { return };
        probe.asked_others = true;
        let (target, sequence) = (probe.target, probe.sequence);
        let may = |machine: &Self, id: Id| {
            id != target && machine.peers[id as usize].status == Status::Alive
        };
        for other in self.some(self.settings.indirect_probes, may) {
            self.send(other, Message::PingRequest { sequence, target });
        }
    }

    /// Up to `count` random members other than this one that `may`.
    fn some(&mut self, count: usize, may: impl Fn(&Self, Id) -> bool) -> Vec<Id> {
        let members = self.peers.len() as u64;
        let mut some: Vec<Id> = Vec::new();
        // As memberlist: so many draws, and no more than were found.
        for _ in 0..3 * members {
            if some.len() == count {
                break;
            }
            let id = self.chance.between(0, members - 1) as Id;
            if id != self.me && !some.contains(&id) && may(self, id) {
                some.push(id);
            }
        }
        some
    }

    fn gossips(&mut self, now: Timestamp) {
        if self.gossip.is_empty() {
            return;
        }
        let patience = self.settings.gossip_to_the_dead;
        let may = |machine: &Self, id: Id| {
            let peer = machine.peers[id as usize];
            peer.status != Status::Dead || now.since(peer.since) < patience
        };
        for other in self.some(self.settings.gossip_members, may) {
            if self.gossip.is_empty() {
                return;
            }
            self.send(other, Message::Gossip);
        }
    }

    fn exchanges(&mut self) {
        let may = |machine: &Self, id: Id| machine.peers[id as usize].status == Status::Alive;
        for other in self.some(1, may) {
            self.send(other, Message::State { entries: self.state(), answer_wanted: true });
        }
    }

    fn state(&self) -> Rc<[Update]> {
        let entry = |(id, peer): (usize, &Peer)| Update {
            member: id as Id,
            incarnation: peer.incarnation,
            status: peer.status,
        };
        self.peers.iter().enumerate().map(entry).collect()
    }

    fn received(&mut self, now: Timestamp, from: Id, datagram: &Datagram) {
        for update in &datagram.updates {
            self.learn(now, *update);
        }
        match &datagram.message {
            Message::Ping { sequence } => self.send(from, Message::Ack { sequence: *sequence }),
            Message::Ack { sequence } => self.acknowledged(*sequence),
            Message::PingRequest { sequence, target } => {
                self.sequence += 1;
                let until = now + self.settings.probe_interval;
                let relay = Relay { for_member: from, sequence: *sequence, until };
                self.relays.insert(self.sequence, relay);
                self.send(*target, Message::Ping { sequence: self.sequence });
            }
            Message::Gossip => {}
            Message::State { entries, answer_wanted } => {
                for entry in entries.iter() {
                    // What another believes to be dead is only suspected here.
                    let status = entry.status.min(Status::Suspect);
                    self.learn(now, Update { status, ..*entry });
                }
                if *answer_wanted {
                    let entries = self.state();
                    self.send(from, Message::State { entries, answer_wanted: false });
                }
            }
        }
    }

    fn acknowledged(&mut self, sequence: u32) {
        if self.probe.as_ref().is_some_and(|probe| probe.sequence == sequence) {
            self.probe = None;
        } else if let Some(relay) = self.relays.remove(&sequence) {
            self.send(relay.for_member, Message::Ack { sequence: relay.sequence });
        }
    }

    /// News of a member, if they are news: the only place where a belief
    /// changes. They are spread further.
    fn learn(&mut self, now: Timestamp, update: Update) {
        let Update { member, incarnation, status } = update;
        let had = self.peers[member as usize];
        let is_news = match status {
            Status::Alive => incarnation > had.incarnation,
            Status::Suspect => incarnation >= had.incarnation && had.status == Status::Alive,
            Status::Dead => incarnation >= had.incarnation && had.status != Status::Dead,
        };
        if !is_news {
            return;
        }
        if member == self.me {
            if status != Status::Alive {
                self.refute(incarnation);
            }
            return;
        }
        self.peers[member as usize] = Peer { status, incarnation, since: now };
        self.suspicions.retain(|(_, suspect)| *suspect != member);
        match (had.status, status) {
            (_, Status::Suspect) => {
                let limit = self.settings.suspicion(self.peers.len());
                self.suspicions.insert((now + limit, member));
            }
            (_, Status::Dead) => self.effects.push(Effect::Publish(Event::Failed(member))),
            (Status::Dead, Status::Alive) => {
                self.effects.push(Effect::Publish(Event::Returned(member)));
            }
            (Status::Alive | Status::Suspect, Status::Alive) => {}
        }
        self.gossip.spread(update);
    }

    /// This member lives, whatever is said.
    fn refute(&mut self, said: u32) {
        let own = &mut self.peers[self.me as usize];
        own.incarnation = own.incarnation.max(said) + 1;
        let incarnation = own.incarnation;
        self.gossip.spread(Update { member: self.me, incarnation, status: Status::Alive });
    }

    /// Sends a message with as many updates as fit.
    fn send(&mut self, to: Id, message: Message) {
        let limit = self.settings.retransmissions(self.peers.len());
        let updates = if matches!(message, Message::State { .. }) {
            Vec::new()
        } else {
            self.gossip.take(DATAGRAM_MAX.saturating_sub(message.size()), limit)
        };
        let datagram = Rc::new(Datagram { message, updates });
        self.effects.push(Effect::Send { to, datagram });
    }
}

/// The tick after the one that was due `at`: the first that is still to come.
fn after(at: Timestamp, every: std::time::Duration, now: Timestamp) -> Timestamp {
    let every = every.as_nanos() as u64;
    Timestamp(at.0 + every * (now.0.saturating_sub(at.0) / every + 1))
}

#[cfg(test)]
mod tests;

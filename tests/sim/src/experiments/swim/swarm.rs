//! Many members of plain SWIM on a simulated network: the shell around
//! [`Machine`], as [`World`](crate::World) is around hats's machines.

use std::{net::Ipv4Addr, rc::Rc, time::Duration};

use hats_core::{
    config::{Mode, NetworkSpec},
    time::{Timestamp, nanos},
};

use super::{
    Event, Id, Machine, Settings,
    machine::{Effect, Input},
    message::Datagram,
};
use crate::{
    chance::Chance,
    experiments::tally::Tally,
    freeze::{Backlog, Freeze, SOCKET_ROOM},
    host::{Adapter, Port},
    net::{Lost, Network, Travel, Way},
    plan::Timing,
    queue::Queue,
};

/// A segment of a stream that was lost is sent again after this.
const STREAM_RETRY: Duration = Duration::from_millis(200);
/// So often; then the stream is given up.
const STREAM_TRIES: u32 = 8;

/// One thing that will happen.
#[derive(Debug)]
enum Happening {
    Arrives { to: Id, from: Id, datagram: Rc<Datagram> },
    Wakes { member: Id },
}

/// What a member told the world, and when.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Happened {
    pub(crate) at: Duration,
    pub(crate) observer: Id,
    pub(crate) event: Event,
}

#[derive(Debug)]
struct Member {
    machine: Machine,
    adapter: Adapter,
    up: bool,
    frozen: Option<Frozen>,
    /// The time of its entry in the queue.
    wake: Option<u64>,
    tally: Tally,
}

/// A member that stands still.
#[derive(Debug)]
struct Frozen {
    how: Freeze,
    backlog: Backlog<(Id, Rc<Datagram>)>,
    /// What waits to be sent.
    outbox: Vec<(Id, Rc<Datagram>)>,
}

/// A group of members, from one seed.
#[derive(Debug)]
pub(crate) struct Swarm {
    now: u64,
    timing: Timing,
    chance: Chance,
    queue: Queue<Happening>,
    network: Network,
    members: Vec<Member>,
    happened: Vec<Happened>,
    steps: u64,
}

impl Swarm {
    /// `count` members that all know each other.
    pub(crate) fn new(count: usize, seed: u64, settings: &Settings) -> Self {
        let mut chance = Chance::new(seed);
        let network = Network::new(NetworkSpec {
            name: "swim".to_owned(),
            subnet: "10.0.0.0/8".to_owned(),
            mode: Mode::Unicast,
            group: None,
            port: 7946,
            peers: Vec::new(),
            reference_targets: Vec::new(),
        });
        let member = |id: Id| {
            let seed = chance.between(0, u64::MAX - 1);
            let address = Ipv4Addr::from(0x0a00_0001 + id);
            Member {
                machine: Machine::new(id, count, settings.clone(), seed, Timestamp(0)),
                adapter: Adapter::new(0, "eth0", address.into(), 8),
                up: true,
                frozen: None,
                wake: None,
                tally: Tally::default(),
            }
        };
        let members = (0..count as Id).map(member).collect();
        let mut swarm = Swarm {
            now: 0,
            timing: Timing::default(),
            chance,
            queue: Queue::default(),
            network,
            members,
            happened: Vec::new(),
            steps: 0,
        };
        (0..count as Id).for_each(|id| swarm.set_alarm(id));
        swarm
    }

    /// Time since it began.
    pub(crate) fn now(&self) -> Duration {
        Duration::from_nanos(self.now)
    }

    /// How many things have happened.
    #[cfg(test)]
    pub(crate) fn steps(&self) -> u64 {
        self.steps
    }

    /// Everything that was told so far, oldest first.
    pub(crate) fn happened(&self) -> &[Happened] {
        &self.happened
    }

    /// What all members cost so far.
    pub(crate) fn tally(&self) -> Tally {
        let mut all = Tally::default();
        self.members.iter().for_each(|member| all += member.tally);
        all
    }

    /// One member, to be looked at.
    #[cfg(test)]
    pub(crate) fn machine(&self, id: Id) -> &Machine {
        &self.members[id as usize].machine
    }

    /// The part `p` of all datagrams is lost.
    #[cfg(test)]
    pub(crate) fn loss(&mut self, p: f64) {
        self.network.conditions = crate::net::Conditions { loss: p, ..Default::default() };
    }

    /// Nothing gets from one member to the other, either way.
    #[cfg(test)]
    pub(crate) fn cut(&mut self, a: Id, b: Id) {
        let nothing = crate::net::Conditions { loss: 1.0, ..Default::default() };
        self.network.paths.insert((port(a), port(b)), nothing);
        self.network.paths.insert((port(b), port(a)), nothing);
    }

    /// The member is gone without a word.
    pub(crate) fn crash(&mut self, id: Id) {
        let member = &mut self.members[id as usize];
        (member.up, member.frozen, member.wake) = (false, None, None);
    }

    /// The member stands still until [`Swarm::thaw`].
    pub(crate) fn freeze(&mut self, id: Id, how: Freeze) {
        let frozen = Frozen { how, backlog: Backlog::new(SOCKET_ROOM), outbox: Vec::new() };
        self.members[id as usize].frozen = Some(frozen);
        if how == Freeze::Blocked {
            self.tell(id, Input::Blocked(true));
        } else {
            self.members[id as usize].wake = None;
        }
    }

    /// The member goes on, and finds what came in meanwhile.
    pub(crate) fn thaw(&mut self, id: Id) {
        let Some(frozen) = self.members[id as usize].frozen.take() else { return };
        for (to, datagram) in frozen.outbox {
            self.transmit(id, to, datagram);
        }
        if frozen.how == Freeze::Blocked {
            self.tell(id, Input::Blocked(false));
            self.tell(id, Input::Wake);
        }
        for (from, datagram) in frozen.backlog.into_held() {
            self.receive(id, from, datagram);
        }
        self.tell(id, Input::Wake);
    }

    /// Lets time pass.
    pub(crate) fn run_for(&mut self, span: Duration) {
        let end = self.now + nanos(span);
        while self.queue.next_at().is_some_and(|at| at <= end) {
            let Some((at, what)) = self.queue.take() else { break };
            self.now = at;
            self.steps += 1;
            match what {
                Happening::Wakes { member } => self.wakes(member),
                Happening::Arrives { to, from, datagram } => self.arrives(to, from, datagram),
            }
        }
        self.now = end;
    }

    fn wakes(&mut self, id: Id) {
        let member = &mut self.members[id as usize];
        if member.wake == Some(self.now) {
            member.wake = None;
            member.tally.timers += 1;
            self.tell(id, Input::Wake);
        }
    }

    fn arrives(&mut self, to: Id, from: Id, datagram: Rc<Datagram>) {
        let member = &mut self.members[to as usize];
        if !member.up {
            return;
        }
        match &mut member.frozen {
            Some(frozen) => {
                let length = datagram.size();
                frozen.backlog.keep((from, datagram), length);
            }
            None => self.receive(to, from, datagram),
        }
    }

    fn receive(&mut self, to: Id, from: Id, datagram: Rc<Datagram>) {
        self.members[to as usize].tally.receives(datagram.size());
        self.tell(to, Input::Received { from, datagram });
    }

    /// One input to a member, then what it wants.
    fn tell(&mut self, id: Id, input: Input) {
        let now = Timestamp(self.now);
        let member = &mut self.members[id as usize];
        member.machine.handle(now, input);
        for effect in member.machine.drain() {
            match effect {
                Effect::Send { to, datagram } => match &mut self.members[id as usize].frozen {
                    Some(frozen) => frozen.outbox.push((to, datagram)),
                    None => self.transmit(id, to, datagram),
                },
                Effect::Publish(event) => {
                    self.happened.push(Happened { at: self.now(), observer: id, event });
                }
            }
        }
        self.set_alarm(id);
    }

    fn set_alarm(&mut self, id: Id) {
        let member = &self.members[id as usize];
        let stopped = member.frozen.as_ref().is_some_and(|frozen| frozen.how != Freeze::Blocked);
        let Some((due, _)) = member.machine.next_deadline().filter(|_| !stopped) else { return };
        let due = due.0.max(self.now);
        if member.wake.is_some_and(|wake| wake <= due) {
            return;
        }
        let at = due + self.chance.between(0, nanos(self.timing.wake_late));
        self.members[id as usize].wake = Some(at);
        self.queue.put(at, Happening::Wakes { member: id });
    }

    fn transmit(&mut self, from: Id, to: Id, datagram: Rc<Datagram>) {
        self.members[from as usize].tally.sends(datagram.size());
        let mut late = 0;
        let tries = if datagram.is_reliable() { STREAM_TRIES } else { 1 };
        for _ in 0..tries {
            match self.travel(from, to, datagram.size()) {
                Ok(Travel { took, .. }) => {
                    let arrival = Happening::Arrives { to, from, datagram };
                    self.queue.put(self.now + took + late, arrival);
                    return;
                }
                Err(Lost::Chance) => late += nanos(STREAM_RETRY),
                Err(_) => return,
            }
        }
    }

    fn travel(&mut self, from: Id, to: Id, size: usize) -> Result<Travel, Lost> {
        let way = Way {
            network: &self.network,
            from: (port(from), &self.members[from as usize].adapter),
            to: (port(to), &self.members[to as usize].adapter),
            group: false,
            size,
        };
        way.travel(&mut self.chance, &self.timing)
    }
}

/// Each member has one adapter.
fn port(id: Id) -> Port {
    Port { host: id as usize, adapter: 0 }
}

#[cfg(test)]
mod tests;

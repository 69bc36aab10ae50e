//! What becomes of a datagram on its way.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::IpAddr,
    rc::Rc,
    time::Duration,
};

use hats_core::{config::NetworkSpec, time::nanos};

use crate::{
    chance::Chance,
    host::{Adapter, Port},
    plan::Timing,
};

/// An ICMP echo with its headers.
pub(crate) const ECHO_SIZE: usize = 64;

/// What is wrong with a way beside that it can be cut: with all of a network,
/// one direction of an adapter, or one direction of a path.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Conditions {
    /// Of all datagrams, this part is lost.
    pub loss: f64,
    /// Each takes longer: at least and at most so much.
    pub delay: (Duration, Duration),
    /// Of all datagrams, this part arrives twice.
    pub duplication: f64,
    /// Of all datagrams, this part is held back, so that later ones overtake.
    pub reordering: f64,
    /// At most so long.
    pub held_back: Duration,
    /// Packets of more bytes vanish.
    pub mtu: Option<u16>,
}

impl Conditions {
    /// Whether there is nothing wrong.
    pub(crate) fn are_well(&self) -> bool {
        *self == Conditions::default()
    }

    fn apply(&self, size: usize, chance: &mut Chance, travel: &mut Travel) -> Result<(), Lost> {
        if self.mtu.is_some_and(|mtu| size > usize::from(mtu)) {
            return Err(Lost::TooBig);
        }
        if chance.happens(self.loss) {
            return Err(Lost::Chance);
        }
        let (least, most) = (nanos(self.delay.0), nanos(self.delay.1));
        if most > 0 {
            travel.took += chance.between(least, most);
        }
        if chance.happens(self.reordering) {
            travel.took += chance.between(0, nanos(self.held_back));
        }
        travel.twice |= chance.happens(self.duplication);
        Ok(())
    }
}

impl fmt::Display for Conditions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.are_well() {
            return f.write_str("nothing wrong");
        }
        let mut words = Vec::new();
        if self.loss > 0.0 {
            words.push(format!("loss {}", self.loss));
        }
        if !self.delay.1.is_zero() {
            words.push(format!("delay {:?} to {:?}", self.delay.0, self.delay.1));
        }
        if self.duplication > 0.0 {
            words.push(format!("duplication {}", self.duplication));
        }
        if self.reordering > 0.0 {
            words.push(format!("reordering {} by {:?}", self.reordering, self.held_back));
        }
        words.extend(self.mtu.map(|mtu| format!("mtu {mtu}")));
        f.write_str(&words.join(", "))
    }
}

/// How a packet gets to where it is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Travel {
    /// Nanoseconds.
    pub(crate) took: u64,
    /// It arrives twice.
    pub(crate) twice: bool,
}

/// One network: a switch that can be told to misbehave.
#[derive(Debug)]
pub(crate) struct Network {
    pub(crate) spec: NetworkSpec,
    /// For everything on it.
    pub(crate) conditions: Conditions,
    /// Datagrams to the group get nowhere.
    pub(crate) multicast_dead: bool,
    /// Nothing gets anywhere.
    pub(crate) dead: bool,
    /// A cable joins its switch to those of these networks.
    pub(crate) joined: BTreeSet<usize>,
    /// From one adapter to another.
    pub(crate) paths: BTreeMap<(Port, Port), Conditions>,
    /// Who has which address.
    pub(crate) owners: BTreeMap<IpAddr, Port>,
    /// The same, in address order, for what goes to all.
    pub(crate) ports: Rc<[Port]>,
    /// Who had it before it was changed.
    pub(crate) former: BTreeMap<IpAddr, Port>,
}

impl Network {
    pub(crate) fn new(spec: NetworkSpec) -> Self {
        Network {
            spec,
            conditions: Conditions::default(),
            multicast_dead: false,
            dead: false,
            joined: BTreeSet::new(),
            paths: BTreeMap::new(),
            owners: BTreeMap::new(),
            ports: Rc::new([]),
            former: BTreeMap::new(),
        }
    }

    /// `port` has `address` from now on; the one that had it before.
    pub(crate) fn give(&mut self, address: IpAddr, port: Port) -> Option<Port> {
        let before = self.owners.insert(address, port);
        self.list_ports();
        before
    }

    /// To be called when owners have changed.
    pub(crate) fn list_ports(&mut self) {
        self.ports = self.owners.values().copied().collect();
    }

    /// Nobody has `address` any more.
    pub(crate) fn take_away(&mut self, address: IpAddr) {
        if let Some(port) = self.owners.remove(&address) {
            self.former.insert(address, port);
        }
        self.list_ports();
    }

    /// How many bytes a datagram is on the wire.
    pub(crate) fn size(from: IpAddr, bytes: &[u8]) -> usize {
        bytes.len() + if from.is_ipv4() { 28 } else { 48 }
    }
}

/// Why a datagram did not arrive.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Lost {
    /// The sender has no carrier.
    SenderCarrier,
    /// The sender's address is gone.
    SenderAddress,
    /// The sender is mute.
    Mute,
    /// The whole network is dead.
    NetworkDead,
    /// Multicast is dead.
    MulticastDead,
    /// The two are on different sides of a partition.
    Partition,
    /// This path is cut.
    Path,
    /// Bad luck.
    Chance,
    /// More bytes than the way takes.
    TooBig,
    /// The receiver is deaf.
    Deaf,
    /// The receiver has no carrier.
    Carrier,
    /// Nobody has the address.
    NoSuchHost,
    /// The host is off, or suspended.
    HostOff,
    /// No NIM has the socket open.
    Closed,
    /// The socket's buffer is full.
    NoRoom,
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Lost::SenderCarrier => "sender has no carrier",
            Lost::SenderAddress => "sender has no address",
            Lost::Mute => "sender is mute",
            Lost::NetworkDead => "network is dead",
            Lost::MulticastDead => "multicast is dead",
            Lost::Partition => "other side of the partition",
            Lost::Path => "path is cut",
            Lost::Chance => "lost by chance",
            Lost::TooBig => "too big for the way",
            Lost::Deaf => "receiver is deaf",
            Lost::Carrier => "receiver has no carrier",
            Lost::NoSuchHost => "nobody has that address",
            Lost::HostOff => "host is off or asleep",
            Lost::Closed => "no open socket",
            Lost::NoRoom => "socket is full",
        })
    }
}

/// Everything that decides about a packet from one adapter to another.
pub(crate) struct Way<'a> {
    pub(crate) network: &'a Network,
    pub(crate) from: (Port, &'a Adapter),
    pub(crate) to: (Port, &'a Adapter),
    pub(crate) group: bool,
    /// Bytes with all headers.
    pub(crate) size: usize,
}

impl Way<'_> {
    /// How long a packet takes, or why it does not arrive.
    pub(crate) fn travel(&self, chance: &mut Chance, timing: &Timing) -> Result<Travel, Lost> {
        let (sender, receiver) = (self.from.1, self.to.1);
        leaves(sender)?;
        if self.from.0 == self.to.0 {
            return Ok(Travel { took: 10_000, twice: false });
        }
        let certain = [
            (self.network.dead, Lost::NetworkDead),
            (self.group && self.network.multicast_dead, Lost::MulticastDead),
            (sender.side != receiver.side, Lost::Partition),
            (receiver.deaf, Lost::Deaf),
            (!receiver.carrier, Lost::Carrier),
        ];
        if let Some((_, lost)) = certain.into_iter().find(|(so, _)| *so) {
            return Err(lost);
        }
        let mut travel = Travel { took: 0, twice: false };
        if !self.network.paths.is_empty()
            && let Some(path) = self.network.paths.get(&(self.from.0, self.to.0))
        {
            if path.loss >= 1.0 {
                return Err(Lost::Path);
            }
            path.apply(self.size, chance, &mut travel)?;
        }
        if !self.network.conditions.are_well() {
            self.network.conditions.apply(self.size, chance, &mut travel)?;
        }
        for conditions in [&sender.outward, &receiver.inward].into_iter().flatten() {
            conditions.apply(self.size, chance, &mut travel)?;
        }
        let (low, high) = (timing.latency.0.as_nanos() as u64, timing.latency.1.as_nanos() as u64);
        let latency = chance.between(low, high);
        travel.took += latency + chance.between(0, timing.jitter.as_nanos() as u64);
        Ok(travel)
    }
}

/// Whether a packet gets out of `sender`.
pub(crate) fn leaves(sender: &Adapter) -> Result<(), Lost> {
    if !sender.has_address {
        return Err(Lost::SenderAddress);
    }
    if !sender.carrier {
        return Err(Lost::SenderCarrier);
    }
    if sender.mute { Err(Lost::Mute) } else { Ok(()) }
}

//! What becomes of a datagram on its way.

use std::{collections::BTreeMap, fmt, net::IpAddr};

use hats_core::config::NetworkSpec;

use crate::{
    chance::Chance,
    host::{Adapter, Port},
    plan::Timing,
};

/// One network: a switch that can be told to misbehave.
#[derive(Debug)]
pub(crate) struct Network {
    pub(crate) spec: NetworkSpec,
    /// Of all datagrams, this part is lost.
    pub(crate) loss: f64,
    /// Datagrams to the group get nowhere.
    pub(crate) multicast_dead: bool,
    /// Nothing gets anywhere.
    pub(crate) dead: bool,
    /// From one adapter to another, this part is lost.
    pub(crate) paths: BTreeMap<(Port, Port), f64>,
    /// Who has which address.
    pub(crate) owners: BTreeMap<IpAddr, Port>,
}

impl Network {
    pub(crate) fn new(spec: NetworkSpec) -> Self {
        Network {
            spec,
            loss: 0.0,
            multicast_dead: false,
            dead: false,
            paths: BTreeMap::new(),
            owners: BTreeMap::new(),
        }
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
            Lost::Deaf => "receiver is deaf",
            Lost::Carrier => "receiver has no carrier",
            Lost::NoSuchHost => "nobody has that address",
            Lost::HostOff => "host is off or asleep",
            Lost::Closed => "no open socket",
        })
    }
}

/// Everything that decides about a packet from one adapter to another.
pub(crate) struct Way<'a> {
    pub(crate) network: &'a Network,
    pub(crate) from: (Port, &'a Adapter),
    pub(crate) to: (Port, &'a Adapter),
    pub(crate) group: bool,
}

impl Way<'_> {
    /// How long a packet takes, or why it does not arrive.
    pub(crate) fn travel(&self, chance: &mut Chance, timing: &Timing) -> Result<u64, Lost> {
        let (sender, receiver) = (self.from.1, self.to.1);
        leaves(sender)?;
        if self.from.0 == self.to.0 {
            return Ok(10_000);
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
        let path = self.network.paths.get(&(self.from.0, self.to.0)).copied().unwrap_or(0.0);
        if chance.happens(path) {
            return Err(Lost::Path);
        }
        for loss in [self.network.loss, sender.loss_out, receiver.loss_in] {
            if chance.happens(loss) {
                return Err(Lost::Chance);
            }
        }
        let (low, high) = (timing.latency.0.as_nanos() as u64, timing.latency.1.as_nanos() as u64);
        Ok(chance.between(low, high) + chance.between(0, timing.jitter.as_nanos() as u64))
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

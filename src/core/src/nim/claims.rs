//! Who else says that the adapter's address is its own (RFC 5227), and whose
//! hardware address the daemon wants to know.
//!
//! One packet that says so may be an address that moves from host to host on
//! purpose, or the last word of its former holder. So a rival is asked again, and
//! counts only when it still says so after a while.

use alloc::{collections::BTreeMap, vec::Vec};
use core::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use hats_wire::link::Report;

use super::{Effect, Machine, inbound::is_within};
use crate::{sizes::Size, time::Timestamp};

/// An Ethernet address.
pub type Mac = [u8; 6];

/// When the address comes up, and when a rival shows, it is asked for so often...
const PROBES: u32 = 3;
/// ... at this distance,
const SOON: Duration = Duration::from_secs(1);
/// while there is a rival so often,
const WATCHED: Duration = Duration::from_secs(5);
/// and else so often.
const RARELY: Duration = Duration::from_secs(60);
/// A rival counts when it says so for so long.
const LASTING: Duration = Duration::from_secs(2);
/// One that leaves three questions open is gone.
const GONE: Duration = Duration::from_secs(16);
/// What is heard of one address is passed on at most so often.
const EACH: Duration = Duration::from_secs(2);
/// Addresses of which something was passed on, and that were asked for.
const OTHERS_MAX: usize = 64;

#[derive(Clone, Debug)]
struct Rival {
    mac: Mac,
    since: Timestamp,
    last: Timestamp,
    told: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Claims {
    available: bool,
    /// When the adapter's own address is asked for next.
    due: Option<Timestamp>,
    /// So many questions of the next come soon.
    soon: u32,
    rival: Option<Rival>,
    /// When it was last passed on what is heard of them.
    others: BTreeMap<Ipv4Addr, Timestamp>,
    /// When they were last asked for.
    asked: BTreeMap<Ipv4Addr, Timestamp>,
}

impl Claims {
    pub(super) fn due(&self) -> Option<Timestamp> {
        self.due
    }

    pub(super) fn sizes(&self) -> [Size; 2] {
        [
            Size::new("hosts heard by ARP", self.others.len(), OTHERS_MAX),
            Size::new("hosts asked for by ARP", self.asked.len(), OTHERS_MAX),
        ]
    }
}

/// Whether it is time again for one of a bounded table.
fn is_time(table: &mut BTreeMap<Ipv4Addr, Timestamp>, address: Ipv4Addr, now: Timestamp) -> bool {
    if table.get(&address).is_some_and(|at| now < *at + EACH) {
        return false;
    }
    if table.len() >= OTHERS_MAX && !table.contains_key(&address) {
        table.retain(|_, at| now < *at + EACH);
    }
    let room = table.len() < OTHERS_MAX || table.contains_key(&address);
    if room {
        table.insert(address, now);
    }
    room
}

impl Machine {
    /// Whether ARP can be heard and sent, from now on.
    pub(super) fn arp_available(&mut self, available: bool) {
        self.claims.available = available;
    }

    /// The sockets are open, or are not any more.
    pub(super) fn claims_begin(&mut self, open: bool) {
        let own = own(self);
        if !open || own.is_none() || !self.claims.available {
            self.claims.due = None;
            self.end_rival();
            return;
        }
        (self.claims.due, self.claims.soon) = (Some(self.now + SOON), PROBES);
    }

    /// A host speaks of itself: of this address, if it asks whether it can have it.
    pub(super) fn arp_heard(&mut self, mac: Mac, sender: Ipv4Addr, target: Ipv4Addr, asks: bool) {
        let Some((address, own_mac)) = own(self) else { return };
        // A group address is nobody's.
        if !self.is_open() || mac == own_mac || mac[0] & 1 == 1 {
            return;
        }
        if sender == address {
            return self.rival_heard(mac);
        }
        let about = if sender.is_unspecified() && asks { target } else { sender };
        let asked = self.claims.asked.contains_key(&about) && about == sender;
        let subnet = (self.config.address, self.config.prefix_length);
        let near = about == address || about.is_unspecified() || is_within(about.into(), subnet);
        if (asked || !near) && is_time(&mut self.claims.others, about, self.now) {
            let at_ns = self.now.0;
            self.report(Report::Overheard { at_ns, address: about.into(), mac: mac.into() });
        }
    }

    fn rival_heard(&mut self, mac: Mac) {
        let now = self.now;
        match &mut self.claims.rival {
            Some(rival) if rival.mac == mac => {
                rival.last = now;
                if !rival.told && now >= rival.since + LASTING {
                    rival.told = true;
                    self.report(Report::Taken { at_ns: now.0, mac: mac.into() });
                }
            }
            Some(rival) if rival.told && now < rival.last + GONE => {}
            Some(_) | None => {
                self.end_rival();
                self.claims.rival = Some(Rival { mac, since: now, last: now, told: false });
                (self.claims.due, self.claims.soon) = (Some(now + SOON), PROBES);
            }
        }
    }

    fn end_rival(&mut self) {
        if self.claims.rival.take().is_some_and(|rival| rival.told) {
            let at_ns = self.now.0;
            self.report(Report::Taken { at_ns, mac: Vec::new() });
        }
    }

    /// Asks for the adapter's own address, if it is time.
    pub(super) fn wake_claims(&mut self) {
        let now = self.now;
        if self.claims.due.is_none_or(|at| now < at) {
            return;
        }
        if self.claims.rival.as_ref().is_some_and(|rival| now >= rival.last + GONE) {
            self.end_rival();
        }
        self.claims.soon = self.claims.soon.saturating_sub(1);
        let next = match (self.claims.soon, &self.claims.rival) {
            (1.., _) => SOON,
            (0, Some(_)) => WATCHED,
            (0, None) => RARELY,
        };
        self.claims.due = Some(now + next);
        self.ask_for_own();
    }

    /// Whoever else has the adapter's address answers; all others on the wire hear
    /// whose it is.
    pub(super) fn ask_for_own(&mut self) {
        if let (Some((target, mac)), true) = (own(self), self.claims.available && self.is_open()) {
            self.effects.push_back(Effect::Arp { mac, sender: Ipv4Addr::UNSPECIFIED, target });
        }
    }

    /// The daemon is to know its hardware address.
    pub(super) fn ask_for(&mut self, address: IpAddr) {
        let (Some((sender, mac)), IpAddr::V4(target)) = (own(self), address) else { return };
        let usable = self.claims.available && self.is_open();
        if usable && is_time(&mut self.claims.asked, target, self.now) {
            self.effects.push_back(Effect::Arp { mac, sender, target });
        }
    }
}

/// Address and hardware address, where both are of the kind that ARP is about.
fn own(machine: &Machine) -> Option<(Ipv4Addr, Mac)> {
    let mac = machine.link.as_ref()?.mac.as_slice().try_into().ok()?;
    match machine.config.address {
        IpAddr::V4(address) => Some((address, mac)),
        IpAddr::V6(_) => None,
    }
}

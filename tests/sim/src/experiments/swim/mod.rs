//! Plain SWIM: the baseline that hats is measured against.
//!
//! The protocol of Das, Gupta and Motivala, "SWIM: Scalable
//! Weakly-consistent Infection-style Process Group Membership Protocol"
//! (DSN 2002), with the suspicion sub-protocol of its section 4.2 and the
//! round-robin order of 4.3, and with the values and the additions of
//! memberlist's default configuration for a LAN as it was before Lifeguard:
//! a gossip timer of its own, gossip to the recently dead, and a full exchange
//! of state with one member now and then. Left out: everything that Lifeguard
//! added (local health, nacks, suspicions that shorten with confirmations,
//! telling the suspect first), the ping over TCP, joining, leaving, and names:
//! members know each other from the start.
//!
//! [`Machine`] is pure, as hats's machines are; [`Swarm`] is the shell that runs
//! many of them on the same clock, queue and network model as
//! [`World`](crate::World) does.

mod gossip;
mod machine;
mod message;
mod swarm;

use std::time::Duration;

pub(crate) use machine::{Event, Machine};
pub(crate) use swarm::Swarm;

/// A member: its number, counted from 0.
pub(crate) type Id = u32;

/// How a member behaves. The defaults are memberlist's for a LAN.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// From probe to probe; also how long a probe may take in all.
    pub(crate) probe_interval: Duration,
    /// How long a direct ping may take before others are asked to try.
    pub(crate) probe_timeout: Duration,
    /// How many others are asked.
    pub(crate) indirect_probes: usize,
    /// alpha: a suspicion lasts alpha x log10(members) x the probe interval.
    pub(crate) suspicion_multiplier: f64,
    /// lambda: an update is sent lambda x ceil(log10(members + 1)) times.
    pub(crate) retransmit_multiplier: u32,
    /// From gossip to gossip, for what did not travel on other messages.
    pub(crate) gossip_interval: Duration,
    /// To so many members each time.
    pub(crate) gossip_members: usize,
    /// A dead member is gossiped to for so long, so that it may refute.
    pub(crate) gossip_to_the_dead: Duration,
    /// From full exchange to full exchange, in a group of up to 32; beyond, it
    /// is longer by its own length with each doubling.
    pub(crate) exchange_interval: Duration,
    /// Timers begin at random phases; if not, all members tick together.
    pub(crate) staggered: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            probe_interval: Duration::from_secs(1),
            probe_timeout: Duration::from_millis(500),
            indirect_probes: 3,
            suspicion_multiplier: 5.0,
            retransmit_multiplier: 4,
            gossip_interval: Duration::from_millis(200),
            gossip_members: 3,
            gossip_to_the_dead: Duration::from_secs(30),
            exchange_interval: Duration::from_secs(30),
            staggered: true,
        }
    }
}

impl Settings {
    /// How long a suspect has to refute, among `members`.
    pub(crate) fn suspicion(&self, members: usize) -> Duration {
        let scale = (members.max(1) as f64).log10().max(1.0);
        let millis = self.suspicion_multiplier * scale * self.probe_interval.as_millis() as f64;
        // Whole milliseconds are the same on every machine; a logarithm may not be.
        Duration::from_millis(millis.round() as u64)
    }

    /// How often an update is sent, among `members`.
    pub(crate) fn retransmissions(&self, members: usize) -> u32 {
        // ceil(log10(members + 1)): the number of decimal digits of `members`.
        let digits = members.checked_ilog10().map_or(0, |log| log + 1);
        self.retransmit_multiplier * digits
    }

    /// From full exchange to full exchange, among `members`.
    pub(crate) fn exchange_every(&self, members: usize) -> Duration {
        let doublings = members.max(32).div_ceil(32).next_power_of_two().ilog2();
        self.exchange_interval * (doublings + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_grow_with_the_logarithm_of_the_members() {
        let settings = Settings::default();
        assert_eq!(settings.suspicion(8), Duration::from_secs(5));
        assert_eq!(settings.suspicion(100), Duration::from_secs(10));
        assert_eq!(settings.suspicion(128).as_millis(), 10_536);
        assert_eq!(settings.retransmissions(9), 4);
        assert_eq!(settings.retransmissions(10), 8);
        assert_eq!(settings.retransmissions(128), 12);
        assert_eq!(settings.exchange_every(32), Duration::from_secs(30));
        assert_eq!(settings.exchange_every(33), Duration::from_secs(60));
        assert_eq!(settings.exchange_every(128), Duration::from_secs(90));
    }
}

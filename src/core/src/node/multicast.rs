//! Whether what is said to a whole network gets there.
//!
//! A switch that snoops on IGMP and hears no querier, or a filter, loses what
//! goes to the multicast group while everything else passes. Each follower knows
//! what it ought to hear, its leader's proclaims, and says in its node's report
//! what it hears of them: it doubts when none has come for a while, is then sent
//! each of them by unicast as well, and knows when only those come. From that
//! everybody concludes whether multicast is broken on the network. As long as
//! anybody misses it, what goes to the whole network goes to that one by unicast
//! too.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};
use core::{net::IpAddr, time::Duration};

use hats_wire::{Multicast, NodeId, NodeReport, link::Mode};

use super::{Node, sight::Sources};
use crate::{
    io::AdapterIndex,
    say,
    sizes::{ADAPTERS_MAX, Each, NETWORKS_MAX, Size},
    time::Timestamp,
};

/// After so many intervals without a proclaim of its leader to all a follower
/// doubts: three of a stable group's, and one more interval.
const DOUBTED: u32 = 13;
/// After so many proclaims that came by unicast alone it is sure: were half of
/// all datagrams lost, this happened to one in 6,000.
const MISSING: u32 = 8;
/// After so many that came to all it hears again.
const HEARD: u32 = 3;

/// Who spoke is remembered for five proclaims of a stable group.
const SPEAKERS_LAST: u32 = 20;
/// Speakers remembered for each adapter.
const SPEAKERS_MAX: usize = 64;

/// What one local adapter hears of that its leader says to the whole network.
#[derive(Debug, Default)]
pub(super) struct Hearing {
    /// Whom it follows; none: it leads, or is in no group.
    leader: Option<IpAddr>,
    /// When that last said something to all, or was first followed.
    at: Timestamp,
    /// In a row, by unicast and not to all.
    alone: u32,
    /// To all, without two in a row that came by unicast alone.
    whole: u32,
    /// The leader sends by unicast as well.
    copied: bool,
    says: Multicast,
}

impl Hearing {
    /// What its node reports of it.
    pub(super) fn says(&self) -> Multicast {
        self.says
    }

    /// It is in a group of that leader now.
    fn follow(&mut self, now: Timestamp, leader: Option<IpAddr>) {
        if self.leader != leader {
            // What it missed was another one's: it is to be found anew.
            let says = match self.says {
                Multicast::Missing => Multicast::Doubted,
                Multicast::Unknown | Multicast::Doubted | Multicast::Heard => self.says,
            };
            *self = Hearing { leader, at: now, says, ..Hearing::default() };
        }
    }

    /// Time that was slept through is no silence.
    fn excuse(&mut self, now: Timestamp) {
        self.at = now;
    }

    /// When it doubts, if nothing comes.
    fn doubts_at(&self, interval: Duration) -> Option<Timestamp> {
        let hears = matches!(self.says, Multicast::Unknown | Multicast::Heard);
        (hears && self.leader.is_some()).then(|| self.at + interval * DOUBTED)
    }

    /// A proclaim of its leader came: to all, or by unicast.
    fn heard(&mut self, now: Timestamp, to_all: bool) {
        if to_all {
            self.at = now;
            self.alone = 0;
            self.whole = self.whole.saturating_add(1);
            let told = matches!(self.says, Multicast::Doubted | Multicast::Missing) || self.copied;
            if told && self.whole >= HEARD {
                self.says = Multicast::Heard;
            }
            return;
        }
        self.copied = true;
        self.alone = self.alone.saturating_add(1);
        if self.alone > 1 {
            self.whole = 0;
        }
        if self.alone >= MISSING {
            self.says = Multicast::Missing;
        }
    }
}

/// Who spoke to a local adapter by unicast, and when: without multicast it may
/// not be known otherwise that they are there.
#[derive(Debug, Default)]
pub(crate) struct Speakers(BTreeMap<IpAddr, Timestamp>);

impl Speakers {
    pub(crate) fn note(&mut self, now: Timestamp, from: IpAddr, interval: Duration) {
        if self.0.len() >= SPEAKERS_MAX && !self.0.contains_key(&from) {
            self.0.retain(|_, at| now <= *at + interval * SPEAKERS_LAST);
            if self.0.len() >= SPEAKERS_MAX {
                return;
            }
        }
        self.0.insert(from, now);
    }

    pub(super) fn size(&self) -> Size {
        Size::new("who spoke by unicast", self.0.len(), SPEAKERS_MAX)
    }

    /// Those that spoke in the last `span`, the latest first.
    pub(crate) fn latest(&self, now: Timestamp, span: Duration) -> Vec<IpAddr> {
        let mut spoke: Vec<(Timestamp, IpAddr)> =
            self.0.iter().map(|(address, at)| (*at, *address)).collect();
        spoke.retain(|(at, _)| now <= *at + span);
        spoke.sort_unstable();
        spoke.into_iter().rev().map(|(_, address)| address).collect()
    }

    /// Those that spoke lately.
    pub(super) fn recent(
        &self,
        now: Timestamp,
        interval: Duration,
    ) -> impl Iterator<Item = IpAddr> {
        let recent = move |at: &Timestamp| now <= *at + interval * SPEAKERS_LAST;
        self.0.iter().filter(move |(_, at)| recent(at)).map(|(address, _)| *address)
    }
}

/// What a node says that an adapter hears, and of which leader.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Word {
    node: NodeId,
    says: Multicast,
    of: Option<IpAddr>,
}

/// What is known of multicast on all networks.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// What adapters say of it that say anything.
    said: BTreeMap<String, BTreeMap<IpAddr, Word>>,
    /// The networks on which it is broken.
    broken: BTreeSet<String>,
    changes: u64,
    /// What the last conclusions were drawn from.
    concluded: Option<(Sources, u64)>,
}

impl Known {
    /// Whether it is broken there.
    pub(super) fn is_broken(&self, network: &str) -> bool {
        self.broken.contains(network)
    }

    fn learn(&mut self, report: &NodeReport) {
        let mut changed = false;
        let mine = |word: &Word| word.node == report.node_id;
        self.said.retain(|network, said| {
            let of = |at: &IpAddr| {
                let mut its = report.adapters.iter();
                its.any(|it| it.network == *network && it.address == *at && speaks(it.multicast))
            };
            said.retain(|address, it| {
                let stays = !mine(it) || of(address);
                changed |= !stays;
                stays
            });
            !said.is_empty()
        });
        let mut len: usize = self.said.values().map(BTreeMap::len).sum();
        for adapter in report.adapters.iter().filter(|it| speaks(it.multicast)) {
            let known = self.said.get(&adapter.network);
            if !known.is_some_and(|said| said.contains_key(&adapter.address)) {
                if len >= ADAPTERS_MAX {
                    continue;
                }
                len += 1;
            }
            let said = self.said.entry(adapter.network.clone()).or_default();
            let of = adapter.group.map(|group| group.leader);
            let it = Word { node: report.node_id, says: adapter.multicast, of };
            changed |= said.insert(adapter.address, it) != Some(it);
        }
        self.changes += u64::from(changed);
    }

    pub(super) fn sizes(&self) -> [Size; 2] {
        let said = self.said.values().map(BTreeMap::len).sum();
        [
            Size::new("adapters that speak of multicast", said, ADAPTERS_MAX).each(Each::Adapter),
            Size::new("networks without multicast", self.broken.len(), NETWORKS_MAX)
                .each(Each::Network),
        ]
    }

    /// Whether that adapter asked for what goes to all by unicast as well.
    fn misses(&self, network: &str, address: IpAddr) -> bool {
        let said = self.said.get(network).and_then(|said| said.get(&address));
        said.is_some_and(|word| misses(word.says))
    }
}

fn speaks(it: Multicast) -> bool {
    it != Multicast::Unknown
}

fn misses(it: Multicast) -> bool {
    matches!(it, Multicast::Doubted | Multicast::Missing)
}

impl Node {
    /// Somebody spoke to a local adapter.
    pub(super) fn note_speaker(&mut self, now: Timestamp, index: AdapterIndex, from: IpAddr) {
        let interval = self.config.detection.heartbeat_interval;
        if let Some(local) = self.locals.get_mut(&index) {
            local.speakers.note(now, from, interval);
        }
    }

    /// The membership on a local adapter changed.
    pub(super) fn follows(&mut self, now: Timestamp, index: AdapterIndex) {
        let Some(local) = self.locals.get_mut(&index) else { return };
        let me = local.me.address;
        let leader = local.group.view().map(|view| view.id.leader).filter(|leader| *leader != me);
        let unicast = local.spec.network.mode == Mode::Unicast;
        let before = local.hearing.says;
        local.hearing.follow(now, leader.filter(|_| !unicast));
        if local.hearing.says != before {
            self.report_self(now);
        }
    }

    /// This daemon or one of its NIMs slept.
    pub(super) fn excuse_leaders(&mut self, now: Timestamp) {
        for local in self.locals.values_mut() {
            local.hearing.excuse(now);
        }
    }

    /// When an adapter begins to doubt, if it hears nothing.
    pub(super) fn doubts_at(&self, hearing: &Hearing) -> Option<Timestamp> {
        hearing.doubts_at(self.config.detection.heartbeat_interval)
    }

    pub(super) fn wake_multicast(&mut self, now: Timestamp) {
        let interval = self.config.detection.heartbeat_interval;
        let mut changed = false;
        for local in self.locals.values_mut() {
            let doubts = local.hearing.doubts_at(interval).is_some_and(|at| now >= at);
            if doubts && local.fault.is_none() {
                local.hearing.says = Multicast::Doubted;
                changed = true;
            }
            if doubts {
                local.hearing.excuse(now);
            }
        }
        if changed {
            self.report_self(now);
        }
    }

    /// A proclaim came from `from`. Says whether it came to all just now, so that
    /// this is only the same once more.
    pub(super) fn is_copy(
        &mut self,
        now: Timestamp,
        index: AdapterIndex,
        from: IpAddr,
        to_group: bool,
    ) -> bool {
        let interval = self.config.detection.heartbeat_interval;
        let Some(local) = self.locals.get_mut(&index) else { return false };
        let hearing = &mut local.hearing;
        // A leader that others proclaim to hears multicast as well as anybody.
        if hearing.leader.is_some_and(|leader| leader != from)
            || (hearing.leader.is_none() && !to_group)
        {
            return false;
        }
        let same = !to_group && hearing.whole > 0 && now < hearing.at + interval / 4;
        let before = hearing.says;
        hearing.heard(now, to_group);
        if hearing.says != before {
            self.report_self(now);
        }
        same
    }

    /// Who is told by unicast as well what is said to the whole network.
    pub(super) fn copies(&self, index: AdapterIndex) -> Vec<IpAddr> {
        let Some(local) = self.locals.get(&index) else { return Vec::new() };
        let network = &local.spec.network.name;
        // What it does not hear itself others will not hear of it.
        let follows = local.hearing.leader.is_some();
        let all = local.spec.network.mode == Mode::Unicast
            || self.multicast.is_broken(network)
            || (follows && misses(local.hearing.says));
        if !all && self.multicast.said.is_empty() {
            return Vec::new();
        }
        let wants = |address: &IpAddr| all || self.multicast.misses(network, *address);
        local.group.audience().into_iter().filter(wants).collect()
    }

    /// Whether that node tells everybody on the network by unicast.
    pub(super) fn tells_each(&self, index: AdapterIndex, node: NodeId) -> bool {
        self.locals.get(&index).is_some_and(|local| {
            let said = self.multicast.said.get(&local.spec.network.name);
            let mut its = said.into_iter().flatten().filter(|(_, word)| word.node == node);
            local.spec.network.mode == Mode::Unicast || its.any(|(_, word)| misses(word.says))
        })
    }

    /// A member that doubts is to know soon: its leader proclaims each interval.
    pub(super) fn is_doubted(&self, index: AdapterIndex) -> bool {
        self.locals.get(&index).is_some_and(|local| {
            let said = self.multicast.said.get(&local.spec.network.name);
            let view = local.group.view();
            let member = |at: &IpAddr| view.is_some_and(|view| view.members.contains(*at));
            let me = local.me.address;
            said.into_iter()
                .flatten()
                .any(|(at, word)| word.says == Multicast::Doubted && *at != me && member(at))
        })
    }

    /// A node says what its adapters hear.
    pub(super) fn learn_multicast(&mut self, report: &NodeReport) {
        self.multicast.learn(report);
    }

    /// Says on which networks multicast broke, or works again, if anything has
    /// changed that decides about it.
    pub(super) fn conclude_multicast(&mut self) {
        if self.multicast.said.is_empty() {
            return;
        }
        let sources = Some((self.sources(), self.multicast.changes));
        if self.multicast.concluded == sources {
            return;
        }
        self.multicast.concluded = sources;
        let networks: Vec<String> = self.multicast.said.keys().cloned().collect();
        let belongings = self.belongings();
        let mut conclusions: Vec<(String, Vec<Multicast>)> = Vec::new();
        for network in networks {
            let members = belongings.get(&*network).into_iter().flatten();
            let followers = members.filter(|(address, (group, _))| **address != group.leader);
            let said = &self.multicast.said[&network];
            // What was missed of another leader says nothing of this one.
            let said = followers.map(|(at, (group, _))| match said.get(at) {
                Some(Word { says: Multicast::Missing, of, .. }) if *of != Some(group.leader) => {
                    Multicast::Doubted
                }
                word => word.map_or(Multicast::Unknown, |word| word.says),
            });
            let said: Vec<Multicast> = said.collect();
            let broken = self.multicast.is_broken(&network);
            let room = broken || self.multicast.broken.len() < NETWORKS_MAX;
            if room && is_broken(broken, &said) != broken {
                conclusions.push((network, said));
            }
        }
        for (network, said) in conclusions {
            let event = if self.multicast.broken.remove(&network) {
                say::multicast_restored(&network)
            } else {
                self.multicast.broken.insert(network.clone());
                say::multicast_broken(&network, count(&said, Multicast::Missing), said.len())
            };
            let authority = self.leads_network(&network);
            self.publish_as(Some(event), authority);
        }
    }
}

fn count(said: &[Multicast], what: Multicast) -> usize {
    said.iter().filter(|it| **it == what).count()
}

/// Whether multicast is broken, by what the followers say: at least half of them
/// miss it, and more than hear it. It works again when some hear it and nobody
/// misses it any more, or the most part hears it.
fn is_broken(before: bool, said: &[Multicast]) -> bool {
    let missing = count(said, Multicast::Missing);
    let heard = count(said, Multicast::Heard);
    if before {
        let most = heard > missing && heard * 2 >= said.len();
        !(heard > 0 && (missing == 0 || most))
    } else {
        missing > 0 && missing * 2 >= said.len() && missing > heard
    }
}

#[cfg(test)]
mod follower;
#[cfg(test)]
mod tests;

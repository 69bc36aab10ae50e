//! Ways on which long packets get lost and short ones do not.
//!
//! A tunnel, a switch port or a host whose MTU is smaller than that of those who
//! send through it loses long packets without a word; heartbeats get through.
//! Now and then the patrol of each adapter sends one probe that is as long as the
//! interface's MTU allows. When none of several arrives, and short ones do, it
//! looks for the longest that arrives, and its node's report says so. From these
//! reports everybody concludes which networks are narrow; there no datagram of
//! hats itself is longer than what gets through. Nobody is blamed.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};
use core::{net::IpAddr, time::Duration};

use hats_wire::{DATAGRAM_MAX, Member, Narrow, NodeId, NodeReport, PROBE_MAX, link::ProbeDone};

use super::{Node, paths::Purpose, sight::Sources};
use crate::{
    io::AdapterIndex,
    say,
    sizes::{Each, NETWORKS_MAX, Size},
    time::Timestamp,
};

/// Of so many visits of a patrol one is made with a long probe; each one while the
/// network is known to be narrow somewhere.
const EVERY: usize = 8;
/// A probe without padding, and a few bytes more.
const SHORT: u32 = 80;
/// Where the MTU is smaller nothing is tried: every IPv4 host takes so much.
const MTU_MIN: u32 = 576;
/// A way is narrow when by chance alone so many long ones in a row would get lost
/// less than once in a thousand million.
const CHANCE: f64 = 1e-9;
/// So many pairs of a long and a short probe, if they do not suffice, are given up.
const ROUNDS_MAX: u32 = 200;
/// So many visits are waited for a probe to be over.
const WAITS_MAX: u32 = 64;
/// Probes of each length that is tried.
const PROBES: u32 = 3;
/// Without any loss so many rounds suffice; where it takes twice as many, each
/// length is tried twice.
const ROUNDS_LEAST: u32 = 9;
/// So many long probes in a row must arrive before a way is wide again.
const PASSES: u32 = 3;
/// Ways of one adapter that are told: who is narrow to more is narrow to all.
const WAYS_MAX: usize = 16;
/// So long others have time to find ways of their own, so that the event says how
/// many there are.
const SETTLES: Duration = Duration::from_secs(5);
/// No datagram is shorter than this for a narrow way's sake.
const DATAGRAM_LEAST: usize = 256;

/// What one local adapter knows of its ways to others.
#[derive(Debug, Default)]
pub(super) struct Widths {
    visits: u32,
    visited: Option<IpAddr>,
    trial: Option<Trial>,
    /// The longest packet that gets to them, and how many longer ones have lately.
    narrow: BTreeMap<IpAddr, (u32, u32)>,
}

/// One way is looked at.
#[derive(Debug)]
struct Trial {
    peer: IpAddr,
    /// The length that gets lost.
    whole: u32,
    /// The long probes that were lost: what is answered late was not.
    lost: Vec<u64>,
    /// Visits since a probe of it was over: one that never is must not end all.
    waits: u32,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// A long and a short one at once, again and again.
    Doubt(Doubt),
    /// Between a length that arrives and one that does not.
    Search { passes: u32, fails: u32, tries: u32, each: u32 },
}

/// What has been found out while it is not sure.
#[derive(Clone, Copy, Default, Debug)]
struct Doubt {
    rounds: u32,
    /// Short ones that were not answered.
    short_lost: u32,
    /// Long ones that were not answered, though the short one beside them was.
    long_lost: u32,
    /// Under way: whether the long and the short one were answered.
    long: Option<Option<bool>>,
    short: Option<Option<bool>>,
}

/// What the answers of both probes of a round mean.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Conclusion {
    /// Not enough yet.
    Open,
    /// Long ones get lost, and not by chance.
    Narrow,
    /// One arrived, or it cannot be told.
    Over,
}

impl Doubt {
    fn is_under_way(&self) -> bool {
        self.long.is_some()
    }

    fn begin(&mut self) {
        (self.long, self.short) = (Some(None), Some(None));
    }

    fn answered(&mut self, long: bool, answered: bool) -> Conclusion {
        let asked = if long { &mut self.long } else { &mut self.short };
        *asked = asked.map(|_| Some(answered));
        let (Some(Some(long)), Some(Some(short))) = (self.long, self.short) else {
            return Conclusion::Open;
        };
        (self.long, self.short) = (None, None);
        self.rounds += 1;
        self.short_lost += u32::from(!short);
        self.long_lost += u32::from(short && !long);
        if long || self.rounds >= ROUNDS_MAX {
            Conclusion::Over
        } else if self.is_sure() {
            Conclusion::Narrow
        } else {
            Conclusion::Open
        }
    }

    fn is_sure(&self) -> bool {
        let loss = f64::from(self.short_lost + 1) / f64::from(self.rounds + 2);
        (0..self.long_lost).fold(1.0, |chance, _| chance * loss) < CHANCE
    }
}

impl Widths {
    /// What its node reports of it.
    pub(super) fn says(&self) -> Vec<Narrow> {
        self.narrow.iter().map(|(to, (size, _))| Narrow { to: *to, size: *size }).collect()
    }

    pub(super) fn size(&self) -> Size {
        Size::new("narrow ways", self.narrow.len(), WAYS_MAX)
    }
}

/// What is known of all networks.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The nodes whose reports name narrow ways.
    speakers: BTreeSet<NodeId>,
    changes: u64,
    concluded: Option<(Sources, u64)>,
    /// By network, the ways that are narrow, and how long a packet gets there.
    ways: BTreeMap<String, BTreeMap<(IpAddr, IpAddr), u32>>,
    /// Since when they have been known, where it is not told yet.
    since: BTreeMap<String, Timestamp>,
    told: BTreeSet<String>,
}

impl Known {
    fn learn(&mut self, report: &NodeReport) {
        let speaks = report.adapters.iter().any(|adapter| !adapter.narrow.is_empty());
        let spoke = if speaks {
            !self.speakers.insert(report.node_id)
        } else {
            self.speakers.remove(&report.node_id)
        };
        self.changes += u64::from(speaks || spoke);
    }

    /// The narrow ways of a network.
    pub(super) fn ways(&self, network: &str) -> Vec<(IpAddr, IpAddr, u32)> {
        let ways = self.ways.get(network).into_iter().flatten();
        ways.map(|((from, to), size)| (*from, *to, *size)).collect()
    }

    pub(super) fn sizes(&self) -> [Size; 2] {
        [
            Size::new("nodes with narrow ways", self.speakers.len(), crate::linkstate::ITEMS_MAX)
                .each(Each::Node),
            Size::new("narrow networks", self.told.len(), NETWORKS_MAX).each(Each::Network),
        ]
    }
}

impl Node {
    /// A visit of an adapter's patrol: now and then with a long probe.
    pub(super) fn try_widths(&mut self, now: Timestamp, index: AdapterIndex) {
        self.forget_ways(now, index);
        let Some(whole) = self.whole_packet(index) else { return };
        let Some(local) = self.locals.get_mut(&index) else { return };
        if let Some(trial) = &mut local.widths.trial {
            let peer = trial.peer;
            trial.waits += 1;
            if let Stage::Doubt(doubt) = &mut trial.stage
                && !doubt.is_under_way()
            {
                doubt.begin();
                self.probe_width(index, Purpose::Long(peer), whole, 1);
                self.probe_width(index, Purpose::Short(peer), 0, 1);
            }
            return;
        }
        local.widths.visits = local.widths.visits.wrapping_add(1);
        let (visits, last) = (local.widths.visits as usize, local.widths.visited);
        let narrow: Vec<IpAddr> = local.widths.narrow.keys().copied().collect();
        if !narrow.is_empty() {
            let peer = narrow[visits % narrow.len()];
            self.probe_width(index, Purpose::Long(peer), whole, 1);
        }
        let Some(local) = self.locals.get(&index) else { return };
        let often = self.narrow.ways.contains_key(&local.spec.network.name);
        if !often && !visits.is_multiple_of(EVERY) {
            return;
        }
        let Some(peer) = self.next_visit(index, last).filter(|it| !narrow.contains(it)) else {
            return;
        };
        if let Some(local) = self.locals.get_mut(&index) {
            local.widths.visited = Some(peer);
        }
        self.probe_width(index, Purpose::Long(peer), whole, 1);
    }

    /// The longest packet that an adapter can try; none where there is no reason to.
    fn whole_packet(&self, index: AdapterIndex) -> Option<u32> {
        let local = self.locals.get(&index)?;
        let mtu = local.link.as_ref()?.mtu;
        let longest = u32::try_from(PROBE_MAX).ok()? + headers(local.me.address);
        (mtu >= MTU_MIN).then_some(mtu.min(longest))
    }

    /// A probe in packets of so many bytes; 0: as short as it is.
    fn probe_width(&mut self, index: AdapterIndex, purpose: Purpose, packet: u32, count: u32) {
        let (Purpose::Long(peer) | Purpose::Short(peer)) = purpose else { return };
        let size = packet.saturating_sub(headers(peer));
        let timeout = self.config.detection.probe_timeout;
        self.probe_path(purpose, index, peer, (count, timeout), size);
    }

    /// A probe of this module is over.
    pub(super) fn width_probed(
        &mut self,
        now: Timestamp,
        index: AdapterIndex,
        (peer, long): (IpAddr, bool),
        done: &ProbeDone,
    ) {
        let whole = self.whole_packet(index);
        let Some(local) = self.locals.get_mut(&index) else { return };
        let widths = &mut local.widths;
        let answered = done.received > 0;
        if done.sent == 0 {
            widths.trial = None;
            return;
        }
        let Some(trial) = &mut widths.trial else {
            // A short one is of a trial that has ended.
            match widths.narrow.get_mut(&peer) {
                _ if !long => {}
                Some((_, passes)) => *passes = if answered { *passes + 1 } else { 0 },
                None if !answered => {
                    let (stage, lost) = (Stage::Doubt(Doubt::default()), Vec::from([done.id]));
                    widths.trial = whole.map(|whole| Trial { peer, whole, lost, waits: 0, stage });
                }
                None => {}
            }
            return;
        };
        if trial.peer != peer {
            return;
        }
        trial.waits = 0;
        if long && !answered && trial.lost.len() < ROUNDS_MAX as usize {
            trial.lost.push(done.id);
        }
        match &mut trial.stage {
            Stage::Doubt(doubt) => match doubt.answered(long, answered) {
                Conclusion::Open => {}
                Conclusion::Over => widths.trial = None,
                Conclusion::Narrow => {
                    let each = doubt.long_lost / ROUNDS_LEAST;
                    let (passes, fails) = (SHORT + headers(peer), trial.whole);
                    trial.stage = Stage::Search { passes, fails, tries: 0, each };
                    self.search(index);
                }
            },
            Stage::Search { passes, fails, tries, each } => {
                let found = *fails <= *passes + 1;
                let tried = next_length(*passes, *fails);
                *tries += 1;
                if answered && found {
                    // It is wide again meanwhile.
                    widths.trial = None;
                } else if answered {
                    (*passes, *tries) = (tried, 0);
                    self.search(index);
                } else if *tries < *each {
                    self.search(index);
                } else if found {
                    self.found(now, index);
                } else {
                    (*fails, *tries) = (tried, 0);
                    self.search(index);
                }
            }
        }
    }

    /// Tries the next length.
    fn search(&mut self, index: AdapterIndex) {
        let Some(local) = self.locals.get(&index) else { return };
        let Some(Trial { peer, stage: Stage::Search { passes, fails, .. }, .. }) =
            local.widths.trial
        else {
            return;
        };
        self.probe_width(index, Purpose::Long(peer), next_length(passes, fails), PROBES);
    }

    /// The length that gets through is known: it is told.
    fn found(&mut self, now: Timestamp, index: AdapterIndex) {
        let Some(local) = self.locals.get_mut(&index) else { return };
        let widths = &mut local.widths;
        let Some(Trial { peer, stage: Stage::Search { passes, .. }, .. }) = widths.trial.take()
        else {
            return;
        };
        // Nothing at all arrived: that is another matter.
        if passes > SHORT + headers(peer) && widths.narrow.len() < WAYS_MAX {
            widths.narrow.insert(peer, (passes, 0));
            self.report_self(now);
        }
    }

    /// A long probe was answered after its time.
    pub(super) fn width_answered_late(&mut self, index: AdapterIndex, id: u64) {
        if let Some(local) = self.locals.get_mut(&index)
            && local.widths.trial.as_ref().is_some_and(|trial| trial.lost.contains(&id))
        {
            local.widths.trial = None;
        }
    }

    /// What is wide again, or leads to nobody any more.
    fn forget_ways(&mut self, now: Timestamp, index: AdapterIndex) {
        let whole = self.whole_packet(index).unwrap_or_default();
        let Some(local) = self.locals.get_mut(&index) else { return };
        let view = local.group.view().filter(|_| local.fault.is_none());
        let member = |peer: &IpAddr| view.is_some_and(|view| view.members.contains(*peer));
        let widths = &mut local.widths;
        if widths.trial.as_ref().is_some_and(|trial| {
            !member(&trial.peer) || trial.whole != whole || trial.waits > WAITS_MAX
        }) {
            widths.trial = None;
        }
        let before = widths.narrow.len();
        widths
            .narrow
            .retain(|peer, (size, passes)| member(peer) && *size < whole && *passes < PASSES);
        if widths.narrow.len() < before {
            self.report_self(now);
        }
    }

    /// A node says what its ways are like.
    pub(super) fn learn_narrow(&mut self, report: &NodeReport) {
        self.narrow.learn(report);
    }

    /// The longest datagram of its own that a local adapter may send.
    pub(super) fn datagram_max(&self, index: AdapterIndex) -> usize {
        let Some(local) = self.locals.get(&index) else { return DATAGRAM_MAX };
        let ways = self.narrow.ways.get(&local.spec.network.name);
        let least = ways.and_then(|ways| ways.values().min());
        least.map_or(DATAGRAM_MAX, |size| {
            let datagram = size.saturating_sub(headers(local.me.address));
            usize::try_from(datagram).unwrap_or(DATAGRAM_MAX).clamp(DATAGRAM_LEAST, DATAGRAM_MAX)
        })
    }

    /// Says which networks have become narrow, or wide again.
    pub(super) fn conclude_narrow(&mut self, now: Timestamp) {
        let quiet = self.narrow.speakers.is_empty() && self.narrow.told.is_empty();
        if quiet && self.narrow.ways.is_empty() {
            return;
        }
        let sources = Some((self.sources(), self.narrow.changes));
        if self.narrow.concluded != sources {
            self.narrow.concluded = sources;
            self.narrow.ways = self.narrow_ways();
        }
        let Known { ways, since, told, .. } = &mut self.narrow;
        since.retain(|network, _| ways.contains_key(network));
        let (mut begun, mut over) = (Vec::new(), Vec::new());
        for network in ways.keys().filter(|network| !told.contains(*network)) {
            let since = since.entry(network.clone()).or_insert(now);
            if now >= *since + SETTLES && told.len() + begun.len() < NETWORKS_MAX {
                begun.push(network.clone());
            }
        }
        over.extend(told.iter().filter(|network| !ways.contains_key(*network)).cloned());
        for network in begun {
            self.narrow.since.remove(&network);
            self.narrow.told.insert(network.clone());
            let event = self.mtu_event(&network);
            let authority = self.leads_network(&network);
            self.publish_as(event, authority);
        }
        for network in over {
            self.narrow.told.remove(&network);
            let authority = self.leads_network(&network);
            self.publish_as(Some(say::mtu_restored(&network)), authority);
        }
    }

    fn mtu_event(&self, network: &str) -> Option<crate::event::Event> {
        let belongings = self.belongings();
        let its = belongings.get(network)?;
        let member = |at: &IpAddr| its.get(at).map(|(_, member)| (*member).clone());
        let ways = self.narrow.ways.get(network)?.iter();
        let ways: Vec<(Member, Member, u32)> = ways
            .filter_map(|((from, to), size)| Some((member(from)?, member(to)?, *size)))
            .collect();
        say::mtu(network, &ways)
    }

    /// The ways between members of one group that a report names.
    fn narrow_ways(&self) -> BTreeMap<String, BTreeMap<(IpAddr, IpAddr), u32>> {
        let mut ways: BTreeMap<String, BTreeMap<(IpAddr, IpAddr), u32>> = BTreeMap::new();
        let belongings = self.belongings();
        for node in &self.narrow.speakers {
            let report = self.database.node(*node).map(|(report, _)| report);
            for adapter in report.into_iter().flat_map(|report| &report.adapters) {
                let Some(its) = belongings.get(&*adapter.network) else { continue };
                let group = |at: &IpAddr| its.get(at).map(|(group, _)| *group);
                let from = adapter.address;
                let together = |to: &IpAddr| group(to).is_some() && group(to) == group(&from);
                for narrow in adapter.narrow.iter().filter(|narrow| together(&narrow.to)) {
                    let its = ways.entry(adapter.network.clone()).or_default();
                    its.insert((from, narrow.to), narrow.size);
                }
            }
        }
        ways
    }
}

/// The bytes of a packet in front of the datagram.
fn headers(address: IpAddr) -> u32 {
    if address.is_ipv4() { 28 } else { 48 }
}

/// The length to try between one that arrives and one that does not; the latter
/// once more, when there is none in between.
fn next_length(passes: u32, fails: u32) -> u32 {
    if fails > passes + 1 { passes + (fails - passes) / 2 } else { fails }
}

#[cfg(test)]
mod tests;

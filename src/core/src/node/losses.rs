//! Datagrams that adapters lose, and whose fault it is.
//!
//! Each adapter counts the probes of its patrol that were not answered. One that
//! loses probes to a single member says nothing: it may be that one, or the path.
//! One that loses them to most of the members is itself the cause, unless as many
//! of the others say the same of themselves: then it is the network.

use alloc::collections::{BTreeMap, VecDeque};
use core::{net::IpAddr, time::Duration};

use hats_wire::{Loss, link::Statistics};

use super::Node;
use crate::{io::AdapterIndex, sizes::Size, time::Timestamp};

/// Probes that count: a minute's, four a second; four minutes' where the heartbeat
/// interval is a second.
const PROBES_MAX: usize = 240;
/// So many at least, and so many of them lost, before anything is said.
const PROBES_ENOUGH: usize = 120;
const LOST_ENOUGH: usize = 8;
/// Probes in a row that are looked at together: half of such parts must have lost
/// some, for an interruption is no loss by the way.
const PART: usize = 30;
/// Said from so many thousandths on: 2 % each way.
const LOSSY: usize = 40;
/// No longer said below: 1 % each way.
const CLEAN: usize = 20;
/// What is told to the others, for them to compare: earlier than it is said.
const SUFFERS_ENOUGH: (usize, usize, usize) = (60, 4, 15);
/// The others' word is waited for so long.
const HEARSAY: Duration = Duration::from_secs(5);
/// Reports of the NIM that count, one a second.
const REPORTS_MAX: usize = 60;

/// What one local adapter has lost lately.
#[derive(Debug, Default)]
pub(super) struct Losses {
    /// The latest of the patrol.
    probes: VecDeque<Probe>,
    /// How many of them were not answered.
    lost: usize,
    /// Heartbeats of all upstream neighbours: arrived and lost, as counted then.
    beats: VecDeque<(u64, u64)>,
    /// Since when it has been taken for the cause.
    since: Option<Timestamp>,
    /// As the others were told last.
    pub(super) told: Option<Loss>,
}

/// A probe of the patrol that is over.
#[derive(Clone, Copy, Debug)]
struct Probe {
    id: u64,
    peer: IpAddr,
    answered: bool,
}

impl Losses {
    /// A probe of the patrol is over.
    pub(super) fn probed(&mut self, id: u64, peer: IpAddr, answered: bool) {
        if self.probes.len() == PROBES_MAX
            && let Some(oldest) = self.probes.pop_front()
        {
            self.lost -= usize::from(!oldest.answered);
        }
        self.lost += usize::from(!answered);
        self.probes.push_back(Probe { id, peer, answered });
    }

    /// An answer to that probe came after its time: it was late, and not lost.
    pub(super) fn answered_late(&mut self, id: u64) {
        if let Some(probe) = self.probes.iter_mut().rfind(|probe| probe.id == id) {
            self.lost -= usize::from(!probe.answered);
            probe.answered = true;
        }
    }

    /// What was probed before is over.
    fn forget_probes(&mut self) {
        self.probes.clear();
        self.lost = 0;
    }

    /// The NIM has counted heartbeats.
    pub(super) fn counted(&mut self, statistics: &Statistics) {
        let heard = || statistics.heard.iter().map(|heard| &heard.measured);
        let beats: u64 = heard().map(|it| it.beats).sum();
        let lost: u64 = heard().map(|it| it.lost).sum();
        // Another neighbour is watched: its count begins anew.
        if self.beats.back().is_some_and(|(b, l)| beats < *b || lost < *l) {
            self.beats.clear();
        }
        if self.beats.len() == REPORTS_MAX {
            self.beats.pop_front();
        }
        self.beats.push_back((beats, lost));
    }

    pub(super) fn sizes(&self) -> [Size; 2] {
        [
            Size::new("probes of the patrol", self.probes.len(), PROBES_MAX),
            Size::new("counts of heartbeats", self.beats.len(), REPORTS_MAX),
        ]
    }

    fn permille(&self) -> usize {
        self.lost * 1_000 / self.probes.len().max(1)
    }

    /// Whether some were lost in most of the time.
    fn is_lasting(&self) -> bool {
        let parts = self.probes.len().div_ceil(PART);
        let lossy = (0..parts).filter(|part| {
            let mut its = self.probes.iter().skip(part * PART).take(PART);
            its.any(|probe| !probe.answered)
        });
        lossy.count() * 2 >= parts
    }

    /// Whether probes were lost to more than one other end, and no small part of all;
    /// of a large group, of which each was probed once or twice, to no fewer than so
    /// many losses are spread over.
    fn is_common(&self, of: usize, parts: usize) -> bool {
        let mut peers: BTreeMap<IpAddr, bool> = BTreeMap::new();
        for Probe { peer, answered, .. } in &self.probes {
            *peers.entry(*peer).or_default() |= !answered;
        }
        let losers = peers.values().filter(|lost| **lost).count();
        let enough = match self.lost < peers.len() {
            true => losers * 3 >= self.lost * 2,
            false => losers * parts >= peers.len() * of,
        };
        losers >= 2 && enough
    }

    /// Thousandths lost inwards, by the heartbeats; outwards, what then remains
    /// to be explained of the probes, which go both ways.
    fn rates(&self) -> (u32, u32) {
        let span = self.beats.front().zip(self.beats.back());
        let inward = span.map_or(0, |((beats, lost), (beats_now, lost_now))| {
            let (beats, lost) = (beats_now - beats, lost_now - lost);
            lost * 1_000 / (beats + lost).max(1)
        });
        let round = u64::try_from(self.permille()).unwrap_or(1_000);
        let inward = inward.min(round);
        let through = 1_000_000 - (1_000 - round) * 1_000_000 / (1_000 - inward).max(1);
        let outward = through / 1_000;
        let thousandths = |it: u64| u32::try_from(it.min(1_000)).unwrap_or(1_000);
        (thousandths(inward), thousandths(outward))
    }

    /// What the others are to be told; `crowd` when many of them lose as much.
    fn judge(&mut self, now: Timestamp, crowd: bool) -> Option<Loss> {
        let own = self.told.is_some_and(|told| told.own);
        let enough = self.probes.len() >= PROBES_ENOUGH;
        let (probes, lost, rate) = SUFFERS_ENOUGH;
        // By the counts first: where nothing is lost, it is not asked to whom.
        let suffers = self.probes.len() >= probes
            && self.lost >= lost
            && self.permille() >= rate
            && self.is_common(1, 2);
        let strict = enough && self.lost >= LOST_ENOUGH && self.permille() >= LOSSY;
        self.since = match self.since {
            _ if crowd || !strict || !self.is_lasting() || !self.is_common(2, 3) => None,
            None => Some(now),
            since => since,
        };
        let begins = self.since.is_some_and(|since| now >= since + HEARSAY);
        let stays = own && !(enough && self.permille() < CLEAN);
        let own = begins || stays;
        if !suffers && !own {
            return None;
        }
        let (inward, outward) = self.rates();
        Some(Loss { inward, outward, own })
    }
}

impl Node {
    /// Looks at what each adapter has lost, and tells what is new of it.
    pub(super) fn check_losses(&mut self, now: Timestamp) {
        for index in self.indices() {
            let crowd = self.loses_in_a_crowd(index);
            let Some(local) = self.locals.get_mut(&index) else { continue };
            if local.fault.is_some() {
                local.losses.forget_probes();
            }
            let loss = local.losses.judge(now, crowd);
            let class = |loss: Option<Loss>| loss.map(|loss| loss.own);
            if class(loss) == class(local.losses.told) {
                continue;
            }
            local.losses.told = loss;
            let (network, address) = (local.spec.network.name.clone(), local.me.address);
            let event = self.topology.adapter_loses(&network, address, loss);
            self.publish_as(event, true);
            self.report_self(now);
        }
    }

    /// Whether a quarter of the other members say that they lose datagrams, too.
    fn loses_in_a_crowd(&self, index: AdapterIndex) -> bool {
        let Some(local) = self.locals.get(&index) else { return false };
        let Some(view) = local.group.view() else { return false };
        let network = &local.spec.network.name;
        let lose = self.database.losers().flat_map(|report| {
            view.members.of_node(report.node_id).filter(|member| {
                member.address != local.me.address
                    && report.adapters.iter().any(|it| {
                        it.network == *network && it.address == member.address && it.loss.is_some()
                    })
            })
        });
        let lose = lose.count();
        lose > 0 && lose * 4 >= view.members.len().saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(last: u8) -> IpAddr {
        IpAddr::from([10, 77, 1, last])
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp(seconds * 1_000_000_000)
    }

    /// After 240 probes to three peers in turn, of which `lost` says those lost.
    fn probed(lost: impl Fn(usize, u8) -> bool) -> Losses {
        let mut losses = Losses::default();
        for number in 0..PROBES_MAX {
            let to = (number % 3) as u8;
            losses.probed(number as u64, peer(to), !lost(number / 3, to));
        }
        losses
    }

    /// What is told at once, and after the others were waited for.
    fn judged(losses: &mut Losses, crowd: bool) -> (Option<bool>, Option<bool>) {
        let first = losses.judge(at(60), crowd).map(|loss| loss.own);
        (first, losses.judge(at(66), crowd).map(|loss| loss.own))
    }

    #[test]
    fn answers_that_come_late_are_not_lost() {
        let mut losses = probed(|number, _| number % 15 == 0);
        for id in 0..PROBES_MAX as u64 {
            losses.answered_late(id);
        }
        assert_eq!(judged(&mut losses, false), (None, None));
    }

    #[test]
    fn losing_to_everybody_is_its_own_fault_when_the_others_do_not() {
        let mut losses = probed(|number, _| number % 15 == 0);
        assert_eq!(judged(&mut losses, false), (Some(false), Some(true)));
    }

    #[test]
    fn an_interruption_is_no_loss_by_the_way() {
        let mut losses = probed(|number, _| (20..25).contains(&number));
        assert_eq!(judged(&mut losses, false).1, Some(false));
    }

    #[test]
    fn losing_like_the_others_is_nobodys_fault() {
        let mut losses = probed(|number, _| number % 15 == 0);
        assert_eq!(judged(&mut losses, true), (Some(false), Some(false)));
    }

    #[test]
    fn losing_to_one_peer_says_nothing_of_the_adapter() {
        let mut losses = probed(|number, to| to == 0 && number % 2 == 0);
        assert_eq!(judged(&mut losses, false), (None, None));
    }

    #[test]
    fn in_a_large_group_losing_to_everybody_is_to_lose_to_others_each_time() {
        let of_hundred = |lost: fn(usize, usize) -> bool| {
            let mut losses = Losses::default();
            for number in 0..PROBES_MAX {
                let to = number % 100;
                losses.probed(number as u64, peer(to as u8), !lost(number, to));
            }
            losses
        };
        let mut losses = of_hundred(|number, _| number % 13 == 0);
        assert_eq!(judged(&mut losses, false), (Some(false), Some(true)));
        // Five of the hundred lose everything.
        let mut losses = of_hundred(|_, to| to % 20 == 0);
        assert_eq!(judged(&mut losses, false), (None, None));
    }

    #[test]
    fn one_percent_is_not_told_and_two_only_to_the_others() {
        let mut losses = probed(|number, _| number == 7);
        assert_eq!(judged(&mut losses, false), (None, None));
        let mut losses = probed(|number, _| number == 7 || number == 70);
        assert_eq!(judged(&mut losses, false), (Some(false), Some(false)));
    }

    #[test]
    fn it_is_told_until_it_has_lost_less_than_a_percent_for_a_minute() {
        let mut losses = probed(|number, _| number % 15 == 0);
        judged(&mut losses, false);
        losses.told = losses.judge(at(66), false);
        for number in 0..PROBES_MAX {
            losses.probed(number as u64, peer((number % 3) as u8), number % 60 != 0);
            if number < 150 {
                let told = losses.judge(at(67), false);
                assert_eq!(told.map(|loss| loss.own), Some(true), "after {number}");
            }
        }
        assert!(losses.judge(at(130), false).is_none_or(|loss| !loss.own));
    }

    #[test]
    fn what_heartbeats_do_not_explain_is_lost_outwards() {
        let mut losses = probed(|number, _| number % 10 == 0);
        let counted = |beats, lost| {
            let measured = hats_wire::link::Measured { beats, lost, ..Default::default() };
            let heard = hats_wire::link::Heard {
                address: peer(1),
                last_heard_ns: 0,
                gap_max_ns: 0,
                missed: 0,
                state: hats_wire::link::NeighbourState::Fresh,
                measured,
            };
            Statistics { heard: alloc::vec![heard], ..Statistics::default() }
        };
        losses.counted(&counted(0, 0));
        losses.counted(&counted(1_000, 0));
        assert_eq!(losses.rates(), (0, 100));
        losses.counted(&counted(1_900, 100));
        let (inward, outward) = losses.rates();
        assert_eq!((inward, outward), (50, 52));
    }
}

//! Who is asked, and who is probed for company.

use alloc::{
    collections::BTreeSet,
    string::{String, ToString},
    vec::Vec,
};
use core::{net::IpAddr, time::Duration};

use hats_wire::{Identity, Incarnation, Member, NodeId, Pair};

use super::{ARBITERS_MAX, COMPANY_MAX, Place, Surroundings};

/// Up to three members to ask: the acting leader, whose side decides, and the
/// next ones round the ring, so that different reporters ask different ones. Those
/// that are `slow` to answer, or have not, come last; and those whose path to the
/// suspect has failed: they cannot see what it is like.
pub(super) fn arbiters(
    place: &Place,
    suspect: &Member,
    slow: impl Fn(&Member) -> bool,
) -> Vec<Member> {
    let Some(view) = place.group.view() else { return Vec::new() };
    let me = place.me.address;
    let list = view.members.as_slice();
    let at = view.members.rank(me).unwrap_or(0);
    let leader = place.group.acting_leader();
    let ring = (1..list.len()).map(|step| &list[(at + step) % list.len()]);
    let first = leader.and_then(|address| view.members.get(address));
    let mut chosen: Vec<Member> = Vec::new();
    let order = first.into_iter().chain(ring);
    let blind =
        |member: &Member| view.failed_paths.contains(&Pair::new(member.address, suspect.address));
    let (last, fit): (Vec<_>, Vec<_>) = order.partition(|member| slow(member) || blind(member));
    for member in fit.into_iter().chain(last) {
        let fit = member.address != me
            && member.node_id != suspect.node_id
            && member.node_id != place.me.node_id
            && !place.group.is_doomed(member.address)
            && !place.group.is_failed(Pair::new(me, member.address))
            && !chosen.iter().any(|known| known.node_id == member.node_id);
        if fit && chosen.len() < ARBITERS_MAX {
            chosen.push(member.clone());
        }
    }
    chosen
}

/// Who is not a member is company when it was heard within so many intervals:
/// leaders proclaim each fourth.
const HEARD_INTERVALS: u32 = 8;

/// Members that have just spoken, of those that a party probes.
const SPOKE_MAX: usize = 4;

/// Those that a party probes to learn whether its own adapter works: the
/// arbiters, its neighbours in the ring, and whoever else is known or heard there.
pub(super) fn company(
    place: &Place,
    interval: Duration,
    suspect: &Member,
    arbiters: &[Member],
    around: &Surroundings,
) -> Vec<Member> {
    let Some(view) = place.group.view() else { return Vec::new() };
    let ring = place.group.neighbours();
    let near = ring.watch.iter().chain(&ring.feed).filter_map(|address| view.members.get(*address));
    // A few from all round the ring: neighbours and arbiters may all be on the
    // other side of a partition.
    let list = view.members.as_slice();
    let step = list.len().div_ceil(COMPANY_MAX).max(1);
    let all_round = list.iter().step_by(step);
    let mut members: Vec<Member> = Vec::new();
    // And whom it has just heard: its side may be a few, none of them among those.
    let spoke = place.speakers.latest(place.now, interval * HEARD_INTERVALS);
    let spoke = spoke.into_iter().filter_map(|address| view.members.get(address)).take(SPOKE_MAX);
    for member in arbiters.iter().chain(near).chain(all_round).chain(spoke) {
        let others = member.address != suspect.address && member.address != place.me.address;
        if others && !members.contains(member) {
            members.push(member.clone());
        }
    }
    // Whoever is there and not a member is with it on its side of a split, too.
    let outside = |address: &IpAddr| {
        *address != suspect.address
            && *address != place.me.address
            && !view.members.contains(*address)
    };
    let heard = place.heard.heard(place.now, interval * HEARD_INTERVALS);
    let known = around.database.nodes().flat_map(|(report, _)| {
        let here = report.adapters.iter().filter(|it| it.network == place.network);
        here.filter(|it| it.fault.is_none()).map(|it| it.address)
    });
    let strangers: BTreeSet<IpAddr> = heard.chain(known).filter(outside).collect();
    members.extend(strangers.into_iter().take(COMPANY_MAX).map(stranger));
    members
}

/// One of whom no more is known than its address.
pub(super) fn stranger(address: IpAddr) -> Member {
    let node = address.to_string();
    let run = Incarnation(0);
    Identity { address, node_id: NodeId(0), incarnation: run, node, interface: String::new() }
        .into()
}

/// Up to three of these members that can be asked over another network: the
/// reporter does not hear them either.
pub(super) fn strays(
    place: &Place,
    silent: &BTreeSet<IpAddr>,
    around: &Surroundings,
) -> Vec<Member> {
    let Some(view) = place.group.view() else { return Vec::new() };
    silent
        .iter()
        .filter(|address| !place.group.is_doomed(**address))
        .filter_map(|address| view.members.get(*address))
        .filter(|member| around.is_elsewhere(member.node_id, place.network))
        .take(ARBITERS_MAX)
        .cloned()
        .collect()
}

//! Heartbeats go round, and nobody is left unwatched.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    rc::Rc,
};

use hats_wire::{GroupId, Pair};

use super::{Checker, News};
use crate::{
    host::Port,
    record::{Members, Order},
    summary::Summary,
    world::World,
};

/// Whom one member feeds and whom it watches.
type Place = (Vec<IpAddr>, Vec<IpAddr>);

/// What is known of one group.
#[derive(Debug, Default)]
struct Group {
    members: Option<Members>,
    failed: BTreeSet<Pair>,
    places: BTreeMap<IpAddr, Place>,
    /// Adapters whose NIM was last told to be in it.
    current: usize,
}

/// Once all members of a group have given their NIMs their orders: those make
/// one cycle over the members by falling address, with failed paths stepped
/// over; each member is watched by exactly those it feeds, by one of two or
/// three members and by two of four or more.
#[derive(Debug, Default)]
pub(crate) struct OneRing {
    groups: BTreeMap<(usize, GroupId), Group>,
    /// Which group the orders of an adapter were for.
    last: BTreeMap<Port, (usize, GroupId)>,
}

impl Checker for OneRing {
    fn name(&self) -> &'static str {
        "the ring is one cycle over the members"
    }

    fn check(&mut self, world: &World, news: &News<'_>) -> Result<(), String> {
        for adoption in news.adoptions {
            let key = (world.adapter(adoption.port).network, adoption.group);
            // Without orders that are still in force nobody will complete it.
            let Some(group) = self.groups.get_mut(&key) else { continue };
            group.members.get_or_insert_with(|| Rc::clone(&adoption.members));
            self.complete(world, key)?;
        }
        for order in news.orders {
            let key = (world.adapter(order.port).network, order.group);
            self.ordered(world, key, order);
            self.complete(world, key)?;
        }
        Ok(())
    }
}

impl OneRing {
    fn ordered(&mut self, world: &World, key: (usize, GroupId), order: &Order) {
        if self.last.get(&order.port) != Some(&key) {
            if let Some(before) = self.last.insert(order.port, key) {
                self.one_less(before);
            }
            self.groups.entry(key).or_default().current += 1;
        }
        let Some(group) = self.groups.get_mut(&key) else { return };
        if group.members.is_none() {
            group.members = world.records.members_of(key.1).cloned();
        }
        let daemon = world.hosts[order.port.host].daemon.as_ref();
        let view = daemon.and_then(|daemon| daemon.machine.group_on(order.port.index()));
        if let Some(view) = view.filter(|view| view.id == key.1) {
            group.failed.clone_from(&view.failed_paths);
        }
        let address = world.adapter(order.port).address;
        group.places.insert(address, (order.feed.clone(), order.expect.clone()));
    }

    /// A group that no adapter is in any more is forgotten.
    fn one_less(&mut self, key: (usize, GroupId)) {
        let Some(group) = self.groups.get_mut(&key) else { return };
        group.current = group.current.saturating_sub(1);
        if group.current == 0 {
            self.groups.remove(&key);
        }
    }

    fn complete(&mut self, world: &World, key: (usize, GroupId)) -> Result<(), String> {
        let Some(group) = self.groups.get(&key) else { return Ok(()) };
        let Some(members) = &group.members else { return Ok(()) };
        if group.places.len() < members.len() {
            return Ok(());
        }
        is_ring(members, &group.failed, &group.places).map_err(|(address, why)| {
            let names = |list: &[IpAddr]| Summary(world).names(list);
            let (feed, expect) = group.places.get(&address).cloned().unwrap_or_default();
            format!(
                "{} [{}]: {} feeds [{}] and watches [{}]: {why}",
                Summary(world).group(&key.1),
                names(members),
                world.name_of(address),
                names(&feed),
                names(&expect)
            )
        })
    }
}

/// Whether `places` are a ring of `members` (in address order); else where it
/// is broken.
fn is_ring(
    members: &[IpAddr],
    failed: &BTreeSet<Pair>,
    places: &BTreeMap<IpAddr, Place>,
) -> Result<(), (IpAddr, &'static str)> {
    let count = members.len();
    let degree = if count >= 4 { 2 } else { 1 };
    for (rank, me) in members.iter().enumerate() {
        let Some((feed, expect)) = places.get(me) else {
            return Err((*me, "a member has no place"));
        };
        // Downwards from me and over the edge to the highest.
        let after = (1..count).map(|step| members[(rank + count - step) % count]);
        let reached = after.filter(|other| !failed.contains(&Pair::new(*me, *other)));
        if !reached.take(degree).eq(feed.iter().copied()) {
            return Err((*me, "those are not the next ones below"));
        }
        let feeds_me = |other: &IpAddr| {
            places.get(other).is_some_and(|(feed, _)| feed.contains(me)) && other != me
        };
        let feeders: BTreeSet<IpAddr> = members.iter().copied().filter(feeds_me).collect();
        if feeders != expect.iter().copied().collect() || feeders.len() != expect.len() {
            return Err((*me, "those are not the ones that feed it"));
        }
    }
    if failed.is_empty() && count > 1 {
        let mut seen = BTreeSet::new();
        let mut at = members[0];
        while seen.insert(at) {
            at = places.get(&at).and_then(|(feed, _)| feed.first().copied()).unwrap_or(at);
        }
        if seen.len() != count {
            return Err((at, "from here on it goes round without the others"));
        }
    }
    Ok(())
}

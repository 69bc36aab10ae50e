//! Who was removed has seen the others go before it is with them again.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    rc::Rc,
};

use super::{Checker, News};
use crate::{
    host::Port,
    record::{Adoption, Members},
    summary::Summary,
    world::World,
};

/// So many memberships of one adapter are remembered.
const REMEMBERED: usize = 256;

/// One adapter's way through memberships.
#[derive(Debug, Default)]
struct Way {
    run: u64,
    /// With the number of the adoption, in order.
    adopted: Vec<(u64, Members)>,
    /// Who was lost from the membership, and in which adoption, last.
    lost: BTreeMap<IpAddr, u64>,
    /// Whose membership lost this adapter.
    lost_by: BTreeSet<IpAddr>,
}

impl Way {
    fn members(&self) -> Option<&Members> {
        self.adopted.last().map(|(_, members)| members)
    }

    /// Since which adoption `other` has been in every membership.
    fn together_since(&self, other: IpAddr) -> Option<u64> {
        let with = self.adopted.iter().rev().take_while(|(_, members)| has(members, other));
        with.last().map(|(number, _)| *number)
    }
}

fn has(members: &[IpAddr], address: IpAddr) -> bool {
    members.binary_search(&address).is_ok()
}

/// When one member of a group has seen another leave (by a membership without
/// it, or by being started anew) and come back, the other has seen it leave,
/// too, and come back.
#[derive(Debug, Default)]
pub(crate) struct SymmetricLeave {
    count: u64,
    ways: BTreeMap<(usize, IpAddr), Way>,
}

impl Checker for SymmetricLeave {
    fn name(&self) -> &'static str {
        "symmetric leave before re-join"
    }

    fn check(&mut self, world: &World, news: &News<'_>) -> Result<(), String> {
        for adoption in news.adoptions {
            let network = world.adapter(adoption.port).network;
            let me = world.adapter(adoption.port).address;
            self.adopted(network, me, adoption);
            self.meets(world, network, me, adoption.port)?;
        }
        Ok(())
    }
}

impl SymmetricLeave {
    fn adopted(&mut self, network: usize, me: IpAddr, adoption: &Adoption) {
        self.count += 2;
        let number = self.count;
        let way = self.ways.entry((network, me)).or_default();
        let before = way.members().cloned();
        let again = way.run != adoption.run;
        let mut lost: Vec<IpAddr> = Vec::new();
        for other in before.iter().flat_map(|members| members.iter().copied()) {
            if other != me && (again || !has(&adoption.members, other)) {
                lost.push(other);
                way.lost.insert(other, if again { number - 1 } else { number });
            }
        }
        if again {
            way.adopted.clear();
            way.run = adoption.run;
        }
        way.adopted.push((number, Rc::clone(&adoption.members)));
        if way.adopted.len() > REMEMBERED {
            way.adopted.remove(0);
        }
        for other in lost {
            self.ways.entry((network, other)).or_default().lost_by.insert(me);
        }
    }

    /// `me` has adopted a membership: those that have it, too, must agree since
    /// when they are together.
    fn meets(
        &mut self,
        world: &World,
        network: usize,
        me: IpAddr,
        port: Port,
    ) -> Result<(), String> {
        let Some(way) = self.ways.get(&(network, me)) else { return Ok(()) };
        let Some(members) = way.members() else { return Ok(()) };
        let troubled = way.lost.keys().chain(&way.lost_by);
        for other in troubled.filter(|other| has(members, **other)) {
            let Some(there) = self.ways.get(&(network, *other)) else { continue };
            if !there.members().is_some_and(|theirs| Rc::ptr_eq(theirs, members)) {
                continue;
            }
            for (a, b, who, whom) in [(way, there, me, *other), (there, way, *other, me)] {
                let (Some(lost), Some(since)) = (a.lost.get(&whom), b.together_since(who)) else {
                    continue;
                };
                if *lost > since {
                    return Err(format!(
                        "{} [{}]: {} was without {} meanwhile, which has not seen it leave",
                        world.port_name(port),
                        Summary(world).names(members),
                        world.name_of(who),
                        world.name_of(whom)
                    ));
                }
            }
        }
        Ok(())
    }
}

//! Whoever is in a group agrees who else is.

use std::{collections::BTreeMap, net::IpAddr, rc::Rc};

use hats_wire::GroupId;

use super::{Checker, News};
use crate::{
    host::Port,
    record::{Adoption, Members},
    summary::Summary,
    world::World,
};

/// Who adopted it first, and the members.
type First = (Port, Members);

/// All members of a group have the same members, themselves among them, and
/// the highest of them is the leader that the group is named after.
#[derive(Debug, Default)]
pub(crate) struct OneMembership {
    groups: BTreeMap<(usize, GroupId), First>,
}

impl Checker for OneMembership {
    fn name(&self) -> &'static str {
        "one membership per group instance"
    }

    fn check(&mut self, world: &World, news: &News<'_>) -> Result<(), String> {
        news.adoptions.iter().try_for_each(|adoption| self.adopted(world, adoption))
    }
}

impl OneMembership {
    fn adopted(&mut self, world: &World, adoption: &Adoption) -> Result<(), String> {
        let (group, members) = (adoption.group, &adoption.members);
        let name = || {
            let group = Summary(world).group(&group);
            format!("{} of {}", world.port_name(adoption.port), group)
        };
        let names = |members: &[IpAddr]| Summary(world).names(members);
        if members.last() != Some(&group.leader) {
            return Err(format!("leader is not the highest: {} [{}]", name(), names(members)));
        }
        let own = world.adapter(adoption.port).address;
        if !members.contains(&own) {
            return Err(format!("adopted without itself: {} [{}]", name(), names(members)));
        }
        let key = (world.adapter(adoption.port).network, group);
        let (first, known) =
            self.groups.entry(key).or_insert_with(|| (adoption.port, Rc::clone(members)));
        // There is one copy of each membership: mostly no comparing.
        if !Rc::ptr_eq(known, members) && known != members {
            return Err(format!(
                "{} says [{}], but {} said [{}]",
                name(),
                names(members),
                world.port_name(*first),
                names(known)
            ));
        }
        Ok(())
    }
}

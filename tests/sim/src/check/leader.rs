//! Nobody is claimed by two leaders under one number.

use std::{collections::BTreeMap, net::IpAddr, rc::Rc};

use super::{Checker, News};
use crate::{
    host::Port,
    record::{Adoption, Members},
    summary::Summary,
    world::World,
};

/// What one leader committed under some number.
#[derive(Debug)]
struct Led {
    leader: IpAddr,
    members: Members,
    adopters: Vec<Port>,
}

/// One leader per network and instance, as far as that can be without a quorum.
///
/// The two sides of a split may count alike, and a leader that is cut off keeps
/// on its list who does not answer, until that is judged; so an instance may
/// have two leaders, which is why a group is named after both. But where each
/// of the two has a follower, no adapter is on the lists of both.
#[derive(Debug, Default)]
pub(crate) struct OneLeader {
    instances: BTreeMap<(usize, u64), Vec<Led>>,
}

impl Checker for OneLeader {
    fn name(&self) -> &'static str {
        "one leader per network and instance"
    }

    fn check(&mut self, world: &World, news: &News<'_>) -> Result<(), String> {
        news.adoptions.iter().try_for_each(|adoption| self.adopted(world, adoption))
    }
}

impl OneLeader {
    fn adopted(&mut self, world: &World, adoption: &Adoption) -> Result<(), String> {
        let (group, members) = (adoption.group, &adoption.members);
        // Nobody can follow one that is alone.
        if members.len() < 2 {
            return Ok(());
        }
        let key = (world.adapter(adoption.port).network, group.instance);
        let instance = self.instances.entry(key).or_default();
        let at = instance.iter().position(|led| led.leader == group.leader).unwrap_or_else(|| {
            let (leader, members) = (group.leader, Rc::clone(members));
            instance.push(Led { leader, members, adopters: Vec::new() });
            instance.len() - 1
        });
        if !instance[at].adopters.contains(&adoption.port) && instance[at].adopters.len() < 2 {
            instance[at].adopters.push(adoption.port);
        }
        let followed = |led: &&Led| led.adopters.len() > 1;
        let Some(this) = Some(&instance[at]).filter(followed) else { return Ok(()) };
        for other in instance.iter().filter(followed).filter(|led| led.leader != group.leader) {
            let both = this.members.iter().find(|it| other.members.binary_search(it).is_ok());
            if let Some(both) = both {
                return Err(format!(
                    "instance {} has two leaders that both list {}: {} (adopted by {}) \
                     and {} (by {})",
                    group.instance,
                    world.name_of(*both),
                    world.name_of(other.leader),
                    world.port_name(other.adopters[1]),
                    Summary(world).group(&group),
                    world.port_name(adoption.port)
                ));
            }
        }
        Ok(())
    }
}

//! Who leads and who succeeds is a matter of the members alone.

use std::{collections::BTreeMap, net::IpAddr};

use hats_core::event::EventKind;
use hats_wire::GroupId;

use super::{Checker, News, is_looked_at};
use crate::{
    record::{Adoption, Said},
    summary::Summary,
    world::World,
};

/// At most so many announcements wait for somebody to have adopted the group.
const WAITING_MAX: usize = 1_024;

/// Leader and successor are the two highest of the committed members: in each
/// `network.leader`, and in the view of whoever adopts a membership.
#[derive(Debug, Default)]
pub(crate) struct TheTwoHighest {
    /// Published before the membership was seen: a node that commits several
    /// in one step shows only the last.
    waiting: BTreeMap<GroupId, Said>,
}

impl Checker for TheTwoHighest {
    fn name(&self) -> &'static str {
        "leader and successor are the two highest"
    }

    fn check(&mut self, world: &World, news: &News<'_>) -> Result<(), String> {
        for adoption in news.adoptions {
            shown(world, adoption)?;
            if let Some(said) = self.waiting.remove(&adoption.group) {
                announced(world, &said, &adoption.members)?;
            }
        }
        for said in news.said.iter().filter(|said| said.event.kind == EventKind::NetworkLeader) {
            let (Some(instance), Some((_, leader))) = (said.event.instance, &said.event.leader)
            else {
                return Err(format!("{} names no leader: {}", said.observer, said.event.msg));
            };
            let group = GroupId { instance, leader: *leader };
            match world.records.members_of(group) {
                Some(members) => announced(world, said, members)?,
                None if self.waiting.len() < WAITING_MAX => {
                    self.waiting.insert(group, said.clone());
                }
                None => {}
            }
        }
        Ok(())
    }
}

/// Highest and second highest; members come in address order.
fn two_highest(members: &[IpAddr]) -> (Option<IpAddr>, Option<IpAddr>) {
    let mut from_top = members.iter().rev().copied();
    (from_top.next(), from_top.next())
}

fn announced(world: &World, said: &Said, members: &[IpAddr]) -> Result<(), String> {
    let address = |who: &Option<(String, IpAddr)>| who.as_ref().map(|(_, address)| *address);
    let named = (address(&said.event.leader), address(&said.event.successor));
    let counted = said.event.members.map(|count| count as usize);
    if named == two_highest(members) && counted == Some(members.len()) {
        return Ok(());
    }
    Err(format!(
        "{} says {} of {counted:?} members [{}]",
        said.observer,
        Summary(world).event(&said.event),
        Summary(world).names(members)
    ))
}

fn shown(world: &World, adoption: &Adoption) -> Result<(), String> {
    let port = adoption.port;
    let Some(daemon) = &world.hosts[port.host].daemon else { return Ok(()) };
    if !is_looked_at(world, port.host) {
        return Ok(());
    }
    let network = &world.networks[world.adapter(port).network].spec.name;
    let view = daemon.machine.view_without_verdicts();
    let Some(shown) = view.networks.iter().find(|shown| &shown.name == network) else {
        return Err(format!("{} shows no network {network}", world.port_name(port)));
    };
    let name = |address: Option<IpAddr>| address.map(|address| world.name_of(address));
    let (leader, successor) = two_highest(&adoption.members);
    let fair = shown.group == Some(adoption.group)
        && shown.members.iter().rev().eq(adoption.members.iter())
        && shown.leader == name(leader)
        && shown.successor == name(successor).zip(successor);
    if fair {
        return Ok(());
    }
    Err(format!(
        "{} adopted {} [{}] and shows {:?}, leader {:?}, successor {:?}",
        world.port_name(port),
        Summary(world).group(&adoption.group),
        Summary(world).names(&adoption.members),
        shown.group,
        shown.leader,
        shown.successor
    ))
}

//! Numbers that tell the new from the old never go back.

use std::collections::BTreeMap;

use hats_core::event::EventKind;
use hats_wire::GroupId;

use super::{Checker, News};
use crate::{
    host::Port,
    record::{Adoption, Order, Said},
    summary::Summary,
    world::World,
};

/// Per adapter, each membership has a higher instance than the one before;
/// orders to the NIM never name an older group; a daemon's run is higher than
/// the one before, and nobody announces an older run of a node than it has
/// announced before. Across a restart of its daemon, instances of an adapter
/// need to grow only under strict rules: they begin with the wall clock, and
/// that can have been set back.
#[derive(Debug, Default)]
pub(crate) struct NumbersGrow {
    adopted: BTreeMap<Port, (u64, GroupId)>,
    ordered: BTreeMap<Port, (u64, u64)>,
    started: BTreeMap<String, u64>,
    announced: BTreeMap<(String, u64, String), u64>,
}

impl Checker for NumbersGrow {
    fn name(&self) -> &'static str {
        "instances and incarnations only grow"
    }

    fn check(&mut self, world: &World, news: &News<'_>) -> Result<(), String> {
        news.adoptions.iter().try_for_each(|it| self.adopted(world, it))?;
        news.orders.iter().try_for_each(|it| self.ordered(world, it))?;
        news.said.iter().try_for_each(|it| self.said(it))
    }
}

impl NumbersGrow {
    fn adopted(&mut self, world: &World, adoption: &Adoption) -> Result<(), String> {
        let now = (adoption.run, adoption.group);
        let Some(before) = self.adopted.insert(adoption.port, now) else { return Ok(()) };
        let restarted = now.0 > before.0 && !world.strict;
        if restarted || (now.0 >= before.0 && now.1.instance > before.1.instance) {
            return Ok(());
        }
        Err(format!(
            "{} went from run {} {} to run {} {}",
            world.port_name(adoption.port),
            before.0,
            Summary(world).group(&before.1),
            now.0,
            Summary(world).group(&now.1)
        ))
    }

    fn ordered(&mut self, world: &World, order: &Order) -> Result<(), String> {
        // An adapter without a group has its NIM watch nobody, in no instance.
        if order.group.instance == 0 {
            return Ok(());
        }
        let now = (order.run, order.group.instance);
        match self.ordered.insert(order.port, now) {
            Some(before) if before > now => Err(format!(
                "the NIM of {} is to watch for instance {} after {}",
                world.port_name(order.port),
                now.1,
                before.1
            )),
            Some(_) | None => Ok(()),
        }
    }

    fn said(&mut self, said: &Said) -> Result<(), String> {
        let (Some(run), Some(node)) = (said.event.incarnation, said.event.node.clone()) else {
            return Ok(());
        };
        if said.event.kind == EventKind::DaemonStarted {
            return match self.started.insert(node, run) {
                Some(before) if before >= run => {
                    Err(format!("{} starts as run {run} after {before}", said.observer))
                }
                Some(_) | None => Ok(()),
            };
        }
        let key = (said.observer.clone(), said.run, node);
        match self.announced.get(&key) {
            Some(before) if *before > run => Err(format!(
                "{} says {} of run {run} of {}, after run {before}",
                said.observer,
                said.event.kind.name(),
                key.2
            )),
            Some(_) | None => {
                self.announced.insert(key, run);
                Ok(())
            }
        }
    }
}

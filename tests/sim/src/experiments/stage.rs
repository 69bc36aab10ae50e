//! What all experiments with whole clusters have in common: a world that is
//! watched while it runs, and a source of choices.

use std::{collections::BTreeMap, time::Duration};

use hats_wire::GroupId;

use super::{Progress, blamed};
use crate::{
    Plan, World, chance::Chance, check::NOTHING_HEALTHY_IS_BLAMED, host::Port, record::Adoption,
};

/// So often it is looked whether something has come about; when exactly is
/// then read from the records.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A world, and who is in which group there.
pub(super) struct Stage {
    pub(super) world: World,
    pub(super) groups: Groups,
}

impl Stage {
    /// The world of `plan`. Wrong blame is not objected to: it is counted, and
    /// is what is kept of the events.
    pub(super) fn new(plan: Plan) -> Self {
        let mut world = plan.build();
        world.without(NOTHING_HEALTHY_IS_BLAMED);
        world.keeps = Some(Box::new(blamed::is_blame));
        Stage { world, groups: Groups::default() }
    }

    /// Nodes `n1`.. on networks `neta`.. that start at once, once they have
    /// formed and rested.
    pub(super) fn at_rest(plan: Plan, nodes: u32, progress: &mut Progress) -> Result<Self, String> {
        let mut stage = Stage::new(plan);
        let formed = |stage: &Stage| stage.formed(nodes);
        stage.must(Duration::from_secs(60), progress, "the cluster forms", formed)?;
        // Stable after ten intervals; by then, all news have got round too.
        let rest = stage.interval() * 20;
        stage.run_for(rest, progress, "the cluster rests")?;
        if stage.formed(nodes) {
            Ok(stage)
        } else {
            Err(stage.failure("the cluster does not hold what has formed"))
        }
    }

    /// Whether on every network `nodes` adapters are in one group, and no
    /// others.
    pub(super) fn formed(&self, nodes: u32) -> bool {
        (0..self.world.networks.len()).all(|network| self.groups.complete(network) == [nodes])
    }

    /// Lets time pass.
    pub(super) fn run_for(
        &mut self,
        span: Duration,
        progress: &mut Progress,
        what: &str,
    ) -> Result<(), String> {
        self.run_until(span, progress, what, |_| false).map(drop)
    }

    /// Lets time pass until `done`, at most for `limit`: whether it came about.
    pub(super) fn run_until(
        &mut self,
        limit: Duration,
        progress: &mut Progress,
        what: &str,
        mut done: impl FnMut(&Stage) -> bool,
    ) -> Result<bool, String> {
        let end = self.world.now() + limit;
        loop {
            if done(self) {
                return Ok(true);
            }
            let left = end.saturating_sub(self.world.now());
            if left.is_zero() {
                return Ok(false);
            }
            self.world.advance(left.min(LOOK_EVERY)).map_err(|why| self.failure(&why))?;
            self.groups.read(&self.world);
            progress.at(|| {
                let (now, steps) = (self.world.now(), self.world.steps());
                format!("{what}: {:.2} s of the cluster's time, {steps} steps", now.as_secs_f64())
            });
        }
    }

    /// The same, when it is an error that it does not come about.
    pub(super) fn must(
        &mut self,
        limit: Duration,
        progress: &mut Progress,
        what: &str,
        done: impl FnMut(&Stage) -> bool,
    ) -> Result<(), String> {
        if self.run_until(limit, progress, what, done)? {
            return Ok(());
        }
        Err(self.failure(&format!("not within {limit:?}: {what}")))
    }

    /// What was adopted from the `from`th adoption on.
    pub(super) fn adoptions_from(&self, from: usize) -> &[Adoption] {
        &self.world.records.adoptions[from..]
    }

    /// How many memberships have been adopted by now.
    pub(super) fn adoptions(&self) -> usize {
        self.world.records.adoptions.len()
    }

    /// From `begin` to the last adoption after the first `from` ones.
    pub(super) fn last_adoption_since(&self, from: usize, begin: Duration) -> Duration {
        self.adoptions_from(from).last().map_or(Duration::ZERO, |last| last.at - begin)
    }

    /// Between two heartbeats.
    pub(super) fn interval(&self) -> Duration {
        self.world.hosts[0].config.detection.heartbeat_interval
    }

    fn failure(&self, why: &str) -> String {
        format!("{why}; at {:?} with seed {}", self.world.now(), self.world.seed)
    }
}

/// Which adapter is in which group at present.
#[derive(Debug, Default)]
pub(super) struct Groups {
    seen: usize,
    current: BTreeMap<Port, (usize, GroupId)>,
    /// Of each group of a network: how many are in it, and how many it has.
    held: BTreeMap<(usize, GroupId), (u32, u32)>,
}

impl Groups {
    fn read(&mut self, world: &World) {
        for adoption in &world.records.adoptions[self.seen..] {
            self.leave(adoption.port);
            let key = (world.adapter(adoption.port).network, adoption.group);
            self.current.insert(adoption.port, key);
            let members = u32::try_from(adoption.members.len()).expect("fewer members than nodes");
            self.held.entry(key).or_insert((0, members)).0 += 1;
        }
        self.seen = world.records.adoptions.len();
    }

    /// The node of this number is off: its views do not count any more.
    pub(super) fn forget(&mut self, host: usize) {
        let ports = Port { host, adapter: 0 }..Port { host: host + 1, adapter: 0 };
        let ports: Vec<Port> = self.current.range(ports).map(|(port, _)| *port).collect();
        ports.into_iter().for_each(|port| self.leave(port));
    }

    fn leave(&mut self, port: Port) {
        let Some(key) = self.current.remove(&port) else { return };
        if let Some((holders, _)) = self.held.get_mut(&key) {
            *holders -= 1;
            if *holders == 0 {
                self.held.remove(&key);
            }
        }
    }

    /// How large the groups of the network are, ascending, when each is held
    /// by all of its members; nothing when some group is not.
    pub(super) fn complete(&self, network: usize) -> Vec<u32> {
        let of_network = self.held.iter().filter(|((at, _), _)| *at == network);
        let mut sizes = Vec::new();
        for (holders, members) in of_network.map(|(_, it)| *it) {
            if holders != members {
                return Vec::new();
            }
            sizes.push(members);
        }
        sizes.sort_unstable();
        sizes
    }
}

/// Choices of an experiment: not the world's, so that they are the same
/// whatever happens there.
pub(super) struct Choices(Chance);

impl Choices {
    pub(super) fn new(seed: u64) -> Self {
        Choices(Chance::new(derived(seed, u64::MAX)))
    }

    /// `count` different ones of the nodes `n1` to `n<nodes>`.
    pub(super) fn nodes(&mut self, count: u32, nodes: u32) -> Vec<String> {
        let mut all: Vec<u32> = (1..=nodes).collect();
        let chosen = (0..count.min(nodes)).map(|_| {
            let at = self.0.between(0, all.len() as u64 - 1);
            all.swap_remove(usize::try_from(at).expect("an index"))
        });
        chosen.map(|number| format!("n{number}")).collect()
    }

    /// A number from `low` to `high`, both included.
    pub(super) fn number(&mut self, low: u32, high: u32) -> u32 {
        u32::try_from(self.0.between(low.into(), high.into())).expect("within 32 bits")
    }

    /// At most `span`.
    pub(super) fn within(&mut self, span: Duration) -> Duration {
        let nanos = u64::try_from(span.as_nanos()).expect("centuries");
        Duration::from_nanos(self.0.between(0, nanos))
    }
}

/// The seed of the `number`th run that belongs to `seed`.
pub(super) fn derived(seed: u64, number: u64) -> u64 {
    seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_counts_once_all_of_its_members_have_adopted_it() {
        let mut world = World::lan(3, 1).build();
        let mut groups = Groups::default();
        world.run_until(World::formed, Duration::from_secs(5)).expect("three nodes form");
        groups.read(&world);
        assert_eq!(groups.complete(0), [3]);
        world.crash("n2");
        world.run_until(World::formed, Duration::from_secs(5)).expect("two are left");
        groups.read(&world);
        assert!(groups.complete(0).is_empty(), "the dead node's view is still there");
        groups.forget(world.host_named("n2"));
        assert_eq!(groups.complete(0), [2]);
    }

    #[test]
    fn chosen_nodes_are_different_ones_and_depend_on_the_seed_only() {
        let chosen = |seed| Choices::new(seed).nodes(10, 12);
        let mut all = chosen(3);
        assert_eq!(all, chosen(3));
        assert_ne!(all, chosen(4));
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 10);
    }
}

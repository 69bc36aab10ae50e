//! Nothing grows beyond its bound.

use hats_core::{
    linkstate::VERDICTS_MAX,
    sizes::{Each, Size},
};

use super::{Checker, News};
use crate::{process::Process, world::World};

/// Every queue and table of every machine keeps within its stated bound, and has
/// no more entries for nodes, adapters and networks than there are.
#[derive(Debug, Default)]
pub(crate) struct WithinBounds {
    cluster: Cluster,
    steps: u64,
}

/// In each so many steps it is looked at who has just run. What grows without bound
/// is still there in the next; to look each time costs more than a quarter of all the time.
const EVERY: u64 = 16;

/// How many there are; only grows, and is counted when something is larger.
#[derive(Clone, Copy, Default, Debug)]
struct Cluster {
    nodes: usize,
    adapters: usize,
    networks: usize,
}

impl Cluster {
    fn of(world: &World) -> Self {
        Cluster {
            nodes: world.hosts.len(),
            // Those that an interface had before count, too.
            adapters: world.hosts.iter().map(|host| host.adapters.len()).sum(),
            networks: world.networks.len(),
        }
    }

    fn most(&self, each: Each) -> usize {
        match each {
            Each::Other => usize::MAX,
            Each::Node => self.nodes,
            Each::Adapter => self.adapters,
            Each::Item => self.nodes + self.adapters + VERDICTS_MAX,
            Each::Network => self.networks,
        }
    }
}

impl Checker for WithinBounds {
    fn name(&self) -> &'static str {
        "everything keeps within its bound"
    }

    fn watches_machines(&self) -> bool {
        true
    }

    fn check(&mut self, world: &World, news: &News<'_>) -> Result<(), String> {
        self.steps += 1;
        if !self.steps.is_multiple_of(EVERY) {
            return Ok(());
        }
        news.ran.iter().try_for_each(|process| match process {
            Process::Daemon(host) => {
                let daemon = world.hosts[*host].daemon.as_ref();
                let sizes = daemon.into_iter().flat_map(|daemon| daemon.machine.sizes());
                self.fit(world, *process, sizes)
            }
            Process::Nim(port) => {
                let nim = world.adapter(*port).nim.as_ref();
                let machine = nim.and_then(|nim| nim.machine.as_ref());
                let sizes = machine.into_iter().flat_map(|machine| machine.sizes());
                self.fit(world, *process, sizes)
            }
        })
    }
}

impl WithinBounds {
    fn fit(
        &mut self,
        world: &World,
        process: Process,
        mut sizes: impl Iterator<Item = Size>,
    ) -> Result<(), String> {
        sizes.try_for_each(|mut size| {
            if let Some(tamper) = &world.tamper {
                tamper.size(world, process, &mut size);
            }
            self.fits(world, process, size)
        })
    }

    fn fits(&mut self, world: &World, process: Process, size: Size) -> Result<(), String> {
        let Size { of, len, max, each, under_way: _ } = size;
        if len > self.cluster.most(each) {
            self.cluster = Cluster::of(world);
        }
        let most = self.cluster.most(each);
        if len <= max.min(most) {
            return Ok(());
        }
        let who = match process {
            Process::Daemon(host) => world.hosts[host].name().to_owned(),
            Process::Nim(port) => format!("the NIM of {}", world.port_name(port)),
        };
        Err(match len > max {
            true => format!("{who} has {len} {of}, at most {max} are allowed"),
            false => format!("{who} has {len} {of}, and there are only {most}"),
        })
    }
}

//! A story without some of its cluster: what names nothing that is left goes
//! with it.

use super::{
    expectation::Expectation,
    fault::Fault,
    scenario::places,
    story::{Episode, Step, Story},
};
use crate::expect::Blame;

impl Story {
    /// Without these nodes.
    pub(crate) fn without_nodes(&self, gone: &[String]) -> Story {
        let mut story = self.clone();
        story.nodes.retain(|node| !gone.contains(&node.name));
        story.refit()
    }

    /// Without this network.
    pub(crate) fn without_network(&self, gone: &str) -> Story {
        let mut story = self.clone();
        for node in &mut story.nodes {
            node.adapters.retain(|(network, _)| network != gone);
        }
        story.refit()
    }

    /// Without the adapter of `node` on `network`.
    pub(crate) fn without_adapter(&self, node: &str, network: &str) -> Story {
        let mut story = self.clone();
        for member in story.nodes.iter_mut().filter(|member| member.name == node) {
            member.adapters.retain(|(name, _)| name != network);
        }
        story.refit()
    }

    /// Addresses on each network in the same order, and no gaps.
    pub(crate) fn renumbered(&self) -> Story {
        let mut story = self.clone();
        for network in &self.networks {
            let adapters = || self.nodes.iter().flat_map(|node| &node.adapters);
            let taken = adapters().filter(|(name, _)| name == network).map(|(_, last)| *last);
            let mut taken: Vec<u8> = taken.collect();
            taken.sort_unstable();
            let adapters = story.nodes.iter_mut().flat_map(|node| &mut node.adapters);
            for (_, last) in adapters.filter(|(name, _)| name == network) {
                let rank = taken.iter().filter(|other| *other <= last).count();
                *last = u8::try_from(rank).expect("no more than there were");
            }
        }
        story
    }

    fn refit(mut self) -> Story {
        self.nodes.retain(|node| !node.adapters.is_empty());
        let nodes = &self.nodes;
        self.networks.retain(|name| nodes.iter().any(|node| node.is_on(name)));
        let networks = &self.networks;
        for host in &mut self.hosts {
            host.adapters.retain(|(network, _)| networks.contains(network));
        }
        self.hosts.retain(|host| !host.adapters.is_empty());
        let on = |node: &str, network: &str| {
            nodes.iter().any(|member| member.name == node && member.is_on(network))
        };
        self.required.retain(|(node, network)| on(node, network));
        let episodes = std::mem::take(&mut self.episodes);
        self.episodes = episodes.into_iter().map(|episode| self.fit_episode(episode)).collect();
        self
    }

    fn fit_episode(&self, episode: Episode) -> Episode {
        Episode {
            pace: episode.pace,
            steps: episode.steps.into_iter().filter_map(|step| self.fit_step(step)).collect(),
            expect: episode.expect.map(|it| self.fit_expectation(it)),
            groups: episode.groups.iter().filter_map(|groups| self.fit_groups(groups)).collect(),
        }
    }

    fn fit_step(&self, step: Step) -> Option<Step> {
        let fault = self.fit_fault(step.fault)?;
        Some(Step { fault, expect: step.expect.map(|it| self.fit_expectation(it)), ..step })
    }

    fn fit_fault(&self, fault: Fault) -> Option<Fault> {
        if let Fault::Partition { network, mut sides } = fault {
            for side in &mut sides {
                side.retain(|node| self.has(Some(node), Some(&network)));
            }
            sides.retain(|side| !side.is_empty());
            return (sides.len() > 1).then_some(Fault::Partition { network, sides });
        }
        places(self, fault.places()).is_ok().then_some(fault)
    }

    fn fit_expectation(&self, expectation: Expectation) -> Expectation {
        let fit = |blames: Vec<Blame>| {
            blames.into_iter().filter(|blame| places(self, blame.places()).is_ok()).collect()
        };
        let witnesses = expectation.witnesses.map(|nodes| {
            nodes.into_iter().filter(|node| self.has(Some(node), None)).collect::<Vec<_>>()
        });
        Expectation {
            blames: fit(expectation.blames),
            tolerated: fit(expectation.tolerated),
            witnesses: witnesses.filter(|nodes| !nodes.is_empty()),
            within: expectation.within,
        }
    }

    fn fit_groups(&self, groups: &str) -> Option<String> {
        let (network, sides) = groups.split_once(": ")?;
        let left = |side: &str| {
            let nodes = side.split_whitespace();
            nodes.filter(|node| self.has(Some(node), Some(network))).collect::<Vec<_>>().join(" ")
        };
        let sides: Vec<String> = sides.split('|').map(left).filter(|it| !it.is_empty()).collect();
        (!sides.is_empty()).then(|| format!("{network}: {}", sides.join(" | ")))
    }

    fn has(&self, node: Option<&str>, network: Option<&str>) -> bool {
        places(self, [(node, network)]).is_ok()
    }
}

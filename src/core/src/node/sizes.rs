//! The queues and tables of a node.

use hats_wire::PARTIAL_MAX;

use super::{Node, duplicates, frames, leave::Leaving, letters, sync};
use crate::{
    linkstate::{ITEMS_MAX, VERDICTS_MAX},
    sizes::{ADAPTERS_MAX, Each, Size},
};

impl Node {
    /// How full everything is that it keeps, between two inputs.
    pub fn sizes(&self) -> impl Iterator<Item = Size> {
        let adapters = self.locals.len();
        let own = [
            // The shell empties it after every input.
            Size::new("effects", self.effects.len(), 0),
            Size::new("messages in parts", self.reassembly.len(), PARTIAL_MAX),
            Size::new("items to repeat", self.repeats.len(), sync::REPEATS_MAX).under_way(),
            Size::new("ways back", self.ways_back.len(), letters::WAYS_BACK_MAX).each(Each::Node),
            // Known nodes only.
            Size::new("nodes that spoke", self.spoke.len(), ITEMS_MAX).each(Each::Node),
            Size::new("addresses there twice", self.duplicates.pairs(), duplicates::PAIRS_MAX),
            Size::new("daemons there twice", self.duplicates.clones(), duplicates::PAIRS_MAX),
            Size::new("foreign clusters", self.foreign.len(), frames::FOREIGN_MAX),
            Size::new("networks named otherwise", self.drifted.len(), frames::FOREIGN_MAX),
            Size::new("times of verdicts", self.verdicts_at.len(), VERDICTS_MAX),
            Size::new("returns in doubt", self.returns.len(), ADAPTERS_MAX)
                .under_way()
                .each(Each::Adapter),
            Size::new(
                "adapters still to leave",
                self.leaving.as_ref().map_or(0, Leaving::len),
                adapters,
            ),
        ];
        let locals = self.locals.values().flat_map(|local| {
            let groups = local.group.sizes();
            let losses = local.losses.sizes();
            let heard = [local.detours.size(), local.speakers.size(), local.ears.size()];
            let heard = heard.into_iter().chain([local.widths.size(), local.long_sent.size()]);
            groups.chain(local.sync.sizes()).chain(heard).chain(losses)
        });
        own.into_iter()
            .chain(self.paths.sizes(adapters))
            .chain(self.database.sizes())
            .chain(self.topology.sizes())
            .chain(self.multicast.sizes())
            .chain(self.narrow.sizes())
            .chain(self.crossed.sizes())
            .chain(self.arbiter.sizes())
            .chain(locals)
    }
}

//! The queues and tables of a group.

use super::{
    Group,
    state::{BASES_MAX, Duty, Lead, Membership, UNRESPONSIVE_MAX},
};
use crate::sizes::{Each, MEMBERS_MAX, PATHS_MAX, Size};

impl Group {
    pub(crate) fn sizes(&self) -> impl Iterator<Item = Size> {
        let membership = self.membership();
        let size = membership.map_or(0, |it| it.view.members.len());
        let own = [
            // The node does what it wants before it is done with an input.
            Size::new("outputs of a group", self.outputs.len(), 0),
            // Nobody is doomed but members, and not this one itself.
            Size::new("members that are to go", self.doomed.len(), size.saturating_sub(1))
                .under_way(),
            Size::new("changes of paths", self.path_changes.len(), PATHS_MAX).under_way(),
            Size::new("unresponsive leaders", self.unresponsive.len(), UNRESPONSIVE_MAX)
                .each(Each::Adapter),
        ];
        own.into_iter().chain(membership.into_iter().flat_map(Membership::sizes))
    }
}

impl Membership {
    fn sizes(&self) -> impl Iterator<Item = Size> {
        let own = [
            Size::new("members", self.view.members.len(), MEMBERS_MAX).each(Each::Adapter),
            Size::new("failed paths", self.view.failed_paths.len(), PATHS_MAX),
            Size::new("members that have gone", self.removed.len(), MEMBERS_MAX)
                .each(Each::Adapter),
            Size::new("memberships before", self.bases.len(), BASES_MAX + self.view.members.len()),
        ];
        let bases = self.bases.iter();
        let bases = bases
            .map(|it| Size::new("who left since", it.gone.len(), MEMBERS_MAX).each(Each::Adapter));
        let lead = match &self.duty {
            Duty::Lead(lead) => Some(lead),
            Duty::Joining(_) | Duty::Follow(_) => None,
        };
        own.into_iter().chain(bases).chain(lead.into_iter().flat_map(Lead::sizes))
    }
}

impl Lead {
    fn sizes(&self) -> impl Iterator<Item = Size> {
        let own = [
            Size::new("members to be", self.joins.len(), MEMBERS_MAX)
                .under_way()
                .each(Each::Adapter),
            Size::new("failed paths of members to be", self.join_paths.len(), PATHS_MAX),
            Size::new("groups to be taken in", self.asked.len(), MEMBERS_MAX).each(Each::Adapter),
        ];
        let round = self.round.iter().flat_map(|round| {
            [
                Size::new("acknowledgements", round.acks.len(), round.next.members.len())
                    .under_way(),
                Size::new("groups taken in", round.asked.len(), MEMBERS_MAX).each(Each::Adapter),
            ]
        });
        own.into_iter().chain(round)
    }
}

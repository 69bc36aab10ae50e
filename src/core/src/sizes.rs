//! How full the queues and tables are, and what they hold at most.
//!
//! A bound that belongs to one table alone is named beside it. Here are those
//! that several share. What comes beyond a bound is refused, or takes the place
//! of what can best be missed: whoever floods this node costs it a little memory
//! and some of its sight, not its life.

/// Members of one group.
pub const MEMBERS_MAX: usize = 8_192;
/// Adapters known, of all nodes on all networks.
pub const ADAPTERS_MAX: usize = 32_768;
/// Networks of which it is known that they fell apart.
pub const NETWORKS_MAX: usize = 256;
/// Failed paths known, and those of one group.
pub const PATHS_MAX: usize = 4_096;

/// Faults that others told, or an earlier run, and that are not over.
pub const INHERITED_MAX: usize = 4_096;

/// What a table has at most one entry for each of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Each {
    /// Something else: its bound is all that there is to it.
    Other,
    /// A node of the cluster.
    Node,
    /// An address that an adapter of the cluster has or had.
    Adapter,
    /// A node, a leader's group, or a verdict that is kept.
    Item,
    /// A network.
    Network,
}

/// One queue or table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Size {
    /// What is in it.
    pub of: &'static str,
    /// How many are in it.
    pub len: usize,
    /// How many it may hold now.
    pub max: usize,
    /// What it cannot hold more of than there are, whatever its bound.
    pub each: Each,
    /// Whether what is in it is under way: once it is done, beliefs may change.
    pub under_way: bool,
}

impl Size {
    pub(crate) const fn new(of: &'static str, len: usize, max: usize) -> Self {
        Size { of, len, max, each: Each::Other, under_way: false }
    }

    pub(crate) const fn under_way(mut self) -> Self {
        self.under_way = true;
        self
    }

    pub(crate) const fn each(mut self, each: Each) -> Self {
        self.each = each;
        self
    }
}

#[cfg(test)]
mod tests;

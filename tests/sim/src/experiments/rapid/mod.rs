//! The experiments of *Stable and Consistent Membership at Scale with Rapid*
//! (USENIX ATC 2018).

pub(super) mod bootstrap;
pub(super) mod crashes;
pub(super) mod oneway;
pub(super) mod pair;

/// Ours that a figure is measured against when the paper has none.
const TARGET: &str = "hats, target";

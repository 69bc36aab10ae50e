//! A snapshot judged, and as Prometheus text: what `hatsd` answers to a scrape
//! and what `hats-status -o prom` prints, so that both have the same names.
//!
//! It owns the names, types and help of every metric, and the judgement that
//! one of them is. It does no I/O. Names and labels are a contract
//! (docs/metrics.md): only added to.
#![forbid(unsafe_code)]

mod cluster;
mod judgement;
mod local;
mod text;

#[cfg(test)]
mod tests;

use hats_proto::ipc::Snapshot;

use text::Text;

pub use judgement::assess;

/// The content type of the text, for HTTP.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What of a snapshot is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// Everything a scrape gets. Of other nodes it has the counts and what is
    /// wrong, so that its length doesn't grow with the size of the cluster.
    Everything,
    /// Networks only.
    Networks,
    /// Every node, also those that are well.
    Nodes,
    /// Every adapter of every node, also those that are well, and failed paths.
    Adapters,
    /// This node's NIMs.
    Nims,
    /// This daemon's subscribers.
    Subscribers,
    /// The verdicts that the daemon still has, by kind.
    Verdicts,
    /// This daemon's parameters, where the snapshot has them.
    Params,
}

/// The text, in the exposition format 0.0.4.
pub fn render(snapshot: &Snapshot, part: Part) -> String {
    let mut text = Text::default();
    let all = matches!(part, Part::Nodes | Part::Adapters);
    match part {
        Part::Everything => {
            cluster::daemon(&mut text, snapshot);
            cluster::verdicts(&mut text, snapshot);
            cluster::networks(&mut text, snapshot);
            cluster::nodes(&mut text, snapshot, all);
            cluster::adapters(&mut text, snapshot, all);
            cluster::paths(&mut text, snapshot);
            local::adapters(&mut text, snapshot);
            local::nims(&mut text, snapshot);
            local::subscribers(&mut text, snapshot);
        }
        Part::Networks => cluster::networks(&mut text, snapshot),
        Part::Nodes => cluster::nodes(&mut text, snapshot, all),
        Part::Adapters => {
            cluster::adapters(&mut text, snapshot, all);
            cluster::paths(&mut text, snapshot);
            local::adapters(&mut text, snapshot);
        }
        Part::Nims => local::nims(&mut text, snapshot),
        Part::Subscribers => local::subscribers(&mut text, snapshot),
        Part::Verdicts => cluster::verdicts(&mut text, snapshot),
        Part::Params => local::params(&mut text, snapshot),
    }
    text.finish()
}

//! `--network --node --adapter --state`: what of a snapshot is shown.

use std::collections::BTreeSet;

use clap::Args;
use hats_client::ipc::{Adapter, Event, Snapshot};

use crate::{failure::Failure, order, show::LEFT_OUT};

/// Names that are listed when one is not known.
const KNOWN_SHOWN_MAX: usize = 10;

/// What is wanted; an empty list wants everything.
#[derive(Args, Clone, Default, Debug)]
pub(crate) struct Selection {
    /// Only this network; may be repeated, or a list with commas.
    #[arg(long, value_name = "N", value_delimiter = ',', global = true)]
    pub(crate) network: Vec<String>,
    /// Only this node; may be repeated, or a list with commas.
    #[arg(long, value_name = "N", value_delimiter = ',', global = true)]
    pub(crate) node: Vec<String>,
    /// Only adapters of this name or address; may be repeated, or a list with
    /// commas.
    #[arg(long, value_name = "A", value_delimiter = ',', global = true)]
    pub(crate) adapter: Vec<String>,
    /// Only what is in this state (up, down, ...); may be repeated, or a list
    /// with commas.
    #[arg(long, value_name = "S", value_delimiter = ',', global = true)]
    pub(crate) state: Vec<String>,
}

/// What `--state` is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum StateOf {
    Networks,
    /// Nodes, whatever their adapters do.
    Nodes,
    /// Adapters, and the nodes in that state or with such an adapter.
    Adapters,
}

impl Selection {
    /// Leaves in `snapshot` what is wanted, and judges that. A state is no part
    /// of the judgement: what is hidden by `--state up` is still wrong.
    pub(crate) fn apply(&self, snapshot: &mut Snapshot, of: StateOf) -> Result<(), Failure> {
        self.check(snapshot)?;
        self.keep(snapshot, of);
        Ok(())
    }

    /// The same where a name may have gone since it was checked.
    pub(crate) fn keep(&self, snapshot: &mut Snapshot, of: StateOf) {
        if self.narrows() {
            self.narrow(snapshot);
            (snapshot.overall, snapshot.reasons) = hats_metrics::assess(snapshot);
        }
        if !self.state.is_empty() {
            self.keep_states(snapshot, of);
        }
    }

    /// Whether an event is about what is wanted. A node is also the other end
    /// of a path.
    pub(crate) fn wants(&self, event: &Event) -> bool {
        let any = |wanted: &[String], got: &[&Option<String>]| {
            wanted.is_empty()
                || got.iter().any(|got| got.as_ref().is_some_and(|it| wanted.contains(it)))
        };
        any(&self.network, &[&event.network])
            && any(&self.node, &[&event.node, &event.peer_node])
            && any(
                &self.adapter,
                &[&event.adapter, &event.addr, &event.peer_adapter, &event.peer_addr],
            )
    }

    fn narrows(&self) -> bool {
        !(self.network.is_empty() && self.node.is_empty() && self.adapter.is_empty())
    }

    /// A name that nobody has is a mistake, not an empty list: a check that
    /// looks at nothing would be well for ever.
    pub(crate) fn check(&self, snapshot: &Snapshot) -> Result<(), Failure> {
        let networks: BTreeSet<&str> =
            snapshot.networks.iter().map(|it| it.name.as_str()).collect();
        known("network", &self.network, &networks)?;
        let nodes = snapshot.nodes.iter().map(|it| it.name.as_str());
        let nodes = nodes.chain(snapshot.adapters.iter().map(|it| it.node.as_str())).collect();
        known("node", &self.node, &nodes)?;
        let adapters = snapshot.adapters.iter();
        let adapters =
            adapters.flat_map(|it| [it.adapter.as_str(), &it.addr]).filter(|it| !it.is_empty());
        known("adapter", &self.adapter, &adapters.collect())
    }

    fn is_wanted(&self, adapter: &Adapter) -> bool {
        has(&self.network, &adapter.network)
            && has(&self.node, &adapter.node)
            && (has(&self.adapter, &adapter.adapter) || self.adapter.contains(&adapter.addr))
    }

    fn narrow(&self, snapshot: &mut Snapshot) {
        snapshot.adapters.retain(|adapter| self.is_wanted(adapter));
        let adapters = &snapshot.adapters;
        let by_adapter = !(self.network.is_empty() && self.adapter.is_empty());
        snapshot.nodes.retain(|node| {
            has(&self.node, &node.name)
                && (!by_adapter || adapters.iter().any(|it| it.node == node.name))
        });
        let by_owner = !(self.node.is_empty() && self.adapter.is_empty());
        snapshot.networks.retain(|network| {
            has(&self.network, &network.name)
                && (!by_owner || adapters.iter().any(|it| it.network == network.name))
        });
        let at = |network: &str, addr: &str| {
            adapters.iter().any(|it| it.network == network && it.addr == addr)
        };
        snapshot
            .paths
            .retain(|path| at(&path.network, &path.addr) || at(&path.network, &path.peer_addr));
        snapshot.verdicts.retain(|verdict| {
            let either = |names: &[&Option<String>], wanted: &[String]| {
                wanted.is_empty()
                    || names.iter().any(|it| it.as_ref().is_some_and(|it| wanted.contains(it)))
            };
            has(&self.network, &verdict.network)
                && either(&[&verdict.node, &verdict.peer_node], &self.node)
                && either(&[&verdict.adapter, &verdict.addr, &verdict.peer_addr], &self.adapter)
        });
        snapshot.nims.retain(|nim| at(&nim.network, &nim.addr));
    }

    fn keep_states(&self, snapshot: &mut Snapshot, of: StateOf) {
        let in_state = |state: &String| self.state.contains(state);
        match of {
            StateOf::Networks => snapshot.networks.retain(|it| in_state(&it.state)),
            StateOf::Nodes => snapshot.nodes.retain(|it| in_state(&it.state)),
            StateOf::Adapters => {
                snapshot.adapters.retain(|it| in_state(&it.state));
                let adapters = &snapshot.adapters;
                snapshot.nodes.retain(|node| {
                    in_state(&node.state) || adapters.iter().any(|it| it.node == node.name)
                });
                snapshot.nims.retain(|it| in_state(&it.state));
            }
        }
    }
}

fn has(wanted: &[String], name: &String) -> bool {
    wanted.is_empty() || wanted.contains(name)
}

fn known(what: &str, wanted: &[String], names: &BTreeSet<&str>) -> Result<(), Failure> {
    let Some(unknown) = wanted.iter().find(|name| !names.contains(name.as_str())) else {
        return Ok(());
    };
    let mut sorted: Vec<&str> = names.iter().copied().collect();
    sorted.sort_by(|a, b| order::natural(a, b));
    let more = sorted.len().saturating_sub(KNOWN_SHOWN_MAX);
    sorted.truncate(KNOWN_SHOWN_MAX);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let known =
        if sorted.is_empty() { "none".to_owned() } else { format!("{}{more}", sorted.join(", ")) };
    Err(Failure::Usage(format!("there is no {what} '{unknown}'; known: {known}")))
}

/// Whether anything of a network that is not used is asked for by name.
pub(crate) fn names_left_out(selection: &Selection, snapshot: &Snapshot) -> bool {
    snapshot.networks.iter().any(|it| it.state == LEFT_OUT && selection.network.contains(&it.name))
        || selection.state.iter().any(|state| state == LEFT_OUT)
}

#[cfg(test)]
mod tests {
    use hats_client::ipc::{Network, Node};

    use super::*;

    fn snapshot() -> Snapshot {
        let adapter = |network: &str, node: &str, state: &str| Adapter {
            network: network.into(),
            node: node.into(),
            adapter: format!("eth-{network}"),
            addr: format!("{network}-{node}"),
            state: state.into(),
            ..Adapter::default()
        };
        let node = |name: &str| Node { name: name.into(), state: "up".into(), ..Node::default() };
        let network = |name: &str| Network {
            name: name.into(),
            state: "stable".into(),
            ..Network::default()
        };
        Snapshot {
            overall: "DEGRADED".into(),
            networks: vec![network("a"), network("b")],
            nodes: vec![node("n1"), node("n2"), node("n3")],
            adapters: vec![
                adapter("a", "n1", "up"),
                adapter("b", "n1", "down"),
                adapter("a", "n2", "up"),
                adapter("b", "n3", "up"),
            ],
            ..Snapshot::default()
        }
    }

    fn left(selection: &Selection, of: StateOf) -> (Vec<String>, Vec<String>, String) {
        let mut snapshot = snapshot();
        selection.apply(&mut snapshot, of).unwrap();
        let adapters = snapshot.adapters.iter().map(|it| it.addr.clone()).collect();
        let nodes = snapshot.nodes.iter().map(|it| it.name.clone()).collect();
        (adapters, nodes, snapshot.overall)
    }

    #[test]
    fn what_is_selected_is_judged_alone() {
        let of_a = Selection { network: vec!["a".into()], ..Selection::default() };
        let (adapters, nodes, overall) = left(&of_a, StateOf::Adapters);
        assert_eq!((adapters.join(" "), nodes.join(" ")), ("a-n1 a-n2".into(), "n1 n2".into()));
        assert_eq!(overall, "OK");
        let of_n1 = Selection { node: vec!["n1".into()], ..Selection::default() };
        assert_eq!(left(&of_n1, StateOf::Adapters).2, "DEGRADED");
    }

    #[test]
    fn an_adapter_is_selected_by_its_name_or_its_address() {
        for name in ["eth-b", "b-n3"] {
            let one = Selection { adapter: vec![name.into()], ..Selection::default() };
            assert!(left(&one, StateOf::Adapters).0.contains(&"b-n3".to_owned()));
        }
    }

    #[test]
    fn a_state_chooses_what_is_shown_and_not_how_it_is_judged() {
        let up = Selection { state: vec!["up".into()], ..Selection::default() };
        let (adapters, nodes, overall) = left(&up, StateOf::Adapters);
        assert_eq!((adapters.len(), nodes.len(), overall.as_str()), (3, 3, "DEGRADED"));
        let down = Selection { state: vec!["down".into()], ..Selection::default() };
        let (adapters, nodes, _) = left(&down, StateOf::Adapters);
        assert_eq!((adapters.join(" "), nodes.join(" ")), ("b-n1".into(), "n1".into()));
    }

    #[test]
    fn a_name_that_nobody_has_is_refused_with_those_there_are() {
        let wrong = Selection { node: vec!["n4".into()], ..Selection::default() };
        let refused = wrong.apply(&mut snapshot(), StateOf::Adapters).unwrap_err();
        assert_eq!(refused.to_string(), "there is no node 'n4'; known: n1, n2, n3");
    }
}

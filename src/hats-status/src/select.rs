//! `--network --node --adapter --state`: what of a snapshot is shown.

use std::collections::BTreeSet;

use clap::Args;
use hats_client::ipc::{Adapter, Event, Snapshot};

use crate::{failure::Failure, order, show::LEFT_OUT, words};

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
    #[arg(
        long, value_name = "S", value_delimiter = ',', global = true,
        value_parser = words::parse_state
    )]
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
    /// The processes that own adapters.
    Nims,
    /// What is shown has no state.
    Nothing,
}

impl StateOf {
    /// The states there are, in the daemon's words. A later daemon may have more.
    fn known(self) -> &'static [&'static str] {
        match self {
            StateOf::Networks => {
                &["stable", "unstable", "partitioned", "failed", "no_adapter", LEFT_OUT]
            }
            StateOf::Nodes => &["up", "down", "left", "unknown"],
            StateOf::Adapters => &["up", "joining", "down", "left", "unknown", "waiting"],
            StateOf::Nims => &["starting", "running", "waiting", "backing_off"],
            StateOf::Nothing => &[],
        }
    }

    /// Those that something of `snapshot` is in.
    fn seen(self, snapshot: &Snapshot) -> BTreeSet<&str> {
        let nodes = || snapshot.nodes.iter().map(|it| it.state.as_str());
        match self {
            StateOf::Networks => snapshot.networks.iter().map(|it| it.state.as_str()).collect(),
            StateOf::Nodes => nodes().collect(),
            StateOf::Adapters => {
                nodes().chain(snapshot.adapters.iter().map(|it| it.state.as_str())).collect()
            }
            StateOf::Nims => snapshot.nims.iter().map(|it| it.state.as_str()).collect(),
            StateOf::Nothing => BTreeSet::new(),
        }
    }
}

/// Where a node has an adapter on a network that is not shown: what is hidden
/// must not look as if it were not there.
#[derive(Default, Debug)]
pub(crate) struct Hidden(BTreeSet<(String, String)>);

impl Hidden {
    /// Whether nothing is.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an adapter of this node on this network is hidden.
    pub(crate) fn has(&self, node: &str, network: &str) -> bool {
        // Most of the time nothing is hidden, and there are thousands of cells.
        !self.0.is_empty() && self.0.contains(&(node.to_owned(), network.to_owned()))
    }
}

impl Selection {
    /// Leaves in `snapshot` what is wanted, and judges that. A state is no part
    /// of the judgement: what is hidden by `--state up` is still wrong.
    pub(crate) fn apply(&self, snapshot: &mut Snapshot, of: StateOf) -> Result<Hidden, Failure> {
        self.check(snapshot)?;
        self.check_state(snapshot, of)?;
        Ok(self.keep(snapshot, of))
    }

    /// The same where a name may have gone since it was checked.
    pub(crate) fn keep(&self, snapshot: &mut Snapshot, of: StateOf) -> Hidden {
        let mut hidden = Hidden::default();
        if !(self.adapter.is_empty() && self.state.is_empty()) {
            let places = snapshot.adapters.iter().map(|it| (it.node.clone(), it.network.clone()));
            hidden.0 = places.collect();
        }
        if self.narrows() {
            self.narrow(snapshot);
            (snapshot.overall, snapshot.reasons) = hats_metrics::assess(snapshot);
        }
        if !self.state.is_empty() {
            self.keep_states(snapshot, of);
        }
        hidden
    }

    /// Whether an event is about what is wanted. A node is also the other end
    /// of a path.
    pub(crate) fn wants(&self, event: &Event) -> bool {
        let any = |wanted: &[String], got: &[&Option<String>]| {
            wanted.is_empty()
                || got.iter().any(|got| got.as_ref().is_some_and(|it| wanted.contains(it)))
        };
        any(&self.network, &[&event.network, &event.peer_network])
            && any(&self.node, &[&event.node, &event.peer_node])
            && any(
                &self.adapter,
                &[&event.adapter, &event.addr, &event.peer_adapter, &event.peer_addr],
            )
    }

    /// Whether it is about some of the networks, nodes or adapters only.
    pub(crate) fn narrows(&self) -> bool {
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

    /// A state that nothing can be in is a mistake, for the same reason.
    fn check_state(&self, snapshot: &Snapshot, of: StateOf) -> Result<(), Failure> {
        let Some(first) = self.state.first() else { return Ok(()) };
        if of == StateOf::Nothing {
            let text = format!("--state '{first}': what is asked for has no state");
            return Err(Failure::Usage(text));
        }
        let (known, seen) = (of.known(), of.seen(snapshot));
        let is_wrong = |word: &&String| !known.contains(&word.as_str()) && !seen.contains(&***word);
        let Some(wrong) = self.state.iter().find(is_wrong) else { return Ok(()) };
        let list = known.join(", ");
        Err(Failure::Usage(format!("--state '{wrong}': no such state, expected one of {list}")))
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
                snapshot.nims.retain(|nim| {
                    adapters.iter().any(|it| it.network == nim.network && it.addr == nim.addr)
                });
            }
            StateOf::Nims => snapshot.nims.retain(|it| in_state(&it.state)),
            StateOf::Nothing => {}
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
    Err(Failure::Usage(format!("--{what} '{unknown}': there is no such {what}; known: {known}")))
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
        assert_eq!(refused.to_string(), "--node 'n4': there is no such node; known: n1, n2, n3");
    }

    #[test]
    fn a_state_that_nothing_can_be_in_is_refused_with_those_there_are() {
        let wrong = |word: &str, of| {
            let state =
                Selection { state: vec!["down".into(), word.into()], ..Selection::default() };
            state.apply(&mut snapshot(), of).unwrap_err().to_string()
        };
        let expected = "expected one of up, joining, down, left, unknown, waiting";
        assert_eq!(
            wrong("dwn", StateOf::Adapters),
            format!("--state 'dwn': no such state, {expected}")
        );
        assert!(wrong("joining", StateOf::Nodes).contains("up, down, left, unknown"));
        assert!(wrong("down", StateOf::Networks).starts_with("--state 'down'"));
        assert!(wrong("down", StateOf::Nothing).contains("has no state"));
    }

    #[test]
    fn a_state_of_a_later_daemon_is_one_when_something_is_in_it() {
        let mut later = snapshot();
        later.adapters[0].state = "dozing".into();
        let dozing = Selection { state: vec!["dozing".into()], ..Selection::default() };
        assert!(dozing.apply(&mut later, StateOf::Adapters).is_ok());
        assert_eq!(later.adapters.len(), 1);
    }

    #[test]
    fn what_is_hidden_is_known_to_be_there() {
        let down = Selection { state: vec!["down".into()], ..Selection::default() };
        let hidden = down.apply(&mut snapshot(), StateOf::Adapters).unwrap();
        assert!(hidden.has("n1", "a") && hidden.has("n3", "b"));
        assert!(!hidden.has("n2", "b"), "it has no adapter there");
    }

    #[test]
    fn the_nim_of_an_adapter_is_shown_with_it() {
        let nim = |network: &str, addr: &str| hats_client::ipc::Nim {
            network: network.into(),
            addr: addr.into(),
            state: "running".into(),
            ..hats_client::ipc::Nim::default()
        };
        let mut snapshot =
            Snapshot { nims: vec![nim("a", "a-n1"), nim("b", "b-n1")], ..snapshot() };
        let down = Selection { state: vec!["down".into()], ..Selection::default() };
        down.apply(&mut snapshot, StateOf::Adapters).unwrap();
        assert_eq!(snapshot.nims, [nim("b", "b-n1")]);
    }
}
